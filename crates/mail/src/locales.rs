//! The texts, one file for each language. Their functions have the same names and make the same
//! blocks.

pub(crate) mod en_us;
pub(crate) mod zh_tw;
