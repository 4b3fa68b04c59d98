//! Stamps every PDF of the installed Debian packages, or refuses it with a reason. qpdf must not
//! find problems that the original did not have.

#![cfg(test)]

mod common;

use common::{SIGNED, date, fonts, qpdf_check, signature};
use letsesign_stamp::{Error, Output, Signer, Template, is_signed};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The fewest files to be found when no test may be skipped.
const AT_LEAST: usize = 300;
/// The largest document that a job can hold, in bytes.
const MAX_SIZE: u64 = 50 << 20;
/// qpdf reads every stream, which is slow: it checks all files up to this size, and every eighth
/// larger one.
const CHECKED: u64 = 400_000;

#[test]
fn every_pdf_of_debian() {
    if !common::has("qpdf") {
        return;
    }
    let mut files = Vec::new();
    let mut folders = ["/usr/share", "/usr/lib", "/usr/local/share"]
        .map(PathBuf::from)
        .to_vec();
    // Packages that were unpacked without being installed.
    if let Some(more) = std::env::var_os("STAMP_CORPUS") {
        folders.extend(std::env::split_paths(&more));
    }
    for folder in folders {
        walk(&folder, 0, &mut files);
    }
    files.sort();
    files.dedup();
    if files.len() < AT_LEAST {
        letsesign_tests::skip(&format!(
            "only {} PDFs are installed, of {AT_LEAST} (apt-get install texlive-latex-base-doc texlive-latex-recommended-doc)",
            files.len()
        ));
    }
    let next = AtomicUsize::new(0);
    let tally: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = files.get(index) else { return };
                    match one(path, index) {
                        Ok(outcome) => *tally.lock().unwrap().entry(outcome).or_default() += 1,
                        Err(failure) => failures
                            .lock()
                            .unwrap()
                            .push(format!("{}: {failure}", path.display())),
                    }
                }
            });
        }
    });
    println!("{} files", files.len());
    for (outcome, count) in tally.lock().unwrap().iter() {
        println!("{count:5} {outcome}");
    }
    let failures = failures.lock().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The outcome, or the problem, for people.
fn one(path: &Path, index: usize) -> Result<String, String> {
    let Some(pdf) = read(path) else {
        return Ok("larger than 50 MiB, or not readable".to_owned());
    };
    let fields = [signature(1, 20.0, 20.0, 24.0), date(1, 20.0, 50.0, 8.0)];
    let signers = [Signer {
        number: 1,
        name: "Zo\u{eb} \u{738b}\u{5c0f}\u{660e}",
        fields: &fields,
        what: SIGNED,
    }];
    let stamped = match Template::open(&pdf)
        .and_then(|template| template.stamp(fonts(), &signers, Output::Signed))
    {
        Ok(stamped) => stamped,
        Err(reason @ (Error::Damaged(_) | Error::NotPdf | Error::Limit(_))) => {
            // If we refuse a file as unreadable, qpdf must complain about it, too.
            let (code, _) = qpdf_check(&common::file(&pdf).path, "");
            println!("refused: {}: {reason}", path.display());
            return if code == 0 {
                Err(format!("refused: {reason}"))
            } else {
                Ok(format!("refused: {reason}"))
            };
        }
        Err(reason) => {
            println!("refused: {}: {reason}", path.display());
            return Ok(format!("refused: {reason}"));
        }
    };
    if !stamped.starts_with(&pdf) || !is_signed(&stamped) {
        return Err("the original bytes are not a prefix".to_owned());
    }
    let again = Template::open(&stamped).and_then(|template| template.check(fonts(), &signers));
    again.map_err(|error| format!("does not open again: {error}"))?;
    if pdf.len() as u64 <= CHECKED && index.is_multiple_of(4) {
        let output = Output::Protected { password: "secret" };
        let preview =
            Template::open(&pdf).and_then(|template| template.stamp(fonts(), &signers, output));
        let preview = preview.map_err(|error| format!("no protected preview: {error}"))?;
        let (code, words) = qpdf_check(&common::file(&preview).path, "secret");
        if code != 0 && qpdf_check(&common::file(&pdf).path, "").0 == 0 {
            return Err(format!(
                "qpdf --check of the protected preview: {code}: {words}"
            ));
        }
    }
    if pdf.len() as u64 > CHECKED && !index.is_multiple_of(8) {
        return Ok("stamped".to_owned());
    }
    let (before, _) = qpdf_check(&common::file(&pdf).path, "");
    let (after, words) = qpdf_check(&common::file(&stamped).path, "");
    match (before, after) {
        (_, 0) => Ok("stamped, qpdf finds nothing".to_owned()),
        (3, 3) => Ok("stamped, qpdf has warnings for the original too".to_owned()),
        (2, _) => Ok("stamped, qpdf cannot read the original".to_owned()),
        _ => Err(format!(
            "qpdf --check: {before} before, {after} after: {words}"
        )),
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    if fs::metadata(path).ok()?.len() > MAX_SIZE {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut pdf = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .take(MAX_SIZE)
            .read_to_end(&mut pdf)
            .ok()?;
        return Some(pdf);
    }
    Some(bytes)
}

fn walk(folder: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if kind.is_dir() && depth < 24 {
            walk(&path, depth + 1, files);
        } else if kind.is_file() && is_pdf(&name) {
            files.push(path);
        }
    }
}

/// Expects the name in lower case.
fn is_pdf(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.strip_suffix(".pdf").is_some()
}
