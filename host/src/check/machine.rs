//! Enclave support, memory, CPUs, programs, limits and the clock.

use super::{Report, is_nitro, mib};
use crate::config::Config;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Open files that a host with a full relay needs: two for each connection, and some for itself.
const FILES: u64 = 4096;
/// How long nitro-cli may take to say its version.
const VERSION: Duration = Duration::from_secs(10);

pub(super) async fn look(config: &Config, report: &mut Report) {
    if is_nitro(config) {
        device("/dev/nitro_enclaves", report);
        device("/dev/vsock", report);
        allocator(config, report);
        hugepages(config, report);
        nitro_cli(config, report).await;
    }
    open_files(report);
    clock(report);
}

fn device(path: &'static str, report: &mut Report) {
    match fs::File::options().read(true).write(true).open(path) {
        Ok(_) => report.good("devices", format!("{path} can be used")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => report.problem(
            "devices",
            format!("{path} does not exist"),
            "start the instance with enclave options (`--enclave-options Enabled=true`), on a type \
             that has them, and install aws-nitro-enclaves-cli",
        ),
        Err(error) => report.problem(
            "devices",
            format!("{path}: {error}"),
            "run the host as a user in the group ne (`usermod -aG ne USER`)",
        ),
    }
}

/// The allocator's file, and what it gave: the service may fail and report success
/// (aws-nitro-enclaves-cli, issue 313).
fn allocator(config: &Config, report: &mut Report) {
    let path = "/etc/nitro_enclaves/allocator.yaml";
    let Ok(text) = fs::read_to_string(path) else {
        report.problem(
            "allocator",
            format!("{path} cannot be read"),
            "install aws-nitro-enclaves-cli and start nitro-enclaves-allocator.service",
        );
        return;
    };
    let value = |key: &str| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
        line.and_then(|value| value.trim().parse::<u64>().ok())
    };
    // During an upgrade two releases run side by side.
    let copies = 2 * u64::from(config.enclave.count);
    for (key, need, unit) in [
        ("memory_mib", u64::from(config.enclave.memory_mib), "MiB"),
        ("cpu_count", u64::from(config.enclave.cpus), "CPUs"),
    ] {
        let (once, twice) = (need * u64::from(config.enclave.count), need * copies);
        match value(key) {
            None => report.warn(
                "allocator",
                format!("{path} has no {key}"),
                format!("set {key}: {twice} and restart nitro-enclaves-allocator.service"),
            ),
            Some(has) if has < once => report.problem(
                "allocator",
                format!("{key} is {has}; the configured enclaves need {once} {unit}"),
                format!("set {key}: {twice} and restart nitro-enclaves-allocator.service"),
            ),
            Some(has) if has < twice => report.warn(
                "allocator",
                format!("{key} is {has}; an upgrade runs two releases, with {twice} {unit}"),
                format!("set {key}: {twice} and restart nitro-enclaves-allocator.service"),
            ),
            Some(has) => report.good("allocator", format!("{key} is {has}")),
        }
    }
}

/// Free huge pages of both sizes.
fn hugepages(config: &Config, report: &mut Report) {
    let need = u64::from(config.enclave.memory_mib) << 20;
    let Some(free) = free_huge(Path::new("/sys/kernel/mm/hugepages")) else {
        report.problem(
            "memory",
            "the kernel has no huge pages",
            "start nitro-enclaves-allocator.service",
        );
        return;
    };
    if free < need {
        report.warn(
            "memory",
            format!(
                "{} of huge pages are free; one enclave takes {}",
                mib(free),
                mib(need)
            ),
            "end other enclaves, or restart nitro-enclaves-allocator.service before memory is \
             fragmented; an enclave that runs already has its memory",
        );
    } else {
        report.good("memory", format!("{} of huge pages are free", mib(free)));
    }
}

/// Bytes of free huge pages; `None` without any of them.
pub(super) fn free_huge(folder: &Path) -> Option<u64> {
    let mut free = None;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name();
        let kib = name
            .to_str()?
            .strip_prefix("hugepages-")?
            .strip_suffix("kB")?
            .parse::<u64>();
        let pages = fs::read_to_string(entry.path().join("free_hugepages")).ok()?;
        let (kib, pages) = (kib.ok()?, pages.trim().parse::<u64>().ok()?);
        free = Some(free.unwrap_or(0) + kib * 1024 * pages);
    }
    free
}

async fn nitro_cli(config: &Config, report: &mut Report) {
    let program = &config.enclave.nitro.program;
    let call = tokio::process::Command::new(program)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(VERSION, call).await {
        Ok(Ok(output)) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let line: String = text
                .chars()
                .take_while(|c| !c.is_control())
                .take(80)
                .collect();
            report.good("nitro-cli", line);
        }
        Ok(Ok(output)) => report.problem(
            "nitro-cli",
            format!("{} --version failed: {}", program.display(), output.status),
            "reinstall aws-nitro-enclaves-cli",
        ),
        Ok(Err(error)) => report.problem(
            "nitro-cli",
            format!("{}: {error}", program.display()),
            "install aws-nitro-enclaves-cli, or set enclave.nitro.program",
        ),
        Err(_) => report.problem(
            "nitro-cli",
            format!("{} --version does not end", program.display()),
            "reinstall aws-nitro-enclaves-cli",
        ),
    }
}

pub(super) fn open_files(report: &mut Report) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(files) = soft_files(&limits) else {
        report.warn("open files", "the limit cannot be read", "mount /proc");
        return;
    };
    if files < FILES {
        report.warn(
            "open files",
            format!("at most {files}; a full relay needs {FILES}"),
            format!("set LimitNOFILE={FILES} or more in the unit, or `ulimit -n {FILES}`"),
        );
    } else {
        report.good("open files", format!("at most {files}"));
    }
}

/// The soft limit in the text of `/proc/self/limits`.
pub(super) fn soft_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" {
        return Some(u64::MAX);
    }
    soft.parse().ok()
}

/// Whether something keeps the clock right: attestation documents are compared with it.
pub(super) fn clock(report: &mut Report) {
    // adjtimex(2): the kernel's clock is kept by a daemon, or by the hypervisor's PTP clock.
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    if time.tv_sec < 1_700_000_000 {
        report.problem(
            "clock",
            "the clock is before November 2023",
            "start chronyd or systemd-timesyncd",
        );
        return;
    }
    let synchronised = Path::new("/run/systemd/timesync/synchronized").exists()
        || Path::new("/run/chrony/chronyd.sock").exists()
        || Path::new("/var/run/chrony/chronyd.sock").exists();
    if synchronised {
        report.good("clock", "it is synchronised");
    } else {
        report.warn(
            "clock",
            "neither chronyd nor systemd-timesyncd is seen to keep it",
            "start chronyd (Amazon Linux has it): a self-test is refused when the clock is off by \
             more than a minute",
        );
    }
}
