//! The promises of init to the program it starts (docs/init.md), checked from inside by tests/probe
//! in the emulated enclave.
#![cfg(test)]

use canoni::{Metadata as FileMetadata, TreeBuilder};
use eif::{Build, Metadata, Process, Ramdisks};
use letsesign_tests::boot::{Fixture, Image, Machine, Options, Parts};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Far longer than any boot on a busy machine; a guard against hanging, not a measurement.
const LIMIT: Duration = Duration::from_mins(3);

/// An enclave image with the test's own file tree, our kernel, and one of the two programs as init.
fn image(
    fixture: &Fixture,
    folder: &Path,
    init: &Path,
    builder: TreeBuilder,
    process: &Process,
) -> PathBuf {
    let parts = Parts::extract(&fixture.eif, folder).unwrap();
    let tree = builder.build().unwrap();
    let ramdisks = Ramdisks::Bundle {
        init,
        tree: &tree,
        process,
    };
    let eif = folder.join("probe.eif");
    Build::new(
        &parts.kernel,
        &parts.cmdline,
        ramdisks,
        Metadata::new("probe", "0"),
    )
    .write(&eif)
    .unwrap();
    eif
}

/// The random-source check of init on a machine that has an NSM: the kernel must use the NSM's
/// generator.
#[test]
fn another_random_source_than_the_nsm_is_refused() {
    let (Some(artifacts), Some(fixture)) = (letsesign_tests::artifacts(), Fixture::get()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut builder = TreeBuilder::new();
    builder
        .file_from("init", FileMetadata::root(0o755), &fixture.init)
        .unwrap();
    let process = Process {
        entrypoint: vec!["/init".to_owned()],
        ..Process::default()
    };
    let eif = image(
        &fixture,
        folder.path(),
        &artifacts.join("bin/letsesign-probe"),
        builder,
        &process,
    );

    let mut machine =
        Machine::boot(&fixture.emulator, &Image::Eif(eif), Options::default()).unwrap();
    machine.wait_end(LIMIT).unwrap();
    let lines = machine.console_text();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("refusing to run") && line.contains("virtio_rng.0")),
        "{lines:#?}"
    );
    assert!(machine.host().heartbeat().is_none(), "it reported as alive");
}

#[test]
fn a_program_in_the_enclave_has_no_privileges_and_no_company() {
    let (Some(artifacts), Some(fixture)) = (letsesign_tests::artifacts(), Fixture::get()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut builder = TreeBuilder::new();
    builder
        .file_from(
            "probe",
            FileMetadata::root(0o755),
            &artifacts.join("bin/letsesign-probe"),
        )
        .unwrap();
    // A file that only root may read, and one with the set-user-ID bit: neither must help the
    // probe.
    builder
        .file_from(
            "setuid",
            FileMetadata::root(0o4755),
            &artifacts.join("bin/letsesign-probe"),
        )
        .unwrap();
    let process = Process {
        entrypoint: vec!["/probe".to_owned()],
        cmd: vec!["enclave".to_owned()],
        env: vec!["PROBE=1".to_owned()],
        user: Some("65532:65532".to_owned()),
        ..Process::default()
    };
    let eif = image(&fixture, folder.path(), &fixture.init, builder, &process);

    let mut machine =
        Machine::boot(&fixture.emulator, &Image::Eif(eif), Options::default()).unwrap();
    machine.wait_console("probe: done", LIMIT).unwrap();
    machine
        .wait_console("/probe was killed by signal 9", LIMIT)
        .unwrap();
    machine.wait_end(LIMIT).unwrap();
    let lines = machine.console_text();
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
