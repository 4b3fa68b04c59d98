//! `letsesign-verify proof`: verifies a signed PDF against its proof. `letsesign-verify report`
//! does the same, and writes a certificate.

mod archive;
mod certificate;
pub(crate) mod checks;
mod input;
mod pdf;
mod report;

use crate::args::{ProofArgs, ReportArgs};
use crate::attested::Root;
use crate::page::locales::Language;
use crate::{Answer, print, print_json, time};
use anyhow::{Context, Result, bail, ensure};
use letsesign_proof::{Hash, Spf, compact_hash};
use std::io::{Read, Write};
use std::path::Path;

/// The largest payload file: a job has at most 50 MiB in all, and the file may have extra white
/// space.
const PAYLOAD_BYTES_MAX: u64 = 64 << 20;

pub(crate) fn run(args: &ProofArgs) -> Result<Answer> {
    verify(args, None)
}

pub(crate) fn report(args: &ReportArgs) -> Result<Answer> {
    let order = certificate::Order {
        pdf: &args.pdf,
        font: args.font.as_deref(),
        tag: &args.language,
        language: Language::find(&args.language).context("--language")?,
    };
    verify(&args.proof, Some(&order))
}

fn verify(args: &ProofArgs, order: Option<&certificate::Order>) -> Result<Answer> {
    // Errors in the arguments are usage errors, not verdicts, so they come first.
    let binding = args
        .binding_data_hash
        .as_deref()
        .map(Hash::parse)
        .transpose()
        .context("--binding-data-hash")?;
    let payload = args.payload.as_deref().map(payload).transpose()?;
    if args.sender_domain.as_deref() == Some("") {
        bail!("--sender-domain is empty");
    }
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    let input = input::read(args)?;
    let spf = Spf::parse(&input.spf)
        .with_context(|| format!("{} is not a proof file", input.spf_name))?;
    let demands = checks::Demands {
        binding,
        payload,
        sender_domain: args.sender_domain.as_deref(),
        require_signed: args.require_signed,
        root: &root,
        history: &history,
        now: time::now()?,
    };
    let result = checks::check(&input.pdf, &spf, &demands);
    let answer = result.answer();
    let report = report::Report {
        input: &input,
        spf: &spf,
        result: &result,
        answer,
        root: &root,
        origin: args.releases.origin(),
        verified: demands.now,
    };
    // Before the report is printed: who reads that a document is genuine has the certificate.
    let refused = match order {
        Some(order) => !certificate::write(&report, order)?,
        None => false,
    };
    if args.json {
        print_json(&report.json())?;
    } else {
        print(report.text())?;
    }
    if refused {
        // Standard error may be closed; the exit code says it, too.
        let _ = writeln!(
            std::io::stderr(),
            "no certificate was written: the document is not accepted"
        );
    }
    Ok(answer)
}

/// SHA-256 of the compact form of a file's JSON.
fn payload(path: &Path) -> Result<Hash> {
    let name = path.display();
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(PAYLOAD_BYTES_MAX + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {name}"))?;
    ensure!(
        bytes.len() as u64 <= PAYLOAD_BYTES_MAX,
        "{name} is too large for a task payload"
    );
    std::str::from_utf8(&bytes)
        .ok()
        .and_then(compact_hash)
        .with_context(|| format!("{name} is not strict JSON, so not a task payload"))
}
