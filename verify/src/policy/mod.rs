//! `letsesign-verify policy`: AWS KMS key policies that pin an enclave's measurements.

mod check;
mod condition;
mod finding;
mod model;
#[cfg(test)]
mod tests;
mod values;
mod write;

use crate::args::{PolicyArgs, PolicyCommand};
use crate::{Answer, print, print_json};
use anyhow::{Context, Result, bail};
use finding::Severity;
use letsesign_escape as escape;
use model::Policy;
use serde_json::json;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// Facts that a key policy cannot show. Every report lists them, so that it does not claim more
/// than it checked.
const UNSEEN: &[&str] = &[
    "grants: they let others use the key where no Deny stands against it (aws kms list-grants)",
    "key material that was imported, which whoever made it can use without KMS (aws kms describe-key: Origin)",
    "replicas of a multi-Region key, each with a policy of its own (describe-key: MultiRegionConfiguration)",
    "IAM policies, where the key policy lets the account in",
    "earlier policies, and what was decrypted while they were in force (CloudTrail)",
    "whose secrets the principals' credentials are: the host must have those of the enclave's principal alone",
    "whether the key that tasks are encrypted for is the one with this policy",
];

/// The largest input in bytes. KMS limits a policy to 32 KiB; a tool may wrap it in more text.
const POLICY_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(args: &PolicyArgs) -> Result<Answer> {
    match &args.command {
        PolicyCommand::Kms(args) => {
            let written = write::policy(args, &args.releases.load()?)?;
            if args.json {
                print_json(&json!({ "policy": written.policy, "notes": written.notes }))?;
            } else {
                print_json(&written.policy)?;
                for note in &written.notes {
                    eprintln!("note: {note}");
                }
            }
            Ok(Answer::Yes)
        }
        PolicyCommand::Check(args) => {
            let policy = Policy::parse(&read(&args.file)?)
                .with_context(|| format!("{} is not a key policy", args.file.display()))?;
            let findings = check::check(&policy, &args.releases.load()?);
            let holes = findings
                .iter()
                .any(|finding| finding.severity == Severity::Hole);
            if args.json {
                print_json(&json!({ "holes": holes, "findings": findings, "unseen": UNSEEN }))?;
            } else {
                let mut out = String::new();
                for finding in &findings {
                    let _ = writeln!(out, "{finding}");
                }
                out += if holes {
                    "HOLES: the key can be used without a known enclave\n"
                } else {
                    "no hole found: by this policy the key is used by known enclaves alone\n"
                };
                out += "\nnot seen in a key policy:\n";
                for unseen in UNSEEN {
                    let _ = writeln!(out, "  {unseen}");
                }
                print(out)?;
            }
            Ok(if holes { Answer::No } else { Answer::Yes })
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let name = escape::line(&path.display().to_string());
    if path == Path::new("-") {
        std::io::stdin()
            .take(POLICY_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(POLICY_BYTES_MAX + 1).read_to_end(&mut bytes))
    }
    .with_context(|| format!("cannot read {name}"))?;
    if bytes.len() as u64 > POLICY_BYTES_MAX {
        bail!("{name} is too large for a key policy");
    }
    Ok(bytes)
}
