//! An enclave in emulation: QEMU's machine `nitro-enclave`, with this process as the parent
//! instance.
//!
//! [`Machine::boot`] starts an image. The parent ([`Host`]) answers the heartbeat (vsock port 9000)
//! and serves the job protocol (port 9001) with jobs that the caller queues. Everything that was
//! started ends with the [`Machine`]. `docs/emulator.md` describes what the emulation proves and
//! what it cannot.

mod console;
mod emulator;
mod error;
mod fixture;
mod host;
mod image;
mod machine;
mod options;
mod process;
mod programs;
mod variant;

pub use console::{Line, Sink};
pub use emulator::Emulator;
pub use error::BootError;
pub use fixture::Fixture;
pub use host::{Host, Reply};
pub use image::{Image, Parts};
pub use machine::Machine;
pub use options::Options;
pub use variant::test_variant;
