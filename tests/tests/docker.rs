//! The Docker build: `docker build` of enclave/Dockerfile, made canonical, yields the same image
//! and measurements as the other builds. The test runs its own Docker daemon.
#![cfg(test)]

use canoni::{Archive, Canonical, CanonicalOptions, Limits, Selector, TreeOptions};
use eif::{Build, Compression, Image, Metadata, Ramdisks, Silent, Source};
use letsesign_tests::docker::Daemon;
use letsesign_tests::{artifacts, skip};
use std::path::Path;
use std::sync::Arc;

fn canonical(archive: &Path) -> Canonical {
    let image = Archive::open(archive, &Limits::default())
        .unwrap()
        .image(&Selector::default())
        .unwrap();
    Canonical::from_image(
        &image,
        &CanonicalOptions {
            flatten: true,
            ..CanonicalOptions::default()
        },
    )
    .unwrap()
}

#[test]
fn an_image_that_docker_built_has_the_same_measurements() {
    let Some(artifacts) = artifacts() else { return };
    let daemon = match Daemon::start() {
        Ok(daemon) => daemon,
        Err(reason) => return skip(&reason),
    };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let dockerfile = repository.join("enclave/Dockerfile");
    let context = artifacts.join("docker");
    let ours = canonical(&artifacts.join("letsesign-enclave.tar"));
    let (_, expected) =
        Image::open(&artifacts.join("letsesign-enclave.eif"), Arc::new(Silent)).unwrap();

    let mut built = 0;
    for buildkit in ["0", "1"] {
        let tag = format!("letsesign-enclave:{buildkit}");
        let arguments = [
            "build",
            "--no-cache",
            "--tag",
            &tag,
            "--file",
            dockerfile.to_str().unwrap(),
            context.to_str().unwrap(),
        ];
        if let Err(reason) = daemon.run(&arguments, &[("DOCKER_BUILDKIT", buildkit)]) {
            // Every daemon has the classic builder; BuildKit needs a client plugin that may be
            // missing.
            assert_eq!(buildkit, "1", "{reason}");
            println!(
                "without BuildKit: {}",
                reason.lines().next().unwrap_or_default()
            );
            continue;
        }
        let scratch = tempfile::tempdir().unwrap();
        let saved = scratch.path().join("saved.tar");
        daemon
            .run(&["save", "--output", saved.to_str().unwrap(), &tag], &[])
            .unwrap();

        let theirs = canonical(&saved);
        assert_eq!(
            String::from_utf8_lossy(theirs.config()),
            String::from_utf8_lossy(ours.config())
        );
        assert_eq!(theirs.digest(), ours.digest());

        let source =
            Source::archive(&saved, &Selector::default(), &TreeOptions::default()).unwrap();
        let init = artifacts.join("bin/letsesign-init");
        let kernel = repository.join("enclave/packages/kernel/bzImage");
        let ramdisks = Ramdisks::Bundle {
            init: &init,
            tree: &source.tree,
            process: &source.process,
        };
        let mut build = Build::new(
            &kernel,
            &expected.cmdline,
            ramdisks,
            Metadata::new("docker", "0"),
        );
        build.compression = Compression::Lz4Hc;
        assert_eq!(build.measure().unwrap().pcrs, expected.pcrs);
        built += 1;
    }
    assert!(built > 0);
}
