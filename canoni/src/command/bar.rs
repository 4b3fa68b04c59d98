//! How far long work has come, on a terminal.

use crate::progress::{Event, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;

/// A bar on standard error. indicatif hides it where standard error is not a terminal, and respects
/// `NO_COLOR`.
#[derive(Debug, Clone)]
pub struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Bar {
    /// A bar that waits for work.
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        let template = "{msg:>8} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec}";
        // A template that does not parse would leave indicatif's own.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows work on this bar. The work ends with [`Error::Stopped`](crate::Error::Stopped) as soon
    /// as `stop` says so.
    pub fn progress(&self, stop: impl Fn() -> bool + Send + Sync + 'static) -> Progress {
        let bar = self.0.clone();
        Progress::new(move |event| {
            match event {
                Event::Begin { what, bytes } => {
                    bar.reset();
                    bar.set_length(bytes);
                    bar.set_message(what);
                }
                Event::Advance(bytes) => bar.inc(bytes),
            }
            if stop() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
