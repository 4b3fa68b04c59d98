//! Foreign text on a terminal, as all tools of this repository print it.

pub(crate) use letsesign_shown::{json, line};
