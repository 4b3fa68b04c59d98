//! Input of `proof`: a PDF and a proof file, or a zip that holds both.

use super::archive::{self, Entry};
use crate::args::ProofArgs;
use anyhow::{Context, Result, bail, ensure};
use letsesign_escape as escape;
use letsesign_proof::SPF_BYTES_MAX;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// The largest signed PDF: a template has at most 50 MiB with everything around it, and stamps add
/// fonts.
const PDF_BYTES_MAX: u64 = 256 << 20;

/// The largest zip of both files.
const ZIP_BYTES_MAX: u64 = PDF_BYTES_MAX + SPF_BYTES_MAX as u64 + (1 << 16);

/// A document and its proof, unpacked.
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
    // The content decides, because file names can lie. `PK\x03\x04` starts a zip, and no PDF.
    let zip = start.get(..count) == Some(b"PK\x03\x04");
    match &args.proof {
        Some(_) if zip => bail!(
            "{} is a zip; it holds the proof, so give it alone",
            args.document.display()
        ),
        None if zip => unzip(file, args),
        None => bail!(
            "{} is not a zip, so the proof file (.spf) is needed as well: letsesign-verify proof SIGNED.pdf PROOF.spf",
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
    // A directory opens like a file on Unix, and a pipe could be read only once.
    ensure!(
        file.metadata()?.is_file(),
        "{} is not a file",
        path.display()
    );
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

/// Reads to the end, up to a limit: sizes stated in an archive cannot be trusted.
fn all(source: &mut impl Read, limit: u64, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", escape::line(name)))?;
    ensure!(
        bytes.len() as u64 <= limit,
        "{} has more than {limit} bytes, and none of ours does",
        escape::line(name)
    );
    Ok(bytes)
}

fn unzip(mut file: File, args: &ProofArgs) -> Result<Input> {
    let name = args.document.display().to_string();
    let bytes = all(&mut file, ZIP_BYTES_MAX, &name)?;
    let found = archive::parse(&bytes).with_context(|| refused(&name))?;
    let encrypted = found.pdf.encrypted || found.spf.encrypted;
    let password = encrypted.then(|| password(args)).transpose()?;
    let take = |entry: &Entry, limit: u64| -> Result<Vec<u8>> {
        let what = format!("{} in {name}", escape::line(&entry.name));
        ensure!(
            entry.size as u64 <= limit,
            "{what} has more than {limit} bytes, and none of ours does"
        );
        match &password {
            Some(password) if entry.encrypted => decrypt(&bytes, entry, password, limit, &what),
            _ => unpack(&bytes, entry).with_context(|| format!("{what} is damaged")),
        }
    };
    Ok(Input {
        pdf: take(&found.pdf, PDF_BYTES_MAX)?,
        spf: take(&found.spf, SPF_BYTES_MAX as u64)?,
        pdf_name: found.pdf.name,
        spf_name: found.spf.name,
    })
}

fn refused(name: &str) -> String {
    format!(
        "{} is not a zip as the enclave makes it (unpack it, and give the PDF and the proof)",
        escape::line(name)
    )
}

/// Unpacks a file that is not encrypted. Its size and CRC must match the directory, and all
/// compressed bytes must be used.
fn unpack(zip: &[u8], entry: &Entry) -> Result<Vec<u8>> {
    let packed = zip.get(entry.data.clone()).context("it is cut short")?;
    let bytes = if entry.deflated {
        let mut decoder = flate2::bufread::DeflateDecoder::new(packed);
        let mut bytes = Vec::new();
        (&mut decoder)
            .take(entry.size as u64 + 1)
            .read_to_end(&mut bytes)?;
        ensure!(
            decoder.total_in() == packed.len() as u64,
            "there are bytes behind it"
        );
        bytes
    } else {
        packed.to_vec()
    };
    ensure!(
        bytes.len() == entry.size,
        "its size is not the announced one"
    );
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    ensure!(crc.sum() == entry.crc, "its CRC is not the announced one");
    Ok(bytes)
}

/// Decrypts and unpacks an encrypted file.
fn decrypt(zip: &[u8], entry: &Entry, password: &str, limit: u64, what: &str) -> Result<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).with_context(|| refused(what))?;
    let index = (0..archive.len())
        .find(|index| {
            let found = archive.by_index_raw(*index);
            found.is_ok_and(|found| found.name().is_ok_and(|name| name == entry.name))
        })
        .with_context(|| refused(what))?;
    let mut file = match archive.by_index_decrypt(index, password.as_bytes()) {
        Ok(file) => file,
        Err(ZipError::InvalidPassword) => bail!("the password of {what} is wrong"),
        Err(error) => return Err(error).with_context(|| format!("cannot read {what}")),
    };
    ensure!(
        matches!(
            file.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ),
        "{what} is compressed in a way that ours are not"
    );
    let bytes = all(&mut file, limit, what)?;
    ensure!(
        bytes.len() == entry.size,
        "{what} has not the announced size"
    );
    Ok(bytes)
}

/// The password of a zip: the first line of a file, or typed on the terminal.
fn password(args: &ProofArgs) -> Result<String> {
    let Some(path) = &args.password_file else {
        return rpassword::prompt_password(format!("Password of {}: ", args.document.display()))
            .context("the zip is encrypted, and without a terminal the program cannot ask for its password; use --password-file");
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the password in {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
