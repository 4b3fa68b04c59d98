//! The whole service on one machine: the real host, enclave server, client and pages, with AWS,
//! mails and text messages of the testbed. `cargo xtask serve` runs it.
//!
//! Nothing that is shipped depends on it.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod args;
pub mod links;
pub mod pages;
pub mod sender;
pub mod stack;

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// The programs that are run.
#[derive(Debug, Clone)]
pub struct Programs {
    /// letsesign-host.
    pub host: PathBuf,
    /// letsesign-server, built with the feature `emulation`.
    pub server: PathBuf,
    /// letsesign.
    pub client: PathBuf,
    /// letsesign-verify.
    pub verifier: PathBuf,
}

/// The page that verifies documents of this service: under the testbed's root, for the release that
/// runs.
///
/// # Errors
/// When letsesign-verify fails; the error has its message.
pub async fn verifier_page(programs: &Programs, parts: &stack::Parts) -> Result<String> {
    let output = Command::new(&programs.verifier)
        .args(["page", "--with-viewer"])
        .arg("--root")
        .arg(parts.testbed.folder().join("attestation-root.pem"))
        .arg("--measurements")
        .arg(parts.measurements())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot run {}", programs.verifier.display()))?;
    ensure!(
        output.status.success(),
        "letsesign-verify page: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("letsesign-verify page prints no text")
}
