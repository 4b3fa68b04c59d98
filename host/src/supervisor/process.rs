//! Processes that outlive this one and are found again.

use super::launcher::{LaunchError, ProcessId, State};
use crate::queue::StartId;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The variable by which processes of a start are found.
const MARK: &str = "LETSESIGN_HOST_START";
/// Between two looks at a process that shall end.
const TICK: Duration = Duration::from_millis(20);
/// How long a process may take to end after SIGKILL.
const KILL: Duration = Duration::from_secs(10);

/// Starts a program in a process group of its own, so that Ctrl-C of this one does not reach it,
/// with its output appended to `log`.
pub(super) fn spawn(
    command: &mut Command,
    start: &StartId,
    log: &Path,
) -> Result<ProcessId, LaunchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        LaunchError::Failed(format!("cannot {what} {program}: {error}"))
    };
    let output = File::options().create(true).append(true).open(log);
    let output = output.map_err(|error| {
        LaunchError::Failed(format!("cannot write the log {}: {error}", log.display()))
    })?;
    let errors = output
        .try_clone()
        .map_err(|error| failed("start", &error))?;
    let child = command
        .env(MARK, start.to_string())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|error| failed("start", &error))?;
    let pid = i32::try_from(child.id()).map_err(|error| failed("follow", &error))?;
    match stat(pid) {
        Some((started, _)) => Ok(ProcessId { pid, started }),
        // It ended at once and nobody has waited for it: /proc has it until then.
        None => Err(failed("follow", &"it is not in /proc")),
    }
}

/// Whether a process runs. One that has ended is waited for, where it is ours.
pub(super) fn state(id: ProcessId) -> State {
    match stat(id.pid) {
        Some((started, 'Z' | 'X')) if started == id.started => {
            if let Some(pid) = Pid::from_raw(id.pid) {
                // Not ours after a restart of the host: then init waits for it.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
            State::Ended
        }
        Some((started, _)) if started == id.started => State::Running,
        _ => State::Ended,
    }
}

/// Ends a process by SIGTERM, and by SIGKILL after `grace`.
pub(super) async fn terminate(id: ProcessId, grace: Duration) -> Result<(), LaunchError> {
    for (signal, wait) in [(Signal::TERM, grace), (Signal::KILL, KILL)] {
        if state(id) == State::Ended {
            return Ok(());
        }
        let pid = Pid::from_raw(id.pid)
            .ok_or_else(|| LaunchError::Failed(format!("{} is not a process", id.pid)))?;
        match kill_process(pid, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => {
                return Err(LaunchError::Failed(format!(
                    "cannot end process {}: {error}",
                    id.pid
                )));
            }
        }
        let until = Instant::now() + wait;
        while Instant::now() < until {
            if state(id) == State::Ended {
                return Ok(());
            }
            sleep(TICK).await;
        }
    }
    Err(LaunchError::Failed(format!(
        "process {} did not end within {} s after SIGKILL",
        id.pid,
        KILL.as_secs()
    )))
}

/// The processes that were started for this start, whoever started them.
pub(super) fn of_start(start: &StartId) -> Vec<ProcessId> {
    let mark = format!("{MARK}={start}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            // Other users' processes cannot be read, and are not ours.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark.as_bytes())
        })
        .filter_map(|pid| stat(pid).map(|(started, _)| ProcessId { pid, started }))
        .collect()
}

/// Start time and state of a process.
fn stat(pid: i32) -> Option<(u64, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may hold brackets and spaces itself.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // The state is field 3, so field 22 is the 19th after it.
    let started = fields.nth(18)?.parse().ok()?;
    Some((started, state))
}

#[cfg(test)]
mod tests;
