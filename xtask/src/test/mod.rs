//! `cargo xtask test`: everything that must hold, in the order in which a failure is cheapest to
//! find.

mod fuzz;
mod nix;
pub(crate) mod nix_lint;
pub(crate) mod program;
mod steps;
mod time;

use crate::workspace::Workspace;
use anyhow::{Result, anyhow, bail};
use clap::Args;
use std::env;
use std::thread;
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
    /// Whether it uses one core alone and may run beside the steps that follow. It prints nothing
    /// before its end.
    beside: bool,
    /// Whether it runs only where `--only` names it.
    on_request: bool,
}

/// How the steps ended.
#[derive(Default)]
struct Report {
    passed: u32,
    failed: Vec<&'static str>,
    skipped: Vec<&'static str>,
}

impl Report {
    fn add(&mut self, step: &Step, outcome: Result<Outcome>, time: &str) {
        match outcome {
            Ok(Outcome::Passed) => {
                self.passed += 1;
                println!("== {} passed in {time}", step.name);
            }
            Ok(Outcome::Skipped(why)) if !require_all() => {
                println!("== {} skipped: {why}", step.name);
                self.skipped.push(step.name);
            }
            Ok(Outcome::Skipped(why)) => {
                println!(
                    "== {} FAILED in {time}: REQUIRE_ALL=1, but this cannot run: {why}",
                    step.name
                );
                self.failed.push(step.name);
            }
            Err(error) => {
                println!("== {} FAILED in {time}: {error:#}", step.name);
                self.failed.push(step.name);
            }
        }
    }
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
        bail!("unknown step {name:?}; the steps are {}", known.join(", "));
    }
    let wanted = |step: &&Step| {
        let named = |names: &[String]| names.iter().any(|name| name == step.name);
        let by_default = arguments.only.is_empty() && (arguments.list || !step.on_request);
        (by_default || named(&arguments.only)) && !named(&arguments.without)
    };
    let steps: Vec<&Step> = steps::STEPS.iter().filter(wanted).collect();
    if arguments.list {
        for step in steps {
            println!("{:<11} {}", step.name, step.shows);
        }
        return Ok(());
    }
    let all = Stopwatch::start();
    let report = run_steps(workspace, &steps, arguments.keep_going);
    if !report.skipped.is_empty() {
        println!("skipped steps: {}", report.skipped.join(", "));
    }
    println!(
        "steps: {} passed, {} failed, {} skipped; {all}",
        report.passed,
        report.failed.len(),
        report.skipped.len()
    );
    if report.failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", report.failed.join(", "))
}

/// Runs the steps in their order. After a failure none is begun, unless `keep_going`.
fn run_steps(workspace: &Workspace, steps: &[&Step], keep_going: bool) -> Report {
    let mut report = Report::default();
    thread::scope(|scope| {
        let mut beside = Vec::new();
        for &step in steps {
            println!("== {}: {}", step.name, step.shows);
            let run = move || {
                let time = Stopwatch::start();
                let outcome = (step.run)(workspace);
                (outcome, time.to_string())
            };
            if step.beside {
                beside.push((step, scope.spawn(run)));
                continue;
            }
            let (outcome, time) = run();
            report.add(step, outcome, &time);
            if !report.failed.is_empty() && !keep_going {
                break;
            }
        }
        for (step, thread) in beside {
            let (outcome, time) = thread
                .join()
                .unwrap_or_else(|_| (Err(anyhow!("a thread panicked")), String::new()));
            report.add(step, outcome, &time);
        }
    });
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, beside: bool, run: fn(&Workspace) -> Result<Outcome>) -> Step {
        Step {
            name,
            shows: "",
            run,
            beside,
            on_request: false,
        }
    }

    #[test]
    fn steps_beside_others_are_waited_for_and_count() {
        let workspace = Workspace::find().unwrap();
        let slow = step("slow", true, |_| {
            thread::sleep(std::time::Duration::from_millis(50));
            bail!("late")
        });
        let good = step("good", false, |_| Ok(Outcome::Passed));
        let bad = step("bad", false, |_| bail!("bad"));
        let last = step("last", false, |_| Ok(Outcome::Passed));
        let steps = [&slow, &good, &bad, &last];
        let report = run_steps(&workspace, &steps, true);
        assert_eq!((report.passed, report.failed), (2, vec!["bad", "slow"]));
        let report = run_steps(&workspace, &steps, false);
        assert_eq!((report.passed, report.failed), (1, vec!["bad", "slow"]));
    }
}
