//! The golden vectors of tests/vectors/protocol-2, which the second implementation wrote
//! (tests/protocol2, in Node, from the page alone). Proofs have their test in letsesign-proof.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use support::{file, outcome};

/// Reads every vector of a kind; `least` are the fewest valid and invalid ones that there must be.
fn check(kind: &str, least: (usize, usize)) {
    let file = file(kind);
    assert_eq!(file["kind"], kind);
    let (mut valid, mut invalid, mut wrong) = (0, 0, Vec::new());
    for vector in file["vectors"].as_array().unwrap() {
        let mut all = file["base"].clone();
        all.as_object_mut()
            .unwrap()
            .extend(vector.as_object().unwrap().clone());
        let found = outcome(kind, &all);
        let expected = match vector.get("ok") {
            Some(values) => Ok(values.clone()),
            None => Err(vector["refused"].as_str().unwrap()),
        };
        match expected {
            Ok(_) => valid += 1,
            Err(_) => invalid += 1,
        }
        if found != expected {
            wrong.push(format!("{}: {found:?}, not {expected:?}", vector["note"]));
        }
    }
    assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
    assert!(valid >= least.0 && invalid >= least.1, "{valid}, {invalid}");
}

#[test]
fn data_keys_serve_one_purpose() {
    check("data-key", (2, 14));
}

#[test]
fn accounts() {
    check("account", (12, 90));
}

#[test]
fn tasks_open_in_their_own_place_alone() {
    check("task", (26, 205));
}

#[test]
fn boxes_for_the_sender() {
    check("result", (2, 18));
}

#[test]
fn statements() {
    check("statements", (13, 50));
}

#[test]
fn keys_of_requests() {
    check("request", (5, 0));
}

#[test]
fn links() {
    check("link", (2, 0));
}

#[test]
fn answers() {
    check("answer", (11, 60));
}

#[test]
fn verifications() {
    check("verification", (1, 8));
}
