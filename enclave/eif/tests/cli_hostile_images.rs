//! Images as attackers and as other builders write them: what canoni refuses, eif refuses, and what
//! it takes gives the same enclave image.

#![cfg(test)]

mod support;

use std::process::Command;
use support::archive::{Layer, app, docker_archive};
use support::bench::{Bench, good};

/// kaniko, ko and others write names with a leading slash; every engine strips it.
#[test]
fn absolute_names_are_the_same_image() {
    let bench = Bench::new();
    let build = |layer: Layer| {
        let image = bench.archive(vec![layer]);
        // The measurements.
        good(&bench.build(&image, &["--json"]))
    };
    let plain = build(app().hard_link("bin/other", 0o755, "bin/app"));
    let absolute = Layer::new()
        .dir("/")
        .dir("/bin")
        .file("/bin/app", 0o755, "program")
        .hard_link("/bin/other", 0o755, "/bin/app");
    assert!(plain.contains("PCR0"), "{plain}");
    assert_eq!(plain, build(absolute));
}

/// To Docker a lone other spelling of a key is the key: eif starts what Docker starts.
#[test]
fn keys_in_another_spelling() {
    let bench = Bench::new();
    let build = |config: &str| {
        let image = docker_archive(bench.folder.path(), vec![app()], config);
        bench.build(&image, &["--json"])
    };
    let plain = good(&build(r#"{"Cmd":["/bin/app"]}"#));
    assert_eq!(plain, good(&build(r#"{"cmd":["/bin/app"]}"#)));
    std::fs::remove_file(bench.output()).unwrap();
    bench.fails(
        &build(r#"{"Cmd":["/bin/app"],"cmd":["/bin/evil"]}"#),
        &["which some readers take for one and others for two"],
    );
}

#[test]
fn a_hard_link_that_grants_a_capability() {
    let bench = Bench::new();
    let link = app()
        .xattr("security.capability", "1")
        .hard_link("bin/other", 0o755, "bin/app");
    let image = bench.archive(vec![link]);
    bench.fails(
        &bench.build(&image, &[]),
        &["hard link with other extended attributes than its file"],
    );
}

/// A pipe in place of an image's file was waited for without end.
#[test]
fn pipes_are_not_waited_for() {
    let bench = Bench::new();
    let made = Command::new("mkfifo").arg(bench.path("pipe")).status();
    if !made.is_ok_and(|status| status.success()) {
        return letsesign_tests::skip("mkfifo is not there or cannot make a pipe");
    }
    let layout = bench.path("layout");
    std::fs::create_dir(&layout).unwrap();
    std::fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    std::fs::rename(bench.path("pipe"), layout.join("index.json")).unwrap();
    bench.fails(
        &bench.build(&layout, &[]),
        &["index.json", "is not a regular file"],
    );
}
