//! `letsesign-verify proof`: a signed PDF against its proof.

mod archive;
mod checks;
mod input;
mod pdf;
mod report;

use crate::args::ProofArgs;
use crate::attested::Root;
use crate::{Answer, print, print_json, time};
use anyhow::{Context, Result, bail, ensure};
use letsesign_proof::{Hash, Spf, compact_hash};
use std::io::Read;
use std::path::Path;

/// A job with everything in it has at most 50 MiB; white space may be added to it.
const PAYLOAD_BYTES_MAX: u64 = 64 << 20;

pub(crate) fn run(args: &ProofArgs) -> Result<Answer> {
    // Mistakes in what is asked are errors, not answers; so they come first.
    let binding = args
        .binding_data_hash
        .as_deref()
        .map(Hash::parse)
        .transpose()
        .context("--binding-data-hash")?;
    let payload = args.payload.as_deref().map(payload).transpose()?;
    if args.sender_domain.as_deref() == Some("") {
        bail!("--sender-domain is empty");
    }
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    let input = input::read(args)?;
    let spf =
        Spf::parse(&input.spf).with_context(|| format!("{} is no proof file", input.spf_name))?;
    let demands = checks::Demands {
        binding,
        payload,
        sender_domain: args.sender_domain.as_deref(),
        require_signed: args.require_signed,
        root: &root,
        history: &history,
        now: time::now()?,
    };
    let result = checks::check(&input.pdf, &spf, &demands);
    let answer = result.answer();
    let report = report::Report {
        input: &input,
        spf: &spf,
        result: &result,
        answer,
        root: &root,
        origin: args.releases.origin(),
        verified: demands.now,
    };
    if args.json {
        print_json(&report.json())?;
    } else {
        print(report.text())?;
    }
    Ok(answer)
}

/// The hash of a file's JSON, whatever white space is in it.
fn payload(path: &Path) -> Result<Hash> {
    let name = path.display();
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(PAYLOAD_BYTES_MAX + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {name}"))?;
    ensure!(
        bytes.len() as u64 <= PAYLOAD_BYTES_MAX,
        "{name} is too large for a task payload"
    );
    std::str::from_utf8(&bytes)
        .ok()
        .and_then(compact_hash)
        .with_context(|| format!("{name} is no strict JSON, so no task payload"))
}
