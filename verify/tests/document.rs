//! `letsesign-verify document`: the rules of attestation documents, each broken once, and real
//! documents.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use base64::Engine;
use letsesign_test_authority::Document;
use serde_json::Value;
use support::{Answer, Place, TIME, repository};

fn verify(place: &Place, document: &Document, more: &[&str]) -> Answer {
    place.write("document", document.to_bytes());
    let mut arguments = vec!["document", "document", "--root", "root.der"];
    arguments.extend(more);
    place.run(&arguments)
}

#[test]
fn a_good_document_is_accepted_in_every_spelling() {
    let place = Place::new();
    let mut document = Document::new(TIME, 0x11);
    let then = &["--at-signing-time"];
    verify(&place, &document, then)
        .is(0, "TEST ONLY")
        .is(0, "GENUINE: release good");
    document.head = vec![0xd2, 0x84];
    verify(&place, &document, then).is(0, "GENUINE");
    let raw = document.to_bytes();
    let hexadecimal = hex::encode(&raw);
    let base64 = base64::prelude::BASE64_STANDARD.encode(&raw);
    for spelling in [
        format!("{hexadecimal}\n"),
        format!("{}\n{}\n", &base64[..64], &base64[64..]),
    ] {
        place.write("spelt", spelling);
        place
            .run(&[
                "document",
                "spelt",
                "--root",
                "root.der",
                "--at-signing-time",
            ])
            .is(0, "GENUINE");
    }
    for garbage in ["", "not a document!", "\u{1b}[31m"] {
        place.write("spelt", garbage);
        place.run(&["document", "spelt"]).is(2, "spelt");
    }
    document.pcrs = (0..32).map(|number| (number, vec![0x11; 48])).collect();
    verify(&place, &document, then).is(0, "GENUINE");
    document.pcrs.truncate(3);
    verify(&place, &document, then).is(0, "GENUINE");
}

/// letsesign-attestation implements the rules and has their vectors; here the program must report
/// the library's result.
#[test]
fn every_vector_has_the_result_of_the_index() {
    let place = Place::new();
    let folder = repository("tests/vectors/attestation/generated");
    let index = std::fs::read(folder.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let root = folder.join(index["root"].as_str().unwrap());
    // Only the files given describe these images.
    place.write("measurements/LEDGER", "");
    for known in ["good", "old"] {
        std::fs::remove_file(place.path(&format!("measurements/{known}.json"))).unwrap();
    }
    let (mut accepted, mut refused) = (0, 0);
    for vector in index["vectors"].as_array().unwrap() {
        // The program uses the current time, so only recorded documents can be tested.
        let name = vector["file"].as_str().unwrap();
        let file = folder.join(name);
        if vector["question"] != "recorded" || std::fs::metadata(&file).unwrap().len() == 0 {
            continue;
        }
        let mut arguments = vec!["document", file.to_str().unwrap(), "--at-signing-time"];
        arguments.extend(["--root", root.to_str().unwrap()]);
        for (number, image) in vector["expected"].as_array().unwrap().iter().enumerate() {
            let mut release = serde_json::json!({
                "verName": format!("e{number}"),
                "pcrs": image["pcrs"],
                "issueTime": 1,
                "status": image["standing"],
            });
            let status = &mut release["status"];
            if status["state"] != "current" {
                status["reason"] = Value::from("a vector");
                if status["since"].is_null() {
                    status["since"] = Value::from(1);
                }
            }
            place.write(&format!("e{number}.json"), release.to_string());
            arguments.extend(["--expect", ["e0.json", "e1.json"][number]]);
        }
        let answer = place.run(&arguments);
        let code = match (&vector["error"], vector["standing"]["state"].as_str()) {
            (Value::Null, Some("current")) => 0,
            (Value::Null, _) => 3,
            _ => 1,
        };
        assert_eq!(answer.code, code, "{name}: {}{}", answer.out, answer.error);
        *(if code == 1 {
            &mut refused
        } else {
            &mut accepted
        }) += 1;
    }
    assert!(accepted > 15 && refused > 100, "{accepted} {refused}");
}

#[test]
fn now_and_then_are_different_questions() {
    let place = Place::new();
    // Rule 5: the leaf was valid for three hours in 2023.
    verify(&place, &Document::new(TIME, 0x11), &[]).is(1, "s old");
    verify(
        &place,
        &Document::new(TIME, 0x11),
        &["--max-age", "18446744073709551615"],
    )
    .is(1, "is valid from");
    let mut future = Document::new(TIME, 0x11);
    future.time = 4_000_000_000_000;
    verify(&place, &future, &[]).is(1, "from the future");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut fresh = Document::new(TIME, 0x11);
    fresh.time = u64::try_from(now.as_millis()).unwrap();
    fresh.nonce = Some(vec![7; 16]);
    for certificate in &mut fresh.chain[1..] {
        certificate.to = 2_500_000_000;
    }
    let nonce = "07".repeat(16);
    verify(&place, &fresh, &[]).is(0, "GENUINE");
    verify(&place, &fresh, &["--nonce", &nonce]).is(0, "GENUINE");
    verify(&place, &fresh, &["--nonce", &"08".repeat(16)]).is(1, "nonce is not the one");
    verify(&place, &fresh, &["--nonce", "0707"]).is(2, "16 to 512 bytes");
    verify(&place, &fresh, &["--nonce", &nonce, "--at-signing-time"]).is(2, "cannot be used with");
    // An invalid signature over the status list means that somebody changed it.
    place.status("good", "end-of-life", 1);
    place.write("measurements/status.json.minisig", "garbage");
    verify(&place, &fresh, &[]).is(1, "status.json has an invalid signature");
    std::fs::remove_file(place.path("measurements/status.json.minisig")).unwrap();
    // For a running enclave, an end of life applies at the current time.
    place.status("good", "end-of-life", 1);
    verify(&place, &fresh, &[]).is(3, "end-of-life");
}

#[test]
fn expected_measurements_are_releases_or_files() {
    let place = Place::new();
    let document = Document::new(TIME, 0x22);
    let then = |more: &[&str]| {
        let mut arguments = vec!["--at-signing-time"];
        arguments.extend(more);
        verify(&place, &document, &arguments)
    };
    then(&[]).is(0, "release old");
    then(&["--expect", "old"]).is(0, "release old");
    then(&["--expect", "good"]).is(1, "not among the expected");
    then(&["--expect", "good", "--expect", "measurements/old.json"]).is(0, "release old");
    then(&["--expect", "none"]).is(2, "neither a release nor a file");
    then(&["--expect", "none.json"]).is(2, "cannot read none.json");
    then(&["--any-measurement"]).is(4, "INSPECTED ONLY");
    then(&["--any-measurement", "--expect", "old"]).is(2, "cannot be used with");
    place.status("old", "revoked", 2_000_000_000);
    then(&[]).is(3, "revoked");
}

#[test]
fn real_documents_verify_under_awss_root() {
    let place = Place::new();
    let production = repository("tests/vectors/attestation/production-2022-10-13.cbor");
    let debug = repository("tests/vectors/attestation/debug-2022-10-12.cbor");
    let run = |file: &std::path::Path, more: &[&str]| {
        let mut arguments = vec!["document", file.to_str().unwrap()];
        arguments.extend(more);
        place.run(&arguments)
    };
    let inspected = run(
        &production,
        &["--at-signing-time", "--any-measurement", "--json"],
    );
    inspected.is(4, "\"root\": \"aws\"");
    let pcrs = inspected.json()["pcrs"].clone();
    let own = serde_json::json!({ "verName": "own", "pcrs": pcrs, "issueTime": 1 });
    place.write("own.json", own.to_string());
    // Accepted with its own measurements at its own time; refused at another time or with others.
    run(&production, &["--at-signing-time", "--expect", "own.json"])
        .is(0, "GENUINE: the measurements that were given");
    run(&production, &["--expect", "own.json"]).is(1, "s old");
    run(
        &production,
        &["--expect", "own.json", "--max-age", "999999999999"],
    )
    .is(1, "is valid from");
    run(&production, &["--at-signing-time"]).is(1, "not among the expected");
    run(&debug, &["--at-signing-time", "--any-measurement"]).is(1, "debug mode");
    run(&debug, &["--at-signing-time", "--expect", "own.json"]).is(1, "debug mode");
}
