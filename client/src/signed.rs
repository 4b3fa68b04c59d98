//! The signed document: fetched, opened and compared with what was sent.

use crate::record::Record;
use crate::sender::Sender;
use anyhow::{Context, Result, bail, ensure};
use letsesign_escape as escape;
use letsesign_proof::Spf;
use letsesign_protocol2::{Part, Root};
use std::io::{Cursor, Read};
use zeroize::Zeroizing;

/// The longest file in a result.
const FILE_MAX: u64 = 80 << 20;

/// A signed document, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Name and bytes of the PDF.
    pub pdf: (String, Vec<u8>),
    /// Name and bytes of the proof file.
    pub spf: (String, Vec<u8>),
    /// Remarks, a sentence each.
    pub warnings: Vec<String>,
}

impl Sender {
    /// Fetches, opens and verifies the signed document. Nothing is written.
    ///
    /// # Errors
    /// When it is not there yet, or is not what was sent and signed.
    pub fn fetch(&self, record: &Record) -> Result<Signed> {
        let sealed = self
            .service
            .get_bytes(&format!("{}/result", Self::path(record)))?;
        let root = self.root(record)?;
        let opened = root
            .open_from_enclave(Part::Result, record.binding, sealed)
            .context("the result was not sealed by the enclave for this task")?;
        let (pdf, spf) = unzip(&opened)?;
        let verdict = self.trust.signed(&pdf.1, &spf.1, Some(record.binding))?;
        ensure!(
            verdict.genuine,
            "the signed document does not verify: {}",
            verdict.problems.join("; ")
        );
        self.compare(record, &root, &spf.1)?;
        Ok(Signed {
            pdf,
            spf,
            warnings: verdict.warnings,
        })
    }

    /// Compares a genuine summary with what was sent: people, order and statements.
    fn compare(&self, record: &Record, root: &Root, spf: &[u8]) -> Result<()> {
        let summary = Spf::parse(spf)?.summary;
        let facts = summary.facts.as_ref();
        let facts = facts.context("the signed document is one of protocol 1")?;
        let mut statements = root.statements(record.binding, &record.sent_statements())?;
        let taken = root.statements(record.binding, &record.taken_statements())?;
        if facts.statements == taken.hash() {
            // One whose fate is open has not reached the enclave.
            statements = taken;
        }
        ensure!(
            facts.statements == statements.hash(),
            "the host has withheld a statement of yours from the enclave: the document was signed \
             in spite of it"
        );
        ensure!(
            facts.account == self.home.account()?.id(),
            "the signed document is another account's"
        );
        let sent = &record.configuration.signers;
        ensure!(
            sent.len() == summary.signers.len() && facts.signers.len() == sent.len(),
            "the signed document has another number of signers"
        );
        let all = sent
            .iter()
            .zip(&summary.signers)
            .zip(&facts.signers)
            .zip(0..);
        for (((sent, signed), facts), number) in all {
            ensure!(
                sent.name == signed.name && sent.email == signed.email_addr,
                "signer {} of the signed document is {}, not {}",
                number + 1,
                escape::line(&format!("{} <{}>", signed.name, signed.email_addr)),
                escape::line(&format!("{} <{}>", sent.name, sent.email))
            );
            ensure!(
                facts.round == statements.round(number),
                "{} has signed in another round than the current one",
                sent.email
            );
        }
        Ok(())
    }
}

type NamedBytes = (String, Vec<u8>);

/// The two files of a result.
fn unzip(archive: &Zeroizing<Vec<u8>>) -> Result<(NamedBytes, NamedBytes)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive.as_slice()))
        .context("the result is not a ZIP archive")?;
    let mut files = Vec::new();
    for at in 0..archive.len().min(3) {
        let file = archive.by_index(at)?;
        let name = file.name()?.into_owned();
        let is_special = |one: char| one.is_control() || "/\\".contains(one);
        let is_plain = !name.is_empty() && !name.contains(is_special) && name != "..";
        ensure!(is_plain, "a file of the result has the name {name:?}");
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= FILE_MAX, "{name} is too long");
        files.push((name, bytes));
    }
    let ends = |file: &NamedBytes, end: &str| file.0.to_ascii_lowercase().ends_with(end);
    match <[NamedBytes; 2]>::try_from(files) {
        Ok([pdf, spf]) if ends(&pdf, ".pdf") && ends(&spf, ".spf") => Ok((pdf, spf)),
        _ => bail!("the result does not hold a PDF and its proof alone"),
    }
}
