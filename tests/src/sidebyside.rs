//! Benchmarks programs side by side: every contender runs once per round, in turn, so that other
//! load on the machine affects all of them. The best time of each counts. For benchmarks that print
//! ratios.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Any error of a benchmark.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One run: seconds, seconds of processor time, and peak resident memory in KiB of the largest
/// process.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Wall-clock time.
    pub seconds: f64,
    /// User and system time together.
    pub processor: f64,
    /// Peak resident memory of the largest process, in KiB.
    pub kib: u64,
}

/// Runs commands in turn. GNU time must be in PATH.
#[derive(Debug)]
pub struct Bench {
    /// Folder for the commands' output.
    pub folder: PathBuf,
    /// Number of runs of each command.
    pub rounds: usize,
    /// Files and folders below `folder` to remove before each run: replacing one costs extra time
    /// on some file systems.
    pub outputs: Vec<String>,
}

impl Bench {
    /// A path below the folder, as text.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Runs all contenders (name, shell command) in each round; prints and returns the best run of
    /// each.
    pub fn compare(&self, contenders: &[(&str, String)]) -> Result<Vec<Run>> {
        let mut best: Vec<Option<Run>> = vec![None; contenders.len()];
        for _ in 0..self.rounds {
            for ((_, command), best) in contenders.iter().zip(&mut best) {
                for output in &self.outputs {
                    let path = self.folder.join(output);
                    if path.is_dir() {
                        std::fs::remove_dir_all(&path)?;
                    } else {
                        let _ = std::fs::remove_file(&path);
                    }
                }
                let run = self.shell(command)?;
                let before = best.unwrap_or(run);
                *best = Some(Run {
                    seconds: run.seconds.min(before.seconds),
                    processor: run.processor.min(before.processor),
                    kib: run.kib.max(before.kib),
                });
            }
        }
        let best: Vec<Run> = best.into_iter().flatten().collect();
        for ((name, _), run) in contenders.iter().zip(&best) {
            println!(
                "  {name:<34} {:>7.2} s, processor {:>6.2} s, {:>4} MiB",
                run.seconds,
                run.processor,
                run.kib.div_ceil(1024)
            );
        }
        Ok(best)
    }

    /// Runs a command under GNU time.
    pub fn shell(&self, command: &str) -> Result<Run> {
        let report = self.folder.join("time");
        let output = Command::new("time")
            .args(["-q", "-f", "%e %U %S %M", "-o"])
            .arg(&report)
            .args(["sh", "-c", command])
            .output()?;
        if !output.status.success() {
            return Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let text = std::fs::read_to_string(&report)?;
        let fields: Vec<f64> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let [seconds, user, system, kib] = *fields.as_slice() else {
            return Err("GNU time said something else".into());
        };
        // GNU time prints whole KiB.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let kib = kib as u64;
        Ok(Run {
            seconds,
            processor: user + system,
            kib,
        })
    }

    /// Length of a file below the folder, in MB.
    pub fn megabytes(&self, name: &str) -> Result<u64> {
        Ok(std::fs::metadata(Path::new(&self.path(name)))?.len() / 1_000_000)
    }
}
