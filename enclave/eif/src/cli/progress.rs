//! Progress on a terminal; nothing in a pipe.

use eif::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;

/// A bar on standard error. indicatif hides it when standard error is not a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// `total` is the expected number of bytes, 0 when unknown.
    pub(super) fn new(verb: &'static str, total: u64) -> Arc<Self> {
        let bar = if total == 0 {
            ProgressBar::no_length()
        } else {
            ProgressBar::new(total)
        };
        let template = if total == 0 {
            "{prefix} {bytes}, {binary_bytes_per_sec}"
        } else {
            "{prefix} [{bar:30}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left"
        };
        // A template that does not parse would leave indicatif's own.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(verb);
        Arc::new(Bar(bar))
    }
}

impl Progress for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
