//! `letsesign-verify document`: the rules of attestation documents, each broken once, and real documents.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use base64::Engine;
use support::authority::{Certificate, Document, bytes, text};
use support::{Answer, World, repository};

fn verify(world: &World, document: &Document, more: &[&str]) -> Answer {
    world.write("document", document.to_bytes());
    let mut arguments = vec!["document", "document", "--root", "root.der"];
    arguments.extend(more);
    world.run(&arguments)
}

#[test]
fn a_good_document_is_accepted_in_every_spelling() {
    let world = World::new();
    let mut document = Document::new();
    let then = &["--at-signing-time"];
    verify(&world, &document, then)
        .is(0, "TEST ONLY")
        .is(0, "GENUINE: release good");
    document.tag = vec![0xd2];
    verify(&world, &document, then).is(0, "GENUINE");
    let raw = document.to_bytes();
    let hexadecimal = hex::encode(&raw);
    let base64 = base64::prelude::BASE64_STANDARD.encode(&raw);
    for spelling in [
        format!("{hexadecimal}\n"),
        format!("{}\n{}\n", &base64[..64], &base64[64..]),
    ] {
        world.write("spelt", spelling);
        world
            .run(&[
                "document",
                "spelt",
                "--root",
                "root.der",
                "--at-signing-time",
            ])
            .is(0, "GENUINE");
    }
    for rubbish in ["", "not a document!", "\u{1b}[31m"] {
        world.write("spelt", rubbish);
        world.run(&["document", "spelt"]).is(2, "spelt");
    }
    document.pcrs = (0..32).map(|number| (number, vec![0x11; 48])).collect();
    verify(&world, &document, then).is(0, "GENUINE");
    document.pcrs.truncate(3);
    verify(&world, &document, then).is(0, "GENUINE");
}

#[test]
fn every_broken_rule_of_the_form_is_refused() {
    let world = World::new();
    let refused = |rule: &str, change: &dyn Fn(&mut Document), expected: &str| {
        let mut document = Document::new();
        change(&mut document);
        let answer = verify(
            &world,
            &document,
            &["--at-signing-time", "--any-measurement"],
        );
        assert_eq!(answer.code, 1, "{rule}: {}", answer.out);
        assert!(answer.out.contains(expected), "{rule}: {}", answer.out);
    };
    refused("1 tag", &|d| d.tag = vec![0xd1], "tag is not 18");
    refused(
        "1 algorithm",
        &|d| d.protected = vec![0xa1, 0x01, 0x26],
        "ES384",
    );
    refused(
        "1 crit",
        &|d| d.protected = vec![0xa2, 0x01, 0x38, 0x22, 0x02, 0x81, 0x01],
        "ES384",
    );
    refused(
        "1 unprotected",
        &|d| d.unprotected = vec![0xa1, 0x04, 0x41, 0x00],
        "unprotected",
    );
    refused("1 signature", &|d| d.signer = 4, "signature is wrong");
    refused("2 module_id", &|d| d.module_id = "", "module_id");
    refused("2 digest", &|d| d.digest = "SHA256", "digest");
    refused("2 timestamp", &|d| d.time = 0, "timestamp");
    refused("2 no PCRs", &|d| d.pcrs.clear(), "no PCRs");
    refused("2 PCR 32", &|d| d.pcrs.push((32, vec![1; 48])), "above 31");
    refused(
        "2 PCR twice",
        &|d| d.pcrs.push((0, vec![0x11; 48])),
        "twice",
    );
    refused("2 PCR length", &|d| d.pcrs[3].1 = vec![1; 47], "48 bytes");
    refused("2 key empty", &|d| d.public_key = Some(vec![]), "empty");
    refused(
        "2 key long",
        &|d| d.public_key = Some(vec![1; 1025]),
        "1024",
    );
    refused(
        "2 user data long",
        &|d| d.user_data = Some(vec![1; 1025]),
        "1024",
    );
    refused("2 nonce long", &|d| d.nonce = Some(vec![1; 1025]), "1024");
    refused("2 twice", &|d| d.more.push(("nonce", bytes(b"x"))), "twice");
    refused("2 trailing", &|d| d.behind = vec![0], "bytes behind");
    refused(
        "2 bundle",
        &|d| drop(d.chain.drain(..2)),
        "cabundle is empty",
    );
    refused(
        "2 type",
        &|d| d.more.push(("x", text("x")[..1].to_vec())),
        "no attestation document",
    );
    refused("6 debug", &|d| d.pcrs[0].1 = vec![0; 48], "debug mode");
    refused("7 missing", &|d| drop(d.pcrs.remove(2)), "no PCR2");
}

#[test]
fn every_broken_rule_of_the_chain_is_refused() {
    let world = World::new();
    let refused = |rule: &str, index: usize, change: &dyn Fn(&mut Certificate), expected: &str| {
        let mut document = Document::new();
        change(&mut document.chain[index]);
        world.write("root.der", document.chain[0].to_der());
        let answer = verify(&world, &document, &["--at-signing-time"]);
        assert_eq!(answer.code, 1, "{rule}: {}", answer.out);
        assert!(answer.out.contains(expected), "{rule}: {}", answer.out);
    };
    refused("4 expired", 2, &|c| c.to = "231114220000Z", "is valid from");
    refused(
        "4 not yet",
        1,
        &|c| c.from = "231115000000Z",
        "is valid from",
    );
    refused(
        "4 leaf CA",
        2,
        &|c| c.constraints = Some((true, None)),
        "is a CA",
    );
    refused("4 leaf usage", 2, &|c| c.usage = Some(0x04), "may not sign");
    refused("4 no usage", 2, &|c| c.usage = None, "no keyUsage");
    refused(
        "4 not a CA",
        1,
        &|c| c.constraints = Some((false, None)),
        "is no CA",
    );
    refused("4 no constraints", 1, &|c| c.constraints = None, "is no CA");
    refused("4 CA usage", 1, &|c| c.usage = Some(0x80), "may not issue");
    refused(
        "4 path length",
        0,
        &|c| c.constraints = Some((true, Some(0))),
        "pathLenConstraint",
    );
    refused("4 names", 2, &|c| c.issuer = "another", "not issued by");
    refused("4 signature", 2, &|c| c.signer = 1, "not issued by");
    refused(
        "4 critical",
        1,
        &|c| c.unknown_critical = true,
        "not understood",
    );
    refused(
        "4 root expired",
        0,
        &|c| c.to = "231101000000Z",
        "is valid from",
    );
    // Rule 3: a chain to a root of its own.
    let world = World::new();
    let mut document = Document::new();
    document.chain[0].subject = "another";
    document.chain[0].issuer = "another";
    document.chain[1].issuer = "another";
    verify(&world, &document, &["--at-signing-time"]).is(1, "trusted root");
    // The root alone cannot sign documents.
    let mut document = Document::new();
    document.chain.remove(1);
    verify(&world, &document, &["--at-signing-time"]).is(1, "not issued by");
}

#[test]
fn now_and_then_are_different_questions() {
    let world = World::new();
    // Rule 5: the leaf was valid for three hours in 2023.
    verify(&world, &Document::new(), &[]).is(1, "s old");
    verify(
        &world,
        &Document::new(),
        &["--max-age", "18446744073709551615"],
    )
    .is(1, "is valid from");
    let mut future = Document::new();
    future.time = 4_000_000_000_000;
    verify(&world, &future, &[]).is(1, "from the future");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut fresh = Document::new();
    fresh.time = u64::try_from(now.as_millis()).unwrap();
    fresh.nonce = Some(vec![7; 16]);
    for certificate in &mut fresh.chain[1..] {
        certificate.to = "491028142805Z";
    }
    let nonce = "07".repeat(16);
    verify(&world, &fresh, &[]).is(0, "GENUINE");
    verify(&world, &fresh, &["--nonce", &nonce]).is(0, "GENUINE");
    verify(&world, &fresh, &["--nonce", &"08".repeat(16)]).is(1, "nonce is not the one");
    verify(&world, &fresh, &["--nonce", "0707"]).is(2, "16 to 512 bytes");
    verify(&world, &fresh, &["--nonce", &nonce, "--at-signing-time"]).is(2, "cannot be used with");
    // A release that ended counts from now on for an enclave that runs now.
    world.status("good", "end-of-life", 1);
    verify(&world, &fresh, &[]).is(3, "end-of-life");
}

#[test]
fn expected_measurements_are_releases_or_files() {
    let world = World::new();
    let document = Document::new().with_pcrs(0x22);
    let then = |more: &[&str]| {
        let mut arguments = vec!["--at-signing-time"];
        arguments.extend(more);
        verify(&world, &document, &arguments)
    };
    then(&[]).is(0, "release old");
    then(&["--expect", "old"]).is(0, "release old");
    then(&["--expect", "good"]).is(1, "not among the expected");
    then(&["--expect", "good", "--expect", "measurements/old.json"]).is(0, "release old");
    then(&["--expect", "none"]).is(2, "neither a release nor a file");
    then(&["--expect", "none.json"]).is(2, "cannot read none.json");
    then(&["--any-measurement"]).is(4, "INSPECTED ONLY");
    then(&["--any-measurement", "--expect", "old"]).is(2, "cannot be used with");
    world.status("old", "revoked", 2_000_000_000);
    then(&[]).is(3, "revoked");
}

#[test]
fn real_documents_are_judged_under_awss_root() {
    let world = World::new();
    let production = repository("tests/vectors/attestation/production-2022-10-13.cbor");
    let debug = repository("tests/vectors/attestation/debug-2022-10-12.cbor");
    let run = |file: &std::path::Path, more: &[&str]| {
        let mut arguments = vec!["document", file.to_str().unwrap()];
        arguments.extend(more);
        world.run(&arguments)
    };
    let inspected = run(
        &production,
        &["--at-signing-time", "--any-measurement", "--json"],
    );
    inspected.is(4, "\"root\": \"aws\"");
    let pcrs = inspected.json()["pcrs"].clone();
    let own = serde_json::json!({ "verName": "own", "pcrs": pcrs, "issueTime": 1 });
    world.write("own.json", own.to_string());
    // Accepted with its own measurements at its own time, and at no other, with no other.
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
