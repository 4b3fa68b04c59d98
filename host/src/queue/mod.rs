//! The queue of jobs: it loses none, and hands none to an enclave again that may have mailed.
//!
//! docs/host-queue.md has states, rules and guarantees. `core` has the rules, once, over a small
//! trait; SQLite and PostgreSQL are engines below it. Payloads and results are sealed (`body`)
//! and, beyond 64 KiB, objects of a folder or of S3.

mod body;
mod clock;
mod core;
mod documents;
mod effect;
mod error;
mod faults;
mod handle;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod model;
pub(crate) mod postgres;
mod quota;
mod scan;
pub(crate) mod sealing;
mod settings;
pub(crate) mod sqlite;
mod store;
mod threads;
mod transfer;
mod types;
mod upkeep;
mod writer;

pub(crate) use body::keys::Keys;
pub use body::keys::{KeyFile, MasterKey};
pub use body::objects::{Objects, S3};
pub use core::Timing;
pub use effect::{Effect, effect, effect_of_number, may_retry};
pub use error::{DecideError, Error, FinishError, Quota, SubmitError};
pub use handle::{Queue, describe};
pub use quota::{Allowance, Allowances};
pub use settings::{Engine, Settings};
pub(crate) use transfer::are_accepted;
pub use transfer::{PAYLOAD_MAX, RESULT_MAX};
pub use types::{
    Asker, BodyStream, Decision, Ended, Filter, Finished, HistoryEntry, JobId, JobView, Millis,
    NewJob, Offer, OpenStart, StartId, State, Stats,
};
pub(crate) use types::{fill, random_hex};
pub use upkeep::Swept;
