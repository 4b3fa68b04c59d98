//! A supervisor on a machine of tests, with a queue that notes what is reported to it.

use super::machine::{Loopback, Machine, OnMachine, Read, image};
use crate::job_api::Jobs;
use crate::queue::{Asker, Ended, Error, FinishError, Finished, Offer, OpenStart, StartId};
use crate::supervisor::{
    Backlog, Parts, Phase, Settings, StartError, Supervisor, Timing, Verification,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// A queue without jobs that notes what is reported to it.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) asked: Mutex<Vec<Asker>>,
    pub(super) ended: Mutex<Vec<StartId>>,
    pub(super) open: Mutex<Vec<OpenStart>>,
    pub(super) results: Mutex<bool>,
}

#[async_trait]
impl Jobs for Noted {
    async fn offer(&self, asker: &Asker) -> Result<Option<Offer>, Error> {
        self.asked.lock().unwrap().push(asker.clone());
        Ok(None)
    }

    async fn changed(&self, at_most: Duration) {
        sleep(at_most.min(Duration::from_millis(20))).await;
    }

    async fn begin(&self, _start: &StartId, _session: &str) -> Result<bool, Error> {
        Ok(false)
    }

    async fn finish(
        &self,
        _start: &StartId,
        _body: BoxStream<'static, Result<Bytes, io::Error>>,
    ) -> Result<Finished, FinishError> {
        Ok(Finished::Discarded)
    }
}

#[async_trait]
impl Backlog for Noted {
    async fn start_ended(&self, start: &StartId) -> Result<Ended, Error> {
        self.ended.lock().unwrap().push(start.clone());
        self.open
            .lock()
            .unwrap()
            .retain(|open| open.start != *start);
        Ok(Ended::default())
    }

    async fn open_starts(&self) -> Result<Vec<OpenStart>, Error> {
        Ok(self.open.lock().unwrap().clone())
    }

    async fn is_used(&self, _release: i64) -> Result<bool, Error> {
        Ok(*self.results.lock().unwrap())
    }
}

pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) machine: Arc<Machine>,
    pub(super) queue: Arc<Noted>,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        let bench = Self {
            folder,
            machine: Machine::new().await,
            queue: Arc::default(),
        };
        bench.image("a", &image(0x11, &[]));
        bench
    }

    pub(super) fn image(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) async fn try_start(
        &self,
        image: &str,
    ) -> Result<Arc<Supervisor<Noted>>, StartError> {
        self.start_with(image, Duration::from_secs(20)).await
    }

    pub(super) async fn start_with(
        &self,
        image: &str,
        boot: Duration,
    ) -> Result<Arc<Supervisor<Noted>>, StartError> {
        let millis = Duration::from_millis;
        let settings = Settings {
            state: self.folder.path().join("state"),
            count: 1,
            cpus: 2,
            memory_mib: 256,
            first_cid: 16,
            heartbeat: false,
            verification: Verification::test_root(&letsesign_test_authority::root().to_der())
                .unwrap(),
            timing: Timing {
                boot,
                health: millis(50),
                health_answer: millis(500),
                health_failures: 3,
                look: millis(10),
                restart_first: millis(1),
                restart_most: millis(20),
                crash_loop: 3,
                grace: millis(10),
            },
        };
        let parts = Parts {
            queue: Arc::clone(&self.queue),
            network: Arc::new(Loopback),
            launcher: Arc::new(OnMachine(Arc::clone(&self.machine))),
            images: Arc::new(Read),
        };
        Supervisor::start(settings, parts, &self.folder.path().join(image), false).await
    }

    pub(super) async fn start(&self) -> Arc<Supervisor<Noted>> {
        self.try_start("a").await.unwrap()
    }
}

/// Waits for a state. The limit is for a machine that is busy, not for the supervisor.
pub(super) async fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

pub(super) fn phases(supervisor: &Supervisor<Noted>) -> Vec<(i64, Phase)> {
    let status = supervisor.status();
    let mut phases: Vec<_> = status
        .enclaves
        .iter()
        .map(|one| (one.release, one.phase))
        .collect();
    phases.sort_by_key(|(release, _)| *release);
    phases
}

pub(super) fn start_of(supervisor: &Supervisor<Noted>, at: usize) -> StartId {
    let status = supervisor.status();
    StartId::parse(status.enclaves[at].start.as_ref().unwrap()).unwrap()
}
