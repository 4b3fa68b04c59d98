//! `letsesign-verify image`: the measurements of an enclave image file, compared with the releases.

use crate::args::ImageArgs;
use crate::{Answer, measurements, print, print_json, shown};
use anyhow::{Context, Result, anyhow};
use eif::{Image, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use letsesign_measurements::{History, Pcr, Pcrs, State};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn run(args: &ImageArgs) -> Result<Answer> {
    let history = args.releases.load()?;
    let file = shown::line(&args.file.display().to_string());
    let pcrs = match read(&args.file) {
        Ok(pcrs) => pcrs,
        Err(eif::Error::Invalid(violation)) => {
            if args.json {
                print_json(&json!({ "genuine": false, "problem": violation.to_string() }))?;
            } else {
                print(format!(
                    "NOT GENUINE: {file} is no valid enclave image: {}\n",
                    shown::line(&violation.to_string())
                ))?;
            }
            return Ok(Answer::No);
        }
        Err(error) => return Err(error.into()),
    };
    let (answer, verdict) = judge(&history, &pcrs);
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

fn judge(history: &History, pcrs: &Pcrs) -> (Answer, String) {
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
            shown::line(reason)
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

fn read(path: &Path) -> eif::Result<Pcrs> {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (_, image) = Image::open(path, Bar::new(length))?;
    let register = |pcr: &eif::Pcr| {
        Pcr::new(pcr.0)
            .with_context(|| "a register is all zeros")
            .map_err(|error| eif::Error::Option(anyhow!(error).to_string()))
    };
    Ok(Pcrs {
        pcr0: register(&image.pcrs.pcr0)?,
        pcr1: register(&image.pcrs.pcr1)?,
        pcr2: register(&image.pcrs.pcr2)?,
    })
}

/// A bar on standard error. indicatif hides it when that is no terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(total: u64) -> Arc<Self> {
        let bar = ProgressBar::new(total);
        // A template that does not parse would leave indicatif's own.
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

    /// A release whose status list may carry a signature of nobody.
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
            files.insert("status.json.minisig".to_owned(), b"rubbish".to_vec());
        }
        History::from_files(&files).unwrap()
    }

    #[test]
    fn an_invalid_signature_of_the_status_list_is_no_answer() {
        let pcr = Pcr::new([0x11; 48]).unwrap();
        let pcrs = Pcrs {
            pcr0: pcr,
            pcr1: pcr,
            pcr2: pcr,
        };
        assert_eq!(judge(&history(false), &pcrs).0, Answer::Yes);
        let (answer, text) = judge(&history(true), &pcrs);
        assert_eq!(answer, Answer::No);
        assert!(
            text.contains("status.json has an invalid signature"),
            "{text}"
        );
    }
}
