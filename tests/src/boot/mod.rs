//! An enclave in emulation: QEMU's `nitro-enclave` machine with the parent instance played by this process.
//!
//! [`Machine::boot`] starts an image; the parent's side ([`Host`]) answers the heartbeat (vsock port 9000) and serves the
//! job protocol (port 9001) with jobs that the caller queues. All that was started ends with the [`Machine`].
//! `docs/emulator.md` tells what the emulation shows and what it cannot.

mod console;
mod emulator;
mod error;
mod fixture;
mod host;
mod image;
mod machine;
mod process;
mod programs;

pub use console::{Line, Sink};
pub use emulator::Emulator;
pub use error::BootError;
pub use fixture::Fixture;
pub use host::{Host, Reply};
pub use image::{Image, Parts};
pub use machine::{Machine, Options};
