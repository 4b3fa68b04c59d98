//! `cargo xtask test`: everything that must hold, in the order in which a failure is cheapest to find.

mod fuzz;
mod nix;
mod steps;
mod time;

use crate::workspace::Workspace;
use anyhow::{Result, bail};
use clap::Args;
use std::env;
use time::Stopwatch;

/// Arguments of `cargo xtask test`.
#[derive(Args, Debug)]
#[command(
    after_help = "A step whose tool is missing is skipped with the reason; REQUIRE_ALL=1 makes a skip a failure.\n\nExamples:\n  \
    cargo xtask test\n  cargo xtask test --only clippy --only tests\n  cargo xtask test --list"
)]
pub(crate) struct TestArgs {
    /// Run only this step; may be repeated
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leave this step out; may be repeated
    #[arg(long, value_name = "STEP")]
    without: Vec<String>,
    /// Print the steps and what each shows
    #[arg(long)]
    list: bool,
    /// Go on after a failure and report all at the end
    #[arg(long)]
    keep_going: bool,
}

/// How a step ended, when it did not fail.
pub(crate) enum Outcome {
    Passed,
    /// The step cannot run here; why, and what would change that.
    Skipped(String),
}

/// One step.
struct Step {
    name: &'static str,
    shows: &'static str,
    run: fn(&Workspace) -> Result<Outcome>,
}

/// Whether nothing may be skipped (CI).
pub(crate) fn require_all() -> bool {
    env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1")
}

pub(crate) fn run(workspace: &Workspace, arguments: &TestArgs) -> Result<()> {
    let known: Vec<&str> = steps::STEPS.iter().map(|step| step.name).collect();
    if let Some(name) = arguments
        .only
        .iter()
        .chain(&arguments.without)
        .find(|name| !known.contains(&name.as_str()))
    {
        bail!(
            "there is no step {name:?}; the steps are {}",
            known.join(", ")
        );
    }
    let wanted = |step: &&Step| {
        let named = |names: &[String]| names.iter().any(|name| name == step.name);
        (arguments.only.is_empty() || named(&arguments.only)) && !named(&arguments.without)
    };
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), Vec::new());
    let all = Stopwatch::start();
    for step in steps::STEPS.iter().filter(wanted) {
        if arguments.list {
            println!("{:<11} {}", step.name, step.shows);
            continue;
        }
        println!("== {}: {}", step.name, step.shows);
        let step_time = Stopwatch::start();
        let outcome = match (step.run)(workspace) {
            Ok(Outcome::Skipped(why)) if require_all() => {
                Err(anyhow::anyhow!("REQUIRE_ALL=1, but this cannot run: {why}"))
            }
            other => other,
        };
        match outcome {
            Ok(Outcome::Passed) => {
                passed += 1;
                println!("== {} passed in {step_time}", step.name);
            }
            Ok(Outcome::Skipped(why)) => {
                println!("== {} skipped: {why}", step.name);
                skipped.push(step.name);
            }
            Err(error) => {
                println!("== {} FAILED in {step_time}: {error:#}", step.name);
                failed.push(step.name);
                if !arguments.keep_going {
                    break;
                }
            }
        }
    }
    if arguments.list {
        return Ok(());
    }
    if !skipped.is_empty() {
        println!("skipped steps: {}", skipped.join(", "));
    }
    println!(
        "steps: {passed} passed, {} failed, {} skipped; {all}",
        failed.len(),
        skipped.len()
    );
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}
