//! Other readers of PDFs as witnesses: each draws the first pages.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Dots an inch: enough to see a stamp, few enough for thousands of files.
const RESOLUTION: &str = "50";
/// A program that takes longer than this shows nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that draws pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Poppler,
    MuPdf,
    Ghostscript,
    PdfJs,
}

impl Reader {
    /// Those that are installed.
    pub(super) fn installed() -> Vec<Self> {
        let all = [Self::Poppler, Self::MuPdf, Self::Ghostscript, Self::PdfJs];
        all.into_iter()
            .filter(|reader| match reader {
                Self::PdfJs => letsesign_tests::pdfjs().is_some(),
                _ => letsesign_tests::is_installed(reader.program()),
            })
            .collect()
    }

    /// # Errors
    /// When one of them is not installed; how to install it.
    pub(super) fn require_all(installed: &[Self]) -> Result<()> {
        for (reader, package) in [
            (Self::Poppler, "poppler-utils"),
            (Self::MuPdf, "mupdf-tools"),
            (Self::Ghostscript, "ghostscript"),
        ] {
            ensure!(
                installed.contains(&reader),
                "{} is not installed (apt-get install {package})",
                reader.name()
            );
        }
        ensure!(
            installed.contains(&Self::PdfJs),
            "{}",
            letsesign_tests::PDFJS_MISSING
        );
        Ok(())
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Poppler => "poppler",
            Self::MuPdf => "mupdf",
            Self::Ghostscript => "ghostscript",
            Self::PdfJs => "pdf.js",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Poppler => "pdftoppm",
            Self::MuPdf => "mutool",
            Self::Ghostscript => "gs",
            Self::PdfJs => "node",
        }
    }

    /// The first `count` pages as PPM files, in their order. None when the reader cannot read it.
    pub(super) fn pages(self, pdf: &Path, count: u32, folder: &Path) -> Result<Vec<Vec<u8>>> {
        let mut command = Command::new(self.program());
        match self {
            Self::Poppler => {
                command.args(["-cropbox", "-r", RESOLUTION, "-l", &count.to_string()]);
                command.arg(pdf).arg(folder.join("page"));
            }
            Self::MuPdf => {
                command.args(["draw", "-q", "-r", RESOLUTION, "-o"]);
                command.arg(folder.join("page-%04d.ppm")).arg(pdf);
                command.arg(format!("1-{count}"));
            }
            Self::Ghostscript => {
                command.args(["-q", "-dSAFER", "-dNOPAUSE", "-dBATCH", "-sDEVICE=ppmraw"]);
                command.arg("-dUseCropBox").arg(format!("-r{RESOLUTION}"));
                command.arg(format!("-dLastPage={count}"));
                let to = folder.join("page-%04d.ppm");
                command
                    .arg(format!("-sOutputFile={}", to.display()))
                    .arg(pdf);
            }
            Self::PdfJs => {
                let paths = letsesign_tests::pdfjs().context(letsesign_tests::PDFJS_MISSING)?;
                command.args(paths).arg(pdf).arg(folder);
                command.args([RESOLUTION, &count.to_string()]);
            }
        }
        // Each reader numbers its files with leading zeros, so the order of names is that of pages.
        patiently(command)?;
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.sort();
        files
            .iter()
            .map(|file| {
                let page = std::fs::read(file)?;
                std::fs::remove_file(file)?;
                Ok(page)
            })
            .collect()
    }
}

/// Runs a program that may hang, with a time limit. Its output is discarded.
fn patiently(mut command: Command) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            break;
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// MediaBox and visible part of the first page: left, bottom, right, top.
pub(super) fn boxes(pdf: &Path) -> Option<[[f64; 4]; 2]> {
    let ran = Command::new("pdfinfo").arg("-box").arg(pdf).output().ok()?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let find = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let numbers: Vec<f64> = line
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect::<Option<_>>()?;
        numbers.first_chunk::<4>().copied()
    };
    Some([find("MediaBox:")?, find("CropBox:")?])
}
