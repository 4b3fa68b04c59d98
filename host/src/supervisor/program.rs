//! The emulated server as a process of this machine, on loopback: for development and tests. It has
//! neither vsock nor a real NSM, and protects nothing.

use super::launcher::{Handle, LaunchError, Launcher, Spec, State};
use super::process;
use crate::queue::StartId;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Runs letsesign-server, built with the feature `emulation` (docs/job-protocol.md, "Emulation").
#[derive(Debug, Clone)]
pub struct Program {
    /// Folder of the configuration, as the image would have it.
    pub configs: Option<PathBuf>,
    /// Further variables of its environment, such as `LETSESIGN_NSM_SOCKET`.
    pub environment: BTreeMap<String, String>,
}

#[async_trait]
impl Launcher for Program {
    fn name(&self) -> &'static str {
        "program"
    }

    fn is_emulation(&self) -> bool {
        true
    }

    async fn launch(&self, spec: &Spec) -> Result<Handle, LaunchError> {
        let jobs = spec.addresses.get(&spec.job_api).ok_or_else(|| {
            LaunchError::Failed(format!("no address for port {} (job API)", spec.job_api))
        })?;
        let overrides: Vec<String> = spec
            .services
            .iter()
            .filter_map(|(port, service)| {
                let address = spec.addresses.get(port)?;
                Some(format!("{service}={address}"))
            })
            .collect();
        let mut command = Command::new(&spec.image);
        command
            .env_clear()
            .envs(&self.environment)
            .env("LETSESIGN_JOB_API", format!("http://{jobs}"))
            .env("LETSESIGN_HOST_OVERRIDES", overrides.join(","));
        if let Some(configs) = &self.configs {
            command.env("LETSESIGN_CONFIGS", configs);
        }
        let id = process::spawn(&mut command, &spec.start, &spec.folder.join("server.log"))?;
        Ok(Handle::Processes(vec![id]))
    }

    async fn state(&self, handle: &Handle) -> Result<State, LaunchError> {
        processes_state(handle)
    }

    async fn terminate(&self, handle: &Handle, grace: Duration) -> Result<(), LaunchError> {
        terminate_processes(handle, grace).await
    }

    async fn clean_up(&self, start: &StartId, _cid: u32) -> Result<(), LaunchError> {
        terminate_processes(&Handle::Processes(process::of_start(start)), Duration::ZERO).await
    }
}

/// The state of an enclave that consists of processes.
pub(super) fn processes_state(handle: &Handle) -> Result<State, LaunchError> {
    match handle {
        Handle::Processes(ids) => Ok(ids.first().map_or(State::Ended, |id| process::state(*id))),
        Handle::Nitro { id } => Err(foreign(id)),
    }
}

/// Ends an enclave that consists of processes, in their order: the machine before its devices.
pub(super) async fn terminate_processes(
    handle: &Handle,
    grace: Duration,
) -> Result<(), LaunchError> {
    match handle {
        Handle::Processes(ids) => {
            for id in ids {
                process::terminate(*id, grace).await?;
            }
            Ok(())
        }
        Handle::Nitro { id } => Err(foreign(id)),
    }
}

fn foreign(id: &str) -> LaunchError {
    LaunchError::Failed(format!(
        "the enclave {id} was started by nitro-cli, but the configuration has another launcher; \
         end it with: nitro-cli terminate-enclave --enclave-id {id}"
    ))
}
