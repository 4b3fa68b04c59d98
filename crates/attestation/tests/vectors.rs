//! The files of tests/vectors/attestation/generated equal the generator's output, and verify as
//! their index states.
//!
//! `WRITE_VECTORS=1 cargo test -p letsesign-attestation --test vectors` writes them again. A
//! changed vector means a change of the format or of a rule.

#![cfg(test)]
#![allow(unreachable_pub, reason = "tests")]

mod cases;

use cases::{Case, Question, all};
use letsesign_attestation::{Expected, Image, Live, Measurements, Nonce, Root, Standing, Verifier};
use letsesign_test_authority::root;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/attestation/generated"
    ))
}

fn standing(standing: Standing) -> Value {
    match standing {
        Standing::Current => json!({ "state": "current" }),
        Standing::EndOfLife(since) => json!({ "state": "end-of-life", "since": since }),
        Standing::Revoked => json!({ "state": "revoked" }),
    }
}

fn entry(case: &Case) -> Value {
    let expected: Vec<Value> = case
        .expected
        .iter()
        .map(|(fill, state)| {
            let [pcr0, pcr1, pcr2] = fill.map(|byte| hex::encode([byte; 48]));
            json!({ "pcrs": { "0": pcr0, "1": pcr1, "2": pcr2 }, "standing": standing(*state) })
        })
        .collect();
    let mut entry = json!({
        "file": format!("{}.cbor", case.name),
        "rule": case.rule,
        "note": case.note,
        "question": "recorded",
        "expected": expected,
    });
    if let Question::Running(now, max_age, nonce) = &case.question {
        entry["question"] = json!("running");
        entry["now"] = json!(now);
        entry["maxAge"] = json!(max_age);
        entry["ahead"] = json!(60_000);
        entry["nonce"] = json!(nonce.as_ref().map(hex::encode));
    }
    match case.outcome {
        Ok(outcome) => entry["standing"] = standing(outcome),
        Err(kind) => entry["error"] = json!(kind),
    }
    entry
}

fn generated() -> BTreeMap<String, Vec<u8>> {
    let cases = all();
    let index = json!({
        "format": "letsesign attestation vectors 1",
        "root": "root.der",
        "vectors": cases.iter().map(entry).collect::<Vec<_>>(),
    });
    let mut files: BTreeMap<String, Vec<u8>> = cases
        .into_iter()
        .map(|case| (format!("{}.cbor", case.name), case.document))
        .collect();
    let index = serde_json::to_string_pretty(&index).unwrap() + "\n";
    files.insert("index.json".to_owned(), index.into_bytes());
    files.insert("root.der".to_owned(), root().to_der());
    files
}

#[test]
fn the_files_are_what_the_generator_makes() {
    let files = generated();
    assert_eq!(files.len(), all().len() + 2, "two cases have one name");
    if std::env::var_os("WRITE_VECTORS").is_some_and(|value| value == "1") {
        fs::create_dir_all(folder()).unwrap();
        for (name, bytes) in &files {
            fs::write(folder().join(name), bytes).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    for file in fs::read_dir(folder()).unwrap() {
        let file = file.unwrap();
        found.insert(
            file.file_name().into_string().unwrap(),
            fs::read(file.path()).unwrap(),
        );
    }
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        files.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &files {
        assert!(found[name] == *bytes, "{name} differs");
    }
}

/// Verifies from the files alone, as another implementation would.
#[test]
fn the_index_agrees_with_the_files() {
    let read = |name: &str| fs::read(folder().join(name)).unwrap();
    let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
    let verifier = Verifier::new(Root::for_tests(&read(index["root"].as_str().unwrap())).unwrap());
    let vectors = index["vectors"].as_array().unwrap();
    let mut refused = [0; 12];
    for vector in vectors {
        let name = vector["file"].as_str().unwrap();
        let document = read(name);
        let images = vector["expected"].as_array().unwrap().iter().map(image);
        let expected = Expected::any_of(images).unwrap();
        let outcome = if vector["question"] == "running" {
            let number = |name: &str| vector[name].as_u64().unwrap();
            let nonce = vector["nonce"]
                .as_str()
                .map(|nonce| hex::decode(nonce).unwrap());
            let live = Live {
                now: number("now"),
                max_age: number("maxAge"),
                ahead: number("ahead"),
                nonce: nonce.map(|nonce| Nonce::new(nonce).unwrap()),
            };
            verifier
                .running(&document, &expected, live)
                .map(|running| running.standing)
        } else {
            assert_eq!(vector["question"], "recorded");
            verifier
                .recorded(&document, &expected)
                .map(|recorded| recorded.standing)
        };
        match outcome {
            Ok(outcome) => assert_eq!(standing(outcome), vector["standing"], "{name}"),
            Err(error) => {
                assert_eq!(vector["error"], error.kind(), "{name}: {error}");
                refused[usize::try_from(vector["rule"].as_u64().unwrap()).unwrap()] += 1;
            }
        }
    }
    // Rule 11 refuses nothing: it reports the image's standing.
    assert!(
        refused[1..=10].iter().all(|count| *count > 0),
        "{refused:?}"
    );
}

fn image(value: &Value) -> Image {
    let register = |number: &str| -> [u8; 48] {
        let digits = value["pcrs"][number].as_str().unwrap();
        hex::decode(digits).unwrap().try_into().unwrap()
    };
    let standing = &value["standing"];
    Image {
        measurements: Measurements::new(register("0"), register("1"), register("2")).unwrap(),
        standing: match standing["state"].as_str().unwrap() {
            "current" => Standing::Current,
            "end-of-life" => Standing::EndOfLife(standing["since"].as_u64().unwrap()),
            "revoked" => Standing::Revoked,
            other => panic!("{other}"),
        },
    }
}
