//! `letsesign-verify report --pdf`: the certificate as other programs read it, and when there is
//! none.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use letsesign_proof::Hash;
use std::process::Command;
use support::{Answer, MAGIC, Place, Signed, pdf, repository, signer, signer_with_phone};

fn report(place: &Place, more: &[&str]) -> Answer {
    let mut arguments = vec!["report", "signed.pdf", "proof.spf", "--root", "root.der"];
    arguments.extend(["--pdf", "certificate.pdf"]);
    arguments.extend(more);
    place.run(&arguments)
}

/// The certificate's text without blanks, by poppler; `None` if it is not installed.
fn text(place: &Place) -> Option<String> {
    let file = place.path("certificate.pdf");
    let Ok(output) = Command::new("pdftotext").arg(&file).arg("-").output() else {
        support::skip("pdftotext is not installed");
        return None;
    };
    // It complains about fonts and structure there.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.split_whitespace().collect())
}

#[test]
fn a_certificate_says_who_signed_and_how_to_check_again() {
    let place = Place::new();
    let signed = Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![signer_with_phone("王小明"), signer("Zoë")],
    );
    place.put(&signed);
    let font = repository("enclave/packages/fonts/ukai.ttc");
    report(&place, &["--font", font.to_str().unwrap()]).is(0, "TEST ONLY");
    let Some(text) = text(&place) else { return };
    for part in [
        "Certificate of signature",
        "Test only. Right under a root certificate that is NOT AWS's",
        "signed.pdf",
        &Hash::of(&signed.pdf).to_string(),
        &MAGIC.to_string(),
        "Mail.Example.com, sent with SendGrid",
        "1. 王小明 <signer@example.com>",
        "2. Zoë <signer@example.com>",
        "checked by mail and SMS",
        "checked by mail",
        "2023-11-14 22:13:20 UTC (by the clock of AWS Nitro)",
        "good, current",
        &"11".repeat(48),
        "letsesign-verify proof NAME.pdf NAME.spf",
    ] {
        let part: String = part.split_whitespace().collect();
        assert!(text.contains(&part), "{part} in {text}");
    }
    if let Ok(output) = Command::new("qpdf")
        .arg("--check")
        .arg(place.path("certificate.pdf"))
        .output()
    {
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaints}");
    } else {
        support::skip("qpdf is not installed");
    }
}

#[test]
fn a_certificate_speaks_the_languages_of_the_page() {
    let place = Place::new();
    place.put(&Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![signer_with_phone("Ada")],
    ));
    place.status("good", "end-of-life", support::TIME / 1000 + 1);
    let font = repository("enclave/packages/fonts/ukai.ttc");
    let font = ["--font", font.to_str().unwrap()];
    report(&place, &[&font[..], &["--language", "zh-TW"]].concat()).is(0, "TEST ONLY");
    let Some(text) = text(&place) else { return };
    for part in [
        "簽署證明書",
        "僅供測試",
        "信件來自",
        "驗證方式：電子郵件與簡訊",
        "電話+886",
        "已停止使用：atest",
        "如何再次檢查",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    report(&place, &["--language", "xx"]).is(2, "no language xx; there are en-US, zh-TW");
}

#[test]
fn a_certificate_of_many_signers_has_many_pages() {
    let place = Place::new();
    let signers = (0..200).map(|number| signer(&format!("Signer {number}")));
    place.put(&Signed::of(
        pdf::signed(&MAGIC.on_page()),
        signers.collect(),
    ));
    report(&place, &[]).is(0, "TEST ONLY");
    let Some(text) = text(&place) else { return };
    for number in 0..200 {
        let line = format!("{}.Signer{number}<signer@example.com>", number + 1);
        assert!(text.contains(&line), "{line}");
    }
}

#[test]
fn names_in_other_scripts_need_a_font() {
    let place = Place::new();
    place.put(&Signed::new());
    report(&place, &[]).is(2, "name a font that has it with --font");
    assert!(!place.path("certificate.pdf").exists());
    place.write("font.ttf", "no font");
    report(&place, &["--font", "font.ttf"]).is(2, "font.ttf: it is not an OpenType font");
    report(&place, &["--font", "missing.ttf"]).is(2, "cannot read missing.ttf");
}

#[test]
fn a_document_that_is_not_genuine_gets_no_certificate() {
    let place = Place::new();
    let mut signed = Signed::of(pdf::signed(&MAGIC.on_page()), vec![signer("Ada")]);
    signed.pdf[20] ^= 1;
    place.put(&signed);
    report(&place, &[]).is(1, "no certificate was written");
    assert!(!place.path("certificate.pdf").exists());
    place.put(&Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![signer("Ada")],
    ));
    place.status("good", "revoked", 1);
    report(&place, &[]).is(3, "no certificate was written");
    assert!(!place.path("certificate.pdf").exists());
    // The rules of `proof` hold: the question is asked before anything is written.
    report(&place, &["--sender-domain", ""]).is(2, "--sender-domain is empty");
}
