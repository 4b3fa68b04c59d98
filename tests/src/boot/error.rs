use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why an enclave did not do what a test waited for.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// A file or socket of the harness could not be used.
    #[error("cannot {what} {}: {cause}", path.display())]
    Io {
        /// The attempted operation.
        what: &'static str,
        /// The file or socket.
        path: PathBuf,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// The emulator is not available; the reason.
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
        /// Name of the program.
        program: &'static str,
        /// Its exit status.
        status: ExitStatus,
        /// Its output.
        log: String,
    },
    /// The enclave ended before the awaited event.
    #[error("the enclave ended ({status}) before {what}; end of its console:\n{console}")]
    Ended {
        /// The awaited event.
        what: String,
        /// Exit status of QEMU.
        status: ExitStatus,
        /// The last lines of the console and of QEMU's own messages.
        console: String,
    },
    /// The awaited event did not happen in time.
    #[error("no {what} within {after:?}; end of the console:\n{console}")]
    Timeout {
        /// The awaited event.
        what: String,
        /// The time limit.
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
