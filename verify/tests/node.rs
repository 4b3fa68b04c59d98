//! Compatibility with independent verifiers, which hash `JSON.stringify(spf.summary)`. The other
//! verifier runs in Node and uses only its crypto module.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use letsesign_proof::{Function, Hash, UserData, compact};
use serde_json::Value;
use std::process::Command;
use support::{MAGIC, Place, Signed, TIME, pdf, repository, signer};

/// Names that JSON writers could spell in several ways.
const NAMES: &[&str] = &[
    "王小明",
    "Zoë \"the\" O'Brien \\ /",
    "a\u{7f}\u{80}\u{9f}b",
    "line\u{2028}and\u{2029}paragraph",
    "𝒵𝑜𝑒 👩‍👩‍👧",
    "e\u{301} and é",
    "tab\tand\u{8}\u{c}\u{1}",
    "</script>&amp;",
    "\u{feff}mark",
];

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

fn node(script: &str, place: &Place, files: &[&str]) -> Result<Value, String> {
    let output = Command::new("node")
        .arg(repository("verify/tests/node").join(script))
        .args(files.iter().map(|name| place.path(name)))
        .output()
        .unwrap();
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

fn verify(place: &Place) -> Result<Value, String> {
    node(
        "verify.mjs",
        place,
        &["root.der", "signed.pdf", "proof.spf"],
    )
}

#[test]
fn a_verifier_in_javascript_accepts_our_proofs() {
    if !has_node() {
        return;
    }
    let place = Place::new();
    let mut signers: Vec<_> = NAMES.iter().map(|name| signer(name)).collect();
    signers[0] = support::signer_with_phone(NAMES[0]);
    let signed = Signed::of(pdf::signed(&MAGIC.on_page()), signers);
    place.put(&signed);
    place.verify(&[]).is(0, "this PDF and this list of signers");
    let answer = verify(&place).unwrap();
    assert_eq!(answer["time"], TIME);
    assert_eq!(answer["pcrs"][2], "11".repeat(48));
    for (name, seen) in NAMES.iter().zip(answer["signers"].as_array().unwrap()) {
        assert_eq!(seen["name"], *name);
    }
    // White space in the file matters to neither verifier.
    let value: Value = serde_json::from_str(&signed.spf()).unwrap();
    place.write("proof.spf", serde_json::to_string_pretty(&value).unwrap());
    verify(&place).unwrap();
}

#[test]
fn both_verifiers_refuse_changes() {
    if !has_node() {
        return;
    }
    let place = Place::new();
    let refused = |signed: &Signed, reason: &str| {
        place.put(signed);
        assert_eq!(place.verify(&[]).code, 1);
        assert_eq!(verify(&place).unwrap_err().trim(), reason);
    };
    let mut changed = Signed::new();
    changed.pdf[20] ^= 1;
    refused(&changed, "another PDF");
    let mut renamed = Signed::new();
    renamed.summary = support::summary(vec![signer("Eve")]);
    refused(&renamed, "another summary");
}

/// Texts whose numbers and names JavaScript leaves unchanged. (It spells `1.0` differently and
/// moves names like `1` to the front; the enclave writes neither.)
#[test]
fn compact_text_is_what_stringify_prints() {
    if !has_node() {
        return;
    }
    let mut texts: Vec<String> = NAMES
        .iter()
        .map(|name| {
            serde_json::to_string(&serde_json::json!({ "name": name, *name: [name] })).unwrap()
        })
        .collect();
    // Characters of the ranges that writers escape differently, escaped as a sender might.
    for start in [0x00_u32, 0x80, 0x2000, 0xfe00, 0xff00] {
        let escaped: String = (start..start + 0x100)
            .filter(|code| char::from_u32(*code).is_some())
            .map(|code| format!("\\u{code:04X}"))
            .collect();
        texts.push(format!(
            " [ \"{escaped}\" , {{ \"a\" : null , \"\\u00e9\":true }} ] "
        ));
    }
    texts.push(
        "[\"\\ud83d\\ude00\\/\\\"\", 0, -1, 1700000000000, 0.5, 9007199254740991, {}, []]"
            .to_owned(),
    );
    let place = Place::new();
    place.write("texts.json", serde_json::to_string(&texts).unwrap());
    let hashes = node("stringify.mjs", &place, &["texts.json"]).unwrap();
    for (text, theirs) in texts.iter().zip(hashes.as_array().unwrap()) {
        let ours = Hash::of(compact(text).unwrap().as_bytes());
        assert_eq!(&ours.to_string(), theirs.as_str().unwrap(), "{text}");
    }
}

/// The page has its own JSON parser, because hashes cover the text. It must accept and refuse what
/// ours does, and see the same text.
#[test]
fn the_page_reads_json_as_we_do() {
    if !has_node() {
        return;
    }
    let mut texts: Vec<String> = [
        "{\"b\":1,\"a\":1.0,\"1\":-0,\"__proto__\":1E+2}",
        " [ 1e-7 , 0.000001 , -0.0 , 123456789012345678901234567890 , true , false , null ] ",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\x\"",
        "\"a\nb\"",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1,]",
        "{\"a\":1,}",
        "[1] [2]",
        "[NaN]",
        "tru",
        "",
        " ",
        "\"",
        "{\"a\" 1}",
        "{a:1}",
        "\u{a0}1",
        "1\u{c}",
        "\"\u{feff}\"",
        "\u{feff}1",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    for depth in [63, 64, 65, 66] {
        texts.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        texts.push(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    }
    let place = Place::new();
    place.write("texts.json", serde_json::to_string(&texts).unwrap());
    let output = Command::new("node")
        .arg(repository("verify/tests/web/core.mjs"))
        .arg("json")
        .arg(place.path("texts.json"))
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), texts.len());
    for (text, theirs) in texts.iter().zip(&answers) {
        let ours = compact(text).map(|text| Hash::of(text.as_bytes()).to_string());
        assert_eq!(ours.as_deref(), theirs.as_str(), "{text:?}: {theirs}");
    }
}

/// The page has its own reader of protocol 2's summary. It must agree with the golden vectors, as
/// letsesign-proof does.
#[test]
fn the_page_reads_summaries_of_protocol_2_as_we_do() {
    if !has_node() {
        return;
    }
    let path = repository("tests/vectors/protocol-2/spf.json");
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let output = Command::new("node")
        .arg(repository("verify/tests/web/core.mjs"))
        .arg("summaries")
        .arg(path)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(answers.len(), vectors.len());
    for (vector, answer) in vectors.iter().zip(&answers) {
        match vector.get("ok") {
            Some(values) => assert_eq!(answer, values, "{}", vector["note"]),
            None => assert!(answer["refused"].is_string(), "{}", vector["note"]),
        }
    }
    assert!(
        answers
            .iter()
            .filter(|answer| answer["refused"].is_null())
            .count()
            >= 7
    );
}

/// A summary of protocol 2 needs a statement of protocol 2 about the same task; both verifiers and
/// the page refuse every mixture.
#[test]
fn a_proof_of_protocol_2_names_its_task_twice() {
    if !has_node() {
        return;
    }
    let place = Place::new();
    let mut signed = Signed::new();
    let bound = |signed: &mut Signed, binding: Option<Hash>| {
        let results = [
            ("esigPDF", Hash::of(&signed.pdf)),
            ("summary", signed.summary.hash()),
        ];
        let data = match binding {
            Some(binding) => UserData::bound(Function::AttachEsig, binding, &results),
            None => UserData::new(Function::AttachEsig, &results),
        };
        signed.document.user_data = Some(data.to_json().unwrap().into_bytes());
    };
    let binding = Hash([1; 32]);
    let old = signed.summary.clone();
    signed.summary = support::summary_of_protocol_2(binding);
    bound(&mut signed, Some(binding));
    place.put(&signed);
    place.verify(&[]).is(0, "version 3 (protocol 2)");
    verify(&place).unwrap();
    let new = signed.summary.clone();
    for (summary, attested) in [
        (&new, Some(Hash([2; 32]))),
        (&new, None),
        (&old, Some(binding)),
    ] {
        signed.summary = summary.clone();
        bound(&mut signed, attested);
        place.put(&signed);
        assert_eq!(place.verify(&[]).code, 1);
        let problem = verify(&place).unwrap_err();
        assert_eq!(problem.trim(), "another task or protocol");
    }
}

/// The page has its own verifier of attestation documents. For every vector about a document of the
/// past it must agree with letsesign-attestation: refuse what breaks a rule, and accept the rest
/// with the same registers.
#[test]
fn the_page_verifies_documents_as_we_do() {
    if !has_node() {
        return;
    }
    let folder = repository("tests/vectors/attestation/generated");
    let index: Value =
        serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let recorded: Vec<&Value> = index["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["question"] == "recorded")
        .collect();
    let cases: Vec<Value> = recorded
        .iter()
        .map(|vector| {
            let file = folder.join(vector["file"].as_str().unwrap());
            serde_json::json!({ "file": file, "now": 1_800_000_000 })
        })
        .collect();
    let place = Place::new();
    place.write("cases.json", Value::from(cases).to_string());
    let output = Command::new("node")
        .arg(repository("verify/tests/web/core.mjs"))
        .arg("documents")
        .args([folder.join("root.der"), place.path("cases.json")])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), recorded.len());
    let mut refused = 0;
    let mut wrong = Vec::new();
    for (vector, answer) in recorded.iter().zip(&answers) {
        let known = vector["expected"].as_array().unwrap().iter().any(|image| {
            (0..3).all(|number| answer["pcrs"][number] == image["pcrs"][number.to_string()])
        });
        // The page compares registers with its releases in a later step, so an unknown release is
        // not refused here.
        let accepted = answer.get("refused").is_none() && known;
        let right = vector.get("error").is_none();
        if accepted != right {
            wrong.push(format!("{} ({}): {answer}", vector["file"], vector["note"]));
        }
        refused += usize::from(!right);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refused > 100, "{refused}");
}
