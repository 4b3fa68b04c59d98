//! `cargo xtask corpus`: stamps every PDF of a folder and checks the results with other readers.

mod readers;
mod stamped;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use letsesign_stamp::Fonts;
use readers::Reader;
use serde::Serialize;
use stamped::Stamper;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Files that take longer to stamp are listed as slow.
const SLOW: f64 = 1.0;
/// Larger files than a job can hold are left out.
const MAX_SIZE: u64 = 50 << 20;

#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask corpus ~/Documents\n  \
    cargo xtask corpus DIR --json | jq -c 'select(.invisible != [])'\n  \
    cargo xtask corpus DIR --every 16 --pages 2 --strict    what CI runs over Debian's PDFs")]
pub(crate) struct CorpusArgs {
    /// Folder of PDFs, with its subfolders
    folder: PathBuf,
    /// One JSON object a line and file in place of the table
    #[arg(long)]
    json: bool,
    /// Pages of each file that readers draw
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pages: u32,
    /// Take every Nth file alone, in the order of their names
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Fail when a reader misses a stamp or a page changed, or when a reader is not installed
    #[arg(long)]
    strict: bool,
}

/// The result for one file.
#[derive(Serialize)]
struct Outcome {
    file: PathBuf,
    #[serde(rename = "outcome")]
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The object that was being read when the file was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Readers that draw a file that was refused.
    #[serde(rename = "drawnBy", skip_serializing_if = "Vec::is_empty")]
    drawn_by: Vec<&'static str>,
    /// Readers that do not show the stamp.
    invisible: Vec<&'static str>,
    /// Pages, from 1, that look different outside of the stamp.
    changed: Vec<usize>,
    /// Wall-clock time of opening and stamping.
    seconds: f64,
}

pub(crate) fn run(workspace: &Workspace, arguments: &CorpusArgs) -> Result<()> {
    let mut files = Vec::new();
    walk(&arguments.folder, &mut files)?;
    files.sort();
    if files.is_empty() {
        bail!("no PDF in {}", arguments.folder.display());
    }
    let every = usize::try_from(arguments.every)?;
    let files: Vec<PathBuf> = files.into_iter().step_by(every).collect();
    let readers = Reader::installed();
    if arguments.strict {
        Reader::require_all(&readers)?;
    }
    if readers.is_empty() {
        eprintln!(
            "no reader is installed (poppler-utils, mupdf-tools, ghostscript, pdf.js): stamping alone"
        );
    }
    let stamper = Stamper {
        fonts: fonts(workspace)?,
        readers,
        pages: arguments.pages,
    };
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Outcome>> = Mutex::default();
    let failure: Mutex<Option<anyhow::Error>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match one(&stamper, file) {
                        Ok(outcome) => {
                            if arguments.json {
                                print(&outcome);
                            }
                            lock(&outcomes).push(outcome);
                        }
                        // An outcome of a file is never an error: this is a fault of the machine,
                        // so the first one ends the run.
                        Err(error) => {
                            lock(&failure).get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = lock(&failure).take() {
        return Err(error);
    }
    let mut outcomes = lock(&outcomes);
    if !arguments.json {
        table(&mut outcomes);
    }
    let wrong = outcomes
        .iter()
        .filter(|one| !one.invisible.is_empty() || !one.changed.is_empty())
        .count();
    if arguments.strict && wrong > 0 {
        bail!(
            "{wrong} of {} files have a stamp that is not seen, or a page that changed",
            files.len()
        );
    }
    Ok(())
}

/// # Errors
/// When a reader is not installed; how to install it.
pub(crate) fn readers_are_installed() -> Result<()> {
    Reader::require_all(&Reader::installed())
}

fn one(stamper: &Stamper, file: &Path) -> Result<Outcome> {
    let mut outcome = Outcome {
        file: file.to_owned(),
        result: "refused",
        reason: None,
        place: None,
        drawn_by: Vec::new(),
        invisible: Vec::new(),
        changed: Vec::new(),
        seconds: 0.0,
    };
    if std::fs::metadata(file)?.len() > MAX_SIZE {
        outcome.reason = Some("larger than 50 MiB".to_owned());
        return Ok(outcome);
    }
    let (result, seconds) = stamper.stamp(file)?;
    outcome.seconds = seconds;
    match result {
        Ok(pair) => {
            outcome.result = "stamped";
            (outcome.invisible, outcome.changed) = stamper.look(file, &pair)?;
        }
        Err(refusal) => {
            outcome.reason = Some(refusal.error.to_string());
            outcome.place = refusal.place.map(|place| place.to_string());
            outcome.drawn_by = stamper.drawn_by(file)?;
        }
    }
    Ok(outcome)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn print(outcome: &Outcome) {
    if let Ok(line) = serde_json::to_string(outcome) {
        println!("{line}");
    }
}

fn table(outcomes: &mut [Outcome]) {
    outcomes.sort_by(|one, other| one.file.cmp(&other.file));
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in outcomes.iter().filter_map(|one| one.reason.as_deref()) {
        *reasons.entry(reason).or_default() += 1;
    }
    let count = |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|one| is(one)).count();
    println!("{:6} files", outcomes.len());
    println!("{:6} stamped", count(&|one| one.reason.is_none()));
    for (reason, files) in &reasons {
        println!("{files:6} refused: {reason}");
    }
    println!("{:6} invisible", count(&|one| !one.invisible.is_empty()));
    println!(
        "{:6} changed elsewhere",
        count(&|one| !one.changed.is_empty())
    );
    println!(
        "{:6} slow (more than {SLOW} s)",
        count(&|one| one.seconds > SLOW)
    );
    for one in outcomes.iter() {
        let file = one.file.display();
        if let Some(reason) = &one.reason {
            let place = one.place.as_deref().unwrap_or("no object");
            let drawn_by = match one.drawn_by.as_slice() {
                [] => "no other reader".to_owned(),
                readers => readers.join(", "),
            };
            println!("refused: {file}: {reason} ({place}; drawn by {drawn_by})");
        }
        if !one.invisible.is_empty() {
            println!("invisible: {file}: in {}", one.invisible.join(", "));
        }
        if !one.changed.is_empty() {
            let pages: Vec<String> = one.changed.iter().map(ToString::to_string).collect();
            println!("changed: {file}: page {}", pages.join(", "));
        }
        if one.seconds > SLOW {
            println!("slow: {file}: {:.1} s", one.seconds);
        }
    }
}

/// The faces that the server stamps with.
fn fonts(workspace: &Workspace) -> Result<Fonts> {
    let folder = workspace.path("enclave/packages/fonts");
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok(Fonts::new(
        read("DancingScript-Regular.otf")?,
        read("Inconsolata.otf")?,
        read("ukai.ttc")?,
    )?)
}

/// All files with the extension of a PDF. Links are not followed.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, files)?;
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"))
        {
            files.push(path);
        }
    }
    Ok(())
}
