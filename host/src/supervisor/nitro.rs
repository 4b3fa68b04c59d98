//! Enclaves of AWS Nitro, by the program `nitro-cli`.
//!
//! `nitro-cli run-enclave` answers the enclave's heartbeat on vsock port 9000 itself, so nothing
//! here listens there. The console needs `--debug-mode`, which zeroes PCR0..2 and is never used.

use super::launcher::{Handle, LaunchError, Launcher, Spec, State};
use crate::queue::StartId;
use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::Mutex;
use tracing::{info, warn};

/// How long one call of nitro-cli may take. Large images take tens of seconds to load.
const CALL: Duration = Duration::from_mins(3);
/// Errors of nitro-cli that pass: resources of the enclave before are not given back yet, or two
/// starts met (aws-nitro-enclaves-cli, issues 273, 433 and 516).
const PASSING: [&str; 3] = ["E11", "E29", "E36"];
/// The longest text of nitro-cli in an error, in characters.
const TEXT_MAX: usize = 400;

/// Runs nitro-cli.
#[derive(Debug)]
pub struct Nitro {
    program: PathBuf,
    // Two starts at once fail (aws-nitro-enclaves-cli, issue 516).
    starts: Mutex<()>,
}

/// An enclave as nitro-cli describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(rename = "EnclaveID")]
    enclave_id: String,
    #[serde(rename = "EnclaveCID")]
    enclave_cid: u32,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    flags: Option<String>,
}

impl Described {
    fn runs(&self) -> bool {
        // `run-enclave` gives no state.
        self.state.as_deref().is_none_or(|state| state == "RUNNING")
    }

    fn is_debug(&self) -> bool {
        self.flags
            .as_deref()
            .is_some_and(|flags| flags.contains("DEBUG"))
    }
}

impl Nitro {
    /// Uses this program, usually `nitro-cli`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            starts: Mutex::default(),
        }
    }

    async fn call<T: DeserializeOwned>(&self, arguments: &[String]) -> Result<T, LaunchError> {
        let verb = arguments.first().map_or("", String::as_str);
        let failed =
            |what: String| LaunchError::Failed(format!("{} {verb} {what}", self.program.display()));
        let running = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(CALL, running)
            .await
            .map_err(|_| failed(format!("did not end within {} s", CALL.as_secs())))?
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let code = error_code(&text);
            let what = format!(
                "{} {verb} failed ({}): {}",
                self.program.display(),
                code.map_or_else(|| output.status.to_string(), str::to_owned),
                shown(&text)
            );
            return Err(if code.is_some_and(|code| PASSING.contains(&code)) {
                LaunchError::Busy(what)
            } else {
                LaunchError::Failed(what)
            });
        }
        serde_json::from_slice(&output.stdout).map_err(|error| {
            failed(format!(
                "printed what is not its JSON ({error}): {}",
                shown(&String::from_utf8_lossy(&output.stdout))
            ))
        })
    }

    async fn describe(&self) -> Result<Vec<Described>, LaunchError> {
        self.call(&["describe-enclaves".into()]).await
    }

    async fn end(&self, id: &str) -> Result<(), LaunchError> {
        let arguments = ["terminate-enclave".into(), "--enclave-id".into(), id.into()];
        let ended: Result<serde_json::Value, _> = self.call(&arguments).await;
        match ended {
            Ok(_) => Ok(()),
            // It may have ended by itself, which is as good.
            Err(error) => match self.find(id).await? {
                None => Ok(()),
                Some(_) => Err(error),
            },
        }
    }

    async fn find(&self, id: &str) -> Result<Option<Described>, LaunchError> {
        let all = self.describe().await?;
        Ok(all.into_iter().find(|enclave| enclave.enclave_id == id))
    }
}

#[async_trait]
impl Launcher for Nitro {
    fn name(&self) -> &'static str {
        "nitro"
    }

    fn is_emulation(&self) -> bool {
        false
    }

    async fn launch(&self, spec: &Spec) -> Result<Handle, LaunchError> {
        let _one = self.starts.lock().await;
        let arguments = [
            "run-enclave".into(),
            "--eif-path".into(),
            spec.image.display().to_string(),
            "--cpu-count".into(),
            spec.cpus.to_string(),
            "--memory".into(),
            spec.memory_mib.to_string(),
            "--enclave-cid".into(),
            spec.cid.to_string(),
        ];
        let started: Described = self.call(&arguments).await?;
        let id = started.enclave_id.clone();
        // Connections are distinguished by CID: with another one the enclave could not be served
        // (aws-nitro-enclaves-sdk-c, issue 105).
        let wrong = if started.enclave_cid == spec.cid {
            None
        } else {
            Some(format!(
                "the CID {} instead of {}",
                started.enclave_cid, spec.cid
            ))
        };
        let described = self.find(&id).await?;
        let wrong = wrong.or_else(|| {
            let debug = described.is_some_and(|enclave| enclave.is_debug());
            debug.then(|| "the debug mode, in which anybody reads its console".to_owned())
        });
        if let Some(wrong) = wrong {
            self.end(&id).await?;
            return Err(LaunchError::Failed(format!(
                "nitro-cli started the enclave with {wrong}; it was ended"
            )));
        }
        info!(enclave = %id, cid = spec.cid, "nitro-cli started the enclave");
        Ok(Handle::Nitro { id })
    }

    async fn state(&self, handle: &Handle) -> Result<State, LaunchError> {
        let id = own(handle)?;
        let found = self.find(id).await?;
        Ok(if found.is_some_and(|enclave| enclave.runs()) {
            State::Running
        } else {
            State::Ended
        })
    }

    async fn terminate(&self, handle: &Handle, _grace: Duration) -> Result<(), LaunchError> {
        // An enclave cannot be asked to end; it is drained before.
        self.end(own(handle)?).await
    }

    async fn clean_up(&self, _start: &StartId, cid: u32) -> Result<(), LaunchError> {
        for enclave in self.describe().await? {
            if enclave.enclave_cid == cid {
                warn!(enclave = %enclave.enclave_id, cid, "ending an enclave that nobody recorded");
                self.end(&enclave.enclave_id).await?;
            }
        }
        Ok(())
    }
}

fn own(handle: &Handle) -> Result<&str, LaunchError> {
    match handle {
        Handle::Nitro { id } => Ok(id),
        Handle::Processes(_) => Err(LaunchError::Failed(
            "the recorded enclave was an emulation, but the configuration says nitro; remove its \
             state folder, or start it with the launcher that it had"
                .to_owned(),
        )),
    }
}

/// The code in `[ E29 ] ...`.
fn error_code(text: &str) -> Option<&str> {
    text.split('[').skip(1).find_map(|rest| {
        let code = rest.split_once(']')?.0.trim();
        let digits = code.strip_prefix('E')?;
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
    })
}

/// A program's text on one line, shortened and without control characters.
fn shown(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    line.chars()
        .filter(|character| !character.is_control())
        .take(TEXT_MAX)
        .collect()
}

#[cfg(test)]
mod tests;
