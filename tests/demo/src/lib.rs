//! `cargo xtask demo`: a document is sent, mailed, confirmed, signed and verified on one machine,
//! and a page shows each step (docs/demo.md).
//!
//! The signing server and letsesign-verify are the real programs; `letsesign-testbed` provides the
//! services around them. This crate contains the host's relays, which record everything that the
//! host can see.

#![allow(clippy::format_push_string, reason = "pages are made of texts")]

pub mod args;
mod attempts;
mod contract;
mod detail;
mod model;
mod output;
mod own;
mod page;
mod pictures;
mod play;
mod relay;
mod search;
mod setting;
mod show;
mod story;
mod verdict;

use anyhow::{Context, Result, bail};
use args::DemoArgs;
use output::Output;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The programs that the demo runs, and its default output folder.
#[derive(Debug, Clone)]
pub struct Programs {
    /// letsesign-server, built with the feature `emulation`.
    pub server: PathBuf,
    /// The program letsesign-verify.
    pub verifier: PathBuf,
    /// Folder for the result unless `--output` names another.
    pub output: PathBuf,
}

/// The result of the demo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The folder that was written.
    pub folder: PathBuf,
    /// The summary that `--json` prints and `summary.json` contains.
    pub summary: Value,
    /// A few lines for people.
    pub text: String,
}

/// Runs the demo inside a tokio runtime and calls `progress` with the name of each step before it
/// starts. Writes the whole folder or nothing.
///
/// # Errors
/// When a step fails: names the step and quotes the server's log.
pub async fn run(
    arguments: &DemoArgs,
    programs: &Programs,
    progress: &dyn Fn(&str),
) -> Result<Outcome> {
    let start = Instant::now();
    let target = arguments.output.as_ref().unwrap_or(&programs.output);
    let output = Output::new(target)?;
    // The verifier runs in the output folder, so its path must be absolute.
    let found = |path: &Path| {
        path.canonicalize()
            .with_context(|| format!("cannot find the program {}", path.display()))
    };
    let (server, verifier) = (found(&programs.server)?, found(&programs.verifier)?);
    let story = story::run(arguments, &server, progress).await?;
    if let Some(needle) = story.hidden.iter().find(|needle| needle.found) {
        bail!("the host saw {}: this must never happen", needle.what);
    }
    if let Some(needle) = story.plain.iter().find(|needle| !needle.found) {
        bail!(
            "{} was not found in what the host saw, so the search proves nothing",
            needle.what
        );
    }
    if let Some(attempt) = story
        .attempts
        .iter()
        .find(|attempt| attempt.code != u64::from(attempt.expected))
    {
        bail!(
            "{} {}: refused with code {}, but {} was expected",
            attempt.who,
            attempt.what,
            attempt.code,
            attempt.expected
        );
    }
    output.write(&story.pdf.0, &story.pdf.1)?;
    output.write(&story.spf.0, &story.spf.1)?;
    output.write("sent.pdf", &story.sent)?;
    output.write("preview.pdf", &story.preview)?;
    output.write("server.log", &story.log)?;
    for letter in story::letters(&story) {
        output.write(&letter.file, &letter.html)?;
    }
    progress("letsesign-verify checks the document");
    let verdicts = verdict::run(&verifier, &story, &output)?;
    progress("pages are drawn");
    let pages = i64::try_from(count_pages(&story.pdf.1)).unwrap_or(i64::MAX);
    let pictures = pictures::draw(&output.path(&story.pdf.0), pages, &story.signed_pages, "")?;
    let first = story.signed_pages.first().copied().unwrap_or(1);
    let preview = pictures::draw(
        &output.path("preview.pdf"),
        first,
        &[first],
        &story.password,
    )?;
    let preview = preview.into_iter().rfind(|picture| picture.page == first);
    for picture in &pictures {
        output.write(&format!("pages/page-{}.png", picture.page), &picture.png)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let page = page::render(
        &story,
        &verdicts,
        &pictures,
        preview.as_ref(),
        pages,
        seconds,
    )?;
    output.write("index.html", page)?;
    let summary = summary(&story, &verdicts, output.target(), seconds);
    output.write("summary.json", format!("{summary:#}\n"))?;
    let folder = output.finish()?;
    let text = text(&story, &verdicts, &folder, seconds);
    Ok(Outcome {
        folder,
        summary,
        text,
    })
}

fn count_pages(pdf: &[u8]) -> usize {
    lopdf::Document::load_mem(pdf).map_or(1, |document| document.get_pages().len())
}

fn summary(
    story: &model::Story,
    verdicts: &verdict::Verdicts,
    folder: &Path,
    seconds: f64,
) -> Value {
    let path = |name: &str| folder.join(name).display().to_string();
    let steps: Vec<Value> = story
        .steps
        .iter()
        .map(|step| {
            json!({
                "title": step.title,
                "job": step.job.map(|(name, _)| name),
                "code": step.job.map(|(_, code)| code),
                "milliseconds": step.millis.map(tenths),
                "mails": step.letters.iter().map(|letter| path(&letter.file)).collect::<Vec<_>>(),
                "crossings": step.crossings,
            })
        })
        .collect();
    json!({
        "verdict": verdicts.right.word,
        "checks": verdicts.right.checks.iter().map(|(name, outcome, _)| json!({"name": name, "outcome": outcome})).collect::<Vec<_>>(),
        "testRoot": true,
        "tampered": verdicts.tampered,
        "attempts": story.attempts,
        "signers": story.signers,
        "hostSawBytes": story.host_bytes,
        "hostDidNotSee": story.hidden.iter().map(|needle| &needle.what).collect::<Vec<_>>(),
        "steps": steps,
        "seconds": tenths(seconds),
        "files": {
            "page": path("index.html"),
            "document": path(&story.pdf.0),
            "proof": path(&story.spf.0),
            "sent": path("sent.pdf"),
            "preview": path("preview.pdf"),
            "log": path("server.log"),
        },
    })
}

/// Rounds to tenths: more digits are meaningless here.
fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn text(story: &model::Story, verdicts: &verdict::Verdicts, folder: &Path, seconds: f64) -> String {
    let mut out = String::new();
    for step in &story.steps {
        let time = step.millis.map(show::millis).unwrap_or_default();
        let code = step
            .job
            .map(|(name, code)| format!("  {name}, code {code}"))
            .unwrap_or_default();
        out += &format!("{time:>9}  {}{code}\n", step.title);
    }
    out += &format!(
        "\nThe host carried {} and saw none of {} secrets. {} attempts to cheat were refused.\n",
        show::size(story.host_bytes),
        story.hidden.len(),
        story.attempts.len()
    );
    out += &format!("letsesign-verify: {}\n", verdicts.right.first_line);
    for verdict in &verdicts.tampered {
        out += &format!(
            "letsesign-verify: {} ({})\n",
            verdict.first_line, verdict.of
        );
    }
    let page_url = format!(
        "file://{}",
        show::url(&folder.join("index.html").to_string_lossy())
    );
    out += &format!(
        "\n{}\n{}\ndone in {seconds:.1} s; open the page: {}\n",
        folder.join(&story.pdf.0).display(),
        folder.join(&story.spf.0).display(),
        page_url
    );
    out
}

/// Opens the page in the browser.
///
/// # Errors
/// When no program can open the page.
pub fn open(folder: &Path) -> Result<()> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    std::process::Command::new(program)
        .arg(folder.join("index.html"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .with_context(|| {
            format!(
                "cannot run {program}; open {} yourself",
                folder.join("index.html").display()
            )
        })?;
    Ok(())
}
