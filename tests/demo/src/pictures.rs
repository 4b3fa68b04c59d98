//! Renders pages as images with any installed program.

use anyhow::{Context, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// Resolution in pixels per inch.
const RESOLUTION: &str = "84";
/// The most pages to render.
const PAGES: i64 = 4;

/// An image of a page.
pub(crate) struct Picture {
    /// Number of the page, from 1.
    pub(crate) page: i64,
    /// The image as PNG.
    pub(crate) png: Vec<u8>,
}

/// A program that renders pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Pdftoppm,
    Mutool,
}

/// The first installed program, if any.
fn tool() -> Option<Tool> {
    let there = |name: &str| {
        Command::new(name)
            .arg("-v")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    [("pdftoppm", Tool::Pdftoppm), ("mutool", Tool::Mutool)]
        .into_iter()
        .find(|(name, _)| there(name))
        .map(|(_, tool)| tool)
}

/// Renders the first pages and those in `matter`. Returns nothing without a suitable program, and
/// leaves out pages that fail.
pub(crate) fn draw(pdf: &Path, pages: i64, matter: &[i64], password: &str) -> Result<Vec<Picture>> {
    let Some(tool) = tool() else {
        return Ok(Vec::new());
    };
    let mut wanted: Vec<i64> = (1..=pages.min(PAGES)).collect();
    wanted.extend(matter.iter().copied().take(2).filter(|page| *page <= pages));
    wanted.sort_unstable();
    wanted.dedup();
    let folder = tempfile::tempdir().context("cannot make a folder for pictures")?;
    let mut pictures = Vec::new();
    for page in wanted {
        let number = page.to_string();
        let base = folder.path().join("page");
        let file = base.with_extension("png");
        let mut command = match tool {
            Tool::Pdftoppm => {
                let mut command = Command::new("pdftoppm");
                command.args([
                    "-png",
                    "-singlefile",
                    "-r",
                    RESOLUTION,
                    "-f",
                    &number,
                    "-l",
                    &number,
                ]);
                command.args(["-upw", password]).arg(pdf).arg(&base);
                command
            }
            Tool::Mutool => {
                let mut command = Command::new("mutool");
                command.args(["draw", "-q", "-r", RESOLUTION, "-p", password, "-o"]);
                command.arg(&file).arg(pdf).arg(&number);
                command
            }
        };
        let done = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if done.is_ok_and(|status| status.success())
            && let Ok(png) = std::fs::read(&file)
        {
            pictures.push(Picture { page, png });
        }
        let _ = std::fs::remove_file(&file);
    }
    Ok(pictures)
}
