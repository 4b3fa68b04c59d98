//! Container images by the references that skopeo has.

#![cfg(test)]

mod support;

use letsesign_tests::registry::Registry;
use std::path::Path;
use support::archive::app;
use support::bench::{Bench, good};

/// One image as docker-archive, OCI folder and OCI archive: one enclave image.
#[test]
fn transports_name_the_same_image() {
    let bench = Bench::new();
    let path = bench.archive(vec![app()]);
    // An OCI layout has the name in full, which is in the metadata; no PCR depends on it.
    let pcrs = |source: &Path| -> serde_json::Value {
        let text = good(&bench.build(source, &["--json"]));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["Measurements"].take()
    };
    let plain = pcrs(&path);
    assert!(plain["PCR2"].is_string(), "{plain}");
    let archive = canoni::Archive::open(&path, &canoni::Limits::default()).unwrap();
    let image = archive.image(&canoni::Selector::default()).unwrap();
    let options = canoni::CanonicalOptions {
        tags: image.tags().to_vec(),
        ..Default::default()
    };
    let canonical = canoni::Canonical::from_image(&image, &options).unwrap();
    let (folder, file) = (bench.path("layout"), bench.path("oci.tar"));
    canonical.write(&folder, canoni::Format::OciDir).unwrap();
    canonical.write(&file, canoni::Format::OciTar).unwrap();
    for reference in [
        format!("docker-archive:{}:app:1.2", path.display()),
        format!("oci:{}:app:1.2", folder.display()),
        format!("oci-archive:{}", file.display()),
    ] {
        assert_eq!(pcrs(Path::new(&reference)), plain, "{reference}");
        std::fs::remove_file(bench.output()).unwrap();
    }
}

/// An image that skopeo pushed to a registry: the enclave image of the file.
#[test]
fn an_image_of_a_registry() {
    let bench = Bench::new();
    let path = bench.archive(vec![app()]);
    let Some(registry) = Registry::start(bench.folder.path(), "").unwrap() else {
        return;
    };
    if !letsesign_tests::is_installed("skopeo") {
        return letsesign_tests::skip("skopeo is not installed");
    }
    let name = format!("docker://{}/app:1", registry.host);
    let from = format!("docker-archive:{}", path.display());
    letsesign_tests::skopeo::copy(&from, &name).unwrap();
    let pcrs = |source: &Path| -> serde_json::Value {
        let text = good(&bench.build(source, &["--json"]));
        std::fs::remove_file(bench.output()).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["Measurements"].take()
    };
    let plain = pcrs(&path);
    assert!(plain["PCR2"].is_string(), "{plain}");
    assert_eq!(pcrs(Path::new(&name)), plain);
    let absent = format!("docker://{}/app:2", registry.host);
    bench.fails(
        &bench.build(Path::new(&absent), &[]),
        &["404 Not Found", "skopeo list-tags"],
    );
}

#[test]
fn bad_references_leave_nothing() {
    let bench = Bench::new();
    let path = bench.archive(vec![app()]);
    let name = format!("docker-archive:{}:app:1.2", path.display());
    let other = format!("docker-archive:{}:app:9", path.display());
    for (reference, more, words) in [
        ("oci:", &[][..], "lacks the file or folder"),
        ("docker://Bad", &[], "name of an image: lower-case letters"),
        (
            "docker://127.0.0.1:1/alpine",
            &[],
            "the registry 127.0.0.1:1 gave no good answer",
        ),
        ("app:1", &[], "no file or directory app:1 exists"),
        (&other, &[], "no such image (it holds app:1.2)"),
        (&name, &["--reference", "app:2"], "leave one away"),
        (&name, &["--image", "app:2"], "leave one away"),
    ] {
        bench.fails(&bench.build(Path::new(reference), more), &[words]);
    }
    // The output may not replace the archive behind the transport.
    let before = std::fs::read(&path).unwrap();
    let output = support::bench::eif()
        .args(["build", &name, "--cmdline", "x", "--kernel"])
        .arg(support::input("bzImage"))
        .arg("--init")
        .arg(bench.path("init"))
        .arg("-o")
        .arg(&path)
        .output()
        .unwrap();
    bench.fails(&output, &["is an input and the output"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
