//! One enclave: its starts, one after the other.

mod end;
mod start;

use super::attest::{HealthError, self_test};
use super::fleet::Shared;
use super::image::Image;
use super::launcher::{Handle, State};
use super::parts::Backlog;
use super::records::EnclaveRecord;
use super::status::Phase;
use crate::job_api::JobApi;
use crate::queue::StartId;
use metrics::counter;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{Instrument, error, info, info_span, warn};

/// The state that the supervisor wants for an enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It runs and gets jobs.
    Serve,
    /// It runs and finishes what it has.
    Drain,
    /// It ends.
    Stop,
}

/// The observed state of an enclave.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) phase: Phase,
    pub(super) start: Option<StartId>,
    pub(super) attested: Option<Instant>,
    pub(super) restarts: u64,
    pub(super) last_error: Option<String>,
}

/// One enclave of a release.
pub(super) struct Member<B> {
    pub(super) shared: Arc<Shared<B>>,
    pub(super) image: Arc<Image>,
    pub(super) release: i64,
    pub(super) index: u32,
    pub(super) cid: u32,
    pub(super) wish: watch::Receiver<Wish>,
    pub(super) seen: watch::Sender<Seen>,
}

/// How a start ended.
enum End {
    /// As the supervisor wished.
    Wished,
    /// Before it was attested.
    NeverServed(String),
    /// After it was attested.
    Served(String),
}

/// Tasks that end with the start that they serve.
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// A start with all that belongs to it.
struct Running<B> {
    start: StartId,
    handle: Handle,
    api: Arc<JobApi<B>>,
    _relay: Box<dyn Send + Sync>,
    _tasks: Tasks,
}

impl<B: Backlog> Member<B> {
    /// Runs until the wish is [`Wish::Stop`]. `adopted` is a start that runs already.
    pub(super) async fn run(mut self, adopted: Option<(StartId, EnclaveRecord)>) {
        let span = info_span!("enclave", cid = self.cid, release = self.release);
        async move {
            let mut adopted = adopted;
            let mut failures = 0;
            loop {
                if *self.wish.borrow_and_update() == Wish::Stop {
                    break;
                }
                let end = self.one(adopted.take()).await;
                let timing = &self.shared.settings.timing;
                let reason = match end {
                    End::Wished => break,
                    End::NeverServed(reason) => {
                        failures += 1;
                        reason
                    }
                    End::Served(reason) => {
                        failures = 0;
                        reason
                    }
                };
                counter!("letsesign_host_enclave_ends_total").increment(1);
                if failures >= timing.crash_loop {
                    error!(%reason, failures, "the enclave does not start; it is given up");
                    self.see(|seen| {
                        seen.phase = Phase::Failed;
                        seen.last_error = Some(reason);
                    });
                    self.wished(Wish::Stop).await;
                    break;
                }
                let doublings = u32::min(failures, 16);
                let pause = timing.restart_first.saturating_mul(1 << doublings);
                let pause = pause.min(timing.restart_most);
                warn!(%reason, failures, ?pause, "the enclave ended; it is started again");
                self.see(|seen| {
                    seen.phase = Phase::Waiting;
                    seen.restarts += 1;
                    seen.last_error = Some(reason);
                });
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.wished(Wish::Stop) => break,
                }
            }
            self.see(|seen| {
                seen.phase = Phase::Stopped;
                seen.start = None;
                seen.attested = None;
            });
        }
        .instrument(span)
        .await;
    }

    /// One start, from the launch to the end.
    async fn one(&mut self, adopted: Option<(StartId, EnclaveRecord)>) -> End {
        self.see(|seen| {
            seen.phase = Phase::Starting;
            seen.start = None;
            seen.attested = None;
        });
        let started = match adopted {
            Some((start, record)) => self.adopt(start, record).await,
            None => self.launch().await,
        };
        let mut running = match started {
            Ok(running) => running,
            Err(reason) => return End::NeverServed(reason),
        };
        self.see(|seen| seen.start = Some(running.start.clone()));
        let end = self.watch(&mut running).await;
        self.finish(running).await;
        end
    }

    /// Watches a start until it ends or shall end.
    async fn watch(&mut self, running: &mut Running<B>) -> End {
        let timing = self.shared.settings.timing.clone();
        let boots_until = Instant::now() + timing.boot;
        let mut attested = false;
        let mut failures = 0;
        let mut next = Instant::now();
        loop {
            let health = async {
                sleep_until(next).await;
                let limit = if attested {
                    timing.health_answer
                } else {
                    boots_until.saturating_duration_since(Instant::now())
                };
                let verification = &self.shared.settings.verification;
                let measurements = &self.image.measurements;
                self_test(running.api.own(), measurements, verification, limit).await
            };
            let mut wish = self.wish.clone();
            tokio::select! {
                ended = self.ended(&running.handle) => {
                    return if attested { End::Served(ended) } else { End::NeverServed(ended) };
                }
                changed = wish.changed() => {
                    let wish = if changed.is_ok() {
                        *self.wish.borrow_and_update()
                    } else {
                        Wish::Stop
                    };
                    if wish == Wish::Stop {
                        running.api.set_draining(true);
                        return End::Wished;
                    }
                    if attested {
                        self.show(running, wish);
                    }
                }
                result = health => match result {
                    Ok(()) => {
                        if !attested {
                            info!(start = %running.start, "the enclave is attested");
                        }
                        (attested, failures) = (true, 0);
                        next = Instant::now() + timing.health;
                        self.see(|seen| seen.attested = Some(Instant::now()));
                        let wish = *self.wish.borrow();
                        self.show(running, wish);
                    }
                    // Another image, or another key behind it: it gets nothing more.
                    Err(error @ (HealthError::Document(_) | HealthError::Emulated(_))) => {
                        running.api.set_draining(true);
                        let reason = error.to_string();
                        return if attested { End::Served(reason) } else { End::NeverServed(reason) };
                    }
                    Err(error) => {
                        failures += 1;
                        warn!(%error, failures, "the enclave's self-test failed");
                        self.see(|seen| seen.last_error = Some(error.to_string()));
                        if !attested && Instant::now() >= boots_until {
                            return End::NeverServed(format!("it was not attested in time: {error}"));
                        }
                        if attested && failures >= timing.health_failures {
                            return End::Served(format!("it is not well: {error}"));
                        }
                        next = Instant::now() + timing.health.min(Duration::from_secs(5));
                    }
                },
            }
        }
    }

    fn show(&self, running: &Running<B>, wish: Wish) {
        let draining = wish != Wish::Serve;
        running.api.set_draining(draining);
        self.see(|seen| {
            seen.phase = if draining {
                Phase::Draining
            } else {
                Phase::Serving
            };
        });
    }

    /// Returns when the enclave has ended.
    async fn ended(&self, handle: &Handle) -> String {
        loop {
            sleep(self.shared.settings.timing.look).await;
            match self.shared.launcher.state(handle).await {
                Ok(State::Running) => {}
                Ok(State::Ended) => return "it ended by itself".to_owned(),
                // Whoever cannot be asked may run: the self-test decides.
                Err(error) => warn!(%error, "cannot look whether the enclave runs"),
            }
        }
    }

    /// Waits for a wish.
    async fn wished(&mut self, wish: Wish) {
        // The supervisor is gone: nobody wants anything any more.
        let _ = self.wish.wait_for(|now| *now == wish).await;
    }

    fn see(&self, change: impl FnOnce(&mut Seen)) {
        self.seen.send_modify(change);
    }
}
