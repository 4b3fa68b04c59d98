//! How far long work has come, on a terminal.

use super::STOP;
use canoni::{Event, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

/// Visible on a terminal only; indicatif respects NO_COLOR.
pub(super) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(
        "{msg:>8} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec}",
    ) {
        bar.set_style(style);
    }
    bar
}

pub(super) fn progress(bar: &ProgressBar) -> Progress {
    let bar = bar.clone();
    Progress::new(move |event| {
        match event {
            Event::Begin { what, bytes } => {
                bar.reset();
                bar.set_length(bytes);
                bar.set_message(what);
            }
            Event::Advance(bytes) => bar.inc(bytes),
        }
        if STOP.load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}
