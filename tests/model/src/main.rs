//! Explores the model of protocol 2 and its mutants, and prints what it found.

use anyhow::{Result, bail};
use clap::Parser;
use letsesign_model::{Check, MUTANTS, Role, SETTINGS, explore, setting, shortest};

/// Explores the model of protocol 2: all settings with all checks, then each mutant: the protocol
/// without one check
///
/// docs/security.md, "Protocol 2", describes properties, bounds and settings.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Explore the settings with all checks, and no mutants
    #[arg(long)]
    settings: bool,

    /// Print the steps that lead to each violation
    #[arg(long)]
    traces: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut faults = settings();
    if !args.settings {
        faults += mutants(args.traces);
    }
    if faults > 0 {
        bail!("{faults} of these are not as docs/security.md says; --traces prints the steps");
    }
    Ok(())
}

/// Explores all settings with all checks; the number of those in which a property breaks.
fn settings() -> usize {
    println!("{:36} {:>8}  property", "setting", "states");
    let mut faults = 0;
    for &setting in SETTINGS {
        let found = explore(setting, &[]);
        let result = match &found.violation {
            Some(violation) => {
                faults += 1;
                format!(
                    "{} breaks: {}",
                    violation.property,
                    violation.trace.join("; ")
                )
            }
            None => format!("all hold; reached: {}", found.reached.join(", ")),
        };
        println!("{:36} {:>8}  {result}", setting.name, found.states);
    }
    println!();
    faults
}

/// Explores each mutant in its setting; the number of those that are not as their role says.
fn mutants(traces: bool) -> usize {
    println!(
        "{:22} {:22} {:24} {:12} steps",
        "without", "and", "setting", "breaks"
    );
    let mut faults = 0;
    for (check, role) in MUTANTS {
        let (cover, name) = match role {
            Role::Needed(name) => (None, name),
            Role::Covered(cover, name) => (Some(cover), name),
            Role::Spare(reason) => {
                println!("{:22} {:22} {reason}", format!("{check:?}"), "");
                continue;
            }
        };
        let off: Vec<Check> = std::iter::once(check).chain(cover).collect();
        let found = setting(name).and_then(|setting| shortest(setting, &off));
        let (property, trace) = if let Some(violation) = found {
            (violation.property, violation.trace)
        } else {
            faults += 1;
            ("NOTHING", Vec::new())
        };
        let cover = cover.map_or_else(String::new, |cover| format!("{cover:?}"));
        println!(
            "{:22} {cover:22} {name:24} {property:12} {}",
            format!("{check:?}"),
            trace.len()
        );
        if traces {
            for step in &trace {
                println!("    {step}");
            }
        }
    }
    faults
}
