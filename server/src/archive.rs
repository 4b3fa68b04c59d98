//! The ZIP archive with a signed document and its proof.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use letsesign_utc::Utc;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, DateTime, ZipWriter};

/// The content of an archive.
pub(crate) struct Archive<'a> {
    /// Name of both files, without extension; clean (`letsesign_mail::stem`).
    pub(crate) name: &'a str,
    pub(crate) pdf: &'a [u8],
    pub(crate) spf: &'a [u8],
    /// Encrypts both with AES-256 (WinZip's AE-2).
    pub(crate) password: Option<&'a str>,
    /// The files' time, in seconds since 1970 (UTC).
    pub(crate) time: u64,
}

/// Reasons why an archive cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the archive cannot be made")]
pub(crate) struct Error;

impl From<zip::result::ZipError> for Error {
    fn from(_: zip::result::ZipError) -> Self {
        Self
    }
}

impl From<std::io::Error> for Error {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// Makes an archive of `NAME.pdf` and `NAME.spf`.
pub(crate) fn archive(contents: &Archive<'_>) -> Result<Vec<u8>, Error> {
    let size = contents.pdf.len().saturating_add(contents.spf.len());
    let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(size)));
    for (extension, bytes) in [("pdf", contents.pdf), ("spf", contents.spf)] {
        let mut options = SimpleFileOptions::default()
            .compression_method(method(bytes))
            .last_modified_time(time(contents.time));
        if method(bytes) == CompressionMethod::Deflated {
            // A fast level compresses nearly as well as a slow one.
            options = options.compression_level(Some(1));
        }
        if let Some(password) = contents.password {
            options = options.with_aes_encryption(AesMode::Aes256, password);
        }
        writer.start_file(format!("{}.{extension}", contents.name), options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Size in bytes of the sample from the middle of a file that decides whether to compress it.
const SAMPLE: usize = 32 << 10;

/// Most PDFs hold streams that are compressed already: compressing them again
/// would take longer than the rest of the job and save nothing.
fn method(bytes: &[u8]) -> CompressionMethod {
    let from = (bytes.len() / 2).saturating_sub(SAMPLE / 2);
    let sample = bytes.get(from..).unwrap_or_default();
    let sample = sample.get(..SAMPLE).unwrap_or(sample);
    let mut packed = DeflateEncoder::new(Vec::with_capacity(SAMPLE), Compression::fast());
    let size = packed
        .write_all(sample)
        .and_then(|()| packed.finish())
        .map_or(usize::MAX, |packed| packed.len());
    if size < sample.len() / 20 * 19 {
        CompressionMethod::Deflated
    } else {
        CompressionMethod::Stored
    }
}

/// MS-DOS time, in steps of two seconds, from 1980 to 2107.
fn time(seconds: u64) -> DateTime {
    let utc = Utc::of(seconds);
    DateTime::from_date_and_time(
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second,
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn files(zip: Vec<u8>, password: Option<&str>) -> Vec<(String, CompressionMethod, Vec<u8>)> {
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        (0..archive.len())
            .map(|index| {
                let mut file = match password {
                    Some(password) => archive
                        .by_index_decrypt(index, password.as_bytes())
                        .unwrap(),
                    None => archive.by_index(index).unwrap(),
                };
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).unwrap();
                let name = file.name().unwrap().into_owned();
                (name, file.compression(), bytes)
            })
            .collect()
    }

    #[test]
    fn both_files_come_back_packed_or_not() {
        let mut noise = vec![0; 100_000];
        getrandom::fill(&mut noise).unwrap();
        let text = b"the same again ".repeat(10_000);
        for (pdf, method) in [
            (&noise, CompressionMethod::Stored),
            (&text, CompressionMethod::Deflated),
            (&Vec::new(), CompressionMethod::Stored),
        ] {
            for password in [None, Some("p\u{e4}ss")] {
                let zip = archive(&Archive {
                    name: "\u{5951}\u{7d04}",
                    pdf,
                    spf: b"{}",
                    password,
                    time: 1_790_000_000,
                })
                .unwrap();
                let files = files(zip, password);
                assert_eq!(files[0].0, "\u{5951}\u{7d04}.pdf");
                assert_eq!(files[1].0, "\u{5951}\u{7d04}.spf");
                assert_eq!((files[0].1, &files[0].2), (method, pdf));
                assert_eq!(files[1].2, b"{}");
            }
        }
    }

    #[test]
    fn times_are_those_of_the_clock_or_the_beginning() {
        let found = time(1_790_000_001);
        assert_eq!((found.year(), found.month(), found.day()), (2026, 9, 21));
        assert_eq!(time(0), DateTime::default());
    }
}
