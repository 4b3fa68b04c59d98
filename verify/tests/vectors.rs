//! The vectors of tests/vectors/verify: what `letsesign-verify proof` and the page's scripts (in Node) say about the same files.
//! `WRITE_VECTORS=1 cargo test -p letsesign-verify --test vectors` writes them.

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

use letsesign_proof::Hash;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use support::archive::{File, Zip};
use support::{BINDING, DOMAIN, MAGIC, PAYLOAD, Signed, TIME, World, pdf, repository, signer};

/// Files with what is asked about them and what the answer must be.
struct Case {
    name: String,
    files: Vec<(&'static str, Vec<u8>)>,
    asked: Value,
    verdict: &'static str,
    /// In what both say.
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

fn proofs() -> Vec<Case> {
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

/// Summaries that no enclave attests, in proofs as they are.
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

fn zips() -> Vec<Case> {
    let good = || good_zip("contract");
    let changed = |change: &dyn Fn(&mut Zip)| {
        let mut zip = good();
        change(&mut zip);
        zip
    };
    let another = || File::new("proof/contract.pdf", b"%PDF-1.7 another");
    let dots = || {
        let mut zip = good();
        zip.files[0].name = b"contract.pdf.".to_vec();
        zip
    };
    let unicode_path = || {
        let name = b"\x01\0\0\0\0evil.exe";
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        [&b"\x75\x70"[..], &length, name].concat()
    };
    let form = "not where it should be";
    let differ = "its directory and the header of a file differ";
    let extra = "an extra field that ours have not";
    let mut deflated = good();
    deflated.files = deflated.files.into_iter().map(File::deflated).collect();
    let mut longer = deflated.clone();
    longer.files[0].data.extend(b"more");
    let mut descriptor = good();
    descriptor.files[0].flags = 1 << 3;
    descriptor.files[0].behind = vec![0; 16];
    let mut cases = vec![
        zip("as it should be", &good(), ""),
        zip("packed", &deflated, ""),
        zip("the proof first", &changed(&|zip| zip.files.reverse()), ""),
        zip(
            "letters of other scripts",
            &good_zip("約 Zoë 👩\u{200d}👧"),
            "",
        ),
        zip(
            "times as Info-ZIP writes them",
            &changed(&|zip| zip.files[0].extra = b"UT\x05\0\x01\0\0\0\0".to_vec()),
            "",
        ),
        zip(
            "another document in a folder",
            &{
                let mut zip = dots();
                zip.files.push(another());
                zip
            },
            "it holds 3 files",
        ),
        zip(
            "a third file that is not announced",
            &changed(&|zip| {
                zip.files.push(another());
                zip.count = Some(2);
            }),
            form,
        ),
        zip(
            "a third file without a line",
            &changed(&|zip| {
                zip.files[1].behind = Zip {
                    files: vec![another()],
                    ..Zip::default()
                }
                .to_bytes()
            }),
            "bytes between its parts",
        ),
        zip(
            "one file",
            &changed(&|zip| drop(zip.files.pop())),
            "it holds 1 files",
        ),
        zip(
            "a dot behind the extension",
            &dots(),
            "NAME.pdf and NAME.spf of one NAME",
        ),
        zip(
            "two documents",
            &changed(&|zip| zip.files[1].name = b"contract.pdf".to_vec()),
            "of one NAME",
        ),
        zip(
            "two names",
            &changed(&|zip| zip.files[1].name = b"Contract.spf".to_vec()),
            "of one NAME",
        ),
        zip(
            "an extension in capitals",
            &changed(&|zip| zip.files[0].name = b"contract.PDF".to_vec()),
            "of one NAME",
        ),
        zip(
            "one name composed, one not",
            &{
                let mut zip = good_zip("Zoe\u{308}");
                zip.files[0].name = "Zo\u{eb}.pdf".into();
                zip
            },
            "of one NAME",
        ),
        zip(
            "another name before the file",
            &changed(&|zip| zip.files[0].header_name = Some(b"Contract.pdf".to_vec())),
            differ,
        ),
        zip(
            "another size before the file",
            &changed(&|zip| zip.files[0].header_size = Some(5)),
            differ,
        ),
        zip(
            "another name in an extra field",
            &changed(&|zip| zip.files[0].extra = unicode_path()),
            extra,
        ),
        zip(
            "another name in an extra field of the header",
            &changed(&|zip| zip.files[0].header_extra = unicode_path()),
            extra,
        ),
        zip(
            "a Zip64 extra field",
            &changed(&|zip| zip.files[0].extra = b"\x01\0\0\0".to_vec()),
            extra,
        ),
        zip(
            "a size that is elsewhere",
            &changed(&|zip| zip.files[0].size = u32::MAX),
            "Zip64",
        ),
        zip(
            "a data descriptor",
            &descriptor,
            "a flag that ours have not",
        ),
        zip(
            "something before it",
            &changed(&|zip| zip.before = b"#!/bin/sh\n".to_vec()),
            "zip",
        ),
        zip(
            "something between its parts",
            &changed(&|zip| zip.between = b"x".to_vec()),
            "bytes between its parts",
        ),
        zip(
            "something between its files",
            &changed(&|zip| zip.files[0].behind = b"x".to_vec()),
            "do not follow one another",
        ),
        zip(
            "something behind it",
            &changed(&|zip| zip.behind = b"x".to_vec()),
            "at its very end",
        ),
        zip(
            "a comment",
            &changed(&|zip| zip.comment = b"x".to_vec()),
            "at its very end",
        ),
        zip(
            "a zip in the comment",
            &changed(&|zip| zip.comment = good_zip("other").to_bytes()),
            form,
        ),
        zip(
            "a comment of a file",
            &changed(&|zip| zip.files[1].comment = b"x".to_vec()),
            "a file has a comment",
        ),
        zip(
            "overlapping files",
            &changed(&|zip| zip.files[1].place = Some(0)),
            "do not follow one another",
        ),
        zip(
            "a link",
            &changed(&|zip| zip.files[0].attributes = 0o120_777 << 16),
            "something else than files",
        ),
        zip(
            "a folder",
            &changed(&|zip| zip.files[0].attributes = 0x10),
            "something else than files",
        ),
        zip(
            "a name that does not say it is UTF-8",
            &{
                let mut zip = good_zip("約");
                zip.files[0].flags = 0;
                zip
            },
            "does not say that it is UTF-8",
        ),
        zip(
            "a name that is no UTF-8",
            &changed(&|zip| zip.files[0].name = b"contract\xff.pdf".to_vec()),
            "no UTF-8",
        ),
        zip(
            "packed another way",
            &changed(&|zip| zip.files[0].method = 12),
            "packed in a way",
        ),
        zip(
            "another CRC",
            &changed(&|zip| zip.files[0].crc ^= 1),
            "contract.pdf",
        ),
        zip(
            "another size",
            &changed(&|zip| zip.files[0].size += 1),
            "contract.pdf",
        ),
        zip("something behind what was packed", &longer, "contract.pdf"),
        zip(
            "encrypted without a way",
            &changed(&|zip| {
                zip.files[0].method = 99;
                zip.files[0].flags = 1;
            }),
            "packed in a way",
        ),
    ];
    for name in [
        "a/contract",
        "a\\contract",
        "a:b",
        "a\nb",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{7f}b",
        "\u{feff}a",
        "a*b",
        "a\u{2028}b",
    ] {
        cases.push(zip(
            &format!("name {name:?}"),
            &good_zip(name),
            "systems read differently",
        ));
    }
    for name in ["", ".", ".a", "a.", " a", "a ", "a\u{3000}", "../a"] {
        let says = if name.contains('/') {
            "systems read differently"
        } else {
            "a dot or a blank"
        };
        cases.push(zip(&format!("name {name:?}"), &good_zip(name), says));
    }
    for name in [
        "con",
        "Nul",
        "COM1",
        "lpt\u{b2}",
        "aux.b",
        "prn .b",
        "CONIN$",
    ] {
        cases.push(zip(
            &format!("name {name:?}"),
            &good_zip(name),
            "that of a device",
        ));
    }
    for name in ["con1", "com10", "a.con", "common", "COM", "prn-1"] {
        cases.push(zip(&format!("name {name:?}"), &good_zip(name), ""));
    }
    cases.push(zip(
        "a long name",
        &good_zip(&"x".repeat(252)),
        "more than 255 bytes",
    ));
    cases
}

fn folder() -> PathBuf {
    repository("tests/vectors/verify")
}

/// All cases, and the files on disk as they are made here.
fn cases() -> Vec<Case> {
    let mut cases = proofs();
    cases.extend(zips());
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

/// What the program says: verdict, outcomes of its checks, and all of its words.
fn program(world: &World, case: &Case) -> (String, Value, String) {
    let mut arguments = vec!["proof".to_owned()];
    for (role, bytes) in &case.files {
        world.write(role, bytes);
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
        world.write("payload.json", text);
        arguments.extend(["--payload".to_owned(), "payload.json".to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = world.run(&arguments);
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
    let world = World::new();
    let page = world.run(&["page", "--root", "root.der"]).out.clone();
    let start = page.find(r#"id="settings">"#).unwrap() + r#"id="settings">"#.len();
    let settings: Value =
        serde_json::from_str(&page[start..start + page[start..].find("</script>").unwrap()])
            .unwrap();
    world.write("settings.json", settings.to_string());
    let list: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let files: Vec<String> = case
                .files
                .iter()
                .map(|(role, bytes)| {
                    let name = format!("{number}-{role}");
                    world.write(&name, bytes);
                    world.path(&name).to_str().unwrap().to_owned()
                })
                .collect();
            json!({ "files": files, "asked": case.asked, "now": 1_900_000_000 })
        })
        .collect();
    world.write("cases.json", Value::from(list).to_string());
    let output = Command::new("node")
        .arg(repository("verify/tests/web/core.mjs"))
        .arg("proofs")
        .args([world.path("settings.json"), world.path("cases.json")])
        .output();
    let pages: Option<Vec<Value>> = match output {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(serde_json::from_slice(&output.stdout).unwrap())
        }
        Err(_) => {
            support::skip("node is not installed");
            None
        }
    };
    for (number, case) in cases.iter().enumerate() {
        let name = &case.name;
        let (verdict, checks, said) = program(&world, case);
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
