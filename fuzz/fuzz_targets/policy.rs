//! Arbitrary bytes as a key policy, parsed and checked. Nothing panics, and every finding is
//! printable.
#![no_main]
#![allow(dead_code, reason = "parts of a program")]

#[path = "../../verify/src/policy/check.rs"]
mod check;
#[path = "../../verify/src/policy/condition.rs"]
mod condition;
#[path = "../../verify/src/policy/finding.rs"]
mod finding;
#[path = "../../verify/src/policy/model.rs"]
mod model;
#[path = "../../verify/src/policy/values.rs"]
mod values;

use letsesign_measurements::{Files, History};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static HISTORY: LazyLock<History> = LazyLock::new(|| {
    let files = Files::from([("LEDGER".to_owned(), Vec::new())]);
    History::from_files(&files).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(policy) = model::Policy::parse(bytes) {
        for finding in check::check(&policy, &HISTORY) {
            assert!(!finding.to_string().contains(char::is_control));
        }
    }
});
