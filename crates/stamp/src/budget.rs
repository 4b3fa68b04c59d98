//! What a document may make us do. Work is counted, not timed.

use crate::error::Error;
use std::cell::Cell;

/// Work that a document may cost from [`crate::Template::open`] on, everything together.
pub const DEFAULT_WORK: u64 = 1 << 30;
/// Bytes that everything which is unpacked for a document may have together.
pub const DEFAULT_UNPACKED: usize = 96 << 20;
/// Work between two questions whether to stop.
const STEP: u64 = 1 << 20;

/// Bounds for one document, for as long as its [`crate::Template`] is used.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Units of work: about one for each byte that is scanned, decrypted, unpacked or written, 4
    /// for each byte of a stamped page's content, 16 for each byte that is compressed and for each
    /// object that is read, and one for each value that is copied.
    pub work: u64,
    /// Bytes that streams are unpacked to, all together.
    pub unpacked: usize,
    /// Asked after every million units of work, or so. `true` ends the work with
    /// [`Error::Stopped`]: a deadline has passed, or nobody wants the result any more.
    pub stop: Option<&'a dyn Fn() -> bool>,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self {
            work: DEFAULT_WORK,
            unpacked: DEFAULT_UNPACKED,
            stop: None,
        }
    }
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Limits")
            .field("work", &self.work)
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}

/// What is left of the limits.
pub(crate) struct Budget<'a> {
    work: Cell<u64>,
    unpacked: Cell<usize>,
    /// Work until the next question.
    step: Cell<u64>,
    stop: Option<&'a dyn Fn() -> bool>,
    stopped: Cell<bool>,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limits: Limits<'a>) -> Self {
        Self {
            work: Cell::new(limits.work),
            unpacked: Cell::new(limits.unpacked),
            step: Cell::new(0),
            stop: limits.stop,
            stopped: Cell::new(false),
        }
    }

    /// Takes work. What failed once fails again.
    pub(crate) fn spend(&self, units: usize) -> Result<(), Error> {
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        if let Some(left) = self.step.get().checked_sub(units) {
            self.step.set(left);
        } else {
            self.step.set(STEP);
            if self.stop.is_some_and(|stop| stop()) {
                self.stopped.set(true);
            }
        }
        if self.stopped.get() {
            return Err(Error::Stopped);
        }
        let Some(left) = self.work.get().checked_sub(units) else {
            self.work.set(0);
            return Err(Error::Budget);
        };
        self.work.set(left);
        Ok(())
    }

    /// Bytes that may still be unpacked.
    pub(crate) fn unpacked(&self) -> usize {
        self.unpacked.get()
    }

    /// Takes bytes that were unpacked, and the work of it.
    pub(crate) fn unpack(&self, bytes: usize) -> Result<(), Error> {
        self.unpacked.set(self.unpacked.get().saturating_sub(bytes));
        self.spend(bytes)
    }
}
