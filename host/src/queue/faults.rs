//! Places where tests kill the process, to show that what follows survives it.

/// With the cargo feature `faults`, ends the process like `kill -9` when
/// `LETSESIGN_HOST_FAULT=NAME:N` names this place for the Nth time. Otherwise it does nothing.
#[cfg(feature = "faults")]
pub(crate) fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicI64, Ordering};
    static FAULT: OnceLock<Option<(String, AtomicI64)>> = OnceLock::new();
    let fault = FAULT.get_or_init(|| {
        let text = std::env::var("LETSESIGN_HOST_FAULT").ok()?;
        let (name, count) = text.split_once(':')?;
        Some((name.to_owned(), AtomicI64::new(count.parse().ok()?)))
    });
    if let Some((at, left)) = fault
        && at == name
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Does nothing: this program is not built for tests.
#[cfg(not(feature = "faults"))]
#[inline]
pub(crate) fn point(_name: &str) {}
