//! `letsesign-verify proof`: a signed PDF against its proof.

mod checks;
mod input;
mod pdf;
mod report;

use crate::args::ProofArgs;
use crate::attested::Root;
use crate::{Answer, print, print_json, time};
use anyhow::{Context, Result};
use letsesign_proof::{Hash, Spf};

pub(crate) fn run(args: &ProofArgs) -> Result<Answer> {
    // Mistakes in what is asked are errors, not answers; so they come first.
    let binding = args
        .binding_data_hash
        .as_deref()
        .map(Hash::parse)
        .transpose()
        .context("--binding-data-hash")?;
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    let input = input::read(args)?;
    let spf =
        Spf::parse(&input.spf).with_context(|| format!("{} is no proof file", input.spf_name))?;
    let demands = checks::Demands {
        binding,
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
