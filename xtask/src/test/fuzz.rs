//! The fuzz targets of `fuzz/`, compiled and run for a short while.
//!
//! The instrumentation is rustc's own, so that neither a nightly toolchain nor cargo-fuzz is
//! needed. Where both are installed, `cargo fuzz run TARGET` works as everywhere.

use super::Outcome;
use crate::workspace::{TARGET, Workspace, cargo};
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

/// Seconds per target. Long runs are for a machine that has nothing else to do.
const SECONDS: u32 = 10;

/// The profile of fuzz/Cargo.toml for short runs.
const PROFILE: &str = "smoke";

/// libFuzzer's instrumentation, as cargo-fuzz passes it.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 \
    -Cdebug-assertions -Coverflow-checks --cfg fuzzing";

#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Binary>,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
}

pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    let directory = workspace.path("fuzz");
    let manifest = directory.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let targets: Manifest =
        toml::from_str(&text).with_context(|| format!("cannot read {}", manifest.display()))?;
    let output = workspace.target()?.join("fuzz");
    build(&manifest, &output)?;
    fuzz_all(&targets.bin, |target| fuzz(&output, &directory, target))?;
    Ok(Outcome::Passed)
}

fn build(manifest: &Path, output: &Path) -> Result<()> {
    let status = Command::new(cargo())
        .args([
            "build",
            "--locked",
            "--profile",
            PROFILE,
            "--target",
            TARGET,
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .env("CARGO_TARGET_DIR", output)
        .env("RUSTFLAGS", FLAGS)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the fuzz targets of {} do not compile", manifest.display());
    }
    Ok(())
}

/// Runs all targets, one per core at a time: each is a process of one thread.
///
/// Every target runs, whatever the others find. The first error is returned.
fn fuzz_all(targets: &[Binary], fuzz: impl Fn(&str) -> Result<()> + Sync) -> Result<()> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(targets.iter());
    let next = || queue.lock().ok()?.next();
    let work = || {
        let mut result = Ok(());
        while let Some(target) = next() {
            result = result.and(fuzz(&target.name));
        }
        result
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut result = Ok(());
        for worker in workers {
            let ended = worker.join();
            result = result.and(ended.unwrap_or_else(|_| Err(anyhow!("a thread panicked"))));
        }
        result
    })
}

/// Runs one target. Its corpus (not committed) grows under the target directory; seeds come from
/// `fuzz/seeds/TARGET`.
fn fuzz(output: &Path, directory: &Path, target: &str) -> Result<()> {
    let corpus = output.join("corpus").join(target);
    let findings = output.join("findings");
    fs::create_dir_all(&corpus).with_context(|| format!("cannot create {}", corpus.display()))?;
    fs::create_dir_all(&findings)
        .with_context(|| format!("cannot create {}", findings.display()))?;
    let program: PathBuf = output.join(TARGET).join(PROFILE).join(target);
    let mut prefix = OsString::from("-artifact_prefix=");
    prefix.push(findings.join(format!("{target}-")));
    let mut command = Command::new(&program);
    command
        .arg(format!("-max_total_time={SECONDS}"))
        .args([
            "-rss_limit_mb=2048",
            "-timeout=10",
            "-verbosity=0",
            "-print_final_stats=0",
        ])
        .arg(prefix)
        .arg(&corpus);
    let seeds = directory.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        bail!(
            "fuzzing {target} found something ({status}); the input is in {}",
            findings.display()
        );
    }
    println!("   {target}: {SECONDS} s, nothing found");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_runs_even_after_a_finding() {
        let targets: Vec<Binary> = ["a", "b", "c", "d", "e"]
            .map(|name| Binary {
                name: name.to_owned(),
            })
            .into();
        let ran = Mutex::new(Vec::new());
        let result = fuzz_all(&targets, |name| {
            ran.lock().unwrap().push(name.to_owned());
            if name == "b" {
                bail!("found");
            }
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "found");
        let mut ran = ran.into_inner().unwrap();
        ran.sort();
        assert_eq!(ran, ["a", "b", "c", "d", "e"]);
        assert!(fuzz_all(&targets, |_| Ok(())).is_ok());
    }
}
