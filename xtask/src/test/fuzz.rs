//! Fuzz targets, compiled and run for a short while. The instrumentation is rustc's own, so that neither a nightly toolchain
//! nor cargo-fuzz is needed; with those, `cargo fuzz run TARGET` in the crate works as everywhere.

use super::Outcome;
use crate::workspace::{TARGET, Workspace, cargo};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where crates with fuzz targets are.
const CRATES: &[&str] = &[
    "canoni",
    "crates/attestation",
    "crates/job",
    "crates/kms",
    "crates/mail",
    "crates/measurements",
    "crates/nsm",
    "crates/proof",
    "crates/sms",
    "crates/stamp",
    "enclave/eif",
    "verify",
];

/// Seconds per target. Long runs are for a machine that has nothing else to do.
const SECONDS: u32 = 10;

/// libFuzzer's instrumentation, as cargo-fuzz passes it.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 \
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
    for name in CRATES {
        let directory = workspace.path(name).join("fuzz");
        let manifest = directory.join("Cargo.toml");
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let targets: Manifest =
            toml::from_str(&text).with_context(|| format!("cannot read {}", manifest.display()))?;
        let output = workspace.target()?.join("fuzz");
        build(&manifest, &output)?;
        for target in targets.bin {
            fuzz(&output, &directory, &target.name)?;
        }
    }
    Ok(Outcome::Passed)
}

fn build(manifest: &Path, output: &Path) -> Result<()> {
    let status = Command::new(cargo())
        .args(["build", "--release", "--target", TARGET, "--manifest-path"])
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

/// Runs one target. Its corpus (not committed) grows under the target directory; seeds come from `fuzz/seeds/TARGET`.
fn fuzz(output: &Path, directory: &Path, target: &str) -> Result<()> {
    let corpus = output.join("corpus").join(target);
    let findings = output.join("findings");
    fs::create_dir_all(&corpus).with_context(|| format!("cannot create {}", corpus.display()))?;
    fs::create_dir_all(&findings)
        .with_context(|| format!("cannot create {}", findings.display()))?;
    let program: PathBuf = output.join(TARGET).join("release").join(target);
    let mut prefix = findings.clone().into_os_string();
    prefix.push("/");
    prefix.push(target);
    prefix.push("-");
    let mut command = Command::new(&program);
    command
        .arg(format!("-max_total_time={SECONDS}"))
        .args([
            "-rss_limit_mb=2048",
            "-timeout=10",
            "-verbosity=0",
            "-print_final_stats=0",
        ])
        .arg({
            let mut argument = std::ffi::OsString::from("-artifact_prefix=");
            argument.push(prefix);
            argument
        })
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
