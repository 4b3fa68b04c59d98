//! The commands that read images, as people run them.

#![cfg(test)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::bench::{Bench, eif, good, run};
use support::{input, vectors};

#[test]
fn verify_answers() {
    let file = vectors().join("signed.eif");
    let other = vectors().join("aarch64.json");
    assert!(good(&run(&["verify"], &[&file])).contains("valid, signed"));
    let expect = |pcrs: &Path| {
        eif()
            .arg("verify")
            .arg(&file)
            .arg("--expect")
            .arg(pcrs)
            .output()
            .unwrap()
    };
    assert!(good(&expect(&vectors().join("signed.json"))).contains("PCRs as expected"));
    let no = expect(&other);
    assert_eq!(no.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&no.stdout).contains("PCR0 is 76e85129"),
        "{no:?}"
    );
    let no = run(&["verify", "--json"], &[&input("bzImage")]);
    assert_eq!(no.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&no.stdout).unwrap();
    assert_eq!(
        (&value["Valid"], &value["Rule"], &value["Offset"]),
        (&false.into(), &1.into(), &0.into())
    );
    assert_eq!(value["NitroCli"], "does not look at it");
    let text = run(&["verify"], &[&input("bzImage")]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.ends_with("note: nitro-cli describe-eif does not look at it\n"));

    // The form of a release's measurements.
    let folder = tempfile::tempdir().unwrap();
    let form = folder.path().join("next.json");
    let pcrs: Value =
        serde_json::from_slice(&std::fs::read(vectors().join("signed.json")).unwrap()).unwrap();
    let write = |zero: &Value| {
        let value = serde_json::json!({"verName": "x", "pcrs": {"0": zero, "1": pcrs["PCR1"], "2": pcrs["PCR2"]}, "issueTime": 0});
        std::fs::write(&form, value.to_string()).unwrap();
    };
    write(&pcrs["PCR0"]);
    good(&expect(&form));
    for (zero, text) in [
        ("0".repeat(96), "debug mode"),
        (String::new(), "96 hexadecimal digits"),
    ] {
        write(&zero.into());
        let result = expect(&form);
        assert_eq!(result.status.code(), Some(2));
        assert!(
            String::from_utf8_lossy(&result.stderr).contains(text),
            "{result:?}"
        );
    }
    std::fs::write(&form, "{\"PCR0\":\"\"}").unwrap();
    assert_eq!(expect(&form).status.code(), Some(2));
    let missing = run(&["verify"], &[Path::new("/does/not/exist")]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn offline_signature() {
    let bench = Bench::new();
    let file = vectors().join("two-ramdisks.eif");
    let (message, signature, signed) = (
        bench.path("tbs"),
        bench.path("sig"),
        bench.path("signed.eif"),
    );
    good(
        &eif()
            .arg("sign")
            .arg(&file)
            .arg("--export")
            .arg(&message)
            .output()
            .unwrap(),
    );
    let Ok(status) = Command::new("openssl")
        .args(["dgst", "-sha384", "-sign"])
        .arg(input("key.pem"))
        .arg("-out")
        .arg(&signature)
        .arg(&message)
        .status()
    else {
        assert!(
            std::env::var_os("REQUIRE_ALL").is_none(),
            "openssl is missing"
        );
        eprintln!("skipped: openssl is missing");
        return;
    };
    assert!(status.success());
    let attach = |signature: &Path, certificate: &Path| {
        let mut command = eif();
        command
            .arg("sign")
            .arg(&file)
            .arg("--attach")
            .arg(signature)
            .arg("--cert")
            .arg(certificate);
        command.arg("-o").arg(&signed).output().unwrap()
    };
    let text = good(&attach(&signature, &input("cert.pem")));
    assert!(text.contains("PCR8 765709b31543c202"), "{text}");
    good(
        &eif()
            .arg("verify")
            .arg(&signed)
            .arg("--certificate")
            .arg(input("cert.pem"))
            .output()
            .unwrap(),
    );
    let bad = attach(&message, &input("cert.pem"));
    assert!(
        String::from_utf8_lossy(&bad.stderr).contains("neither an ECDSA signature"),
        "{bad:?}"
    );
    let bad = attach(&signature, &input("key.pem"));
    assert!(
        String::from_utf8_lossy(&bad.stderr).contains("BEGIN CERTIFICATE"),
        "{bad:?}"
    );
}

#[test]
fn diff_and_extract() {
    let bench = Bench::new();
    let (a, b) = (
        vectors().join("one-ramdisk.eif"),
        vectors().join("two-ramdisks.eif"),
    );
    assert!(good(&run(&["diff"], &[&a, &a])).contains("are equal"));
    let differ = run(&["diff", "--json"], &[&a, &b]);
    assert_eq!(differ.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&differ.stdout).unwrap();
    assert_eq!(value[1]["section"], "ramdisk 2");

    let parts = bench.path("parts");
    good(
        &eif()
            .arg("extract")
            .arg(vectors().join("signed.eif"))
            .arg("-o")
            .arg(&parts)
            .output()
            .unwrap(),
    );
    for (name, original) in [
        ("kernel", "bzImage"),
        ("cmdline", "cmdline"),
        ("ramdisk-1", "ramdisk1"),
        ("ramdisk-2", "ramdisk2"),
        ("certificate.pem", "cert.pem"),
    ] {
        assert_eq!(
            std::fs::read(parts.join(name)).unwrap(),
            std::fs::read(input(original)).unwrap(),
            "{name}"
        );
    }
    let again = eif()
        .arg("extract")
        .arg(&a)
        .arg("-o")
        .arg(&parts)
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("is not an empty directory"),
        "{again:?}"
    );
    let bad = eif()
        .arg("extract")
        .arg(input("bzImage"))
        .arg("-o")
        .arg(bench.path("new"))
        .output()
        .unwrap();
    assert_eq!(bad.status.code(), Some(2));
    let error = String::from_utf8(bad.stderr).unwrap();
    assert_eq!(error.matches("rule 1:").count(), 1, "said twice: {error}");
    assert!(error.contains("bzImage: not a valid"), "{error}");
    assert!(!bench.path("new").exists());
    assert_eq!(
        std::fs::read_dir(bench.folder.path()).unwrap().count(),
        3,
        "no temporary directory stays"
    );
}

/// A name that clears the screen (U+009B), turns the line around and starts another one.
#[test]
fn an_image_does_not_steer_the_terminal() {
    let bench = Bench::new();
    let image = bench.path("x.eif");
    let name = "a\u{9b}2J\u{202e}lanigiro\nPCR0 0000\u{1b}[31m\u{2066}";
    let built = eif()
        .args(["build", "--cmdline", "quiet", "--name", name, "--kernel"])
        .arg(input("bzImage"))
        .arg("--ramdisk")
        .arg(input("ramdisk1"))
        .arg("-o")
        .arg(&image)
        .output()
        .unwrap();
    good(&built);
    let other = vectors().join("one-ramdisk.eif");
    for (arguments, files) in [
        (&["describe"][..], &[&image][..]),
        (&["describe", "--json"], &[&image]),
        (&["verify"], &[&image]),
        (&["diff"], &[&image, &other]),
        (&["diff", "--json"], &[&image, &other]),
    ] {
        let files: Vec<&Path> = files.iter().map(|file| file.as_path()).collect();
        let output = run(arguments, &files);
        let text = String::from_utf8(output.stdout).unwrap();
        let acts = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2066}');
        assert!(!text.contains(acts), "{arguments:?}: {text:?}");
        assert!(!text.contains("\nPCR0 0000"), "{arguments:?}: {text:?}");
    }
}

#[test]
fn help_and_completions() {
    for command in [
        "build",
        "measure",
        "describe",
        "verify",
        "extract",
        "sign",
        "diff",
        "completions",
    ] {
        let text = good(&run(&[command, "--help"], &[]));
        assert!(text.contains("Examples:"), "{command}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(good(&run(&["completions", shell], &[])).contains("measure"));
    }
    assert_eq!(run(&["sign", "x"], &[]).status.code(), Some(2));
    assert_eq!(run(&["build", "--kernel", "x"], &[]).status.code(), Some(2));
}
