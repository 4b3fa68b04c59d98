//! The vectors of tests/vectors/verify: `letsesign-verify proof` and the page's scripts (in Node)
//! must give the stated results for the same files.
//! `WRITE_VECTORS=1 cargo test -p letsesign-verify --test vectors` writes them.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

#[path = "vectors/proofs.rs"]
mod proofs;
mod support;
#[path = "vectors/zips.rs"]
mod zips;

use letsesign_proof::Hash;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use support::archive::{File, Zip};
use support::{Place, Signed, repository};

/// Input files, the question about them and the expected answer.
struct Case {
    name: String,
    files: Vec<(&'static str, Vec<u8>)>,
    asked: Value,
    verdict: &'static str,
    /// A text that both answers must contain.
    says: String,
}

fn proof(name: &str, signed: &Signed, verdict: &'static str, says: &str) -> Case {
    Case {
        name: name.to_owned(),
        files: vec![
            ("signed.pdf", signed.pdf.clone()),
            ("proof.spf", signed.spf().into_bytes()),
        ],
        asked: json!({}),
        verdict,
        says: says.to_owned(),
    }
}

fn asking(asked: Value, name: &str, signed: &Signed, verdict: &'static str, says: &str) -> Case {
    let mut case = proof(name, signed, verdict, says);
    case.asked = asked;
    case
}

fn zip(name: &str, zip: &Zip, says: &str) -> Case {
    Case {
        name: format!("zip: {name}"),
        files: vec![("signed.zip", zip.to_bytes())],
        asked: json!({}),
        verdict: if says.is_empty() {
            "test-only"
        } else {
            "unreadable"
        },
        says: says.to_owned(),
    }
}

fn good_zip(name: &str) -> Zip {
    let signed = Signed::new();
    Zip {
        files: vec![
            File::new(&format!("{name}.pdf"), &signed.pdf),
            File::new(&format!("{name}.spf"), signed.spf().as_bytes()),
        ],
        ..Zip::default()
    }
}

fn folder() -> PathBuf {
    repository("tests/vectors/verify")
}

/// All cases, and the files on disk that their generator produces.
fn cases() -> Vec<Case> {
    let mut cases = proofs::proofs();
    cases.extend(zips::zips());
    let write = std::env::var_os("WRITE_VECTORS").is_some();
    let mut index = Vec::new();
    for case in &cases {
        let mut names = Vec::new();
        for (role, bytes) in &case.files {
            let digest = Hash::of(bytes).to_string();
            let name = format!("{}.{}", &digest[..16], role.split('.').nth(1).unwrap());
            let path = folder().join(&name);
            if write {
                std::fs::create_dir_all(folder()).unwrap();
                std::fs::write(&path, bytes).unwrap();
            }
            assert!(
                std::fs::read(&path).unwrap() == *bytes,
                "{}: {name}",
                case.name
            );
            names.push(name);
        }
        index.push(json!({ "name": case.name, "files": names, "asked": case.asked, "verdict": case.verdict, "says": case.says }));
    }
    let text = format!("{:#}\n", Value::from(index));
    let path = folder().join("index.json");
    if write {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "WRITE_VECTORS=1 writes it"
    );
    cases
}

/// The program's answer: verdict, outcomes of the checks, and the whole output.
fn program(place: &Place, case: &Case) -> (String, Value, String) {
    let mut arguments = vec!["proof".to_owned()];
    for (role, bytes) in &case.files {
        place.write(role, bytes);
        arguments.push((*role).to_owned());
    }
    arguments.extend(["--root", "root.der", "--json"].map(str::to_owned));
    for (name, option) in [
        ("binding", "--binding-data-hash"),
        ("senderDomain", "--sender-domain"),
    ] {
        if let Some(value) = case.asked[name].as_str() {
            arguments.extend([option.to_owned(), value.to_owned()]);
        }
    }
    if let Some(text) = case.asked["payload"].as_str() {
        place.write("payload.json", text);
        arguments.extend(["--payload".to_owned(), "payload.json".to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = place.run(&arguments);
    assert!(!answer.error.contains("panicked"), "{}", answer.error);
    if answer.code == 2 {
        return ("unreadable".to_owned(), json!({}), answer.error);
    }
    let said = answer.json();
    let outcomes: serde_json::Map<String, Value> = said["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["name"] != "magic-number")
        .map(|check| {
            (
                check["name"].as_str().unwrap().to_owned(),
                check["outcome"].clone(),
            )
        })
        .collect();
    (
        said["verdict"].as_str().unwrap().to_owned(),
        outcomes.into(),
        said["checks"].to_string(),
    )
}

#[test]
fn the_program_and_the_page_agree_on_every_input() {
    let cases = cases();
    let place = Place::new();
    let page = place.run(&["page", "--root", "root.der"]).out.clone();
    let start = page.find(r#"id="settings">"#).unwrap() + r#"id="settings">"#.len();
    let settings: Value =
        serde_json::from_str(&page[start..start + page[start..].find("</script>").unwrap()])
            .unwrap();
    place.write("settings.json", settings.to_string());
    let list: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let files: Vec<String> = case
                .files
                .iter()
                .map(|(role, bytes)| {
                    let name = format!("{number}-{role}");
                    place.write(&name, bytes);
                    place.path(&name).to_str().unwrap().to_owned()
                })
                .collect();
            json!({ "files": files, "asked": case.asked, "now": 1_900_000_000 })
        })
        .collect();
    place.write("cases.json", Value::from(list).to_string());
    let output = Command::new("node")
        .arg(repository("verify/tests/web/core.mjs"))
        .arg("proofs")
        .args([place.path("settings.json"), place.path("cases.json")])
        .output();
    let pages: Option<Vec<Value>> = if let Ok(output) = output {
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaints}");
        Some(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        support::skip("node is not installed");
        None
    };
    for (number, case) in cases.iter().enumerate() {
        let name = &case.name;
        let (verdict, checks, said) = program(&place, case);
        assert_eq!(verdict, case.verdict, "{name}: {said}");
        assert!(said.contains(&case.says), "{name}: {said}");
        let Some(page) = pages.as_ref().map(|pages| &pages[number]) else {
            continue;
        };
        assert_eq!(page["verdict"], case.verdict, "{name}: {page:#}");
        assert!(
            page["said"].as_str().unwrap().contains(&case.says),
            "{name}: {page:#}"
        );
        if verdict != "unreadable" {
            assert_eq!(page["checks"], checks, "{name}");
        }
    }
}
