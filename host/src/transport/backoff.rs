//! `accept(2)` that outlives its errors.

use super::LogLimit;
use std::future::Future;
use std::io;
use std::time::Duration;

/// First and longest pause after an error.
const FIRST: Duration = Duration::from_millis(5);
const MOST: Duration = Duration::from_secs(1);

/// Accepts, and goes on after errors.
///
/// After EMFILE or ENFILE the connection stays in the queue of the kernel and `accept` fails again
/// at once, so the pause grows until there are descriptors again. An error about one connection
/// (ECONNABORTED and what accept(2) lists beside it) costs the shortest pause.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Option<Duration>,
    log: LogLimit,
}

impl Backoff {
    /// Calls `accept` until it yields a connection.
    pub(super) async fn accept<C, F>(&mut self, port: u32, mut accept: impl FnMut() -> F) -> C
    where
        F: Future<Output = io::Result<C>>,
    {
        loop {
            match accept().await {
                Ok(connection) => {
                    self.pause = None;
                    return connection;
                }
                Err(error) => self.failed(port, &error).await,
            }
        }
    }

    /// Counts an error and waits.
    pub(super) async fn failed(&mut self, port: u32, error: &io::Error) {
        metrics::counter!("letsesign_host_accept_errors_total", "port" => port.to_string())
            .increment(1);
        let pause = match self.pause {
            None => FIRST,
            Some(pause) => (pause * 2).min(MOST),
        };
        if let Some(left_out) = self.log.due() {
            tracing::warn!(port, %error, left_out, ?pause, "cannot accept a connection; going on");
        }
        // Errors about one connection do not let the pause grow.
        self.pause = is_scarcity(error).then_some(pause);
        tokio::time::sleep(pause).await;
    }

    /// The next error gets the shortest pause.
    pub(super) fn succeeded(&mut self) {
        self.pause = None;
    }
}

/// Too few descriptors, memory or buffers: the next `accept` is likely to fail as well.
fn is_scarcity(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let scarce = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error
        .raw_os_error()
        .is_none_or(|code| scarce.contains(&Errno::from_raw_os_error(code)))
}
