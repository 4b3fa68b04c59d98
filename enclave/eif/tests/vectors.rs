//! Golden vectors made by AWS's eif_build 0.2.1: same inputs, same bytes, same PCRs.

#![cfg(test)]

use eif::{
    Build, Certificate, HeaderFields, Image, Metadata, PcrSignature, Pcrs, Ramdisks, Signer,
    SigningKey, Silent,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn input(name: &str) -> PathBuf {
    vectors().join("inputs").join(name)
}

/// The metadata that eif_build wrote; see regenerate.sh.
fn metadata() -> Metadata {
    let mut metadata = Metadata::new("vector", "vector");
    metadata.build.build_tool = String::from("oracle");
    metadata.build.build_tool_version = String::from("0.2.1");
    metadata
}

fn expected(name: &str) -> (Vec<u8>, Pcrs) {
    let bytes = std::fs::read(vectors().join(format!("{name}.eif"))).unwrap();
    let pcrs = std::fs::read(vectors().join(format!("{name}.json"))).unwrap();
    (bytes, serde_json::from_slice(&pcrs).unwrap())
}

fn same_as_oracle(name: &str, arch: eif::format::Arch, kernel: &str, ramdisks: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.eif");
    let ramdisks: Vec<_> = ramdisks.iter().map(|name| input(name)).collect();
    let cmdline = std::fs::read_to_string(input("cmdline")).unwrap();
    let kernel = input(kernel);
    let mut build = Build::new(&kernel, &cmdline, Ramdisks::Files(&ramdisks), metadata());
    build.fields = HeaderFields {
        arch,
        ..HeaderFields::default()
    };
    let built = build.write(&output).unwrap();
    let (bytes, pcrs) = expected(name);
    assert_eq!(built.pcrs, pcrs);
    assert!(
        std::fs::read(&output).unwrap() == bytes,
        "{name}: bytes differ from eif_build's"
    );
    assert_eq!(built.size, bytes.len() as u64);
    assert_eq!(build.measure().unwrap(), built);

    let (_, image) = Image::open(&output, Arc::new(Silent)).unwrap();
    assert_eq!(image.pcrs, pcrs);
    assert_eq!(image.cmdline, cmdline);
    assert_eq!(image.metadata, metadata());
}

#[test]
fn one_ramdisk() {
    same_as_oracle(
        "one-ramdisk",
        eif::format::Arch::X86_64,
        "bzImage",
        &["ramdisk1"],
    );
    let (_, pcrs) = expected("one-ramdisk");
    assert_eq!(pcrs.pcr2, Pcrs::empty());
}

#[test]
fn two_ramdisks() {
    same_as_oracle(
        "two-ramdisks",
        eif::format::Arch::X86_64,
        "bzImage",
        &["ramdisk1", "ramdisk2"],
    );
}

#[test]
fn empty_ramdisk() {
    same_as_oracle(
        "empty-ramdisk",
        eif::format::Arch::X86_64,
        "bzImage",
        &["ramdisk1", "empty", "ramdisk2"],
    );
}

#[test]
fn aarch64() {
    same_as_oracle(
        "aarch64",
        eif::format::Arch::Aarch64,
        "Image",
        &["ramdisk1", "ramdisk2"],
    );
}

/// eif_build's signature is random, so it is taken out of its image and attached to ours:
/// everything else must agree.
#[test]
fn signed() {
    let (bytes, pcrs) = expected("signed");
    let image = Image::read(&mut std::io::Cursor::new(&bytes), Arc::new(Silent)).unwrap();
    assert_eq!(image.pcrs, pcrs);
    let theirs = image.signature.unwrap();
    assert_eq!(
        theirs.certificate.pem(),
        std::fs::read(input("cert.pem")).unwrap()
    );

    let folder = tempfile::tempdir().unwrap();
    let unsigned = vectors().join("two-ramdisks.eif");
    let output = folder.path().join("out.eif");
    let certificate = Certificate::read(&input("cert.pem")).unwrap();
    let ours = PcrSignature::attach(&pcrs.pcr0, theirs.signature(), certificate).unwrap();
    let built = eif::attach(&unsigned, &ours, &output, Arc::new(Silent)).unwrap();
    assert_eq!(built.pcrs, pcrs);
    assert!(
        std::fs::read(&output).unwrap() == bytes,
        "bytes differ from eif_build's"
    );
}

/// Our signatures are deterministic, and building signed is the same as signing later.
#[test]
fn signing_is_deterministic() {
    let folder = tempfile::tempdir().unwrap();
    let ramdisks = [input("ramdisk1"), input("ramdisk2")];
    let cmdline = std::fs::read_to_string(input("cmdline")).unwrap();
    let kernel = input("bzImage");
    let signer = || Signer {
        key: SigningKey::read(&input("key.pem")).unwrap(),
        certificate: Certificate::read(&input("cert.pem")).unwrap(),
    };
    let mut files = Vec::new();
    for name in ["a", "b"] {
        let mut build = Build::new(&kernel, &cmdline, Ramdisks::Files(&ramdisks), metadata());
        build.signer = Some(signer());
        let built = build.write(&folder.path().join(name)).unwrap();
        assert_eq!(built.pcrs, expected("signed").1);
        files.push(std::fs::read(folder.path().join(name)).unwrap());
    }
    let Signer { key, certificate } = signer();
    let signature =
        PcrSignature::sign(&expected("two-ramdisks").1.pcr0, &key, certificate).unwrap();
    eif::attach(
        &vectors().join("two-ramdisks.eif"),
        &signature,
        &folder.path().join("c"),
        Arc::new(Silent),
    )
    .unwrap();
    files.push(std::fs::read(folder.path().join("c")).unwrap());
    assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
}
