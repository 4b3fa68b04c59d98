//! Signals: the program ends as they say, and leaves nothing unfinished.

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Whether an image is being pulled, into a temporary folder that only the pull can remove.
static PULLING: AtomicBool = AtomicBool::new(false);
/// The signal that came during a pull, 0 where none came.
static STOP: AtomicI32 = AtomicI32::new(0);

/// From now on, a signal removes unfinished outputs and ends the program as the signal would have.
pub(super) fn watch() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot catch signals")?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                // The second signal does not wait for the pull.
                if PULLING.load(Ordering::SeqCst) && STOP.swap(signal, Ordering::SeqCst) == 0 {
                    continue;
                }
                eif::remove_unfinished();
                say();
                std::process::exit(128 + signal);
            }
        })
        .context("cannot start the thread that waits for signals")?;
    Ok(())
}

/// Runs a pull, which ends soon after [`stopped`] turns true.
pub(super) fn pull<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    PULLING.store(true, Ordering::SeqCst);
    let result = work();
    PULLING.store(false, Ordering::SeqCst);
    if stopped() {
        bail!("interrupted");
    }
    result
}

/// Whether a signal asks the pull to stop.
pub(super) fn stopped() -> bool {
    STOP.load(Ordering::SeqCst) != 0
}

/// The exit code of a program that a signal ended during a pull. Says so on standard error.
pub(super) fn exit_code() -> Option<u8> {
    let signal = STOP.load(Ordering::SeqCst);
    if signal == 0 {
        return None;
    }
    say();
    u8::try_from(128 + signal).ok()
}

fn say() {
    // Standard error may be closed; then the message is lost.
    let _ = writeln!(std::io::stderr(), "\ninterrupted; nothing was written");
}
