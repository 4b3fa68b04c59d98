//! Progress that Ctrl-C stops.

use super::STOP;
use canoni::Progress;
use canoni::command::Bar;
use std::sync::atomic::Ordering;

pub(super) fn progress(bar: &Bar) -> Progress {
    bar.progress(|| STOP.load(Ordering::SeqCst))
}
