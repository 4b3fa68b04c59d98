//! `cargo xtask release` and `measurements` as a maintainer runs them, in a repository made for the
//! test; with minisign where it is installed.

#![cfg(test)]

mod support;

use std::process::Command;
use support::Repository;

fn has(program: &str) -> bool {
    if Command::new(program).arg("-v").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("REQUIRE_ALL").is_none_or(|value| value != "1"),
        "REQUIRE_ALL=1, but {program} is not installed"
    );
    eprintln!("skipped: {program} is not installed");
    false
}

#[test]
fn a_release_is_made_signed_ended_and_never_changed() {
    let repository = Repository::new();
    repository.good(&[
        "release",
        "key",
        "2026",
        "--key",
        "../release.key",
        "--no-password",
    ]);
    repository.bad(
        &["release", "new", "2611"],
        "changes that are not committed",
    );
    repository.commit();
    repository.good(&["release", "new", "2611"]);
    let release = repository.read("2611.json");
    for member in [
        "\"verName\": \"2611\"",
        "\"sourceRevision\"",
        "\"state\": \"current\"",
    ] {
        assert!(release.contains(member), "{release}");
    }
    assert!(repository.read("tcb-info.json").contains("\"2611\""));
    repository.commit();
    repository.bad(&["release", "new", "2611"], "is there already");
    repository.bad(&["release", "new", "2612"], "nothing changed since");

    assert!(
        repository
            .good(&["release", "sign", "2611", "--key", "../release.key"])
            .contains("key 2026")
    );
    repository.good(&[
        "release",
        "status",
        "2611",
        "end-of-life",
        "--reason",
        "a test",
    ]);
    repository.good(&["release", "sign", "status", "--key", "../release.key"]);
    repository.good(&["measure", "--files"]);
    repository.bad(
        &[
            "release",
            "status",
            "2611",
            "end-of-life",
            "--reason",
            "again",
        ],
        "cannot go from",
    );
    repository.commit();

    // The status list was signed; an entry more is not covered.
    repository.good(&["release", "status", "2611", "revoked", "--reason", "a test"]);
    repository.bad(
        &["measure", "--files"],
        "status.json.minisig is not a valid signature",
    );
    repository.good(&["release", "sign", "status", "--key", "../release.key"]);
    assert!(!repository.read("tcb-info.json").contains("\"2611\""));
    assert!(
        repository
            .good(&["measure", "--files"])
            .contains("2 releases")
    );
    repository.commit();

    repository.write("2611.json", &release.replace("current", "revoked"));
    repository.bad(&["measure", "--files"], "2611.json");
    repository.write("2611.json", &release.replace("  ", " "));
    repository.bad(&["measure", "--files"], "changed after its release");
}

#[test]
fn the_past_in_git_is_compared() {
    let repository = Repository::new();
    let history = "compared with commit";
    // A release and its line taken away together: the files agree with each other, but not with the
    // past.
    let ledger = repository.read("LEDGER");
    std::fs::remove_file(repository.path("tree/measurements/1909.json")).unwrap();
    repository.write("LEDGER", "");
    repository.bad(&["measure", "--files"], history);
    repository.commit();
    repository.bad(&["measure", "--files"], history);
    repository.git(&["checkout", "-q", "HEAD~1", "--", "measurements"]);
    assert_eq!(repository.read("LEDGER"), ledger);
    repository.good(&["measure", "--files"]);

    repository.good(&["release", "status", "1909", "revoked", "--reason", "a test"]);
    repository.commit();
    repository.write("status.json", "{\"statusList\":[]}");
    repository.bad(&["measure", "--files", "--write"], history);
}

#[test]
fn mistakes_with_keys_are_named() {
    let repository = Repository::new();
    let sign = |key: &str| ["release", "sign", "1909", "--key", key].map(ToOwned::to_owned);
    let bad = |key: &str, text: &str| {
        let arguments = sign(key);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        repository.bad(&arguments, text);
    };
    bad("../none", "cannot read the key");
    std::fs::write(repository.path("garbage"), "garbage\n").unwrap();
    bad("../garbage", "not a minisign secret key");
    std::fs::write(repository.path("garbage"), "garbage\nAAAA\n").unwrap();
    bad("../garbage", "not a minisign secret key");
    // The secret half stays out of the repository.
    repository.bad(
        &["release", "key", "2026", "--key", "mine", "--no-password"],
        "is in the repository",
    );
    repository.good(&[
        "release",
        "key",
        "2026",
        "--key",
        "../mine",
        "--no-password",
    ]);
    repository.bad(
        &[
            "release",
            "key",
            "2026",
            "--key",
            "../other",
            "--no-password",
        ],
        "is there already",
    );
    repository.bad(
        &[
            "release",
            "key",
            "2027",
            "--key",
            "../mine",
            "--no-password",
        ],
        "cannot write",
    );
    assert!(!repository.path("tree/measurements/keys/2027.pub").exists());
    repository.bad(
        &["release", "sign", "next", "--key", "../mine"],
        "next.json is not a release",
    );
    repository.bad(
        &["release", "sign", "2000", "--key", "../mine"],
        "has no release \"2000\"",
    );
    // A key that verifiers do not know.
    std::fs::remove_file(repository.path("tree/measurements/keys/2026.pub")).unwrap();
    bad("../mine", "is not in measurements/keys");
    assert!(
        !repository
            .path("tree/measurements/1909.json.minisig")
            .exists()
    );
}

#[test]
fn minisign_checks_our_signatures_and_we_check_its() {
    if !has("minisign") {
        return;
    }
    let repository = Repository::new();
    let minisign = |arguments: &[&str]| {
        let output = Command::new("minisign")
            .args(arguments)
            .current_dir(repository.path("tree/measurements"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        String::from_utf8(output.stdout).unwrap()
    };
    // Ours, theirs to check.
    repository.good(&[
        "release",
        "key",
        "ours",
        "--key",
        "../ours",
        "--no-password",
    ]);
    repository.good(&["release", "sign", "1909", "--key", "../ours"]);
    let text = minisign(&["-V", "-p", "keys/ours.pub", "-m", "1909.json"]);
    assert!(text.contains("file:1909.json"), "{text}");
    // Theirs, ours to check, in the file and made with their key.
    minisign(&["-G", "-W", "-p", "keys/theirs.pub", "-s", "../../theirs"]);
    std::fs::remove_file(repository.path("tree/measurements/1909.json.minisig")).unwrap();
    minisign(&["-S", "-H", "-s", "../../theirs", "-m", "1909.json"]);
    repository.good(&["measure", "--files"]);
    repository.good(&["release", "sign", "1909", "--key", "../theirs"]);
    minisign(&["-V", "-p", "keys/theirs.pub", "-m", "1909.json"]);
    // A signature of the older form, without hash, is not accepted.
    minisign(&["-S", "-l", "-s", "../../theirs", "-m", "1909.json"]);
    repository.bad(&["measure", "--files"], "not a valid signature");
}
