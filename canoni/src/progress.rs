//! Telling a caller how far long work has come, and letting it stop.

use crate::error::{Error, Result};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A step of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Work on this many bytes begins.
    Begin {
        /// The work: "hashing", "writing".
        what: &'static str,
        /// Bytes in all, as far as it is known now.
        bytes: u64,
    },
    /// This many more bytes are done.
    Advance(u64),
}

type Callback = dyn Fn(Event) -> ControlFlow<()> + Send + Sync;

/// A callback for [`Event`]s, called about once per MiB. [`ControlFlow::Break`] ends the work with
/// [`Error::Stopped`], temporary files removed.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Callback>>);

impl Progress {
    /// Calls `callback` from whatever thread does the work.
    pub fn new(callback: impl Fn(Event) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    pub(crate) fn send(&self, event: Event) -> Result<()> {
        match self.0.as_ref().map(|callback| callback(event)) {
            Some(ControlFlow::Break(())) => Err(Error::Stopped),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Progress")
    }
}
