//! What `proof` reads: a PDF and a proof file, or a zip that holds one of each.

use crate::args::ProofArgs;
use crate::shown;
use anyhow::{Context, Result, bail, ensure};
use letsesign_proof::SPF_BYTES_MAX;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// A signed PDF: the template has at most 50 MiB with everything around it, and stamps add fonts.
const PDF_BYTES_MAX: u64 = 256 << 20;

/// Entries in a zip of ours: two. A few more are looked at, to say what is there.
const ENTRIES_MAX: usize = 16;

/// A document with its proof.
pub(super) struct Input {
    pub(super) pdf: Vec<u8>,
    pub(super) pdf_name: String,
    pub(super) spf: Vec<u8>,
    pub(super) spf_name: String,
}

pub(super) fn read(args: &ProofArgs) -> Result<Input> {
    let mut file = open(&args.document)?;
    let mut start = [0; 4];
    let count = read_start(&mut file, &mut start)
        .with_context(|| format!("cannot read {}", args.document.display()))?;
    let zip = start.get(..count) == Some(b"PK\x03\x04");
    match &args.proof {
        Some(_) if zip => bail!(
            "{} is a zip; it holds the proof, so give it alone",
            args.document.display()
        ),
        None if zip => unzip(file, args),
        None => bail!(
            "{} is no zip, so the proof file (.spf) is needed as well: letsesign-verify proof SIGNED.pdf PROOF.spf",
            args.document.display()
        ),
        Some(proof) => Ok(Input {
            pdf: all(
                &mut file,
                PDF_BYTES_MAX,
                &args.document.display().to_string(),
            )?,
            pdf_name: args.document.display().to_string(),
            spf: all(
                &mut open(proof)?,
                SPF_BYTES_MAX as u64,
                &proof.display().to_string(),
            )?,
            spf_name: proof.display().to_string(),
        }),
    }
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(file.metadata()?.is_file(), "{} is no file", path.display());
    Ok(file)
}

fn read_start(file: &mut File, start: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while let Some(rest) = start.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            read => count += read,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(count)
}

/// Reads to the end, and no further than a limit: what an archive says about sizes is not believed.
fn all(source: &mut impl Read, limit: u64, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", shown::line(name)))?;
    ensure!(
        bytes.len() as u64 <= limit,
        "{} has more than {limit} bytes, and none of ours does",
        shown::line(name)
    );
    Ok(bytes)
}

fn unzip(file: File, args: &ProofArgs) -> Result<Input> {
    let shown_name = args.document.display();
    let mut archive =
        ZipArchive::new(file).with_context(|| format!("{shown_name} is no sound zip"))?;
    ensure!(
        archive.len() <= ENTRIES_MAX,
        "{shown_name} holds {} files; ours holds a PDF and a proof",
        archive.len()
    );
    let (mut pdf, mut spf, mut encrypted) = (Vec::new(), Vec::new(), false);
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .with_context(|| format!("{shown_name} is no sound zip"))?;
        let name = entry
            .name()
            .with_context(|| format!("{shown_name} holds a file without a readable name"))?
            .into_owned();
        encrypted |= entry.encrypted();
        let lower = name.to_lowercase();
        if lower.strip_suffix(".pdf").is_some() {
            pdf.push((index, name));
        } else if lower.strip_suffix(".spf").is_some() {
            spf.push((index, name));
        }
    }
    let one = |found: Vec<(usize, String)>, kind: &str| -> Result<(usize, String)> {
        match <[(usize, String); 1]>::try_from(found) {
            Ok([one]) => Ok(one),
            Err(found) => bail!("{shown_name} holds {} {kind} files, not one", found.len()),
        }
    };
    let (pdf, spf) = (one(pdf, ".pdf")?, one(spf, ".spf")?);
    let password = if encrypted {
        Some(password(args)?)
    } else {
        None
    };
    let mut take = |(index, name): (usize, String), limit| -> Result<(Vec<u8>, String)> {
        let what = format!("{} in {shown_name}", shown::line(&name));
        let entry = match &password {
            Some(password) => archive.by_index_decrypt(index, password.as_bytes()),
            None => archive.by_index(index),
        };
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(ZipError::InvalidPassword) => bail!("the password of {shown_name} is wrong"),
            Err(error) => return Err(error).with_context(|| format!("cannot read {what}")),
        };
        ensure!(
            matches!(
                entry.compression(),
                CompressionMethod::Stored | CompressionMethod::Deflated
            ),
            "{what} is compressed in a way that ours are not"
        );
        let bytes = all(&mut entry, limit, &what)?;
        Ok((bytes, name))
    };
    let (pdf, pdf_name) = take(pdf, PDF_BYTES_MAX)?;
    let (spf, spf_name) = take(spf, SPF_BYTES_MAX as u64)?;
    Ok(Input {
        pdf,
        pdf_name,
        spf,
        spf_name,
    })
}

/// The password of a zip: a file's first line, or typed.
fn password(args: &ProofArgs) -> Result<String> {
    let Some(path) = &args.password_file else {
        return rpassword::prompt_password(format!("Password of {}: ", args.document.display()))
            .context("the zip is encrypted, and there is no terminal to ask for its password; use --password-file");
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the password in {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
