//! The log: lines on the console, which the operator can read and therefore must hold nothing of a
//! job.
//!
//! Rules for every line of this program: no text from the host, no text from a job; names,
//! sessions, members and values stay out. What may appear: our own words, numbers, error codes,
//! sizes, times.

use tracing::level_filters::LevelFilter;

/// Sends log lines to standard error, one per event, without colours.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_max_level(LevelFilter::INFO)
        .init();
    // The default hook prints the panic's message, which may quote a value.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or(("unknown place", 0), |place| (place.file(), place.line()));
        tracing::error!("internal error at {}:{}", place.0, place.1);
    }));
}
