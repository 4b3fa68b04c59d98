//! The schema and the reader agree, and the repository's own files satisfy both.

#![cfg(test)]

use jsonschema::Validator;
use letsesign_measurements::{Files, History, Release};
use serde_json::{Value, json};
use std::path::Path;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../measurements"))
}

fn schema() -> Validator {
    let text = std::fs::read_to_string(folder().join("release.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn the_files_of_the_repository_fit() {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
    let history = History::from_files(&files).unwrap();
    history.aggregate().check(&files["tcb-info.json"]).unwrap();
    assert!(history.named("1909").is_some());
    let names = history
        .releases
        .iter()
        .map(|entry| &entry.release)
        .chain(&history.next);
    let schema = schema();
    for release in names {
        let file = format!("{}.json", release.ver_name);
        let value = serde_json::from_slice(&files[&file]).unwrap();
        assert!(
            schema.is_valid(&value),
            "{file}: {:?}",
            schema.validate(&value).err()
        );
    }
}

#[test]
fn schema_and_reader_accept_and_refuse_the_same() {
    let schema = schema();
    let hex = |length: usize| "a".repeat(length);
    let base = json!({ "verName": "1", "pcrs": { "0": hex(96), "1": hex(96), "2": hex(96) }, "issueTime": 1 });
    let mut accepted = 0;
    for (member, value) in [
        ("verName", json!("1")),
        ("verName", json!("next")),
        ("verName", json!("status")),
        ("verName", json!("a.b")),
        ("verName", json!(1)),
        ("issueTime", json!(0)),
        ("issueTime", json!(-1)),
        ("issueTime", json!("1")),
        ("pcrs", json!({ "0": hex(96) })),
        (
            "pcrs",
            json!({ "0": hex(96), "1": hex(96), "2": hex(96), "3": hex(96) }),
        ),
        (
            "pcrs",
            json!({ "0": hex(96), "1": hex(96), "2": "0".repeat(96) }),
        ),
        ("pcrs", json!({ "0": hex(96), "1": hex(96), "2": hex(95) })),
        ("status", json!({ "state": "current" })),
        ("status", json!({ "state": "revoked" })),
        (
            "status",
            json!({ "state": "revoked", "since": 1, "reason": "r" }),
        ),
        (
            "status",
            json!({ "state": "end-of-life", "since": 1, "reason": "" }),
        ),
        (
            "status",
            json!({ "state": "end-of-life", "since": 1, "reason": "a\nb" }),
        ),
        ("status", json!("current")),
        ("status", json!({ "state": "current", "x": 1 })),
        ("imageDigest", json!(format!("sha256:{}", hex(64)))),
        ("imageDigest", json!(hex(64))),
        ("eifSha256", json!(hex(64))),
        ("eifSha256", json!(hex(63))),
        ("sbomSha256", json!(hex(64))),
        ("sbomSha256", json!(hex(63))),
        ("toolchain", json!("rustc 1.95.0")),
        ("toolchain", json!("")),
        ("sourceRevision", json!(hex(40))),
        ("sourceRevision", json!(hex(64))),
        ("sourceRevision", json!(hex(41))),
        ("unknown", json!(1)),
    ] {
        let mut release: Value = base.clone();
        release[member] = value.clone();
        let name = release["verName"].as_str().unwrap_or("1").to_owned();
        let read = Release::parse(&name, &serde_json::to_vec(&release).unwrap());
        assert_eq!(
            schema.is_valid(&release),
            read.is_ok(),
            "{member} {value}: {:?}",
            read.err()
        );
        accepted += usize::from(read.is_ok());
    }
    assert_eq!(accepted, 9);
}
