//! The command as a whole: bad input, and a service that cannot be trusted.

#![cfg(test)]

use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn run(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_letsesign"))
        .arg("--home")
        .arg(home)
        .args(arguments)
        .env_remove("LETSESIGN_API_KEY")
        .env("LETSESIGN_SES_PASSWORD", "a password")
        .output()
        .unwrap()
}

/// The error of a command that must fail, and that writes nothing.
fn refused(home: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(home, arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty());
    text
}

fn key(folder: &TempDir) -> String {
    let path = folder.path().join("key.pem");
    std::fs::write(&path, letsesign_testbed::customer::public_key_pem()).unwrap();
    path.display().to_string()
}

fn init<'a>(key: &'a str, service: &'a str, page: &'a str) -> Vec<&'a str> {
    vec![
        "init",
        "--service",
        service,
        "--domain",
        "example.com",
        "--kms-key-arn",
        "arn:aws:kms:us-east-1:123456789012:key/1",
        "--kms-public-key",
        key,
        "--signer-page",
        page,
        "--ses-username",
        "AKIA",
        "--api-key",
        "lsk_x@example.com",
    ]
}

const PAGE: &str = "https://sign.example.com/sign/";

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("sender");
    let text = refused(&home, &["list", "--nonsense"], 2);
    assert!(text.contains("--nonsense"), "{text}");
    for command in [&["status"][..], &["get", "3f9a"], &["void", "3f9a"]] {
        let text = refused(&home, command, 1);
        assert!(text.contains("`letsesign init` makes a sender"), "{text}");
    }
    let right = key(&folder);
    let wrong = folder.path().join("wrong");
    std::fs::write(&wrong, "not a key").unwrap();
    let wrong = wrong.display().to_string();
    let local = "http://127.0.0.1:9";
    for (arguments, part) in [
        (init(&wrong, local, PAGE), "not the public key"),
        (
            init("/nonexistent", local, PAGE),
            "cannot read /nonexistent",
        ),
        (
            init(&right, "http://sign.example.com", PAGE),
            "https address",
        ),
        (init(&right, "sign.example.com", PAGE), "https address"),
        (init(&right, local, "http://sign.example.com"), "page"),
    ] {
        let text = refused(&home, &arguments, 1);
        assert!(text.contains(part), "{part}: {text}");
        assert!(!home.exists(), "{part}");
    }
    // A secret among the arguments would be in the list of processes.
    let mut arguments = init(&right, local, PAGE);
    arguments.extend(["--twilio-service", "VA1"]);
    let text = refused(&home, &arguments, 1);
    assert!(text.contains("LETSESIGN_TWILIO_SID is not set"), "{text}");
}

#[test]
fn documents_and_fields_are_checked_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("sender");
    // Nobody answers there: the folder is made, and the account cannot be sent.
    let text = refused(&home, &init(&key(&folder), "http://127.0.0.1:9", PAGE), 1);
    assert!(text.contains("http://127.0.0.1:9/api/v2/account"), "{text}");
    let text = refused(&home, &init(&key(&folder), "http://127.0.0.1:9", PAGE), 1);
    assert!(text.contains("has an account already"), "{text}");

    let pdf = folder.path().join("contract.pdf");
    std::fs::write(&pdf, letsesign_testbed::pdf::document(1, 0)).unwrap();
    let junk = folder.path().join("junk.pdf");
    std::fs::write(&junk, b"junk").unwrap();
    let (pdf, junk) = (pdf.display().to_string(), junk.display().to_string());
    let ada = "Ada <ada@example.com>";
    let field = "ada@example.com:signature@1,72,100";
    for (arguments, part) in [
        (
            vec![junk.as_str(), "--signer", ada, "--field", field],
            "cannot be signed",
        ),
        (
            vec![&pdf, "--signer", "Ada", "--field", field],
            "must be an address",
        ),
        (
            vec![
                &pdf,
                "--signer",
                ada,
                "--field",
                "bob@example.com:date@1,2,3",
            ],
            "bob@example.com does not sign",
        ),
        (
            vec![
                &pdf,
                "--signer",
                ada,
                "--field",
                "ada@example.com:signature@2,72,100",
            ],
            "cannot be signed",
        ),
        (
            vec![
                &pdf,
                "--signer",
                ada,
                "--field",
                field,
                "--phone",
                "ada@example.com=12",
            ],
            "not a phone number",
        ),
        (
            vec![&pdf, "--signer", ada, "--field", field, "--expires", "999"],
            "must be 1 to 180",
        ),
        (vec![&pdf, "--signer", ada, "--field", field], "127.0.0.1:9"),
    ] {
        let mut all = vec!["send"];
        all.extend(arguments);
        let text = refused(&home, &all, 1);
        assert!(text.contains(part), "{part}: {text}");
    }
    let listed = run(&home, &["--json", "list"]);
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "[]\n");
}

#[test]
fn completions_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["completions", "bash"]);
    assert!(output.status.success());
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("_letsesign()")
    );
}
