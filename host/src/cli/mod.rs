//! Commands: what they print, and their exit codes (0 done, 1 not done, 2 usage).

mod args;
mod jobs;
mod logs;
mod show;

use anyhow::{Context, Result};
use args::{AccountsCommand, Cli, Command};
use clap::{CommandFactory, Parser};
use letsesign_escape as escape;
use letsesign_host::config::{self, Config};
use letsesign_host::control::{Client, Drain, StatusReport, Upgrade};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Parses the arguments and does what they say.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Lines are kept: a configuration has a problem a line.
            let text = escape::lines(&format!("{error:#}"));
            let _ = writeln!(std::io::stderr(), "error: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "letsesign-host", &mut out);
            print(&out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            print(letsesign_host::service::openapi())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(arguments) => {
            let config = load(&cli.config)?;
            logs::start(&config.log)?;
            let abandon = arguments.abandon_older_tasks;
            runtime()?.block_on(letsesign_host::run::run(config, abandon))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(json) => {
            let report = runtime()?.block_on(letsesign_host::check::check(&cli.config));
            show::check(&report, json.json)?;
            Ok(if report.is_good() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        other => runtime()?.block_on(command(&cli.config, other)),
    }
}

/// A command to the running host.
async fn command(path: &Path, command: Command) -> Result<ExitCode> {
    let client = Client::new(config::control_socket(path, std::env::vars())?);
    match command {
        Command::Status(json) => {
            let status: StatusReport = client.get("/status").await?;
            if json.json {
                print_json(&status)?;
            } else {
                print(show::status(&status))?;
            }
            // Scripts ask whether the host does its work.
            return Ok(if status.ready {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Drain(arguments) => {
            let drain = Drain {
                seconds: arguments.timeout,
            };
            let done: Value = client.post("/drain", serde_json::to_vec(&drain)?).await?;
            let finished = done.get("finished").and_then(Value::as_bool) == Some(true);
            if arguments.json.json {
                print_json(&done)?;
            } else if finished {
                print("drained; the enclaves have ended\n")?;
            } else {
                print(format!(
                    "jobs still run after {} s; the enclaves take no new ones. `status` shows \
                     them; drain again to wait longer\n",
                    arguments.timeout
                ))?;
            }
            return Ok(if finished {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Upgrade(arguments) => {
            // The running host has another working directory.
            let image = std::path::absolute(&arguments.image)
                .with_context(|| format!("{}", arguments.image.display()))?;
            let upgrade = Upgrade {
                image,
                abandon_older_tasks: arguments.abandon_older_tasks,
                keep_older: arguments.keep_older,
            };
            let done: Value = client
                .post("/upgrade", serde_json::to_vec(&upgrade)?)
                .await?;
            released(
                &done,
                arguments.json.json,
                "takes the new jobs; the older one finishes its",
            )?;
        }
        Command::Rollback(json) => {
            let done: Value = client.post("/rollback", "{}").await?;
            released(&done, json.json, "takes the new jobs again")?;
        }
        Command::Jobs(arguments) => jobs::run(path, &client, arguments.command).await?,
        Command::Accounts(arguments) => {
            let AccountsCommand::Add { domain, json } = arguments.command;
            let body = serde_json::to_vec(&json!({"domain": domain}))?;
            let done: Value = client.post("/accounts", body).await?;
            if json.json {
                print_json(&done)?;
            } else {
                let key = done.get("apiKey").and_then(Value::as_str);
                print(format!("{}\n", key.unwrap_or_default()))?;
            }
        }
        Command::Run(_) | Command::Check(_) | Command::Completions { .. } | Command::Openapi => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn released(done: &Value, as_json: bool, text: &str) -> Result<()> {
    if as_json {
        return print_json(done);
    }
    let release = done.get("release").cloned().unwrap_or(json!(null));
    print(format!("release {release} {text}\n"))
}

fn load(path: &Path) -> Result<Config> {
    Ok(config::load(path, std::env::vars())?)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().context("cannot start threads")
}

/// Prints to standard output.
fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        // Whoever reads has enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

fn print_json(value: &impl Serialize) -> Result<()> {
    print(format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Bytes of a file, or of standard input for `-`.
fn input(path: &PathBuf) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)
            .context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
