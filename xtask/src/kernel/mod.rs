//! `cargo xtask kernel`: is the prebuilt kernel the one that was reviewed?

mod configuration;
mod image;
mod policy;

use self::configuration::Configuration;
use self::policy::Policy;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Folder of the recipe.
pub(crate) const RECIPE: &str = "reproducers/kernel";

#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask kernel check\n  cargo xtask kernel check --config linux/.config"
)]
pub(crate) struct KernelArgs {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compare the resolved configuration with the fragment, the list of forbidden options and the
    /// option budget
    Check(CheckArgs),
}

#[derive(Args)]
struct CheckArgs {
    /// The resolved configuration [default: the one in enclave/packages]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The bzImage whose build banner is compared [default: that of enclave/packages, or none if
    /// --config is given]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &KernelArgs) -> Result<()> {
    match &arguments.task {
        Task::Check(arguments) => check(workspace, arguments),
    }
}

fn check(workspace: &Workspace, arguments: &CheckArgs) -> Result<()> {
    let config = arguments
        .config
        .clone()
        .unwrap_or_else(|| workspace.path("enclave/packages/kernel/config"));
    let image = match (&arguments.image, &arguments.config) {
        (Some(image), _) => Some(image.clone()),
        (None, None) => Some(workspace.path("enclave/packages/kernel/bzImage")),
        // A configuration that is not the committed one belongs to a bzImage that we do not know.
        (None, Some(_)) => None,
    };
    let recipe = workspace.path(RECIPE);
    let policy = Policy::load(&recipe.join("check.json"))?;
    let fragment = Configuration::load(&recipe.join("fragment.config"))?;
    let mut report = policy.check(&fragment, &Configuration::load(&config)?);
    if let Some(image) = image {
        let banner = image::banner(&image)?;
        if banner != policy.banner {
            report.problems.push(format!(
                "{} says {banner:?} of its build, expected {:?}",
                image.display(),
                policy.banner
            ));
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!(
            "{}: {} built-in options (budget {}), {} lines ending in =y (budget {})",
            config.display(),
            report.built_in.options,
            report.budget.options,
            report.built_in.total,
            report.budget.total
        );
    }
    if !report.problems.is_empty() {
        bail!(
            "the kernel breaks {} rule(s):\n  {}",
            report.problems.len(),
            report.problems.join("\n  ")
        );
    }
    Ok(())
}

/// The differences between two resolved configurations, one line per option.
pub(crate) fn compare_configurations(committed: &Path, rebuilt: &Path) -> Result<Vec<String>> {
    let committed = Configuration::load(committed).context("the committed configuration")?;
    Ok(committed.differences(&Configuration::load(rebuilt)?))
}
