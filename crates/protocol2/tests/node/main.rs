//! The second implementation (tests/protocol2, in Node) reads what this crate seals, and writes and
//! reads the golden vectors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod made;
mod proofs;
mod sealed;
#[path = "../support/mod.rs"]
mod support;

use made::{Made, node};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use support::repository;

fn has_node() -> bool {
    let found = Command::new("node").arg("--version").output().is_ok();
    if !found {
        assert!(
            std::env::var_os("REQUIRE_ALL").is_none(),
            "node is not installed"
        );
        println!("skipped: node is not installed");
    }
    found
}

const KINDS: [&str; 13] = [
    "data-key",
    "account",
    "task",
    "result",
    "statements",
    "request",
    "link",
    "fragment",
    "answer",
    "verification",
    "proof",
    "user-data",
    "spf",
];

#[test]
fn the_vectors_are_those_that_node_makes_and_reads() {
    if !has_node() {
        return;
    }
    node("make-vectors.mjs", &[PathBuf::from("--check")]);
    let folder = repository("tests/vectors/protocol-2");
    let files: Vec<PathBuf> = KINDS
        .iter()
        .map(|kind| folder.join(format!("{kind}.json")))
        .collect();
    let counts: Value = serde_json::from_str(&node("check.mjs", &files)).unwrap();
    assert!(counts["ok"].as_u64().unwrap() >= 100, "{counts}");
    assert!(counts["refused"].as_u64().unwrap() >= 900, "{counts}");
}

#[test]
fn node_opens_what_this_crate_seals() {
    if !has_node() {
        return;
    }
    let mut made = Made::default();
    let sender = sealed::sender(&mut made);
    sealed::boxes_and_statements(&sender, &mut made);
    sealed::request(&sender, &mut made);
    assert_eq!(made.check(), json!({ "ok": 20, "refused": 7 }));
}
