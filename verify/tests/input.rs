//! Zips, garbage and usage errors.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use std::io::{Cursor, Write};
use support::{Place, Signed, repository};
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, ZipWriter};

fn zip(files: &[(&str, &[u8])], password: Option<&str>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let mut options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        if let Some(password) = password {
            options = options.with_aes_encryption(AesMode::Aes256, password);
        }
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn verify(place: &Place, zip: &[u8], more: &[&str]) -> support::Answer {
    place.write("signed.zip", zip);
    let mut arguments = vec!["proof", "signed.zip", "--root", "root.der"];
    arguments.extend(more);
    place.run(&arguments)
}

#[test]
fn a_zip_holds_document_and_proof() {
    let (place, signed) = (Place::new(), Signed::new());
    let spf = signed.spf();
    let files = [
        ("約.pdf", signed.pdf.as_slice()),
        ("約.spf", spf.as_bytes()),
    ];
    verify(&place, &zip(&files, None), &[]).is(0, "約.pdf");
    let encrypted = zip(&files, Some("correct horse"));
    place.write("password", "correct horse\n");
    verify(&place, &encrypted, &["--password-file", "password"]).is(0, "TEST ONLY");
    place.write("password", "wrong\n");
    verify(&place, &encrypted, &["--password-file", "password"]).is(2, "in signed.zip is wrong");
    verify(&place, &encrypted, &["--password-file", "none"]).is(2, "cannot read the password");
}

#[test]
fn a_zip_of_other_things_is_refused() {
    let (place, signed) = (Place::new(), Signed::new());
    let spf = signed.spf();
    let (pdf, spf) = (signed.pdf.as_slice(), spf.as_bytes());
    for (files, text) in [
        (vec![("a.pdf", pdf)], "it holds 1 files"),
        (
            vec![("a.pdf", pdf), ("b.pdf", pdf), ("a.spf", spf)],
            "it holds 3 files",
        ),
        (vec![("a.txt", pdf), ("a.spf", spf)], "of one NAME"),
        (vec![], "is not a zip"),
    ] {
        verify(&place, &zip(&files, None), &[]).is(2, text);
    }
    // 17 MiB of zeros, compressed to a few KB.
    let bomb = vec![b'0'; 17 << 20];
    verify(&place, &zip(&[("a.pdf", pdf), ("a.spf", &bomb)], None), &[])
        .is(2, "more than 16777216 bytes");
    let whole = zip(&[("a.pdf", pdf), ("a.spf", spf)], None);
    for cut in [4, 10, 100, whole.len() - 30, whole.len() - 1] {
        verify(&place, &whole[..cut], &[]).is(2, "error:");
    }
    place.write("proof.spf", spf);
    place
        .run(&["proof", "signed.zip", "proof.spf"])
        .is(2, "is a zip");
}

#[test]
fn garbage_is_an_error_that_names_it() {
    let place = Place::new();
    let signed = Signed::new();
    place.put(&signed);
    place
        .run(&["proof", "none.pdf", "proof.spf"])
        .is(2, "cannot read none.pdf");
    place
        .run(&["proof", "signed.pdf", "none.spf"])
        .is(2, "cannot read none.spf");
    place
        .run(&["proof", "signed.pdf"])
        .is(2, "the proof file (.spf) is needed");
    place
        .run(&["proof", "measurements", "proof.spf"])
        .is(2, "is not a file");
    place
        .run(&["proof", "signed.pdf", "proof.spf", "--root", "signed.pdf"])
        .is(2, "cannot be read as an X.509 certificate");
    let spf = signed.spf();
    for bad in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "\u{0}\u{1b}".to_owned(),
        spf.replace("attestDoc", "attestdoc"),
        spf.replacen("\"attestDoc\":\"", "\"attestDoc\":\"*", 1),
        spf.replacen('{', "{\"summary\":1,", 1),
        spf.replacen("magicNumber", "magicnumber", 1),
        spf.clone() + "x",
        "[".repeat(100_000),
    ] {
        place.write("proof.spf", &bad);
        place.verify(&[]).is(2, "proof.spf is not a proof file");
    }
    // A malformed attestation document is a verdict: the proof file is readable, the proof is bad.
    place.write(
        "proof.spf",
        spf.replace(
            spf.split("attestDoc\":\"")
                .nth(1)
                .unwrap()
                .trim_end_matches("\"}"),
            "AAAA",
        ),
    );
    place.verify(&[]).is(1, "no attestation document");
    place.write("signed.pdf", b"");
    place.write("proof.spf", &spf);
    place.verify(&[]).is(1, "esigPDF is not what was attested");
}

#[test]
fn usage_is_explained() {
    let place = Place::new();
    for command in [
        &[][..],
        &["proof"],
        &["nonsense"],
        &["document"],
        &["policy"],
        &["image", "x", "y"],
    ] {
        let answer = place.plain(command);
        assert_eq!(answer.code, 2, "{command:?}");
        assert!(
            answer.error.contains("Usage"),
            "{command:?}: {}",
            answer.error
        );
    }
    for command in ["proof", "document", "image", "measurements"] {
        place
            .plain(&[command, "--help"])
            .is(0, "Examples:")
            .is(0, "Exit codes:");
    }
    for shell in ["bash", "zsh", "fish"] {
        place.run(&["completions", shell]).is(0, "letsesign-verify");
    }
    place
        .plain(&["measurements"])
        .is(0, "1909")
        .is(0, "end-of-life since")
        .is(0, "not signed")
        .is(0, "embedded in letsesign-verify");
}

#[test]
fn inconsistent_releases_are_refused() {
    let place = Place::new();
    place.put(&Signed::new());
    let good = place.read("measurements/good.json");
    place.write("measurements/good.json", [good.as_slice(), b" "].concat());
    place.verify(&[]).is(2, "changed after its release");
    place.write("measurements/good.json", good);
    place.write("measurements/keys/x.pub", "garbage");
    place.verify(&[]).is(2, "not a minisign public key");
    place
        .plain(&["measurements", "--measurements", "none"])
        .is(2, "cannot list none");
}

#[test]
fn an_image_is_compared_with_releases() {
    let place = Place::new();
    place.write("garbage.eif", vec![0; 5000]);
    place
        .run(&["image", "garbage.eif"])
        .is(1, "not a valid enclave image");
    place.run(&["image", "none.eif"]).is(2, "none.eif");
    // The image of this tree, if it was built.
    let Some(image) = std::env::var_os("LETSESIGN_EIF") else {
        return support::skip("LETSESIGN_EIF names no image (cargo xtask eif builds one)");
    };
    let image = image.to_str().unwrap().to_owned();
    place.run(&["image", &image]).is(1, "no release has these");
    let next: serde_json::Value =
        serde_json::from_slice(&std::fs::read(repository("measurements/next.json")).unwrap())
            .unwrap();
    place.write("measurements/next.json", next.to_string());
    place.run(&["image", &image]).is(1, "NOT A RELEASE");
}

/// The next image refuses proofs of release 1909 (enclave/configs/compatible.toml), so a key policy
/// should not include it by accident.
#[test]
fn a_key_policy_for_1909_must_be_forced() {
    let place = Place::new();
    let kms = |more: &[&str]| {
        let mut arguments = vec!["policy", "kms", "--account", "123456789012"];
        arguments.extend([
            "--sender",
            "role/s",
            "--enclave",
            "user/e",
            "--release",
            "1909",
        ]);
        arguments.extend(more);
        place.plain(&arguments)
    };
    kms(&[]).is(
        2,
        "release 1909 is end-of-life; name it only with --accept-ended",
    );
    kms(&["--accept-ended"]).is(0, "DecryptInRelease1909");
}

#[test]
fn key_policies_are_written_and_checked() {
    let place = Place::new();
    let policy = place.run(&[
        "policy",
        "kms",
        "--account",
        "123456789012",
        "--sender",
        "role/sender",
        "--enclave",
        "user/enclave",
        "--release",
        "good",
    ]);
    policy
        .is(0, "kms:RecipientAttestation:PCR2")
        .is(0, "nobody may call kms:PutKeyPolicy")
        .is(0, "is not signed");
    place.write("policy.json", &policy.out);
    place
        .run(&["policy", "check", "policy.json"])
        .is(0, "no hole found")
        .is(0, "grants: they let others use the key");
    place.status("good", "revoked", 1);
    place
        .run(&["policy", "check", "policy.json"])
        .is(1, "was revoked");
    place.write(
        "policy.json",
        policy.out.replace(&"11".repeat(48), &"0".repeat(96)),
    );
    place.run(&["policy", "check", "policy.json"]).is(1, "HOLE");
    place.write("policy.json", "garbage");
    place
        .run(&["policy", "check", "policy.json"])
        .is(2, "policy.json is not a key policy");
}
