//! `eif verify`.

use super::args::VerifyArgs;
use super::values::rfc_3339;
use super::{NO, print, print_json};
use anyhow::{Context, Result, bail};
use eif::{Certificate, Image, Pcr, Pcrs, RamdiskContents, Silent, ValidityState, diff_pcrs};
use letsesign_escape::line;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

pub(super) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    // The expected values are read first: a mistake in them is an error (exit code 2), not a
    // verdict on the image.
    let expected = args.expect.as_deref().map(read_expected).transpose()?;
    let certificate = args
        .certificate
        .as_deref()
        .map(Certificate::read)
        .transpose()?;
    let checked = open_or_violation(&args.file)?;
    let problems = match &checked {
        Ok(image) => problems(image, expected.as_ref(), certificate.as_ref()),
        Err(violation) => vec![violation.to_string()],
    };
    let mut warnings = match &checked {
        Ok(_) => warnings(&eif::ramdisk_contents(&args.file, Arc::new(Silent))?),
        Err(_) => Vec::new(),
    };
    let signer = match &checked {
        Ok(image) => image.signature.as_ref().map(|signed| &signed.certificate),
        Err(_) => None,
    };
    let state = match signer {
        Some(certificate) => Some(certificate.validity().at(args.at.map_or_else(now, Ok)?)),
        None => None,
    };
    let outdated = signer
        .zip(state)
        .and_then(|(one, state)| outdated(one, state));
    let valid = problems.is_empty();
    let file = line(&args.file.display().to_string());
    if !args.json {
        for warning in &warnings {
            print(format!("{file}: warning: {}\n", line(warning)))?;
        }
        if let Some(warning) = &outdated {
            eprintln!("{file}: warning: {}", line(warning));
        }
    }
    warnings.extend(outdated);
    if args.json {
        let mut value = json!({ "Valid": valid, "Problems": problems, "Warnings": warnings });
        if let (Some((one, state)), Value::Object(members)) = (signer.zip(state), &mut value) {
            let (validity, state) = (one.validity(), spelling(state));
            let times = json!({
                "NotBefore": rfc_3339(validity.not_before),
                "NotAfter": rfc_3339(validity.not_after),
                "State": state,
            });
            members.insert("Certificate".to_owned(), times);
        }
        if let (Err(violation), Value::Object(members)) = (&checked, &mut value) {
            members.insert("Rule".to_owned(), violation.rule.number().into());
            members.insert("Offset".to_owned(), violation.offset.into());
            members.insert("NitroCli".to_owned(), violation.rule.nitro_cli().into());
        }
        print_json(&value)?;
    } else if valid {
        let what = match (&checked, expected.is_some()) {
            (Ok(image), true) if image.signature.is_some() => "valid, signed, PCRs as expected",
            (Ok(image), false) if image.signature.is_some() => "valid, signed",
            (_, true) => "valid, PCRs as expected",
            (_, false) => "valid",
        };
        print(format!("{file}: {what}\n"))?;
    } else {
        for problem in &problems {
            print(format!("{file}: {}\n", line(problem)))?;
        }
        if let Err(violation) = &checked {
            let peer = violation.rule.nitro_cli();
            print(format!("{file}: note: nitro-cli describe-eif {peer}\n"))?;
        }
    }
    Ok(if valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}

/// Unusual properties of the ramdisks. The format allows them, so the image is still valid.
fn warnings(ramdisks: &[RamdiskContents]) -> Vec<String> {
    let notes = |ramdisk: &RamdiskContents| {
        let number = ramdisk.number;
        let notes = ramdisk.notes.iter();
        notes
            .map(|note| format!("ramdisk {number}: {note}"))
            .collect::<Vec<_>>()
    };
    ramdisks.iter().flat_map(notes).collect()
}

/// The clock of this machine. Not `SOURCE_DATE_EPOCH`: that is the time of a source, and the
/// question is whether an enclave would start.
fn now() -> Result<u64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.context("this machine's clock is before 1970; set it, or give --at")?;
    Ok(now.as_secs())
}

fn spelling(state: ValidityState) -> &'static str {
    match state {
        ValidityState::NotYetValid => "not-yet-valid",
        ValidityState::Valid => "valid",
        ValidityState::Expired => "expired",
    }
}

/// The format allows it, but nitro-cli does not start such an enclave.
fn outdated(certificate: &Certificate, state: ValidityState) -> Option<String> {
    let info = certificate.info();
    let when = match state {
        ValidityState::Valid => return None,
        ValidityState::NotYetValid => format!("is valid from {}", info.not_before),
        ValidityState::Expired => format!("expired at {}", info.not_after),
    };
    Some(format!(
        "the signing certificate {when}; nitro-cli run-enclave refuses the image outside the \
         certificate's time"
    ))
}

fn open_or_violation(path: &Path) -> Result<Result<Image, eif::Violation>> {
    match open_raw(path) {
        Ok(image) => Ok(Ok(image)),
        Err(eif::Error::Invalid(violation)) => Ok(Err(violation)),
        Err(other) => Err(other.into()),
    }
}

fn open_raw(path: &Path) -> eif::Result<Image> {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Image::open(path, super::progress::Bar::new("verifying", length)).map(|(_, image)| image)
}

fn problems(
    image: &Image,
    expected: Option<&Expected>,
    certificate: Option<&Certificate>,
) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(expected) = expected {
        let pcrs = &image.pcrs;
        for (name, wanted, has) in [
            ("PCR0", expected.pcr0, pcrs.pcr0),
            ("PCR1", expected.pcr1, pcrs.pcr1),
            ("PCR2", expected.pcr2, pcrs.pcr2),
        ] {
            if wanted != has {
                problems.push(format!("{name} is {has}, expected {wanted}"));
            }
        }
        if !problems.is_empty() {
            let wanted = Pcrs {
                pcr0: expected.pcr0,
                pcr1: expected.pcr1,
                pcr2: expected.pcr2,
                pcr8: None,
            };
            // The registers that differ narrow the difference down to sections.
            problems.extend(diff_pcrs(&wanted, pcrs).iter().map(ToString::to_string));
        }
        if let Some(wanted) = expected.pcr8
            && pcrs.pcr8 != Some(wanted)
        {
            let has = pcrs
                .pcr8
                .map_or("absent: the image is not signed".to_owned(), |pcr8| {
                    pcr8.to_string()
                });
            problems.push(format!("PCR8 is {has}, expected {wanted}"));
        }
    }
    if let Some(certificate) = certificate {
        match &image.signature {
            None => problems.push("the image is not signed".to_owned()),
            // PCR8 measures DER; PEM texts of one certificate can differ.
            Some(signature) if signature.certificate.der() != certificate.der() => {
                problems.push("the image is signed with another certificate".to_owned());
            }
            Some(_) => {}
        }
    }
    problems
}

/// PCRs out of a file. PCR0, PCR1 and PCR2 must all be there.
struct Expected {
    pcr0: Pcr,
    pcr1: Pcr,
    pcr2: Pcr,
    pcr8: Option<Pcr>,
}

/// Accepts a release's measurements (`{"pcrs": {"0": ...}}`) and what this tool and nitro-cli print
/// (`{"Measurements": {"PCR0": ...}}`, or the inner object alone).
fn read_expected(path: &Path) -> Result<Expected> {
    let file = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))?;
    let inner = value
        .get("pcrs")
        .or_else(|| value.get("Measurements"))
        .unwrap_or(&value);
    let register = |number: u8| -> Result<Option<Pcr>> {
        let Some(text) = inner
            .get(number.to_string())
            .or_else(|| inner.get(format!("PCR{number}")))
        else {
            return Ok(None);
        };
        // Other tools write upper-case digits.
        let pcr = text
            .as_str()
            .and_then(|text| Pcr::parse(&text.to_ascii_lowercase()).ok())
            .with_context(|| format!("{file}: PCR{number} is not 96 hexadecimal digits"))?;
        if pcr.is_zero() {
            bail!(
                "{file}: PCR{number} is all zeros, which only an enclave in debug mode attests; it identifies no image"
            );
        }
        Ok(Some(pcr))
    };
    let needed = |number: u8| -> Result<Pcr> {
        register(number)?.with_context(|| {
            format!("{file} has no PCR{number}; PCR0, PCR1 and PCR2 are all needed")
        })
    };
    Ok(Expected {
        pcr0: needed(0)?,
        pcr1: needed(1)?,
        pcr2: needed(2)?,
        pcr8: register(8)?,
    })
}
