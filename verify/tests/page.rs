//! `letsesign-verify page`: the written file, and the page in headless Chromium with good and
//! tampered files.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use letsesign_proof::{Hash, Spf};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Command;
use support::{BINDING, MAGIC, Place, Signed, TIME, pdf, repository, signer};

/// The first program that is installed. With REQUIRE_ALL set, one must be.
fn program(names: &[&str]) -> Option<String> {
    let found = names.iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        let reason = format!("none of {} is installed", names.join(", "));
        assert!(std::env::var_os("REQUIRE_ALL").is_none(), "{reason}");
        println!("skipped: {reason}");
    }
    found.map(|name| (*name).to_owned())
}

/// Files that a user chooses, and what the page then displays.
struct Cases {
    place: Place,
    cases: Vec<Value>,
}

impl Cases {
    fn new() -> Self {
        Self {
            place: Place::new(),
            cases: Vec::new(),
        }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let number = self.cases.len();
        let folder = self.place.path(&format!("case{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
        folder.join(name).to_str().unwrap().to_owned()
    }

    fn add(&mut self, pdf: &[u8], spf: &str) {
        let files = [self.file("signed.pdf", pdf), self.file("proof.spf", spf)];
        self.cases.push(json!({ "files": files }));
    }

    fn signed(&mut self, signed: &Signed) {
        self.add(&signed.pdf, &signed.spf());
    }

    /// Opens the page with each case; `None` without a browser.
    fn run(&self, page: &[&str]) -> Option<Value> {
        let (node, chromium) = (
            program(&["node"])?,
            program(&["chromium", "chromium-browser", "google-chrome"])?,
        );
        let mut arguments = vec!["page", "-o", "verify.html"];
        arguments.extend(page);
        self.place.run(&arguments).is(0, "");
        self.place
            .write("cases.json", Value::from(self.cases.clone()).to_string());
        let output = Command::new(node)
            .arg(repository("verify/tests/web/drive.mjs"))
            .arg(chromium)
            .args([
                self.place.path("verify.html"),
                self.place.path("cases.json"),
            ])
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaints}");
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(all["answers"].as_array().unwrap().len(), self.cases.len());
        Some(all)
    }
}

#[track_caller]
fn is(answer: &Value, state: &str, text: &str) {
    assert_eq!(answer["state"], state, "{answer:#}");
    let all = format!("{}\n{}", answer["verdict"], answer["report"]);
    assert!(all.contains(text), "no {text:?} in {answer:#}");
}

const TEST_ROOT: &[&str] = &["--root", "root.der"];

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "one start of the browser for all cases"
)]
fn the_page_tells_good_files_from_tampered_ones() {
    let mut cases = Cases::new();
    let good = Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![signer("王小明"), signer("<b>Zoë</b>\u{202e}")],
    );
    cases.signed(&good);

    let mut changed = Signed::new();
    changed.pdf[20] ^= 1;
    cases.signed(&changed);

    let mut renamed = Signed::new();
    renamed.summary = support::summary(vec![signer("Eve")]);
    cases.signed(&renamed);

    // One bit of the attestation document changes, in its signature (the last bytes).
    let mut spf = Spf::parse(Signed::new().spf().as_bytes()).unwrap();
    *spf.attestation.last_mut().unwrap() ^= 1;
    cases.add(&Signed::new().pdf, &spf.to_json().unwrap());

    let mut unknown = Signed::new();
    unknown.document = unknown.document.with_pcrs(0x33);
    cases.signed(&unknown);

    let mut debug = Signed::new();
    debug.document = debug.document.with_pcrs(0);
    cases.signed(&debug);

    cases.add(
        &pdf::with(pdf::Way::Plain, &MAGIC.on_page()),
        &Signed::new().spf(),
    );
    cases.add(b"%PDF-1.7 garbage", "{\"summary\": {}}");

    let mut late = signer("late");
    late.signing_time = TIME / 1000 + 301;
    cases.signed(&Signed::of(pdf::signed(&MAGIC.on_page()), vec![late]));

    let mut future = Signed::new();
    future.document = support::Document::new(2_400_000_000_000, 0x11);
    future.attest();
    cases.signed(&future);

    let Some(all) = cases.run(TEST_ROOT) else {
        return;
    };
    let answers = all["answers"].as_array().unwrap();
    is(&answers[9], "not-genuine", "still to come");
    is(&answers[0], "test-only", "2023-11-14 22:13:20 UTC");
    is(&answers[0], "test-only", "good, current");
    assert_eq!(answers[0]["note"], true);
    assert_eq!(answers[0]["title"], "Signers");
    let signers = answers[0]["signers"].as_array().unwrap();
    assert!(
        signers[0]
            .as_str()
            .unwrap()
            .starts_with("王小明 <signer@example.com>")
    );
    assert!(
        signers[1]
            .as_str()
            .unwrap()
            .starts_with("<b>Zoë</b>\\u{202e}")
    );
    assert!(signers[0].as_str().unwrap().contains("checked by mail"));
    is(
        &answers[0],
        "test-only",
        "Mail.Example.com, sent with SendGrid",
    );
    is(&answers[0], "test-only", "status.json is missing");
    assert_eq!(answers[0]["checks"]["status-signature"], "warning");
    for name in ["hashes", "times", "trailer", "release", "summary-version"] {
        assert_eq!(answers[0]["checks"][name], "passed", "{name}");
    }
    is(
        &answers[1],
        "not-genuine",
        "the PDF is not what was attested",
    );
    assert!(
        answers[1]["title"]
            .as_str()
            .unwrap()
            .contains("nothing of this is verified")
    );
    is(
        &answers[2],
        "not-genuine",
        "the list of signers is not what was attested",
    );
    is(&answers[3], "not-genuine", "its signature is wrong");
    is(&answers[4], "not-genuine", "not those of one release");
    is(&answers[5], "not-genuine", "debug mode");
    is(
        &answers[6],
        "not-genuine",
        "does not end with the line letsesign=true",
    );
    is(
        &answers[7],
        "unreadable",
        "the proof file: attestDoc is missing",
    );
    is(&answers[8], "not-genuine", "after the document was signed");
    // The page sent nothing, and its policy would have stopped it.
    assert_eq!(all["asked"], json!([]));
    assert_eq!(
        all["stopped"],
        json!(["connect-src", "img-src", "script-src-elem"])
    );
    assert_eq!(all["title"], "Verify a signed document");
}

#[test]
fn the_page_reads_zip_files_and_compares_binding_hashes() {
    let mut cases = Cases::new();
    let signed = Signed::new();
    let zip = |password: Option<&str>| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in [
            ("contract.pdf", signed.pdf.clone()),
            ("contract.spf", signed.spf().into_bytes()),
        ] {
            let options = zip::write::SimpleFileOptions::default();
            match password {
                Some(password) => zip.start_file(
                    name,
                    options.with_aes_encryption(zip::AesMode::Aes256, password),
                ),
                None => zip.start_file(name, options),
            }
            .unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    for bytes in [zip(None), zip(Some("secret")), b"PK garbage".repeat(10)] {
        let file = cases.file("contract.zip", bytes);
        cases.cases.push(json!({ "files": [file] }));
    }
    for binding in [
        Hash::of(BINDING).to_string(),
        "0".repeat(64),
        "abc".to_owned(),
    ] {
        cases.signed(&signed);
        cases.cases.last_mut().unwrap()["binding"] = binding.into();
    }
    let one = cases.file("signed.pdf", &signed.pdf);
    cases.cases.push(json!({ "files": [one] }));

    let Some(all) = cases.run(TEST_ROOT) else {
        return;
    };
    let answers = all["answers"].as_array().unwrap();
    is(&answers[0], "test-only", "contract.pdf");
    is(&answers[1], "unreadable", "unpack it with its password");
    is(&answers[2], "unreadable", "it has no directory");
    is(&answers[3], "test-only", "belongs to the task");
    is(&answers[4], "not-genuine", "another task");
    is(&answers[5], "unreadable", "64 hexadecimal digits");
    is(&answers[6], "unreadable", "choose one proof file (.spf)");
}

#[test]
fn the_page_decides_about_ended_releases_by_the_time_of_signing() {
    for (state, since, verdict, text) in [
        (
            "end-of-life",
            TIME / 1000 + 1,
            "test-only",
            "in use when it signed; end-of-life since",
        ),
        ("end-of-life", TIME / 1000, "release-ended", "a test"),
        (
            "revoked",
            TIME / 1000 + 1,
            "release-ended",
            "good, revoked since",
        ),
    ] {
        let mut cases = Cases::new();
        cases.signed(&Signed::new());
        cases.place.status("good", state, since);
        let Some(all) = cases.run(TEST_ROOT) else {
            return;
        };
        is(&all["answers"][0], verdict, text);
    }
}

/// A real enclave's document that attests something other than a signature: its chain up to AWS's
/// root is valid, its content is not a proof.
#[test]
fn the_page_knows_awss_root_and_follows_a_real_chain() {
    let mut cases = Cases::new();
    let folder = repository("tests/vectors/attestation");
    let Ok(document) = std::fs::read(folder.join("production-2022-10-13.cbor")) else {
        panic!("{} is missing", folder.display());
    };
    let signed = Signed::new();
    let spf = Spf {
        summary: signed.summary.clone(),
        attestation: document,
    };
    cases.add(&signed.pdf, &spf.to_json().unwrap());
    cases.signed(&signed);
    let Some(all) = cases.run(&[]) else { return };
    let answers = &all["answers"];
    is(&answers[0], "not-genuine", "not those of one release");
    assert_eq!(answers[0]["checks"]["attestation"], "passed");
    assert_eq!(answers[0]["checks"]["hashes"], "failed");
    assert_eq!(answers[0]["note"], false);
    is(&answers[1], "not-genuine", "the trusted root certificate");
}

#[test]
fn a_page_is_written_whole_and_the_same_every_time() {
    let place = Place::new();
    place.run(&["page", "-o", "a.html"]).is(0, "");
    let page = place.run(&["page"]);
    assert_eq!(page.out.as_bytes(), place.read("a.html"));
    assert!(page.out.starts_with("<!doctype html>"));
    for text in [
        "\"name\":\"good\"",
        "default-src 'none'",
        "641a0321a3e244ef",
    ] {
        assert!(page.out.contains(text), "{text}");
    }
    place
        .run(&["page", "-o", "missing/a.html"])
        .is(2, "cannot write missing/a.html");
    place.write("measurements/good.json.minisig", "garbage");
    place.run(&["page"]).is(2, "invalid signature");
}
