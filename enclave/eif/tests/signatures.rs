//! Signatures of all curves: images that another program signed, and ours.

#![cfg(test)]

mod support;

use eif::{Algorithm, Certificate, Pcrs, Rule};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use support::bench::{Bench, eif, good, run};
use support::{Parts, input, read, vector, vectors, violation};

fn sign(file: &Path, key: &str, certificate: &str, output: &Path) -> Output {
    let mut command = eif();
    command.arg("sign").arg(file).arg("--key").arg(input(key));
    command.arg("--cert").arg(input(certificate));
    command.arg("-o").arg(output).output().unwrap()
}

/// The images are sign.py's: another implementation of CBOR, COSE and ECDSA.
#[test]
fn every_curve_is_read_and_verified() {
    for (name, algorithm, size) in [
        ("es256", Algorithm::Es256, 64),
        ("es256-tagged", Algorithm::Es256, 64),
        ("signed", Algorithm::Es384, 96),
        ("es512", Algorithm::Es512, 132),
    ] {
        let image = read(&vector(name)).unwrap();
        let pcrs = name.trim_end_matches("-tagged");
        let pcrs = std::fs::read(vectors().join(format!("{pcrs}.json"))).unwrap();
        assert_eq!(image.pcrs, serde_json::from_slice::<Pcrs>(&pcrs).unwrap());
        let signature = image.signature.unwrap();
        assert_eq!(signature.algorithm(), algorithm, "{name}");
        assert_eq!(signature.signature().len(), size, "{name}");

        let file = vectors().join(format!("{name}.eif"));
        assert!(good(&run(&["verify"], &[&file])).contains("valid, signed"));
        let text = good(&run(&["describe"], &[&file]));
        assert!(text.contains(&format!("valid, {algorithm}")), "{text}");
        let value: Value =
            serde_json::from_str(&good(&run(&["describe", "--json"], &[&file]))).unwrap();
        assert_eq!(value["SignatureCheck"], true);
        let expected = if algorithm == Algorithm::Es384 {
            "ecdsa-with-SHA384"
        } else if algorithm == Algorithm::Es256 {
            "ecdsa-with-SHA256"
        } else {
            "ecdsa-with-SHA512"
        };
        assert_eq!(value["SigningCertificate"]["Algorithm"], expected);
    }
}

/// One bit of each vector's signature: it must be refused, whichever curve.
#[test]
fn a_changed_signature_is_refused() {
    for name in ["es256", "es256-tagged", "es512"] {
        let mut parts = Parts::of(&vector(name));
        let (_, section) = parts.sections.last_mut().unwrap();
        let last = section.len() - 1;
        // Integers up to 23 take one byte; larger ones end with their value. Both stay integers.
        section[last] ^= 1;
        let found = violation(&parts.bytes());
        assert_eq!(found.rule, Rule::SignatureValid, "{name}: {found}");
    }
}

#[test]
fn each_key_signs_with_its_own_algorithm() {
    let bench = Bench::new();
    let file = vectors().join("one-ramdisk.eif");
    for (key, certificate, pcrs) in [
        ("p256.pem", "p256-cert.pem", "es256"),
        ("key.pem", "cert.pem", "signed"),
        ("p521.pem", "p521-cert.pem", "es512"),
    ] {
        let output = bench.path(key);
        good(&sign(&file, key, certificate, &output));
        let first = std::fs::read(&output).unwrap();
        let image = read(&first).unwrap();
        let expected = std::fs::read(vectors().join(format!("{pcrs}.json"))).unwrap();
        let expected: Pcrs = serde_json::from_slice(&expected).unwrap();
        assert_eq!(image.pcrs.pcr8, expected.pcr8);
        good(&sign(&file, key, certificate, &output));
        assert!(std::fs::read(&output).unwrap() == first, "RFC 6979");
    }
    let output = bench.path("out/mixed.eif");
    let mixed = sign(&file, "p256.pem", "cert.pem", &output);
    bench.fails(&mixed, &["does not belong to the certificate"]);
}

/// With OpenSSL as the machine elsewhere.
#[test]
fn every_curve_signs_elsewhere() {
    let bench = Bench::new();
    let file = vectors().join("one-ramdisk.eif");
    for (key, certificate, digest) in [
        ("p256.pem", "p256-cert.pem", "-sha256"),
        ("key.pem", "cert.pem", "-sha384"),
        ("p521.pem", "p521-cert.pem", "-sha512"),
    ] {
        let (message, signature) = (bench.path("message"), bench.path("signature"));
        let mut export = eif();
        export.arg("sign").arg(&file).arg("--export").arg(&message);
        let text = good(
            &export
                .arg("--cert")
                .arg(input(certificate))
                .output()
                .unwrap(),
        );
        let name = digest.replace("-sha", "SHA-");
        assert!(text.contains(&name), "{text}");
        let made = Command::new("openssl")
            .args(["dgst", digest, "-sign"])
            .arg(input(key))
            .arg("-out")
            .arg(&signature)
            .arg(&message)
            .status();
        let Ok(made) = made else {
            assert!(
                std::env::var_os("REQUIRE_ALL").is_none(),
                "openssl is missing"
            );
            eprintln!("skipped: openssl is missing");
            return;
        };
        assert!(made.success());
        let attach = |certificate: &str| {
            let mut attach = eif();
            attach
                .arg("sign")
                .arg(&file)
                .arg("--attach")
                .arg(&signature);
            attach.arg("--cert").arg(input(certificate));
            attach.arg("-o").arg(bench.path("signed")).output().unwrap()
        };
        good(&attach(certificate));
        let other = if key == "key.pem" {
            "p256-cert.pem"
        } else {
            "cert.pem"
        };
        let refused = attach(other);
        assert_eq!(refused.status.code(), Some(2));
        let error = String::from_utf8(refused.stderr).unwrap();
        let expected = error.contains("does not verify") || error.contains("neither an ECDSA");
        assert!(expected, "{error}");
    }
}

/// A certificate is compared with the clock, or with `--at`: nitro-cli refuses to start an enclave
/// whose certificate has expired. The image stays valid.
#[test]
fn verify_warns_of_certificates_out_of_their_time() {
    let file = vectors().join("es256.eif");
    let certificate = Certificate::read(&input("p256-cert.pem")).unwrap();
    assert_eq!(certificate.validity().not_before, 1_767_225_600);
    let at = |when: &str, more: &[&str]| {
        let mut command = eif();
        command.args(["verify", "--at", when]).args(more).arg(&file);
        // The time of a build is not the time of a start.
        command.env("SOURCE_DATE_EPOCH", "0").output().unwrap()
    };
    for (when, state, text) in [
        (
            "1767225599",
            "not-yet-valid",
            "is valid from Jan  1 00:00:00 2026 GMT",
        ),
        ("2025-12-31T23:59:59Z", "not-yet-valid", "is valid from"),
        ("1767225600", "valid", ""),
        ("2036-01-01T00:00:00Z", "valid", ""),
        (
            "2036-01-01T00:00:01Z",
            "expired",
            "expired at Jan  1 00:00:00 2036 GMT",
        ),
    ] {
        let output = at(when, &[]);
        assert!(good(&output).contains("valid, signed"));
        let error = String::from_utf8(output.stderr).unwrap();
        if text.is_empty() {
            assert_eq!(error, "", "{when}");
        } else {
            assert!(
                error.contains("warning: ") && error.contains(text),
                "{error}"
            );
            assert!(error.contains("nitro-cli"), "{error}");
        }
        let value: Value = serde_json::from_str(&good(&at(when, &["--json"]))).unwrap();
        assert_eq!(value["Certificate"]["State"], state, "{when}");
        assert_eq!(value["Certificate"]["NotBefore"], "2026-01-01T00:00:00Z");
        assert_eq!(value["Certificate"]["NotAfter"], "2036-01-01T00:00:00Z");
        assert_eq!(value["Valid"], true);
        let warnings = value["Warnings"].to_string();
        assert_eq!(warnings.contains("certificate"), !text.is_empty());
    }
    for wrong in ["tomorrow", "2026-13-01T00:00:00Z", "-1", "2026-01-01"] {
        let output = at(wrong, &[]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    let unsigned = vectors().join("one-ramdisk.eif");
    let value: Value =
        serde_json::from_str(&good(&run(&["verify", "--json"], &[&unsigned]))).unwrap();
    assert_eq!(value["Certificate"], Value::Null);
}
