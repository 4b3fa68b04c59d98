//! `letsesign-verify measurements`: lists the releases.

use crate::args::MeasurementsArgs;
use crate::{Answer, print, print_json, time};
use anyhow::Result;
use letsesign_escape as escape;
use letsesign_measurements::{Entry, History, Revocations, SignatureState, StatusSource};
use serde_json::{Value, json};
use std::fmt::Write;

pub(crate) fn run(args: &MeasurementsArgs) -> Result<Answer> {
    let history = args.releases.load()?;
    if args.json {
        print_json(&describe(&history, &args.releases.origin()))?;
    } else {
        print(table(&history, &args.releases.origin()))?;
    }
    let signatures = history.releases.iter().map(|entry| &entry.signature);
    let bad = signatures
        .chain([&history.status_signature])
        .any(|state| matches!(state, SignatureState::Invalid { .. }));
    Ok(if bad { Answer::No } else { Answer::Yes })
}

fn describe(history: &History, origin: &str) -> Value {
    let releases: Vec<Value> = history.releases.iter().map(release).collect();
    json!({
        "origin": origin,
        "keys": history.keys.names().collect::<Vec<_>>(),
        "statusSignature": history.status_signature,
        "statusList": revocations(&history.revocations()),
        "releases": releases,
    })
}

/// One release as JSON.
pub(crate) fn release(entry: &Entry) -> Value {
    json!({
        "release": entry.release,
        "status": entry.status,
        "statusFrom": match entry.status_source {
            StatusSource::Default => "default",
            StatusSource::Release => "release",
            StatusSource::StatusList => "status.json",
        },
        "signature": entry.signature,
    })
}

fn table(history: &History, origin: &str) -> String {
    let mut out = format!("releases, {}\n", escape::line(origin));
    for entry in &history.releases {
        let release = &entry.release;
        let _ = writeln!(
            out,
            "\n{}  released {}\n  status     {}\n  signature  {}",
            release.ver_name,
            time::utc(release.issue_time),
            status(entry),
            signature(&entry.signature)
        );
        for (register, value) in release.pcrs.numbered() {
            let _ = writeln!(out, "  PCR{register}       {value}");
        }
        for (name, value) in [
            ("image", &release.image_digest),
            ("EIF", &release.eif_sha256),
            ("toolchain", &release.toolchain),
            ("revision", &release.source_revision),
        ] {
            if let Some(value) = value {
                let _ = writeln!(out, "  {name:<9}  {value}");
            }
        }
    }
    let _ = writeln!(
        out,
        "\nstatus list: {}",
        revocations(&history.revocations())
    );
    out
}

/// Describes a status for people.
pub(crate) fn status(entry: &Entry) -> String {
    let status = &entry.status;
    let mut text = status.state.to_string();
    if let Some(since) = status.since {
        let _ = write!(text, " since {}", time::utc(since));
    }
    if let Some(reason) = &status.reason {
        let _ = write!(text, ": {}", escape::line(reason));
    }
    text
}

/// Describes for people how far the list of revocations can be relied on.
pub(crate) fn revocations(list: &Revocations) -> String {
    match list {
        Revocations::Missing => {
            "status.json is missing: nothing is known about revocations".to_owned()
        }
        Revocations::Unsigned => {
            "status.json is not signed: whoever changed it could undo a revocation".to_owned()
        }
        Revocations::Undated => {
            "status.json is signed, but its signature does not say when".to_owned()
        }
        Revocations::Older { time, released } => format!(
            "status.json was signed {}, before the newest release was made ({}): it is not the newest",
            time::utc(*time),
            time::utc(*released)
        ),
        Revocations::Signed { time } => {
            format!("status.json was signed {}", time::utc(*time))
        }
        Revocations::Invalid { reason } => {
            format!("status.json: INVALID SIGNATURE: {}", escape::line(reason))
        }
    }
}

/// Describes the state of a signature for people.
pub(crate) fn signature(state: &SignatureState) -> String {
    match state {
        SignatureState::Unsigned => "not signed".to_owned(),
        SignatureState::Signed {
            key,
            trusted_comment,
        } => format!(
            "signed with key {} ({})",
            escape::line(key),
            escape::line(trusted_comment)
        ),
        SignatureState::Invalid { reason } => {
            format!("INVALID SIGNATURE: {}", escape::line(reason))
        }
    }
}
