//! What init promises to the program it starts (docs/init.md), checked from inside by tests/probe in the emulated enclave.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use canoni::{Metadata as FileMetadata, TreeBuilder};
use eif::{Build, Metadata, Process, Ramdisks};
use letsesign_tests::boot::{Fixture, Image, Machine, Options, Parts};
use std::time::Duration;

/// Far beyond what a boot takes on the busiest machine; a limit against hanging, not a measurement.
const LIMIT: Duration = Duration::from_mins(3);

#[test]
fn a_program_in_the_enclave_has_no_privileges_and_no_company() {
    let (Some(artifacts), Some(fixture)) = (letsesign_tests::artifacts(), Fixture::get()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts::extract(&fixture.eif, folder.path()).unwrap();
    let mut builder = TreeBuilder::new();
    builder
        .file_from(
            "probe",
            FileMetadata::root(0o755),
            &artifacts.join("bin/letsesign-probe"),
        )
        .unwrap();
    // A file that only root may read, and one that gives away its owner's rights: neither must help the probe.
    builder
        .file_from(
            "setuid",
            FileMetadata::root(0o4755),
            &artifacts.join("bin/letsesign-probe"),
        )
        .unwrap();
    let tree = builder.build().unwrap();
    let process = Process {
        entrypoint: vec!["/probe".to_owned()],
        cmd: vec!["enclave".to_owned()],
        env: vec!["PROBE=1".to_owned()],
        user: Some("65532:65532".to_owned()),
        ..Process::default()
    };
    let ramdisks = Ramdisks::Bundle {
        init: &fixture.init,
        tree: &tree,
        process: &process,
    };
    let eif = folder.path().join("probe.eif");
    Build::new(
        &parts.kernel,
        &parts.cmdline,
        ramdisks,
        Metadata::new("probe", "0"),
    )
    .write(&eif)
    .unwrap();

    let mut machine =
        Machine::boot(&fixture.emulator, &Image::Eif(eif), Options::default()).unwrap();
    machine.wait_console("probe: done", LIMIT).unwrap();
    machine
        .wait_console("/probe was killed by signal 9", LIMIT)
        .unwrap();
    machine.wait_end(LIMIT).unwrap();
    let lines: Vec<String> = machine
        .console()
        .into_iter()
        .map(|line| line.text)
        .collect();
    let failed: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("FAILED"))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let passed = lines
        .iter()
        .filter(|line| line.starts_with("probe: ") && line.trim_end().ends_with(" ok"))
        .count();
    assert_eq!(passed, 16, "{lines:#?}");
}
