//! `letsesign-verify document`: verifies a single attestation document.

use crate::args::DocumentArgs;
use crate::attested::{self, Attested, Demand, Root};
use crate::{Answer, measurements, print, print_json, time};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_attestation::{CLOCK_TOLERANCE, Image, Live, Nonce};
use letsesign_escape as escape;
use letsesign_measurements::{Entry, History, Release, State, Status};
use serde_json::json;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// The largest input in bytes: 16 KiB of document as hexadecimal digits with line breaks.
const INPUT_MAX: u64 = 64 << 10;

pub(crate) fn run(args: &DocumentArgs) -> Result<Answer> {
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    let demand = if args.any_measurement {
        Demand::Any
    } else {
        Demand::OneOf(expected(args, &history)?)
    };
    let nonce = args.nonce.as_deref().map(nonce).transpose()?;
    let document = read(&args.file)?;
    // The clock is read after the input: otherwise a document that arrives on standard input while
    // the program waits would be from the future.
    let verified = time::now()?;
    let result = if args.at_signing_time {
        root.recorded(&document, &demand)
    } else {
        let live = Live {
            now: verified.saturating_mul(1000),
            max_age: args.max_age.saturating_mul(1000),
            ahead: CLOCK_TOLERANCE,
            nonce,
        };
        root.running(&document, &demand, live)
    };
    // Only a genuine document is compared with the releases.
    let release = result
        .as_ref()
        .ok()
        .and_then(|attested| history.find(&attested.pcrs));
    let (answer, verdict) = decide(args, &root, &history, &result, release);
    if args.json {
        let attested = result.as_ref().ok();
        print_json(&json!({
            "verdict": verdict,
            "genuine": answer == Answer::Yes && root.test.is_none(),
            "exitCode": answer as u8,
            "root": match root.test { None => "aws", Some(_) => "TEST ROOT, NOT AWS" },
            "problem": result.as_ref().err(),
            "madeAt": attested.map(Attested::made),
            "verifiedAt": verified,
            "moduleId": attested.map(|attested| attested.document.module_id.as_str()),
            "pcrs": attested.map(|attested| attested.pcrs),
            "release": release.map(measurements::release),
            "statusList": measurements::revocations(&history.revocations()),
            "userData": attested.and_then(|attested| attested.document.user_data.as_ref()).map(hex::encode),
            "nonce": attested.and_then(|attested| attested.document.nonce.as_ref()).map(hex::encode),
            "publicKey": attested.and_then(|attested| attested.document.public_key.as_ref()).map(hex::encode),
        }))?;
    } else {
        let mut out = text(&verdict, &result, release, verified);
        let list = measurements::revocations(&history.revocations());
        let _ = writeln!(out, "revoked    {list}");
        print(out)?;
    }
    Ok(answer)
}

fn decide(
    args: &DocumentArgs,
    root: &Root,
    history: &History,
    result: &Result<Attested, String>,
    release: Option<&Entry>,
) -> (Answer, String) {
    let test = match &root.test {
        None => String::new(),
        Some(path) => format!("TEST ONLY (root {} instead of AWS's): ", escape::line(path)),
    };
    let refused = |text: String| (Answer::No, format!("NOT GENUINE: {text}"));
    let invalid = release.and_then(|entry| history.invalid_signature(entry));
    let (answer, text) = match result {
        Err(problem) => refused(escape::line(problem)),
        Ok(_) if args.any_measurement => (
            Answer::Inspected,
            "INSPECTED ONLY: made by a Nitro enclave, and compared with no measurement".to_owned(),
        ),
        Ok(attested) => {
            let what = match release {
                Some(entry) => format!("release {}", entry.release.ver_name),
                None => "the measurements that were given; of no release".to_owned(),
            };
            match (invalid, attested.state) {
                (Some((file, reason)), _) => refused(format!(
                    "{what}, but {file} has an invalid signature: {}",
                    escape::line(reason)
                )),
                (None, State::Current) => (Answer::Yes, format!("GENUINE: {what}")),
                (None, state) => (Answer::Ended, format!("NOT ACCEPTED: {what}, {state}")),
            }
        }
    };
    (answer, test + &text)
}

fn text(
    verdict: &str,
    result: &Result<Attested, String>,
    release: Option<&Entry>,
    verified: u64,
) -> String {
    let mut out = format!("{verdict}\n\n");
    if let Ok(attested) = result {
        let _ = writeln!(
            out,
            "made       {} (by the clock of AWS Nitro)",
            time::utc(attested.made())
        );
        let _ = writeln!(
            out,
            "verified   {} (by the clock of this machine)",
            time::utc(verified)
        );
        let _ = writeln!(
            out,
            "module     {}",
            escape::line(&attested.document.module_id)
        );
        for (register, value) in attested.pcrs.numbered() {
            let _ = writeln!(out, "PCR{register}       {value}");
        }
        for (name, value) in [
            ("user data", &attested.document.user_data),
            ("nonce", &attested.document.nonce),
            ("public key", &attested.document.public_key),
        ] {
            if let Some(value) = value {
                let _ = writeln!(out, "{name:<10} {}", readable(value));
            }
        }
    }
    if let Some(entry) = release {
        let _ = writeln!(out, "status     {}", measurements::status(entry));
        let _ = writeln!(
            out,
            "signature  {}",
            measurements::signature(&entry.signature)
        );
    }
    out
}

/// Printable text as it is, anything else as hexadecimal digits.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => escape::line(text),
        _ => hex::encode(bytes),
    }
}

fn expected(args: &DocumentArgs, history: &History) -> Result<Vec<Image>> {
    if args.expect.is_empty() {
        return Ok(attested::images(history));
    }
    args.expect
        .iter()
        .map(|text| expect(text, history))
        .collect()
}

/// The image for `--expect`: a release's name, or a file in the format of a release. The known
/// status of a release also applies to a file with its measurements.
fn expect(text: &str, history: &History) -> Result<Image> {
    if let Some(entry) = history.named(text) {
        return Ok(attested::image(&entry.release.pcrs, &entry.status));
    }
    let path = Path::new(text);
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(".json"));
    let Some(name) = name else {
        bail!(
            "--expect {text:?} is neither a release nor a file NAME.json; `letsesign-verify measurements` lists the releases"
        );
    };
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {text}"))?;
    let release = Release::parse(name, &bytes)?;
    let known = history.find(&release.pcrs).map(|entry| &entry.status);
    let status = known
        .or(release.status.as_ref())
        .unwrap_or(&Status::CURRENT);
    Ok(attested::image(&release.pcrs, status))
}

fn nonce(text: &str) -> Result<Nonce> {
    let nonce = hex::decode(text).context("--nonce is not hexadecimal")?;
    Nonce::new(nonce).context("--nonce")
}

/// Reads bytes, hexadecimal digits or base64. The first byte of the CBOR occurs in neither of the
/// two encodings.
fn read(path: &Path) -> Result<Vec<u8>> {
    let name = path.display();
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(INPUT_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(INPUT_MAX + 1).read_to_end(&mut bytes))
    }
    .with_context(|| format!("cannot read {name}"))?;
    ensure!(
        bytes.len() as u64 <= INPUT_MAX,
        "{name} is too large for an attestation document"
    );
    ensure!(!bytes.is_empty(), "{name} is empty");
    if bytes.first().is_some_and(|byte| *byte >= 0x80) {
        return Ok(bytes);
    }
    let text: Vec<u8> = bytes
        .into_iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    hex::decode(&text)
        .ok()
        .or_else(|| BASE64_STANDARD.decode(&text).ok())
        .with_context(|| format!("{name} is neither CBOR nor hexadecimal nor base64"))
}
