//! Signed documents with their proofs, and summaries that an enclave never writes.

use super::support::{
    self, BINDING, DOMAIN, MAGIC, PAYLOAD, Signed, TIME, pdf, repository, signer,
};
use super::{Case, asking, proof};
use letsesign_proof::Hash;
use serde_json::{Value, json};

#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn proofs() -> Vec<Case> {
    let good = Signed::new();
    let mut version1 = Signed::new();
    version1.summary = support::summary_v1(vec![signer("a")]);
    version1.attest();
    let mut phone = Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![support::signer_with_phone("a"), signer("b")],
    );
    phone.attest();
    let with_text = |text: &str, trailer: &str| {
        let pdf = [
            pdf::with(pdf::Way::Plain, text),
            trailer.as_bytes().to_vec(),
        ]
        .concat();
        Signed::of(pdf, vec![signer("a")])
    };
    let other = format!("{} (01)", "0".repeat(32));
    let both = format!("{} (01) {other}", MAGIC.on_page());
    let mut changed = Signed::new();
    changed.pdf[20] ^= 1;
    let mut renamed = Signed::new();
    renamed.summary = support::summary(vec![signer("Eve")]);
    let mut late = signer("late");
    late.signing_time = TIME / 1000 + 301;
    let payload = Hash::of(PAYLOAD.as_bytes()).to_string();
    let zeros = "0".repeat(64);
    let mut cases = vec![
        proof("genuine", &good, "test-only", ""),
        proof("checked by SMS as well", &phone, "test-only", ""),
        proof(
            "version 1",
            &version1,
            "test-only",
            "version 1 summary, does not say",
        ),
        proof(
            "a text like another magic number in the template",
            &with_text(&other, "letsesign=true\n"),
            "test-only",
            "",
        ),
        proof(
            "a text like another magic number beside ours",
            &with_text(&both, "letsesign=true\n"),
            "test-only",
            "",
        ),
        proof(
            "no trailer",
            &with_text("x", ""),
            "test-only",
            "does not end with the line",
        ),
        proof(
            "a no-break space behind the trailer",
            &with_text("x", "letsesign=true\u{a0}"),
            "test-only",
            "does not end with the line",
        ),
        proof(
            "a trailer far behind the end",
            &with_text("x", &format!("{}letsesign=true\n", " ".repeat(2000))),
            "test-only",
            "the PDF ends as",
        ),
        proof(
            "nested forms",
            &Signed::of(
                [pdf::nested(8, 60), b"letsesign=true\n".to_vec()].concat(),
                vec![signer("a")],
            ),
            "test-only",
            "",
        ),
        proof(
            "no PDF at all, but attested",
            &Signed::of(b"rubbish".to_vec(), vec![signer("a")]),
            "test-only",
            "",
        ),
        proof(
            "another PDF",
            &changed,
            "not-genuine",
            "is not what was attested",
        ),
        proof(
            "another summary",
            &renamed,
            "not-genuine",
            "is not what was attested",
        ),
        proof(
            "confirmed too late",
            &Signed::of(pdf::signed("x"), vec![late]),
            "not-genuine",
            "after the document was signed",
        ),
        asking(
            json!({ "binding": Hash::of(BINDING) }),
            "its binding hash",
            &good,
            "test-only",
            "belongs to the task",
        ),
        asking(
            json!({ "binding": zeros }),
            "another binding hash",
            &good,
            "not-genuine",
            "another task",
        ),
        asking(
            json!({ "payload": PAYLOAD }),
            "its payload",
            &good,
            "test-only",
            "the given task payload",
        ),
        asking(
            json!({ "payload": PAYLOAD.replace(':', " :\n ") }),
            "its payload, spaced",
            &good,
            "test-only",
            "the given task payload",
        ),
        asking(
            json!({ "payload": "{}" }),
            "another payload",
            &good,
            "not-genuine",
            &payload,
        ),
        asking(
            json!({ "payload": "{" }),
            "no payload",
            &good,
            "unreadable",
            "payload",
        ),
        asking(
            json!({ "payload": r#"{"a":1,"a":1}"# }),
            "a payload with a key twice",
            &good,
            "unreadable",
            "payload",
        ),
        asking(
            json!({ "payload": PAYLOAD }),
            "a payload and version 1",
            &version1,
            "not-genuine",
            "does not say it",
        ),
        asking(
            json!({ "senderDomain": "mail.EXAMPLE.com" }),
            "its domain",
            &good,
            "test-only",
            DOMAIN,
        ),
        asking(
            json!({ "senderDomain": "example.com" }),
            "a domain above it",
            &good,
            "not-genuine",
            DOMAIN,
        ),
        asking(
            json!({ "senderDomain": "mail.example.com." }),
            "its domain with a dot",
            &good,
            "not-genuine",
            DOMAIN,
        ),
        asking(
            json!({ "senderDomain": "ma\u{131}l.example.com" }),
            "a dotless i",
            &good,
            "not-genuine",
            DOMAIN,
        ),
        asking(
            json!({ "senderDomain": "mail.e\u{212a}ample.com" }),
            "a Kelvin sign",
            &good,
            "not-genuine",
            DOMAIN,
        ),
        asking(
            json!({ "senderDomain": DOMAIN }),
            "a domain and version 1",
            &version1,
            "not-genuine",
            "does not say it",
        ),
    ];
    cases.extend(summaries());
    cases
}

/// Summaries that an enclave never attests, in otherwise unchanged proofs.
fn summaries() -> Vec<Case> {
    let path = repository("tests/vectors/proof/vectors.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let good = Signed::new();
    let spf = |summary: &str| {
        let document: Value = serde_json::from_str(&good.spf()).unwrap();
        format!(
            r#"{{"summary":{summary},"attestDoc":{}}}"#,
            document["attestDoc"]
        )
    };
    let case = |name: String, spf: String, verdict, says: &str| Case {
        name,
        files: vec![
            ("signed.pdf", good.pdf.clone()),
            ("proof.spf", spf.into_bytes()),
        ],
        asked: json!({}),
        verdict,
        says: says.to_owned(),
    };
    let text = |name: &str| vectors[name]["text"].as_str().unwrap().to_owned();
    let (one, two) = (text("summary"), text("summary2"));
    let mut cases: Vec<Case> = vectors["summaryRefused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vector| {
            let name = format!("summary: {}", vector["name"].as_str().unwrap());
            case(
                name,
                spf(vector["text"].as_str().unwrap()),
                "unreadable",
                "",
            )
        })
        .collect();
    for (name, summary) in [("version 1", &one), ("version 2", &two)] {
        let refused = "is not what was attested";
        cases.push(case(
            format!("summary: {name} of another"),
            spf(summary),
            "not-genuine",
            refused,
        ));
    }
    for (name, from, to) in [
        ("a time with a fraction", "1665612345", "1665612345.0"),
        ("a time with an exponent", "1665612345", "1e9"),
        ("a time below zero", "1665612345", "-0"),
        ("a time as text", "1665612345", "\"1665612345\""),
        (
            "the same member twice",
            "\"magicNumber\"",
            "\"magicNumber\":\"\",\"magicNumber\"",
        ),
        ("a half of a character", "a@example.com", "\\ud800"),
        (
            "a name that is null",
            "\"emailAddr\":\"a@example.com\"",
            "\"emailAddr\":null",
        ),
    ] {
        assert!(one.contains(from));
        cases.push(case(
            format!("summary: {name}"),
            spf(&one.replacen(from, to, 1)),
            "unreadable",
            "",
        ));
    }
    let list = format!("[{one},\"AAAA\"]");
    cases.push(case(
        "a proof file as a list of values".to_owned(),
        list,
        "unreadable",
        "",
    ));
    cases
}
