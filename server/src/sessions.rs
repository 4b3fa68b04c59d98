//! Which jobs this enclave has worked (docs/job-protocol.md, "Sessions"): none is worked twice.
//!
//! Sessions are kept as keyed hashes, so nobody can choose sessions that collide. What began to have an effect is never
//! forgotten; what did not is forgotten after many others.

use letsesign_job::{Delivery, Job};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How much is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Results that are kept.
    pub(crate) results: usize,
    /// Their bytes together.
    pub(crate) bytes: usize,
    /// How long one is kept.
    pub(crate) time: Duration,
    /// Sessions that had an effect. When there are so many, no more jobs are to be taken.
    pub(crate) begun: usize,
    /// Sessions that had none, the newest.
    pub(crate) idle: usize,
}

/// The hash of a session. With 64 bits, one of a million sessions is taken for another with a chance of 2^-44; it is then
/// refused, not worked twice.
type Name = u64;
type Content = [u8; 32];

/// What becomes of a job.
pub(crate) enum Claim {
    /// It is new: work it.
    Work(Ticket),
    /// It is being worked: its result will come here; `None` when there will be none.
    Wait(watch::Receiver<Option<Delivery>>),
    /// It was worked, and this was its result.
    Again(Delivery),
    /// It must not be worked.
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
    /// Places for jobs that are being asked for.
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
    /// With a key that nobody else knows.
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

    /// A place for a job that is to be asked for, so that none has to be refused for want of one. `None`: no more can be
    /// remembered.
    pub(crate) fn reserve(self: &Arc<Self>) -> Option<Place> {
        let mut table = self.table();
        let places = table.begun.len() + table.running.len() + table.reserved;
        if places >= self.bounds.begun {
            return None;
        }
        table.reserved += 1;
        Some(Place(Arc::clone(self)))
    }

    /// Decides about a job, and remembers it in its place.
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

    /// The host has taken a result: of those that are kept it may go first.
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
        // Whoever waits is told last, when the result can be found.
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
            // What the host has goes before what it has not, and never the newest.
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

/// The right to work a job. Without [`Self::finish`] the session ends without a result.
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
        // After `finish` there is nothing left to end.
        let begun = self.begun.load(Ordering::SeqCst);
        self.sessions.end(self.name, begun, None);
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
