use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why an enclave did not do what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// A file or socket of the harness.
    #[error("cannot {what} {}: {cause}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// There is no emulator.
    #[error("no emulator: {0}")]
    Emulator(String),
    /// The emulated NSM stopped, which is the emulator's fault.
    #[error("the emulated NSM stopped: {0}")]
    Nsm(String),
    /// The image cannot be read.
    #[error("the image: {0}")]
    Image(#[from] eif::Error),
    /// A helper program ended before it was ready.
    #[error("{program} ended at once ({status}): {log}")]
    Helper {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        log: String,
    },
    /// The enclave ended while something else was waited for.
    #[error("the enclave ended ({status}) before {what}; end of its console:\n{console}")]
    Ended {
        /// What was waited for.
        what: String,
        /// How QEMU ended.
        status: ExitStatus,
        /// The last lines of the console and of QEMU's own messages.
        console: String,
    },
    /// Time is up.
    #[error("no {what} within {after:?}; end of the console:\n{console}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// The limit.
        after: Duration,
        /// The last lines of the console and of QEMU's own messages.
        console: String,
    },
}

impl BootError {
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { what, path, cause }
    }
}
