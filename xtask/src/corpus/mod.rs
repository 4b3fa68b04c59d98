//! `cargo xtask corpus`: stamps every PDF of a folder and has other readers look at the results.

mod readers;
mod stamped;

use crate::workspace::Workspace;
use anyhow::{Result, bail};
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
pub(crate) struct CorpusArgs {
    /// Folder of PDFs; folders in it are looked through, too
    folder: PathBuf,
    /// One JSON object a line and file in place of the table
    #[arg(long)]
    json: bool,
    /// Pages of each file that readers draw
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pages: u32,
}

/// What became of a file.
#[derive(Serialize)]
struct Outcome {
    file: PathBuf,
    #[serde(rename = "outcome")]
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Readers that do not show the stamp.
    invisible: Vec<&'static str>,
    /// Pages, from 1, that look different outside of the stamp.
    changed: Vec<usize>,
    /// What opening and stamping took.
    seconds: f64,
}

pub(crate) fn run(workspace: &Workspace, arguments: &CorpusArgs) -> Result<()> {
    let mut files = Vec::new();
    walk(&arguments.folder, &mut files)?;
    files.sort();
    if files.is_empty() {
        bail!("no PDF in {}", arguments.folder.display());
    }
    let readers = Reader::installed();
    if readers.is_empty() {
        eprintln!(
            "no reader is installed (poppler-utils, mupdf-tools, ghostscript): stamping alone"
        );
    }
    let fonts = workspace.path("enclave/packages/fonts");
    let read = |name: &str| std::fs::read(fonts.join(name));
    let fonts = Fonts::new(
        read("DancingScript-Regular.otf")?,
        read("Inconsolata.otf")?,
        read("ukai.ttc")?,
    )?;
    let stamper = Stamper {
        fonts,
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
    if !arguments.json {
        table(&mut lock(&outcomes));
    }
    Ok(())
}

fn one(stamper: &Stamper, file: &Path) -> Result<Outcome> {
    let mut outcome = Outcome {
        file: file.to_owned(),
        result: "refused",
        reason: None,
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
        Err(reason) => outcome.reason = Some(reason.to_string()),
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
            println!("refused: {file}: {reason}");
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

/// All files that are called PDFs. Links are not followed.
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
