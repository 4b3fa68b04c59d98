//! The beginning of a start: what the enclave connects to, its record, the launch or the take-over.

use super::{Member, Running, Tasks};
use crate::job_api::{JobApi, Limits};
use crate::queue::{Asker, StartId};
use crate::supervisor::heartbeat;
use crate::supervisor::launcher::{LaunchError, Spec};
use crate::supervisor::parts::{Backlog, Opened};
use crate::supervisor::records::EnclaveRecord;
use crate::transport::Listener;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// Attempts, 100 ms apart, to listen where the host's process before did.
const REOPEN: u32 = 50;
/// Nitro's boot protocol: the enclave connects to this port of its parent, sends the byte 0xB7 and
/// reads it back. `nitro-cli run-enclave` answers it; in emulation we do.
const HEARTBEAT_PORT: u32 = 9000;

impl<B: Backlog> Member<B> {
    /// Starts an enclave.
    pub(super) async fn launch(&mut self) -> Result<Running<B>, String> {
        let start = StartId::new();
        let opened = self.open(&BTreeMap::new()).await?;
        let folder = self.shared.folder(&start);
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        // Before the launch: an enclave that nobody knows must not run.
        let mut record = EnclaveRecord {
            cid: self.cid,
            release: self.release,
            index: self.index,
            handle: None,
            addresses: opened.addresses.clone(),
        };
        self.record(&start, record.clone())?;
        let (api, tasks) = self.serve(&start, opened.listeners);
        let spec = Spec {
            image: self.image.path.clone(),
            cid: self.cid,
            cpus: self.shared.settings.cpus,
            memory_mib: self.shared.settings.memory_mib,
            start: start.clone(),
            folder,
            addresses: opened.addresses,
            job_api: self.image.job_api,
            services: self.image.services.clone(),
        };
        info!(%start, launcher = self.shared.launcher.name(), "starting the enclave");
        match self.shared.launcher.launch(&spec).await {
            Ok(handle) => {
                record.handle = Some(handle.clone());
                let recorded = self.record(&start, record);
                let running = Running {
                    start,
                    handle,
                    api,
                    _relay: opened.relay,
                    _tasks: tasks,
                };
                match recorded {
                    Ok(()) => Ok(running),
                    Err(reason) => {
                        self.finish(running).await;
                        Err(reason)
                    }
                }
            }
            Err(error) => {
                // It may have been started all the same, by a launcher that was too slow to say so.
                // What cannot be ended stays recorded, for the next process of this host.
                match self.shared.launcher.clean_up(&start, self.cid).await {
                    Ok(()) => self.forget(&start).await,
                    Err(error) => warn!(%error, "cannot clean up after a start that failed"),
                }
                Err(match error {
                    LaunchError::Busy(text) => format!("{text} (this passes)"),
                    LaunchError::Failed(text) => text,
                })
            }
        }
    }

    /// Takes over an enclave that runs.
    pub(super) async fn adopt(
        &mut self,
        start: StartId,
        record: EnclaveRecord,
    ) -> Result<Running<B>, String> {
        let Some(handle) = record.handle else {
            return Err("an enclave without a handle cannot be taken over".to_owned());
        };
        let mut opened = self.open(&record.addresses).await;
        for _ in 0..REOPEN {
            if opened.is_ok() {
                break;
            }
            // The process before may not have closed its sockets yet.
            sleep(Duration::from_millis(100)).await;
            opened = self.open(&record.addresses).await;
        }
        let opened = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                // It cannot be served, so it ends: its jobs must not wait for ever.
                self.end(&start, &handle).await;
                return Err(reason);
            }
        };
        info!(%start, "taking over an enclave that runs");
        let (api, tasks) = self.serve(&start, opened.listeners);
        Ok(Running {
            start,
            handle,
            api,
            _relay: opened.relay,
            _tasks: tasks,
        })
    }

    /// Opens what the enclave connects to.
    async fn open(&self, addresses: &BTreeMap<u32, String>) -> Result<Opened, String> {
        let mut ports = vec![self.image.job_api];
        if self.shared.settings.heartbeat {
            ports.push(HEARTBEAT_PORT);
        }
        let opened = self
            .shared
            .network
            .open(self.cid, &self.image, &ports, addresses)
            .await;
        opened.map_err(|error| format!("cannot listen for the enclave: {error}"))
    }

    /// Serves the job API, without jobs until the enclave is attested, and the heartbeat.
    fn serve(
        &self,
        start: &StartId,
        listeners: Vec<(u32, Box<dyn Listener>)>,
    ) -> (Arc<JobApi<B>>, Tasks) {
        let asker = Asker {
            start: start.clone(),
            release: self.release,
            pcr0: self.image.pcr0(),
            draining: true,
        };
        let api = JobApi::new(Arc::clone(&self.shared.queue), asker, Limits::default());
        let tasks = listeners.into_iter().map(|(port, listener)| {
            if port == HEARTBEAT_PORT {
                tokio::spawn(heartbeat::serve(listener))
            } else {
                tokio::spawn(Arc::clone(&api).serve(listener))
            }
        });
        let tasks = Tasks(tasks.collect());
        (api, tasks)
    }

    fn record(&self, start: &StartId, record: EnclaveRecord) -> Result<(), String> {
        let change = self.shared.records.change(|content| {
            content.enclaves.insert(start.to_string(), record);
        });
        change.map_err(|error| error.to_string())
    }
}
