//! `cargo xtask boot`: an EIF in emulation, with its console on the terminal and this machine as
//! its parent.

use crate::emulator;
use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use letsesign_nsm::document::Unverified;
use letsesign_tests::boot::{BootError, Image, Line, Machine, Options, Reply, Sink};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Bytes of the nonce of a self-test; the enclave takes 16 to 64.
const NONCE: usize = 32;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask boot                          until it ends or Ctrl-C\n  \
                  cargo xtask boot --self-test              compare the NSM's PCRs with the image's, then end\n  \
                  cargo xtask boot other.eif --memory 512 --no-heartbeat\n  \
                  cargo xtask boot --job job.json --json    run a job, print times and its result\n  \
                  cargo xtask boot --host 10                the whole host around it, with an upgrade"
)]
pub(crate) struct BootArgs {
    /// The image [default: letsesign-enclave.eif of the target directory]
    eif: Option<PathBuf>,
    /// Memory of the enclave in MiB
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(32..=16384))]
    memory: u32,
    /// Virtual CPUs of the enclave
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,
    /// Ask for an attestation document and compare its PCR0..2 with those of the image
    #[arg(long)]
    self_test: bool,
    /// Give the enclave this job, a file with {"session", "jobName", "jobData"}; may be repeated
    #[arg(long = "job", value_name = "FILE")]
    jobs: Vec<PathBuf>,
    /// Print times and results as JSON and end; the console is not shown
    #[arg(long)]
    json: bool,
    /// Boot the test variant under letsesign-host instead, have so many tasks signed [default:
    /// 100], and upgrade the image in the middle
    #[arg(long, value_name = "TASKS", num_args = 0..=1, default_missing_value = "100",
          value_parser = clap::value_parser!(u32).range(1..=10_000),
          conflicts_with_all = ["eif", "self_test", "jobs", "json", "no_heartbeat"])]
    host: Option<u32>,
    /// Do not wait for the heartbeat and get-job: for images that know neither
    #[arg(long, conflicts_with_all = ["self_test", "jobs", "json"])]
    no_heartbeat: bool,
    /// Seconds that each step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

/// A job as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    session: String,
    #[serde(rename = "jobName")]
    name: String,
    #[serde(rename = "jobData")]
    data: Value,
}

/// Output of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Seconds from power-on.
    heartbeat: f64,
    /// Seconds from power-on.
    first_get_job: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_test: Option<SelfTest>,
    /// Results by session.
    results: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct SelfTest {
    /// PCR0..2 in the attestation document, equal to the image's.
    pcrs: BTreeMap<String, String>,
    document: String,
}

pub(crate) fn run(workspace: &Workspace, arguments: &BootArgs) -> Result<()> {
    if let Some(tasks) = arguments.host {
        return under_the_host(workspace, tasks);
    }
    let eif = match &arguments.eif {
        Some(path) => path.clone(),
        None => workspace.artifacts()?.join("letsesign-enclave.eif"),
    };
    ensure!(
        eif.is_file(),
        "the image {} does not exist; build one with: cargo xtask eif",
        eif.display()
    );
    let jobs = arguments
        .jobs
        .iter()
        .map(|path| read_job(path))
        .collect::<Result<Vec<_>>>()?;
    let emulator = emulator::obtain(workspace)?;
    let quiet = arguments.json;
    let options = Options {
        memory: arguments.memory,
        cpus: arguments.cpus,
        console: (!quiet).then(|| Box::new(show) as Sink),
        ..Options::default()
    };
    // Ctrl-C reaches QEMU as well, which then ends; we stay to clean up after it.
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .context("cannot handle Ctrl-C")?;

    let mut machine = Machine::boot(&emulator, &Image::Eif(eif.clone()), options)?;
    if arguments.no_heartbeat {
        return stay(&mut machine, &interrupted);
    }
    let limit = Duration::from_secs(arguments.timeout);
    let heartbeat = machine.wait_heartbeat(limit)?;
    let first_get_job = machine.wait_first_get_job(limit)?;
    if !quiet {
        eprintln!(
            "heartbeat {:.2} s after power-on, first get-job {:.2} s",
            heartbeat.as_secs_f64(),
            first_get_job.as_secs_f64()
        );
    }
    let self_test = if arguments.self_test {
        Some(self_test(&mut machine, &eif, limit)?)
    } else {
        None
    };
    let mut results = BTreeMap::new();
    for job in jobs {
        let session = job.session.clone();
        machine.host().queue(Reply::Job {
            session: job.session,
            name: job.name,
            data: job.data,
        });
        let result = machine.wait_result(&session, limit)?;
        if !quiet {
            println!("{session}: {result}");
        }
        results.insert(session, result);
    }
    for problem in machine.host().problems() {
        eprintln!("warning: {problem}");
    }
    if quiet {
        let report = Report {
            heartbeat: heartbeat.as_secs_f64(),
            first_get_job: first_get_job.as_secs_f64(),
            self_test,
            results,
        };
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    if let Some(test) = self_test {
        for (name, value) in &test.pcrs {
            println!("{name} {value}");
        }
        println!(
            "the NSM's attestation document has the measurements of {}",
            eif.display()
        );
        return Ok(());
    }
    if !results.is_empty() {
        return Ok(());
    }
    stay(&mut machine, &interrupted)
}

/// Runs the test that has tasks signed under the whole host (tests/tests/host/qemu.rs).
fn under_the_host(workspace: &Workspace, tasks: u32) -> Result<()> {
    crate::enclave::build(workspace)?;
    crate::hermetic::build(workspace, crate::hermetic::SERVER_VARIANT)?;
    // Without it the test would skip itself.
    emulator::obtain(workspace)?;
    let artifacts = workspace.artifacts()?;
    let status = Command::new(cargo())
        .args(["build", "--locked", "--package", "letsesign-host"])
        .current_dir(workspace.root())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "letsesign-host does not build ({status})");
    let status = Command::new(cargo())
        .args([
            "test",
            "--locked",
            "--package",
            "letsesign-tests",
            "--test",
            "host",
        ])
        .args([
            "--",
            "--nocapture",
            "tasks_survive_an_upgrade_of_the_enclave",
        ])
        .env("LETSESIGN_ARTIFACTS", &artifacts)
        .env("LETSESIGN_EIF", artifacts.join("letsesign-enclave.eif"))
        .env("LETSESIGN_TEST_TASKS", tasks.to_string())
        .env("REQUIRE_ALL", "1")
        .current_dir(workspace.root())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the tasks were not signed ({status})");
    Ok(())
}

/// Keeps the enclave until it ends or Ctrl-C.
fn stay(machine: &mut Machine, interrupted: &AtomicBool) -> Result<()> {
    loop {
        match machine.wait_end(Duration::from_millis(200)) {
            _ if interrupted.load(Ordering::Relaxed) => return Ok(()),
            Ok(status) => bail!("the enclave ended ({status})"),
            Err(BootError::Timeout { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn show(line: &Line) {
    if std::io::stdout().is_terminal() {
        // The enclave's bytes must not steer the terminal.
        let text: String = line
            .text
            .chars()
            .filter(|character| !character.is_control() || *character == '\t')
            .collect();
        println!("[{:8.3}] {text}", line.at.as_secs_f64());
    } else {
        println!("[{:8.3}] {}", line.at.as_secs_f64(), line.text);
    }
}

fn read_job(path: &Path) -> Result<Job> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a job", path.display()))
}

/// Has the enclave attest a fresh nonce and compares the registers of its NSM with those computed
/// from the image's bytes.
fn self_test(machine: &mut Machine, eif: &Path, limit: Duration) -> Result<SelfTest> {
    let mut nonce = [0; NONCE];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut nonce))
        .context("cannot read /dev/urandom")?;
    machine.host().queue(Reply::Job {
        session: "self-test".into(),
        name: "selfTest".into(),
        data: json!({"nonce": BASE64_STANDARD.encode(nonce)}),
    });
    let result = machine.wait_result("self-test", limit)?;
    ensure!(
        result.get("code") == Some(&json!(0)),
        "the self-test failed in the enclave: {result}"
    );
    let document = result
        .get("attestDocument")
        .and_then(Value::as_str)
        .context("the self-test's result has no attestDocument")?;
    let bytes = BASE64_STANDARD
        .decode(document)
        .context("the attestDocument is not base64")?;
    let fields = Unverified::parse(&bytes)?;
    // A document with another nonce may be an old one, of another image.
    ensure!(
        fields.nonce == Some(&nonce),
        "the attestation document has another nonce than the one that was sent"
    );
    let (_, image) = eif::Image::open(eif, Arc::new(eif::Silent))?;
    let mut pcrs = BTreeMap::new();
    for (index, expected) in [
        (0_u8, image.pcrs.pcr0),
        (1, image.pcrs.pcr1),
        (2, image.pcrs.pcr2),
    ] {
        let found = fields.pcrs.get(&index).copied().unwrap_or_default();
        ensure!(
            found == expected.as_bytes().as_slice(),
            "PCR{index} in the attestation document is {}, but the image measures {expected}",
            hex::encode(found)
        );
        pcrs.insert(format!("PCR{index}"), expected.to_string());
    }
    Ok(SelfTest {
        pcrs,
        document: document.to_owned(),
    })
}
