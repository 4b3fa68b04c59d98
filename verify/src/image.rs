//! `letsesign-verify image`: computes the measurements of an enclave image file and compares them
//! with the releases.

use crate::args::ImageArgs;
use crate::{Answer, measurements, print, print_json};
use anyhow::Result;
use eif::{Image, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use letsesign_escape as escape;
use letsesign_measurements::{History, Measurements, State};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn run(args: &ImageArgs) -> Result<Answer> {
    let history = args.releases.load()?;
    let file = escape::line(&args.file.display().to_string());
    let pcrs = match read(&args.file) {
        Ok(pcrs) => pcrs,
        // A malformed image is a verdict; a file that cannot be read is an error.
        Err(eif::Error::Invalid(violation)) => {
            if args.json {
                print_json(&json!({ "genuine": false, "problem": violation.to_string() }))?;
            } else {
                print(format!(
                    "NOT GENUINE: {file} is not a valid enclave image: {}\n",
                    escape::line(&violation.to_string())
                ))?;
            }
            return Ok(Answer::No);
        }
        Err(error) => return Err(error.into()),
    };
    let (answer, verdict) = decide(&history, &pcrs);
    if args.json {
        print_json(&json!({
            "genuine": matches!(answer, Answer::Yes | Answer::Ended),
            "verdict": verdict,
            "pcrs": pcrs,
            "release": history.find(&pcrs).map(measurements::release),
            "statusList": measurements::revocations(&history.revocations()),
        }))?;
        return Ok(answer);
    }
    let mut out = format!("{verdict}\n{file}\n");
    for (register, value) in pcrs.numbered() {
        let _ = writeln!(out, "PCR{register}  {value}");
    }
    if let Some(entry) = history.find(&pcrs) {
        let _ = writeln!(
            out,
            "status     {} (status list: {})\nsignature  {}",
            measurements::status(entry),
            measurements::revocations(&history.revocations()),
            measurements::signature(&entry.signature)
        );
    }
    print(out)?;
    Ok(answer)
}

fn decide(history: &History, pcrs: &Measurements) -> (Answer, String) {
    let Some(entry) = history.find(pcrs) else {
        let next = history.next.as_ref().is_some_and(|next| next.pcrs == *pcrs);
        let text = if next {
            "NOT A RELEASE: the image of the source tree these measurements are from, which was not released"
        } else {
            "NOT GENUINE: no release has these measurements"
        };
        return (Answer::No, text.to_owned());
    };
    let name = &entry.release.ver_name;
    if let Some((file, reason)) = history.invalid_signature(entry) {
        let text = format!(
            "NOT GENUINE: release {name}, but {file} has an invalid signature: {}",
            escape::line(reason)
        );
        return (Answer::No, text);
    }
    match entry.status.state {
        State::Current => (Answer::Yes, format!("GENUINE: release {name}")),
        state => (
            Answer::Ended,
            format!("DO NOT USE: release {name} is {state}"),
        ),
    }
}

fn read(path: &Path) -> eif::Result<Measurements> {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (_, image) = Image::open(path, Bar::new(length))?;
    Measurements::new(image.pcrs.pcr0, image.pcrs.pcr1, image.pcrs.pcr2)
        .map_err(|error| eif::Error::Option(error.to_string()))
}

/// A progress bar on standard error. indicatif hides it unless that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(total: u64) -> Arc<Self> {
        let bar = ProgressBar::new(total);
        // If the template did not parse, indicatif's default would be used.
        if let Ok(style) = ProgressStyle::with_template(
            "measuring [{bar:30}] {bytes} of {total_bytes}, {eta} left",
        ) {
            bar.set_style(style.progress_chars("=> "));
        }
        Arc::new(Self(bar))
    }
}

impl Progress for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use letsesign_measurements::{Files, Ledger};

    /// A history with one release, whose status list optionally has an invalid signature.
    fn history(signed: bool) -> History {
        let pcr = "11".repeat(48);
        let release =
            json!({ "verName": "a", "pcrs": { "0": pcr, "1": pcr, "2": pcr }, "issueTime": 1 })
                .to_string();
        let mut ledger = Ledger::default();
        ledger.append("a", release.as_bytes()).unwrap();
        let mut files = Files::new();
        files.insert("LEDGER".to_owned(), ledger.to_text().into_bytes());
        files.insert("a.json".to_owned(), release.into_bytes());
        files.insert("status.json".to_owned(), br#"{"statusList":[]}"#.to_vec());
        if signed {
            files.insert("status.json.minisig".to_owned(), b"garbage".to_vec());
        }
        History::from_files(&files).unwrap()
    }

    #[test]
    fn an_invalid_signature_of_the_status_list_is_no_answer() {
        let pcrs = Measurements::new([0x11; 48], [0x11; 48], [0x11; 48]).unwrap();
        assert_eq!(decide(&history(false), &pcrs).0, Answer::Yes);
        let (answer, text) = decide(&history(true), &pcrs);
        assert_eq!(answer, Answer::No);
        assert!(
            text.contains("status.json has an invalid signature"),
            "{text}"
        );
    }
}
