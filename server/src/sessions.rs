//! The sessions that this enclave has run (docs/job-protocol.md, "Sessions"): it runs none twice.
//!
//! Sessions are kept as keyed hashes, so nobody can choose sessions that collide. The
//! table never forgets a session whose job began to have an effect; it forgets the oldest of the
//! others.

use letsesign_job_protocol::{Delivery, Job};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Bounds of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Number of kept results.
    pub(crate) results: usize,
    /// Total bytes of kept results.
    pub(crate) bytes: usize,
    /// How long a result is kept.
    pub(crate) time: Duration,
    /// Number of sessions that had an effect. At this number the server takes no more jobs.
    pub(crate) begun: usize,
    /// Number of remembered sessions without an effect: the newest ones.
    pub(crate) idle: usize,
}

/// The hash of a session. With 64 bits, one of a million sessions is taken for another with a
/// chance of 2^-44; it is then refused, not worked twice.
type Name = u64;
type Content = [u8; 32];

/// The decision about a job.
pub(crate) enum Claim {
    /// A new job: run it.
    Work(Ticket),
    /// The job is running; its result arrives here, `None` if it ends without one.
    Wait(watch::Receiver<Option<Delivery>>),
    /// The job has run; this is its result.
    Again(Delivery),
    /// The job must not run.
    Refused(&'static str),
}

struct Running {
    content: Content,
    done: watch::Sender<Option<Delivery>>,
}

struct Kept {
    content: Content,
    delivery: Delivery,
    since: Instant,
    taken: bool,
}

#[derive(Default)]
struct Table {
    running: HashMap<Name, Running>,
    kept: HashMap<Name, Kept>,
    /// Of `kept`, oldest first.
    order: VecDeque<Name>,
    bytes: usize,
    begun: HashSet<Name>,
    /// Places reserved for jobs that workers are asking for.
    reserved: usize,
    idle: HashSet<Name>,
    /// Of `idle`, oldest first.
    idle_order: VecDeque<Name>,
}

/// The sessions of this start of the enclave.
pub(crate) struct Sessions {
    key: [u8; 32],
    bounds: Bounds,
    table: Mutex<Table>,
}

impl Sessions {
    /// An empty table; `key` must be random and secret.
    pub(crate) fn new(key: [u8; 32], bounds: Bounds) -> Self {
        Self {
            key,
            bounds,
            table: Mutex::default(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No step leaves the table half changed in a way that would let a session run twice.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, session: &str) -> Name {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(session);
        let hash = hash.finalize();
        hash.iter()
            .take(8)
            .fold(0, |name, byte| name << 8 | Name::from(*byte))
    }

    /// Function and data, byte for byte; the rest of the host's answer is not worked.
    fn content(&self, job: &Job) -> Content {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(
            u64::try_from(job.name().len())
                .unwrap_or(u64::MAX)
                .to_be_bytes(),
        );
        hash.update(job.name());
        hash.update(job.text());
        hash.finalize().into()
    }

    /// Reserves a place before the server asks for a job, so that a job is never refused for lack
    /// of one. `None` if the table is full.
    pub(crate) fn reserve(self: &Arc<Self>) -> Option<Place> {
        let mut table = self.table();
        let places = table.begun.len() + table.running.len() + table.reserved;
        if places >= self.bounds.begun {
            return None;
        }
        table.reserved += 1;
        Some(Place(Arc::clone(self)))
    }

    /// Decides whether a job may run, and records it in its reserved place.
    pub(crate) fn claim(self: &Arc<Self>, job: &Job, place: Place) -> Claim {
        let claim = self.decide(job);
        drop(place);
        claim
    }

    fn decide(self: &Arc<Self>, job: &Job) -> Claim {
        const OTHER: Claim = Claim::Refused("its session belongs to another job");
        let (name, content) = (self.name(job.session()), self.content(job));
        let mut table = self.table();
        table.expire(&self.bounds);
        if let Some(running) = table.running.get(&name) {
            return if running.content == content {
                Claim::Wait(running.done.subscribe())
            } else {
                OTHER
            };
        }
        if let Some(kept) = table.kept.get(&name) {
            return if kept.content == content {
                Claim::Again(kept.delivery.clone())
            } else {
                OTHER
            };
        }
        if table.begun.contains(&name) || table.idle.contains(&name) {
            return Claim::Refused("it was worked already, and its result is gone");
        }
        let (done, _) = watch::channel(None);
        table.running.insert(name, Running { content, done });
        Claim::Work(Ticket {
            sessions: Arc::clone(self),
            name,
            begun: Arc::default(),
        })
    }

    /// Notes that the host has taken a result; the table may evict it first.
    pub(crate) fn taken(&self, session: &str) {
        let name = self.name(session);
        if let Some(kept) = self.table().kept.get_mut(&name) {
            kept.taken = true;
        }
    }

    /// Forgets results that are too old.
    pub(crate) fn tidy(&self) {
        self.table().expire(&self.bounds);
    }

    fn end(&self, name: Name, begun: bool, delivery: Option<Delivery>) {
        let mut table = self.table();
        let Some(running) = table.running.remove(&name) else {
            return;
        };
        if begun {
            table.begun.insert(name);
        } else if table.idle.insert(name) {
            table.idle_order.push_back(name);
            if table.idle_order.len() > self.bounds.idle
                && let Some(oldest) = table.idle_order.pop_front()
            {
                table.idle.remove(&oldest);
            }
        }
        // Notify waiting callers last, when the result can be found.
        if let Some(delivery) = delivery {
            if delivery.size() <= self.bounds.bytes && self.bounds.results > 0 {
                table.keep(name, running.content, delivery.clone(), &self.bounds);
            }
            running.done.send_replace(Some(delivery));
        }
    }
}

impl Table {
    fn keep(&mut self, name: Name, content: Content, delivery: Delivery, bounds: &Bounds) {
        self.bytes += delivery.size();
        self.order.push_back(name);
        let kept = Kept {
            content,
            delivery,
            since: Instant::now(),
            taken: false,
        };
        self.kept.insert(name, kept);
        while self.order.len() > bounds.results || self.bytes > bounds.bytes {
            // Evict results that the host has taken first, and never the newest one.
            let older = self.order.len() - 1;
            let taken = |name: &Name| self.kept.get(name).is_some_and(|kept| kept.taken);
            let at = self.order.iter().take(older).position(taken).unwrap_or(0);
            self.forget(at);
        }
    }

    fn forget(&mut self, at: usize) {
        if let Some(kept) = self
            .order
            .remove(at)
            .and_then(|name| self.kept.remove(&name))
        {
            self.bytes = self.bytes.saturating_sub(kept.delivery.size());
        }
    }

    fn expire(&mut self, bounds: &Bounds) {
        while let Some(oldest) = self.order.front().and_then(|name| self.kept.get(name)) {
            if oldest.since.elapsed() < bounds.time {
                break;
            }
            self.forget(0);
        }
    }
}

/// A place in the table.
pub(crate) struct Place(Arc<Sessions>);

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.0.table();
        table.reserved = table.reserved.saturating_sub(1);
    }
}

/// The right to run a job. Without [`Self::finish`] the session ends without a result.
pub(crate) struct Ticket {
    sessions: Arc<Sessions>,
    name: Name,
    begun: Arc<AtomicBool>,
}

impl Ticket {
    /// Set when the job begins to have an effect.
    pub(crate) fn begun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.begun)
    }

    /// The job is done.
    pub(crate) fn finish(self, delivery: Delivery) {
        let begun = self.begun.load(Ordering::SeqCst);
        self.sessions.end(self.name, begun, Some(delivery));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // `finish` has already ended the session.
        let begun = self.begun.load(Ordering::SeqCst);
        self.sessions.end(self.name, begun, None);
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
