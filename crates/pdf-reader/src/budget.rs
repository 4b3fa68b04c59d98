//! The work that a document may cause. It is counted instead of timed, so that the result does not
//! depend on the machine.

use crate::error::Error;
use crate::trace::Trace;
use std::cell::Cell;

/// The default limit on work for one document, from its opening on.
pub const DEFAULT_WORK: u64 = 1 << 30;
/// The default limit on unpacked bytes for one document, all streams together.
pub const DEFAULT_UNPACKED: usize = 96 << 20;
/// Units of work between two calls of [`Limits::stop`].
const STEP: u64 = 1 << 20;

/// Limits for one document, for the lifetime of its [`Budget`].
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Units of work: about one for each byte that is scanned, decrypted, unpacked or written, 4
    /// for each byte of a stamped page's content, 16 for each compressed byte and each object read,
    /// and one for each copied value.
    pub work: u64,
    /// Unpacked bytes of all streams together.
    pub unpacked: usize,
    /// Called about once per million units of work. `true` ends the work with [`Error::Stopped`],
    /// for example after a deadline, or when the requester is gone.
    pub stop: Option<&'a dyn Fn() -> bool>,
    /// Records the object being read, so that the caller can name it in a refusal.
    pub trace: Option<&'a Trace>,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self {
            work: DEFAULT_WORK,
            unpacked: DEFAULT_UNPACKED,
            stop: None,
            trace: None,
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

/// The remainder of the limits.
pub struct Budget<'a> {
    work: Cell<u64>,
    unpacked: Cell<usize>,
    /// Work until the next call of `stop`.
    step: Cell<u64>,
    stop: Option<&'a dyn Fn() -> bool>,
    stopped: Cell<bool>,
    trace: Option<&'a Trace>,
}

impl<'a> Budget<'a> {
    /// A budget of these limits.
    pub fn new(limits: Limits<'a>) -> Self {
        Self {
            work: Cell::new(limits.work),
            unpacked: Cell::new(limits.unpacked),
            step: Cell::new(0),
            stop: limits.stop,
            stopped: Cell::new(false),
            trace: limits.trace,
        }
    }

    /// Takes work from the budget. Once it has failed, it fails forever.
    pub fn spend(&self, units: usize) -> Result<(), Error> {
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

    /// Records the object that is being read.
    pub fn reads(&self, number: u32, offset: Option<usize>) {
        if let Some(trace) = self.trace {
            trace.read(number, offset);
        }
    }

    /// The number of bytes that may still be unpacked.
    pub fn unpacked(&self) -> usize {
        self.unpacked.get()
    }

    /// Takes unpacked bytes from the budget, and the work of unpacking them.
    pub fn unpack(&self, bytes: usize) -> Result<(), Error> {
        self.unpacked.set(self.unpacked.get().saturating_sub(bytes));
        self.spend(bytes)
    }
}
