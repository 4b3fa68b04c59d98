//! `letsesign-verify proof`, as a relying party runs it.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use letsesign_proof::{Function, Hash, UserData};
use minisign::KeyPair;
use support::pdf::{self, Way};
use support::{BINDING, MAGIC, Place, Signed, TIME, signer};

fn place(signed: &Signed) -> Place {
    let place = Place::new();
    place.put(signed);
    place
}

#[test]
fn a_good_proof_under_a_test_root_is_marked_as_a_test() {
    let place = place(&Signed::new());
    let answer = place.verify(&[]);
    answer
        .is(0, "TEST ONLY")
        .is(0, "THE ROOT CERTIFICATE root.der WAS USED INSTEAD OF AWS'S");
    for text in [
        "王小明 <signer@example.com>",
        "2023-11-14 22:13:20 UTC (by the clock of AWS Nitro)",
        "by the clock of this machine",
        "shown on page 1",
        "good, current",
        "not signed",
    ] {
        answer.is(0, text);
    }
    let json = place.verify(&["--json"]).json();
    assert_eq!(json["verdict"], "test-only");
    assert_eq!(json["genuine"], false);
    assert_eq!(json["root"], "TEST ROOT, NOT AWS");
    assert_eq!(json["signedAt"], TIME / 1000);
    assert!(json["verifiedAt"].as_u64() > json["signedAt"].as_u64());
    assert_eq!(json["signersAttested"], true);
    // Under AWS's root the same proof is not genuine.
    place
        .run(&["proof", "signed.pdf", "proof.spf"])
        .is(1, "trusted root certificate")
        .is(1, "NOTHING OF THIS IS VERIFIED");
}

#[test]
fn every_difference_from_the_attested_hashes_is_refused() {
    let good = Signed::new();
    let mut changed = Signed::new();
    changed.pdf[20] ^= 1;
    place(&changed)
        .verify(&[])
        .is(1, "esigPDF is not what was attested")
        .is(1, "NOTHING OF THIS IS VERIFIED");
    let mut renamed = Signed::new();
    renamed.summary = support::summary(vec![signer("Eve")]);
    place(&renamed)
        .verify(&[])
        .is(1, "summary is not what was attested");

    let (pdf, summary) = (Hash::of(&good.pdf), good.summary.hash());
    let attested = |function, results: &[(&str, Hash)]| {
        let mut signed = Signed::new();
        signed.document.user_data = Some(
            UserData::new(function, results)
                .to_json()
                .unwrap()
                .into_bytes(),
        );
        place(&signed).verify(&[])
    };
    attested(Function::SendReq, &[("esigPDF", pdf), ("summary", summary)])
        .is(1, "not for attachEsig");
    attested(Function::AttachEsig, &[("esigPDF", pdf)]).is(1, "hash list names");
    attested(
        Function::AttachEsig,
        &[("summary", summary), ("esigPDF", pdf)],
    )
    .is(1, "hash list names");
    attested(
        Function::AttachEsig,
        &[("esigPDF", pdf), ("summary", summary), ("x", pdf)],
    )
    .is(1, "hash list names");
    for data in [None, Some(b"{}".to_vec()), Some(b"garbage".to_vec())] {
        let mut signed = Signed::new();
        signed.document.user_data = data;
        place(&signed).verify(&[]).is(1, "FAILED   hashes");
    }
}

#[test]
fn white_space_in_the_proof_file_changes_nothing() {
    let signed = Signed::new();
    let place = place(&signed);
    let value: serde_json::Value = serde_json::from_str(&signed.spf()).unwrap();
    place.write("proof.spf", serde_json::to_string_pretty(&value).unwrap());
    place.verify(&[]).is(0, "this PDF and this list of signers");
}

#[test]
fn a_text_that_looks_like_a_magic_number_is_a_warning() {
    let shows = |way, text: &str| {
        let pdf = [pdf::with(way, text), b"letsesign=true\n".to_vec()].concat();
        place(&Signed::of(pdf, vec![signer("a")])).verify(&[])
    };
    let ours = format!("{} (01)", MAGIC.on_page());
    for way in [Way::Plain, Way::Glyphs, Way::Form] {
        shows(way, &ours).is(0, "ok       magic-number       shown on page 1");
    }
    let other = format!("{} (01)", "0".repeat(32));
    // The attestation covers the pages, and the sender's own text may look like a magic number.
    for way in [Way::Plain, Way::Glyphs, Way::Form] {
        shows(way, &other).is(0, "warning  magic-number       a page shows 0000");
    }
    shows(Way::Plain, &format!("{ours} {other}")).is(0, "which looks like another one");
    shows(Way::Plain, "nothing").is(0, "warning  magic-number       no page shows it");
    shows(Way::Mute, &ours).is(0, "a font does not say which letters");
    place(&Signed::of(
        b"%PDF-1.7\ngarbage\n%%EOF\nletsesign=true\n".to_vec(),
        vec![signer("a")],
    ))
    .verify(&[])
    .is(0, "warning  magic-number       not checked");
}

#[test]
fn a_document_ends_with_our_line() {
    let place = place(&Signed::of(
        pdf::with(Way::Plain, &MAGIC.on_page()),
        vec![signer("a")],
    ));
    place.verify(&[]).is(0, "warning  trailer");
}

#[test]
fn the_binding_hash_is_compared_when_it_is_known() {
    let place = place(&Signed::new());
    let hash = Hash::of(BINDING).to_string();
    place
        .verify(&["--binding-data-hash", &hash])
        .is(0, "belongs to the task");
    place
        .verify(&["--binding-data-hash", &"0".repeat(64)])
        .is(1, "another task");
    place
        .verify(&["--binding-data-hash", "abc"])
        .is(2, "--binding-data-hash");
}

#[test]
fn the_time_of_signing_decides_whether_a_release_had_ended() {
    let place = place(&Signed::new());
    place.status("good", "end-of-life", TIME / 1000 + 1);
    place
        .verify(&[])
        .is(0, "in use when it signed; end-of-life since");
    place.status("good", "end-of-life", TIME / 1000);
    place
        .verify(&[])
        .is(3, "revoked or at its end")
        .is(3, "a test");
    place.status("good", "revoked", TIME / 1000 + 1);
    place.verify(&[]).is(3, "good, revoked since");
    assert_eq!(place.verify(&["--json"]).json()["verdict"], "release-ended");
    place.status("old", "revoked", 1);
    place.verify(&[]).is(0, "good, current");
}

#[test]
fn only_measurements_of_one_release_count() {
    let refused = |change: fn(&mut letsesign_test_authority::Document), text: &str| {
        let mut signed = Signed::new();
        change(&mut signed.document);
        place(&signed).verify(&[]).is(1, text);
    };
    refused(
        |document| document.pcrs[0].1 = vec![0x33; 48],
        "not among the expected",
    );
    // PCR0 and PCR1 of one release, PCR2 of another.
    refused(
        |document| document.pcrs[2].1 = vec![0x22; 48],
        "not among the expected",
    );
    refused(
        |document| *document = document.clone().with_pcrs(0),
        "debug mode",
    );
    refused(|document| drop(document.pcrs.remove(1)), "no PCR1");
    let mut old = Signed::new();
    old.document = old.document.with_pcrs(0x22);
    place(&old).verify(&[]).is(0, "old, current");
}

#[test]
fn signatures_of_releases_are_checked() {
    let place = place(&Signed::new());
    place
        .verify(&["--require-signed"])
        .is(1, "FAILED   release-signature");
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let public = pair.pk.to_box().unwrap().to_string();
    let sign_at = |time: u64, file: &str, bytes: &[u8]| {
        let comment = format!("timestamp:{time}\tfile:{file}\thashed");
        let (bytes, pk) = (std::io::Cursor::new(bytes), Some(&pair.pk));
        let signature = minisign::sign(pk, &pair.sk, bytes, Some(&comment), None);
        signature.unwrap().into_string()
    };
    let sign = |bytes: &[u8]| sign_at(1, "good.json", bytes);
    place.write("measurements/keys/2026.pub", &public);
    place.write(
        "measurements/good.json.minisig",
        sign(&place.read("measurements/good.json")),
    );
    let list = |time: u64, text: &str| {
        place.write("measurements/status.json", text);
        let signature = sign_at(time, "status.json", text.as_bytes());
        place.write("measurements/status.json.minisig", signature);
    };
    let empty = r#"{"statusList":[]}"#;
    list(1_700_000_000, empty);
    place
        .verify(&["--require-signed"])
        .is(0, "signed with key 2026")
        .is(
            0,
            "ok       status-signature   status.json was signed 2023-11-14",
        );
    place.run(&["measurements"]).is(0, "signed with key 2026");

    // A revocation, and how a host might undo it.
    let revoked =
        r#"{"statusList":[{"verName":"good","state":"revoked","since":1,"reason":"a test"}]}"#;
    list(1_700_000_001, revoked);
    place.verify(&["--require-signed"]).is(3, "good, revoked");
    let gone = |file: &str| std::fs::remove_file(place.path(file)).unwrap();
    let refused = |text: &str| {
        place
            .verify(&["--require-signed"])
            .is(1, "FAILED   status-signature")
            .is(1, text);
        place.run(&["page", "--require-signed"]).is(2, "error");
    };
    gone("measurements/status.json.minisig");
    refused("status.json is not signed");
    gone("measurements/status.json");
    refused("status.json is missing");
    place
        .verify(&[])
        .is(0, "warning  status-signature   status.json is missing");
    assert!(place.run(&["page"]).out.contains("status.json is missing"));
    place.run(&["measurements"]).is(0, "status.json is missing");
    // A list that was signed before the newest release was made (2023-07-22).
    list(1_689_999_999, empty);
    refused("it is not the newest");
    place.verify(&[]).is(0, "it is not the newest");
    // A signature of another file, and one without a time.
    place.write(
        "measurements/status.json.minisig",
        sign_at(1_700_000_000, "good.json", empty.as_bytes()),
    );
    place.verify(&[]).is(1, "INVALID SIGNATURE");
    list(1_700_000_000, empty);
    // Removes each of the other files.
    for file in ["good.json", "old.json", "LEDGER"] {
        let name = format!("measurements/{file}");
        let bytes = place.read(&name);
        gone(&name);
        place.verify(&["--require-signed"]).is(2, "missing");
        place.write(&name, bytes);
    }
    let ledger = place.read("measurements/LEDGER");
    let first = ledger.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    place.write("measurements/LEDGER", &ledger[..first]);
    place
        .verify(&["--require-signed"])
        .is(2, "is not in LEDGER");
    place.write("measurements/LEDGER", ledger);
    place
        .verify(&["--require-signed"])
        .is(0, "signed with key 2026");
    // A key given by the user replaces those of the folder.
    let other = KeyPair::generate_unencrypted_keypair()
        .unwrap()
        .pk
        .to_box()
        .unwrap()
        .to_string();
    place.write("other.pub", other);
    place
        .verify(&["--key", "other.pub"])
        .is(1, "not among the trusted ones");
    place.write("mine.pub", public);
    place
        .verify(&["--key", "mine.pub"])
        .is(0, "signed with key mine.pub");
    place.write("measurements/good.json.minisig", sign(b"something else"));
    place.verify(&[]).is(1, "INVALID SIGNATURE");
    place.run(&["measurements"]).is(1, "INVALID SIGNATURE");
}

#[test]
fn typed_text_cannot_act_on_the_terminal() {
    let evil = "\u{1b}[2J\u{202e}evil\u{9b}\n  ok  forged";
    let place = place(&Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![signer(evil), signer("李四")],
    ));
    let bad = ['\u{1b}', '\u{202e}', '\u{9b}'];
    let text = place.verify(&[]);
    text.is(0, "\\u{1b}[2J\\u{202e}evil\\u{9b}\\u{a}  ok  forged")
        .is(0, "2. 李四");
    assert!(!text.out.contains(bad));
    let json = place.verify(&["--json"]);
    assert!(!json.out.contains(bad));
    assert_eq!(json.json()["signers"][0]["name"], evil);
}

#[test]
fn nobody_confirms_after_the_document_was_signed() {
    let mut late = signer("a");
    late.signing_time = TIME / 1000 + 301;
    place(&Signed::of(pdf::signed(&MAGIC.on_page()), vec![late]))
        .verify(&[])
        .is(1, "after the document was signed");
}

#[test]
fn a_document_of_the_future_is_refused() {
    let mut signed = Signed::new();
    // 2046, the last years in which certificates use two-digit years.
    signed.document = support::Document::new(2_400_000_000_000, 0x11);
    signed.attest();
    place(&signed)
        .verify(&[])
        .is(1, "still to come by this machine's clock");
}

/// Each of these PDFs kept the program busy, or could: work is limited, and unreadable text is a
/// warning.
#[test]
fn a_small_pdf_does_not_keep_the_program_busy() {
    use std::io::Write;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&b"/X Do ".repeat(20 << 20)).unwrap();
    let bomb = packed.finish().unwrap();
    let trailer = b"letsesign=true\n".to_vec();
    for (pdf, text) in [
        (pdf::nested(8, 60), "takes more work than this program does"),
        (pdf::content("", &b"[".repeat(300_000)), "not checked"),
        (pdf::content("", &b"<</a ".repeat(300_000)), "not checked"),
        (pdf::content("", &b"(".repeat(300_000)), "no page shows it"),
        (
            pdf::content("/Filter /FlateDecode", &bomb),
            "takes more work than this program does",
        ),
    ] {
        let pdf = [pdf, trailer.clone()].concat();
        place(&Signed::of(pdf, vec![signer("a")]))
            .verify(&[])
            .is(0, "warning  magic-number")
            .is(0, text);
    }
}

#[test]
fn the_report_shows_the_members_of_version_2() {
    let people = vec![support::signer_with_phone("a"), signer("b")];
    let place = place(&Signed::of(pdf::signed(&MAGIC.on_page()), people));
    let report = place.verify(&[]);
    for text in [
        "checked by mail and SMS",
        "checked by mail\n",
        &format!("PoI hash  {}", Hash::of(b"a")),
        &format!("Payload hash  {}", Hash::of(support::PAYLOAD.as_bytes())),
        "Mails from    Mail.Example.com, sent with SendGrid",
    ] {
        report.is(0, text);
    }
    let json = place.verify(&["--json"]).json();
    assert_eq!(json["emailServiceProvider"], "sg");
    assert_eq!(json["emailServiceDomain"], support::DOMAIN);
    let hash = Hash::of(support::PAYLOAD.as_bytes()).to_string();
    assert_eq!(json["payloadHash"], hash);
    let checked = &json["signers"][0]["checkedBy"];
    assert_eq!(*checked, serde_json::json!(["mail", "sms"]));
    place
        .verify(&["--sender-domain", ""])
        .is(2, "--sender-domain is empty");
    place
        .verify(&["--payload", "none.json"])
        .is(2, "cannot read none.json");
}
