//! The command line.

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use letsesign_host::queue::{JobId, State};
use std::path::PathBuf;

/// Where the configuration is by default.
const CONFIG: &str = "/etc/letsesign-host/host.toml";

#[derive(Debug, Parser)]
#[command(
    name = "letsesign-host",
    version,
    about = "Runs signing enclaves on this machine: starts and watches them, relays their egress, \
             hands them jobs",
    after_help = "Examples:\n  letsesign-host check                    what is missing on this machine?\n  \
                  letsesign-host run                      in the foreground, until SIGTERM\n  \
                  letsesign-host status                   enclaves and queue of the running host\n  \
                  letsesign-host upgrade new.eif          a new release beside the old one\n  \
                  letsesign-host jobs list --state unknown\n  \
                  letsesign-host jobs decide ID --fail"
)]
pub(crate) struct Cli {
    /// The configuration; variables LETSESIGN_HOST_* stand above it
    #[arg(long, short, global = true, value_name = "FILE", default_value = CONFIG,
          env = "LETSESIGN_HOST_CONFIG")]
    pub(crate) config: PathBuf,
    /// The command
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host until SIGTERM or Ctrl-C
    Run(RunArgs),
    /// Show enclaves and queue of the running host
    Status(Json),
    /// Give the enclaves no new jobs, wait for those that run, and end the enclaves
    Drain(DrainArgs),
    /// Start a new release beside the active one, verify it, and give it the new jobs
    Upgrade(UpgradeArgs),
    /// Go back to the release before, while no task has been with the active one
    Rollback(Json),
    /// List, show and decide jobs
    Jobs(JobsArgs),
    /// Make accounts of the service API
    Accounts(AccountsArgs),
    /// Look at the machine and the configuration, and say what is missing
    Check(Json),
    /// Print the OpenAPI document of the service API
    #[command(hide = true)]
    Openapi,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Start a configured image that does not list the active release as compatible: tasks that
    /// began there cannot be finished then
    #[arg(long)]
    pub(crate) abandon_older_tasks: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DrainArgs {
    /// Seconds that running jobs may take
    #[arg(long, value_name = "SECONDS", default_value_t = 660,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// The new image; its release must be in `enclave.accept` of the running host's configuration
    pub(crate) image: PathBuf,
    /// Take an image that does not list the active release as compatible: tasks that began there
    /// cannot be finished then
    #[arg(long)]
    pub(crate) abandon_older_tasks: bool,
    /// Let the older release go on, for senders whose key policy does not accept the new one
    #[arg(long)]
    pub(crate) keep_older: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsArgs {
    #[command(subcommand)]
    pub(crate) command: AccountsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Make an account for a domain without asking DNS, if there is none, and print an API key of
    /// all scopes
    Add {
        /// The domain of the sender's mails
        domain: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) command: JobsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, the newest first
    List {
        /// Only in this state
        #[arg(long, value_parser = PossibleValuesParser::new(State::ALL.map(State::word)))]
        state: Option<String>,
        /// Only of this sender
        #[arg(long)]
        sender: Option<String>,
        /// Only of this task
        #[arg(long)]
        task: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Show a job and what happened to it
    Show {
        /// The job's ID
        #[arg(value_parser = job_id)]
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Print the stored result of a job: what the enclave sent
    Result {
        /// The job's ID
        #[arg(value_parser = job_id)]
        id: String,
    },
    /// Decide a job whose result is lost: it may have sent its mail
    #[command(group(clap::ArgGroup::new("decision").required(true)))]
    Decide {
        /// The job's ID
        #[arg(value_parser = job_id)]
        id: String,
        /// Queue it again: somebody may get a second mail
        #[arg(long, group = "decision")]
        retry: bool,
        /// Give it up
        #[arg(long, group = "decision")]
        fail: bool,
    },
    /// Queue a job
    Submit {
        /// Whose it is
        #[arg(long)]
        sender: String,
        /// Its function, such as sendReq
        #[arg(long)]
        name: String,
        /// The task that it belongs to
        #[arg(long)]
        task: Option<String>,
        /// PCR0 of a release that may work it; may be repeated [default: any]
        #[arg(long = "accept", value_name = "PCR0")]
        accepts: Vec<String>,
        /// File with its data, a JSON object; - for standard input
        payload: PathBuf,
    },
    /// Say, before the host runs again, that the queue was restored from a backup: its unfinished
    /// jobs become unknown
    Restored,
}

/// A job's ID, so that a wrong one is refused at once and never becomes part of a path.
fn job_id(text: &str) -> Result<String, String> {
    match JobId::parse(text) {
        Some(id) => Ok(id.to_string()),
        None => Err("a job's ID has 32 lower-case hexadecimal digits".to_owned()),
    }
}
