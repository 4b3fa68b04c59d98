//! Commands: what they print, and their exit codes.

mod args;
mod init;
mod send;
mod show;
mod template;
mod ui;

use anyhow::{Context, Result, bail};
use args::{Cli, Command, OfSigner};
use clap::{CommandFactory, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use letsesign_client::{Home, Record, Sender};
use letsesign_escape as escape;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Between two looks at a task.
const LOOK: Duration = Duration::from_secs(2);
/// How long the last look may take, which begins when the time to wait is over.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// Parses the arguments and does what they say.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            let text = escape::lines(&format!("{error:#}"));
            let _ = writeln!(std::io::stderr(), "error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Shows that something takes its time, on a terminal alone.
fn busy(text: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(text.to_owned());
    bar.enable_steady_tick(Duration::from_millis(80));
    bar
}

fn run(cli: Cli) -> Result<ExitCode> {
    let json = cli.json;
    let home = match cli.home {
        Some(folder) => Home::at(folder),
        None => Home::of_user()?,
    };
    let sender = || Sender::open(home.clone());
    match cli.command {
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "letsesign", &mut out);
            print(out)?;
        }
        Command::Init(arguments) => init::init(&home, &arguments, json)?,
        Command::Register => init::register(&home, json)?,
        Command::Account => {
            sender()?.put_account()?;
            done(json, "the service has the account")?;
        }
        Command::Send(arguments) => send::send(&sender()?, &arguments, json)?,
        Command::Bulk(arguments) => return send::bulk(&sender()?, &arguments, json),
        Command::List => show::list(&home.records()?, json)?,
        Command::Status { task } => return status(&sender()?, task.as_deref(), json),
        Command::Wait { task, timeout } => return wait(sender()?, &task, timeout, json),
        Command::Get {
            task,
            output,
            force,
        } => get(&sender()?, &task, &output, force, json)?,
        Command::Remind(of) => {
            let sender = sender()?;
            let (record, signer) = signer_of(&sender, &of)?;
            sender.remind(&record, signer)?;
            done(json, "the reminder is on its way")?;
        }
        Command::Again(of) => {
            let sender = sender()?;
            let (mut record, signer) = signer_of(&sender, &of)?;
            sender.ask_again(&mut record, signer)?;
            done(json, "the signer is asked anew")?;
        }
        Command::Void { task, reason } => {
            let sender = sender()?;
            let mut record = sender.home.task(&task)?;
            sender.void(&mut record, &reason)?;
            done(json, "the task is being withdrawn")?;
        }
        Command::Decide {
            task, job, retry, ..
        } => {
            let sender = sender()?;
            let record = sender.home.task(&task)?;
            sender.decide(&record, &job, retry)?;
            done(json, "the service goes on by your decision")?;
        }
        Command::Ui { port } => ui::serve(sender()?, port, json)?,
        Command::Template(command) => template::run(&home, command, json)?,
        Command::Verify { pdf, spf } => return verify(&sender()?, &pdf, &spf, json),
    }
    Ok(ExitCode::SUCCESS)
}

fn signer_of(sender: &Sender, of: &OfSigner) -> Result<(Record, u16)> {
    let record = sender.home.task(&of.task)?;
    let mut signers = record.configuration.signers.iter();
    let at = signers.position(|signer| signer.email.eq_ignore_ascii_case(&of.signer));
    let at = at.with_context(|| format!("{} does not sign task {}", of.signer, record.task))?;
    Ok((record, u16::try_from(at)?))
}

fn has_ended(state: &str) -> bool {
    matches!(
        state,
        "completed" | "declined" | "void" | "expired" | "failed" | "unknown" | "notSent"
    )
}

fn status(sender: &Sender, task: Option<&str>, json: bool) -> Result<ExitCode> {
    let bar = busy("asking the service");
    let records = match task {
        Some(task) => vec![sender.home.task(task)?],
        None => sender.home.records()?,
    };
    let mut standings = Vec::new();
    for record in &records {
        let standing = sender
            .standing(record)
            .with_context(|| format!("task {}", record.task))?;
        if task.is_some() || !has_ended(&standing.state) {
            standings.push(standing);
        }
    }
    bar.finish_and_clear();
    if json {
        print_json(&standings)?;
    } else if standings.is_empty() {
        print("no task is under way; `letsesign list` shows all\n")?;
    } else {
        for standing in &standings {
            print(show::standing(standing))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn wait(mut sender: Sender, task: &str, timeout: Option<u64>, json: bool) -> Result<ExitCode> {
    let record = sender.home.task(task)?;
    let seconds = timeout.map(Duration::from_secs);
    // One that is beyond the clock is none.
    let end = seconds.and_then(|seconds| Instant::now().checked_add(seconds));
    sender
        .service
        .give_up_at(end.and_then(|end| end.checked_add(LAST_LOOK)));
    let bar = busy("waiting for the signers");
    loop {
        let standing = sender.standing(&record)?;
        if has_ended(&standing.state) {
            bar.finish_and_clear();
            if json {
                print_json(&standing)?;
            } else {
                print(show::standing(&standing))?;
            }
            return Ok(if standing.state == "completed" {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            bail!("the task is {} still", standing.state);
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        std::thread::sleep(left.map_or(LOOK, |left| left.min(LOOK)));
    }
}

fn get(sender: &Sender, task: &str, folder: &Path, force: bool, json: bool) -> Result<()> {
    let record = sender.home.task(task)?;
    let bar = busy("fetching and verifying");
    let signed = sender.fetch(&record)?;
    bar.finish_and_clear();
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let files = [&signed.pdf, &signed.spf].map(|(name, bytes)| (folder.join(name), bytes));
    if !force {
        for (path, _) in &files {
            if path.exists() {
                bail!("{} is there already; --force replaces it", path.display());
            }
        }
    }
    write_both(folder, &files, force)?;
    if json {
        return print_json(&json!({
            "files": files.iter().map(|(path, _)| path.display().to_string()).collect::<Vec<_>>(),
            "genuine": true,
            "test": sender.trust.is_test(),
            "warnings": signed.warnings,
        }));
    }
    let mut text = String::new();
    for (path, _) in &files {
        let _ = writeln!(text, "{}", path.display());
    }
    text.push_str(if sender.trust.is_test() {
        "verified for TESTS ALONE: the attestation is of a test root\n"
    } else {
        "verified: genuine, and what you have sent\n"
    });
    print(escape::lines(&text))
}

/// Writes a document and its proof: both, or neither.
fn write_both(folder: &Path, files: &[(PathBuf, &Vec<u8>); 2], force: bool) -> Result<()> {
    let mut made = Vec::new();
    for (_, bytes) in files {
        let file = tempfile::NamedTempFile::new_in(folder);
        let mut file = file.with_context(|| format!("cannot write to {}", folder.display()))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        made.push(file);
    }
    let mut first: Option<&Path> = None;
    for (file, (path, _)) in made.into_iter().zip(files) {
        let kept = if force {
            file.persist(path)
        } else {
            file.persist_noclobber(path)
        };
        if let Err(error) = kept {
            if let (Some(first), false) = (first, force) {
                // A document without its proof is worth nothing.
                let _ = std::fs::remove_file(first);
            }
            return Err(error.error).with_context(|| format!("cannot write {}", path.display()));
        }
        first = Some(path);
    }
    Ok(())
}

fn verify(sender: &Sender, pdf: &Path, spf: &Path, json: bool) -> Result<ExitCode> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let verdict = sender.trust.signed(&read(pdf)?, &read(spf)?, None)?;
    if json {
        print_json(&json!({
            "genuine": verdict.genuine,
            "test": verdict.test,
            "problems": verdict.problems,
            "warnings": verdict.warnings,
        }))?;
    } else {
        let mut text = match (verdict.genuine, verdict.test) {
            (true, false) => "genuine\n".to_owned(),
            (true, true) => "genuine for TESTS ALONE\n".to_owned(),
            (false, _) => "NOT GENUINE\n".to_owned(),
        };
        for line in verdict.problems.iter().chain(&verdict.warnings) {
            let _ = writeln!(text, "  {line}");
        }
        print(escape::lines(&text))?;
    }
    Ok(if verdict.genuine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn done(json: bool, text: &str) -> Result<()> {
    if json {
        return print_json(&json!({"done": true}));
    }
    print(format!("{text}\n"))
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

/// Prints a value as indented JSON, in ASCII because it may go to a terminal.
fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    print(escape::json(&text) + "\n")
}
