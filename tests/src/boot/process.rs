use super::BootError;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

/// A program that ends with its owner. Its standard error is kept.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; its standard error goes to the file `log`.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Self, BootError> {
        let file = fs::File::create(log).map_err(BootError::io("create", log))?;
        let program = PathBuf::from(command.get_program());
        let child = command
            .stderr(file)
            .spawn()
            .map_err(BootError::io("run", program))?;
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The exit status, if it has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(super) fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            .unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
