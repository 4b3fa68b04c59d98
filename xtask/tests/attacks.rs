//! Attacks on releases and their history, in a repository made for the test; each test is named
//! after one. The image is "built" by a task that copies files: what counts is which tree it is
//! built from and what is compared.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use std::fs;
use support::Repository;

const REVOKE: &[&str] = &["release", "status", "1909", "revoked", "--reason", "a test"];
const PAST: &str = "compared with commit";

/// Somebody commits a `next.json` with the right measurements and something else that is false; a
/// release would sign it.
#[test]
fn a_false_record_is_not_released() {
    let repository = Repository::new();
    let good = repository.record();
    let falsehoods: [(&str, Option<Value>); 5] = [
        (
            "imageDigest",
            Some(json!(format!("sha256:{}", "a".repeat(64)))),
        ),
        ("eifSha256", Some(json!("b".repeat(64)))),
        ("sbomSha256", Some(json!("c".repeat(64)))),
        ("toolchain", Some(json!("rustc 1.99.0"))),
        ("eifSha256", None),
    ];
    for (member, value) in falsehoods {
        let mut record = good.clone();
        match value {
            Some(value) => record[member] = value,
            None => drop(record.as_object_mut().unwrap().remove(member)),
        }
        repository.write("next.json", &record.to_string());
        repository.commit();
        repository.bad(&["release", "new", "2611"], member);
        assert!(!repository.tree("measurements/2611.json").exists());
        assert!(!repository.read("LEDGER").contains("2611"));
    }
}

/// Changes that git does not show are not in the commit. They must not shape a release.
#[test]
fn a_release_is_built_from_the_commit_alone() {
    let repository = Repository::new();
    let exclude = repository.tree(".git/info/exclude");
    fs::write(exclude, "/build.rs\n/.cargo/\n").unwrap();
    // Cargo would run the first and obey the second.
    fs::write(repository.tree("build.rs"), "fn main() { panic!() }").unwrap();
    fs::create_dir(repository.tree(".cargo")).unwrap();
    fs::write(
        repository.tree(".cargo/config.toml"),
        "[build]\nrustc = \"/none\"\n",
    )
    .unwrap();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");

    let image = "built/letsesign-enclave.eif";
    for (hide, show) in [
        ("--assume-unchanged", "--no-assume-unchanged"),
        ("--skip-worktree", "--no-skip-worktree"),
    ] {
        repository.git(&["update-index", hide, image]);
        fs::write(repository.tree(image), "something else").unwrap();
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        repository.bad(
            &["release", "new", "2611"],
            "set not to look for changes of built/",
        );
        repository.git(&["update-index", show, image]);
        repository.git(&["checkout", "-q", "--", image]);
    }
    fs::write(repository.tree("untracked"), "").unwrap();
    repository.bad(&["release", "new", "2611"], "not committed");
    fs::remove_file(repository.tree("untracked")).unwrap();

    let head = repository.git(&["rev-parse", "HEAD"]);
    let other = "0".repeat(40);
    repository.bad(
        &["release", "new", "2611", "--revision", &other],
        "is checked out",
    );
    repository.good(&["release", "new", "2611", "--revision", &head]);
    let release: Value = serde_json::from_str(&repository.read("2611.json")).unwrap();
    assert_eq!(release["sourceRevision"], json!(head));
    for member in [
        "pcrs",
        "imageDigest",
        "eifSha256",
        "sbomSha256",
        "toolchain",
    ] {
        assert_eq!(release[member], repository.record()[member], "{member}");
    }
}

/// Git leaves out the side of a merge whose file was not taken; the revocation was there.
#[test]
fn a_merge_that_drops_a_revocation_is_seen() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "side"]);
    repository.good(REVOKE);
    repository.commit();
    repository.git(&["checkout", "-q", "main"]);
    fs::write(repository.tree("other"), "work goes on").unwrap();
    repository.commit();
    repository.git(&["merge", "-q", "-s", "ours", "-m", "merge", "side"]);
    assert!(!repository.tree("measurements/status.json").exists());
    let simplified = repository.git(&["log", "--format=%H", "--", "measurements/status.json"]);
    assert_eq!(
        simplified, "",
        "git's own history of the file does not know of it"
    );
    repository.bad(&["measure", "--files"], PAST);
    repository.bad(&["release", "new", "2611"], PAST);
}

/// The same in a merge that changed something itself, and one that took a line out of the ledger.
#[test]
fn a_merge_that_rewrites_the_ledger_is_seen() {
    let repository = Repository::new();
    let (ledger, release) = (repository.read("LEDGER"), repository.read("1909.json"));
    let aggregate = repository.read("tcb-info.json");
    repository.git(&["checkout", "-q", "--orphan", "other"]);
    fs::remove_file(repository.tree("measurements/1909.json")).unwrap();
    repository.write("LEDGER", "");
    repository.write("tcb-info.json", "{\n  \"versionList\": []\n}\n");
    repository.commit();
    let orphan = [
        "merge",
        "-q",
        "-s",
        "ours",
        "--allow-unrelated-histories",
        "-m",
        "x",
        "main",
    ];
    repository.git(&orphan);
    repository.bad(&["measure", "--files"], PAST);
    repository.write("LEDGER", &ledger);
    repository.write("1909.json", &release);
    repository.write("tcb-info.json", &aggregate);
    repository.good(&["measure", "--files"]);
}

/// A clone without the past shows nothing about it.
#[test]
fn a_clone_without_the_past_is_refused() {
    let repository = Repository::new();
    repository.good(REVOKE);
    repository.commit();
    fs::remove_file(repository.tree("measurements/status.json")).unwrap();
    repository.good_aggregate();
    repository.commit();
    let from = format!("file://{}", repository.tree("").display());
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    repository.git(&["clone", "-q", "--depth", "1", &from, "../shallow"]);
    repository.git(&["clone", "-q", "--filter=blob:none", &from, "../partial"]);
    repository.git(&["clone", "-q", &from, "../whole"]);
    repository.bad_in("shallow", &["measure", "--files"], "shallow");
    repository.bad_in("partial", &["measure", "--files"], "partial");
    repository.bad_in("whole", &["measure", "--files"], PAST);
    // Without git at all there is nothing to compare with; CI must not take that for an answer.
    fs::remove_dir_all(repository.path("whole/.git")).unwrap();
    assert!(
        repository
            .run_in("whole", &["measure", "--files"])
            .status
            .success()
    );
    repository.bad_in(
        "whole",
        &["measure", "--files", "--require-history"],
        "no git history",
    );
}

/// A replacement, a graft or a variable that shows git another history.
#[test]
fn another_history_than_the_commits_is_not_believed() {
    let repository = Repository::new();
    repository.good(REVOKE);
    repository.commit();
    fs::remove_file(repository.tree("measurements/status.json")).unwrap();
    repository.good_aggregate();
    repository.commit();
    let head = repository.git(&["rev-parse", "HEAD"]);
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let lonely = repository.git(&["commit-tree", &tree, "-m", "no parents"]);
    repository.git(&["replace", &head, &lonely]);
    assert_eq!(repository.git(&["rev-list", "--count", "HEAD"]), "1");
    repository.bad(&["measure", "--files"], PAST);
    repository.git(&["replace", "-d", &head]);
    fs::write(repository.tree(".git/info/grafts"), format!("{head}\n")).unwrap();
    repository.bad(&["measure", "--files"], PAST);
    fs::remove_file(repository.tree(".git/info/grafts")).unwrap();
    // Another repository, with another past, in a variable.
    repository.git(&["init", "-q", "../other"]);
    let other = repository.path("other/.git");
    let output = repository
        .command("tree", &["measure", "--files"])
        .env("GIT_DIR", &other)
        .output();
    let error = String::from_utf8_lossy(&output.unwrap().stderr).into_owned();
    assert!(error.contains(PAST), "{error}");
}

/// Other builds compare with `next.sha256`, releases with `next.json`.
#[test]
fn two_sums_of_one_image_are_refused() {
    let repository = Repository::new();
    let sum = |digest: &str| format!("{digest}  letsesign-enclave.eif\n");
    let record = repository.record();
    repository.write("next.sha256", &sum(record["eifSha256"].as_str().unwrap()));
    repository.good(&["measure", "--files"]);
    repository.write("next.sha256", &sum(&"d".repeat(64)));
    repository.bad(&["measure", "--files"], "record different files");
}

/// The output of `release verify` for a good release, and for each way to make a bad one.
#[test]
fn an_auditor_sees_a_good_release_and_each_bad_one() {
    let repository = Repository::new();
    repository.good(&["release", "key", "2026", "--key", "../key", "--no-password"]);
    repository.commit();
    repository.good(&["release", "new", "2611"]);
    repository.commit();
    let verify = ["release", "verify", "2611"];
    let page = |text: &str| {
        let output = repository.run(&verify);
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(page.contains(text), "{text}: {page}");
        (output.status.success(), page)
    };
    let (good, text) = page("NOT VERIFIED: signature, status");
    assert!(!good && text.contains("nobody signed it"), "{text}");

    repository.good(&["release", "sign", "2611", "--key", "../key"]);
    // A list of changes, so that it can be signed.
    let end = [
        "release",
        "status",
        "1909",
        "end-of-life",
        "--reason",
        "a test",
    ];
    repository.good(&end);
    repository.good(&["release", "sign", "status", "--key", "../key"]);
    repository.commit();
    let (good, text) = page("letsesign-enclave, release 2611: VERIFIED\n");
    assert!(good, "{text}");
    for row in [
        "history",
        "ledger",
        "signature",
        "status",
        "source",
        "rebuild",
        "packages",
    ] {
        assert!(
            text.contains(&format!("\n{row:<13} good\n")),
            "{row}: {text}"
        );
    }
    let record = repository.record();
    for member in ["imageDigest", "eifSha256", "sbomSha256", "toolchain"] {
        assert!(text.contains(record[member].as_str().unwrap()), "{text}");
    }
    // Others see the commit, not this uncommitted change.
    fs::write(repository.tree("built/letsesign-enclave.eif"), "x").unwrap();
    page(": VERIFIED\n");
    repository.git(&["checkout", "-q", "--", "built"]);
    let short = ["release", "verify", "2611", "--without-packages"];
    assert!(
        repository
            .good(&short)
            .contains("VERIFIED, BUT FOR: packages")
    );

    // The commit that the release names is taken out of the history.
    let head = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["checkout", "-q", "--orphan", "again"]);
    repository.commit();
    page("source        FAILED");
    repository.git(&["checkout", "-q", "main"]);

    repository.good(&["release", "status", "2611", "revoked", "--reason", "a test"]);
    repository.good(&["release", "sign", "status", "--key", "../key"]);
    repository.commit();
    page("NOT VERIFIED: status");
    repository.git(&["reset", "-q", "--hard", &head]);

    repository.write(
        "2611.json",
        &repository.read("2611.json").replace("1.95.0", "1.96.0"),
    );
    repository.commit();
    page("NOT VERIFIED: history, ledger, signature");
}

/// The release says what its commit does not build, or its packages cannot be made again.
#[test]
fn an_auditor_sees_what_cannot_be_made_again() {
    let repository = Repository::new();
    repository.good(&["release", "key", "2026", "--key", "../key", "--no-password"]);
    fs::write(repository.tree("differs"), "").unwrap();
    repository.commit();
    repository.good(&["release", "new", "2611"]);
    repository.good(&["release", "sign", "2611", "--key", "../key"]);
    let end = [
        "release",
        "status",
        "1909",
        "end-of-life",
        "--reason",
        "a test",
    ];
    repository.good(&end);
    repository.good(&["release", "sign", "status", "--key", "../key"]);
    repository.commit();
    let page = || {
        let output = repository.run(&["release", "verify", "2611"]);
        assert!(!output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(page().contains("NOT VERIFIED: packages\n"), "{}", page());

    // A release whose commit builds another image: made by hand, signed, entered.
    let mut release: Value = serde_json::from_str(&repository.read("2611.json")).unwrap();
    let mut next = repository.record();
    for record in [&mut release, &mut next] {
        record["pcrs"]["0"] = json!("e".repeat(96));
    }
    repository.write("next.json", &next.to_string());
    repository.commit();
    release["sourceRevision"] = json!(repository.git(&["rev-parse", "HEAD"]));
    release["verName"] = json!("2612");
    let text = release.to_string();
    repository.write("2612.json", &text);
    let sum = eif::file_sha256(&repository.tree("measurements/2612.json")).unwrap();
    let ledger = repository.read("LEDGER");
    repository.write("LEDGER", &format!("{ledger}{sum}  2612.json\n"));
    repository.good(&["release", "sign", "2612", "--key", "../key"]);
    repository.commit();
    let output = repository.run(&["release", "verify", "2612"]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("NOT VERIFIED: rebuild, packages\n"), "{page}");
    assert!(page.contains("PCR0 is     76e85129"), "{page}");
}
