//! The sender: tasks, jobs made of them, and what comes back.
//!
//! A task goes through four forms, each of which can be spoilt before it becomes the next: [`Task`]
//! (what a sender means), [`Parts`] (its objects in clear), [`Bound`] (with the hashes that bind
//! them), [`Sealed`] (encrypted, ready for jobs).
//!
//! ```
//! use letsesign_testbed::{Json, Task, pdf};
//! // The host changes a name after the sender has hashed it: code 2004.
//! let mut bound = Task::new(pdf::document(1, 0)).parts().bind();
//! bound.parts.task_config.set("taskConfig.signerInfoList.0.name", "Somebody Else");
//! let job = bound.seal().send_req(0);
//! ```

mod attested;
mod flow;
mod link;
pub mod protocol2;
mod sealed;
mod task;

pub use attested::Attested;
pub use flow::{Signed, sign};
pub use link::Link;
pub use sealed::{PARTS, Sealed, envelope, unzip};
pub use task::{Bound, Field, Parts, Provider, Signer, Task};
