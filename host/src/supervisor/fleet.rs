//! All enclaves of this host, and the releases that they are of.

mod error;
mod releases;

pub use error::{StartError, UpgradeError};

use super::Timing;
use super::attest::Verification;
use super::image::{Image, Images};
use super::launcher::{Launcher, State};
use super::member::{Member, Seen, Wish};
use super::parts::{Backlog, Network};
use super::records::{EnclaveRecord, Records};
use super::status::{EnclaveStatus, Phase, Status};
use crate::queue::{OpenStart, StartId};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// CIDs of one release: enclaves of two releases run side by side during an upgrade.
const CIDS: u32 = 32;
/// Folders of ended starts that are kept, for their logs.
const FOLDERS: usize = 8;
/// Longer than an enclave's question for a job waits
/// ([`Limits::wait`](crate::job_api::Limits::wait)).
const ASKED: Duration = Duration::from_millis(1500);
/// Between two looks whether an enclave that drains has finished.
const LOOK: Duration = Duration::from_millis(500);

/// The operator's settings for enclaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of this host's state; it exists.
    pub state: PathBuf,
    /// Enclaves at a time, 1 to 32.
    pub count: u32,
    /// Virtual CPUs of each.
    pub cpus: u32,
    /// Memory of each in MiB.
    pub memory_mib: u32,
    /// The lowest context ID; 64 from there on are used.
    pub first_cid: u32,
    /// Whether the heartbeat is answered here: in QEMU, but not on Nitro.
    pub heartbeat: bool,
    /// How attestation documents are verified.
    pub verification: Verification,
    /// How long things may take.
    pub timing: Timing,
}

/// The parts that all members use.
pub(super) struct Shared<B> {
    pub(super) settings: Settings,
    pub(super) queue: Arc<B>,
    pub(super) network: Arc<dyn Network>,
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) images: Arc<dyn Images>,
    pub(super) records: Records,
}

impl<B> Shared<B> {
    /// The folder of a start, for its sockets and logs.
    pub(super) fn folder(&self, start: &StartId) -> PathBuf {
        self.settings.state.join("enclaves").join(start.as_str())
    }

    /// Removes the folders of ended starts, but for the newest, which are kept for their logs.
    pub(super) fn prune(&self) {
        let running = self.records.content().enclaves;
        let Ok(entries) = fs::read_dir(self.settings.state.join("enclaves")) else {
            return;
        };
        let mut ended: Vec<_> = entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                !name.to_str().is_some_and(|name| running.contains_key(name))
            })
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        ended.sort();
        let old = ended.len().saturating_sub(FOLDERS);
        for (_, path) in ended.into_iter().take(old) {
            // A log that stays costs some room, no more.
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// One enclave that is supervised.
struct Slot {
    release: i64,
    index: u32,
    cid: u32,
    image: Arc<Image>,
    wish: watch::Sender<Wish>,
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

/// The parts of a supervisor.
pub struct Parts<B> {
    /// The queue.
    pub queue: Arc<B>,
    /// The listeners and relays that enclaves connect to.
    pub network: Arc<dyn Network>,
    /// Starts enclaves.
    pub launcher: Arc<dyn Launcher>,
    /// Reads images.
    pub images: Arc<dyn Images>,
}

/// Keeps enclaves running.
pub struct Supervisor<B> {
    shared: Arc<Shared<B>>,
    slots: Mutex<Vec<Slot>>,
    // One upgrade, rollback or drain at a time.
    changing: tokio::sync::Mutex<()>,
}

impl<B: Backlog> Supervisor<B> {
    /// Takes over the enclaves of before and starts those that are missing. `image` becomes the
    /// active release if it is a new one; `abandon` gives up tasks that it cannot finish.
    ///
    /// # Errors
    /// [`StartError`]: nothing was started then, and what ran runs on.
    pub async fn start(
        settings: Settings,
        parts: Parts<B>,
        image: &Path,
        abandon: bool,
    ) -> Result<Arc<Self>, StartError> {
        let records = Records::open(settings.state.join("enclaves.json"))?;
        let supervisor = Arc::new(Self {
            shared: Arc::new(Shared {
                settings,
                queue: parts.queue,
                network: parts.network,
                launcher: parts.launcher,
                images: parts.images,
                records,
            }),
            slots: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        });
        let active = supervisor.choose(image, abandon).await?;
        supervisor.take_over(active).await?;
        supervisor.fill(active, Wish::Serve).await?;
        Ok(supervisor)
    }

    /// The status of all enclaves.
    pub fn status(&self) -> Status {
        let slots = self.slots();
        let enclaves = slots.iter().map(|slot| {
            let seen = slot.seen.borrow();
            EnclaveStatus {
                release: slot.release,
                pcr0: slot.image.pcr0(),
                cid: slot.cid,
                phase: seen.phase,
                start: seen.start.as_ref().map(StartId::to_string),
                attested_seconds_ago: seen.attested.map(|at| at.elapsed().as_secs()),
                restarts: seen.restarts,
                last_error: seen.last_error.clone(),
            }
        });
        Status {
            launcher: self.shared.launcher.name().to_owned(),
            emulation: self.shared.launcher.is_emulation(),
            enclaves: enclaves.collect(),
            active: self.shared.records.content().active.unwrap_or(0),
        }
    }

    /// Whether an enclave that gets jobs was attested within this time.
    pub fn is_ready(&self, within: Duration) -> bool {
        self.slots().iter().any(|slot| {
            let seen = slot.seen.borrow();
            let recently = seen.attested.is_some_and(|at| at.elapsed() <= within);
            seen.phase == Phase::Serving && recently
        })
    }

    /// Gives the enclaves no new jobs, waits until they have none, at most so long, and ends them.
    /// Returns whether all had finished.
    pub async fn drain(&self, limit: Duration) -> bool {
        let _one = self.changing.lock().await;
        self.wish(|_| true, Wish::Drain);
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if self.is_idle().await {
                self.stop(|_| true).await;
                return true;
            }
            sleep(LOOK).await;
        }
        false
    }

    /// Whether no enclave has a job.
    async fn is_idle(&self) -> bool {
        match self.shared.queue.open_starts().await {
            Ok(open) => {
                let slots = self.slots();
                !slots
                    .iter()
                    .any(|slot| has_jobs(&open, slot.seen.borrow().start.as_ref()))
            }
            Err(error) => {
                warn!(%error, "the queue does not answer");
                false
            }
        }
    }

    /// Drains the enclaves, and ends those as well that have not finished within `limit`.
    pub async fn end(&self, limit: Duration) {
        if !self.drain(limit).await {
            warn!("jobs still run; the enclaves are ended all the same");
            self.stop(|_| true).await;
        }
    }

    /// Leaves the enclaves as they are, for the next process of this host to take over.
    pub fn leave(&self) {
        for slot in self.slots().drain(..) {
            slot.task.abort();
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells enclaves what is wanted of them. An end is final: they may be on their way there.
    fn wish(&self, which: impl Fn(&Slot) -> bool, wish: Wish) {
        for slot in self.slots().iter().filter(|slot| which(slot)) {
            slot.wish.send_if_modified(|now| {
                let changes = *now != Wish::Stop && *now != wish;
                if changes {
                    *now = wish;
                }
                changes
            });
        }
    }

    /// Takes over the enclaves that an earlier process of this host has left.
    async fn take_over(&self, active: i64) -> Result<(), StartError> {
        let content = self.shared.records.content();
        let mut gone: Vec<StartId> = Vec::new();
        let mut runs = Vec::new();
        for (start, record) in content.enclaves {
            let Some(id) = StartId::parse(&start) else {
                warn!(%start, "a record that names no start is removed");
                self.shared.records.forget(&start)?;
                continue;
            };
            let state = if let Some(handle) = &record.handle {
                self.shared.launcher.state(handle).await?
            } else {
                self.shared.launcher.clean_up(&id, record.cid).await?;
                State::Ended
            };
            match state {
                State::Running => runs.push((id, record)),
                State::Ended => gone.push(id),
            }
        }
        for open in self.shared.queue.open_starts().await? {
            let known = runs.iter().any(|(start, _)| *start == open.start);
            if !known && !gone.contains(&open.start) {
                gone.push(open.start);
            }
        }
        for start in gone {
            let ended = self.shared.queue.start_ended(&start).await?;
            info!(%start, requeued = ended.requeued, unknown = ended.unknown, "it had ended");
            self.shared.records.forget(start.as_str())?;
        }
        for (start, record) in runs {
            let (release, index) = (record.release, record.index);
            let wish = if release == active {
                Wish::Serve
            } else {
                Wish::Drain
            };
            let image = self.image(release).await?;
            self.open(release, image, index, wish, Some((start, record)));
        }
        self.end_idle();
        Ok(())
    }

    /// Starts the enclaves of a release that do not run.
    async fn fill(&self, release: i64, wish: Wish) -> Result<(), UpgradeError> {
        // One that is on its way to its end would not come back.
        self.stop(|slot| slot.release == release && *slot.wish.borrow() == Wish::Stop)
            .await;
        let image = self.image(release).await?;
        for index in 0..self.shared.settings.count {
            let is_there = self.slots().iter().any(|slot| {
                slot.release == release && slot.index == index && !slot.task.is_finished()
            });
            if !is_there {
                self.open(release, Arc::clone(&image), index, wish, None);
            }
        }
        Ok(())
    }

    /// Supervises one enclave.
    fn open(
        &self,
        release: i64,
        image: Arc<Image>,
        index: u32,
        wish: Wish,
        adopted: Option<(StartId, EnclaveRecord)>,
    ) {
        let parity = u32::from(release % 2 != 0);
        let own = self.shared.settings.first_cid + parity * CIDS + index;
        let cid = adopted.as_ref().map_or(own, |(_, record)| record.cid);
        let (wish, wishes) = watch::channel(wish);
        let (seen, sees) = watch::channel(Seen {
            phase: Phase::Starting,
            start: None,
            attested: None,
            restarts: 0,
            last_error: None,
        });
        let member = Member {
            shared: Arc::clone(&self.shared),
            image: Arc::clone(&image),
            release,
            index,
            cid,
            wish: wishes,
            seen,
        };
        let slot = Slot {
            release,
            index,
            cid,
            image,
            wish,
            seen: sees,
            task: tokio::spawn(member.run(adopted)),
        };
        let mut slots = self.slots();
        slots.retain(|old| !(old.release == release && old.index == index));
        slots.push(slot);
    }

    /// Ends enclaves and waits until they have ended.
    async fn stop(&self, which: impl Fn(&Slot) -> bool) {
        let stopped: Vec<Slot> = {
            let mut slots = self.slots();
            slots.extract_if(.., |slot| which(slot)).collect()
        };
        for slot in &stopped {
            slot.wish.send_replace(Wish::Stop);
        }
        for slot in stopped {
            // It fails only when it panicked, and then it has ended as well.
            let _ = slot.task.await;
        }
    }

    /// Has enclaves finish what they have, and ends each when it has nothing.
    fn retire(&self, which: impl Fn(&Slot) -> bool) {
        self.wish(which, Wish::Drain);
        self.end_idle();
    }

    /// Ends enclaves that drain once they have no jobs.
    fn end_idle(&self) {
        let watched: Vec<_> = {
            let slots = self.slots();
            let draining = slots
                .iter()
                .filter(|slot| *slot.wish.borrow() == Wish::Drain);
            draining
                .map(|slot| (slot.wish.clone(), slot.seen.clone()))
                .collect()
        };
        for (wish, seen) in watched {
            let queue = Arc::clone(&self.shared.queue);
            tokio::spawn(async move {
                loop {
                    sleep(LOOK).await;
                    if *wish.borrow() != Wish::Drain || wish.is_closed() {
                        return;
                    }
                    let phase = seen.borrow().phase;
                    let start = seen.borrow().start.clone();
                    let idle = match (phase, queue.open_starts().await) {
                        (Phase::Draining, Ok(open)) => !has_jobs(&open, start.as_ref()),
                        // One that has ended has nothing; it must not be started again.
                        (Phase::Waiting | Phase::Failed, _) => true,
                        _ => false,
                    };
                    // Unless it was wanted again meanwhile.
                    let ends = |now: &mut Wish| {
                        let drains = *now == Wish::Drain;
                        if drains {
                            *now = Wish::Stop;
                        }
                        drains
                    };
                    if idle && wish.send_if_modified(ends) {
                        info!("an enclave of an older release has finished; it is ended");
                        return;
                    }
                }
            });
        }
    }
}

/// Enclaves of this release.
fn of(release: i64) -> impl Fn(&Slot) -> bool {
    move |slot| slot.release == release
}

/// Whether a start has jobs.
fn has_jobs(open: &[OpenStart], start: Option<&StartId>) -> bool {
    open.iter().any(|open| Some(&open.start) == start)
}

#[cfg(test)]
mod tests;
