//! `letsesign-verify document`: an attestation document by itself.

use crate::args::DocumentArgs;
use crate::attestation::{self, Attested, Expected, Root};
use crate::{Answer, measurements, print, print_json, shown, time};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_measurements::{Entry, History, Pcrs, Release, SignatureState, State};
use serde_json::json;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// A document has at most 16 KiB; in hexadecimal, with line breaks, some more.
const INPUT_MAX: u64 = 64 << 10;

/// Shorter nonces can be guessed or repeat.
const NONCE_LEAST: usize = 16;

pub(crate) fn run(args: &DocumentArgs) -> Result<Answer> {
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    let expected = expected(args, &history)?;
    let nonce = args.nonce.as_deref().map(nonce).transpose()?;
    let document = read(&args.file)?;
    let demand = if args.any_measurement {
        Expected::Any
    } else {
        Expected::OneOf(&expected)
    };
    let verified = time::now()?;
    let result = if args.at_signing_time {
        attestation::at_signing_time(&document, &root, &demand)
    } else {
        let max_age = args.max_age.saturating_mul(1000);
        attestation::now(
            &document,
            &root,
            &demand,
            verified.saturating_mul(1000),
            max_age,
        )
        .and_then(|attested| check_nonce(attested, nonce.as_deref()))
    };
    let release = result
        .as_ref()
        .ok()
        .and_then(|attested| history.find(&attested.pcrs?));
    let (answer, verdict) = judge(args, &root, &result, release);
    if args.json {
        let attested = result.as_ref().ok();
        print_json(&json!({
            "verdict": verdict,
            "genuine": answer == Answer::Yes && matches!(root, Root::Aws),
            "exitCode": answer as u8,
            "root": match root { Root::Aws => "aws", Root::Other(..) => "TEST ROOT, NOT AWS" },
            "problem": result.as_ref().err(),
            "madeAt": attested.map(|attested| attested.time / 1000),
            "verifiedAt": verified,
            "moduleId": attested.map(|attested| attested.module_id.as_str()),
            "pcrs": attested.and_then(|attested| attested.pcrs),
            "release": release.map(measurements::release),
            "userData": attested.and_then(|attested| attested.user_data.as_ref()).map(hex::encode),
            "nonce": attested.and_then(|attested| attested.nonce.as_ref()).map(hex::encode),
            "publicKey": attested.and_then(|attested| attested.public_key.as_ref()).map(hex::encode),
        }))?;
    } else {
        print(text(&verdict, &result, release, verified))?;
    }
    Ok(answer)
}

fn judge(
    args: &DocumentArgs,
    root: &Root,
    result: &Result<Attested, String>,
    release: Option<&Entry>,
) -> (Answer, String) {
    let test = match root {
        Root::Aws => String::new(),
        Root::Other(path, _) => {
            format!("TEST ONLY (root {} instead of AWS's): ", shown::line(path))
        }
    };
    let (answer, text) = match result {
        Err(problem) => (Answer::No, format!("NOT GENUINE: {}", shown::line(problem))),
        Ok(_) if args.any_measurement => (
            Answer::Inspected,
            "INSPECTED ONLY: made by a Nitro enclave, and compared with no measurement".to_owned(),
        ),
        Ok(attested) => match release {
            Some(entry) if matches!(entry.signature, SignatureState::Invalid { .. }) => {
                let name = &entry.release.ver_name;
                (
                    Answer::No,
                    format!("NOT GENUINE: the file of release {name} has an invalid signature"),
                )
            }
            Some(entry) => {
                let at = if args.at_signing_time {
                    attested.time / 1000
                } else {
                    u64::MAX
                };
                let name = &entry.release.ver_name;
                match entry.status.at(at) {
                    State::Current => (Answer::Yes, format!("GENUINE: release {name}")),
                    state => (
                        Answer::Ended,
                        format!("NOT ACCEPTED: release {name} is {state}"),
                    ),
                }
            }
            None => (
                Answer::Yes,
                "GENUINE: the measurements that were given; of no release".to_owned(),
            ),
        },
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
            time::utc(attested.time / 1000)
        );
        let _ = writeln!(
            out,
            "verified   {} (by the clock of this machine)",
            time::utc(verified)
        );
        let _ = writeln!(out, "module     {}", shown::line(&attested.module_id));
        for (register, value) in attested.pcrs.iter().flat_map(Pcrs::numbered) {
            let _ = writeln!(out, "PCR{register}       {value}");
        }
        for (name, value) in [
            ("user data", &attested.user_data),
            ("nonce", &attested.nonce),
            ("public key", &attested.public_key),
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

/// Text as text, anything else as hexadecimal digits.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => shown::line(text),
        _ => hex::encode(bytes),
    }
}

fn expected(args: &DocumentArgs, history: &History) -> Result<Vec<Pcrs>> {
    if args.expect.is_empty() {
        return Ok(history
            .releases
            .iter()
            .map(|entry| entry.release.pcrs)
            .collect());
    }
    args.expect
        .iter()
        .map(|text| expect(text, history))
        .collect()
}

/// A release's name, or a file in the form of one.
fn expect(text: &str, history: &History) -> Result<Pcrs> {
    if let Some(entry) = history.named(text) {
        return Ok(entry.release.pcrs);
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
    Ok(Release::parse(name, &bytes)?.pcrs)
}

fn nonce(text: &str) -> Result<Vec<u8>> {
    let nonce = hex::decode(text).context("--nonce is not hexadecimal")?;
    ensure!(
        (NONCE_LEAST..=512).contains(&nonce.len()),
        "a nonce has 16 to 512 bytes; this one has {}",
        nonce.len()
    );
    Ok(nonce)
}

fn check_nonce(attested: Attested, nonce: Option<&[u8]>) -> Result<Attested, String> {
    match nonce {
        Some(nonce) if attested.nonce.as_deref() != Some(nonce) => {
            Err("its nonce is not the one that was asked with".to_owned())
        }
        _ => Ok(attested),
    }
}

/// Reads bytes, hexadecimal digits or base64. CBOR starts with a byte that neither of the others has.
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
