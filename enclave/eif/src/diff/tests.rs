use super::*;
use crate::metadata::Metadata;
use crate::{Build, Compression, Process, Ramdisks, Signer, SigningKey, Silent};
use canoni::{Device, Tree, TreeBuilder};
use std::path::PathBuf;
use tempfile::TempDir;

/// Builds images that differ in one thing.
struct Bench {
    folder: TempDir,
    extra: fn(&mut TreeBuilder),
    init: Vec<u8>,
    compression: Compression,
    cmdline: &'static str,
    signed: bool,
}

fn input(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors/inputs")
        .join(name)
}

impl Bench {
    fn new() -> Self {
        Bench {
            folder: tempfile::tempdir().unwrap(),
            extra: |_| {},
            init: letsesign_tests::elf::program(b"\xf4"),
            compression: Compression::None,
            cmdline: "console=ttyS0",
            signed: false,
        }
    }

    fn build(&self, name: &str) -> PathBuf {
        let output = self.folder.path().join(name);
        let init = self.folder.path().join("init");
        std::fs::write(&init, &self.init).unwrap();
        let mut builder = TreeBuilder::new();
        let root = canoni::Metadata::root;
        builder
            .file("bin/app", root(0o755), b"program".to_vec().into())
            .unwrap();
        builder
            .file("etc/same", root(0o644), b"same".to_vec().into())
            .unwrap();
        (self.extra)(&mut builder);
        let tree: Tree = builder.build().unwrap();
        let process = Process {
            entrypoint: vec!["/bin/app".into()],
            ..Process::default()
        };
        let ramdisks = Ramdisks::Bundle {
            init: &init,
            tree: &tree,
            process: &process,
        };
        let kernel = input("bzImage");
        let mut build = Build::new(&kernel, self.cmdline, ramdisks, Metadata::new("a", "1"));
        build.compression = self.compression;
        build.signer = self.signed.then(|| Signer {
            key: SigningKey::read(&input("key.pem")).unwrap(),
            certificate: crate::Certificate::read(&input("cert.pem")).unwrap(),
        });
        build.write(&output).unwrap();
        output
    }
}

/// The differences between the usual image and one that `change` makes, as text.
fn differences(change: impl FnOnce(&mut Bench)) -> Vec<String> {
    let mut bench = Bench::new();
    let a = bench.build("a");
    change(&mut bench);
    let b = bench.build("b");
    diff(&a, &b, Arc::new(Silent))
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn equal_images_have_none() {
    assert!(differences(|_| {}).is_empty());
}

#[test]
fn each_part_is_named() {
    assert_eq!(
        differences(|b| b.cmdline = "quiet"),
        ["cmdline: \"console=ttyS0\" and \"quiet\""]
    );
    assert_eq!(
        differences(|b| b.signed = true),
        [
            "header: sections are kernel, cmdline, metadata, ramdisk, ramdisk and kernel, cmdline, metadata, ramdisk, ramdisk, signature (not measured)",
            "signature: only in the second image (not measured)"
        ]
    );
    let found = differences(|b| b.init = letsesign_tests::elf::program(b"\xf4\xf4"));
    assert!(
        found[0].starts_with("ramdisk 1: init: size 121 and 122; contents differ (sha256 "),
        "{found:?}"
    );
}

#[test]
fn each_file_is_named() {
    let found = differences(|b| {
        b.extra = |tree| {
            let root = canoni::Metadata::root;
            tree.file("etc/new", root(0o644), b"".to_vec().into())
                .unwrap();
            tree.char_device("null", root(0o666), Device { major: 1, minor: 3 })
                .unwrap();
        };
    });
    assert_eq!(
        found,
        [
            "ramdisk 2: rootfs/etc/new: only in the second image",
            "ramdisk 2: rootfs/null: only in the second image"
        ]
    );
    for compression in [Compression::Gzip(1), Compression::Zstd, Compression::Lz4] {
        let found = differences(|b| b.compression = compression);
        let name = compression.to_string().replace(":1", "");
        assert_eq!(found[0], format!("ramdisk 1: compression none and {name}"));
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn link_targets_are_shown() {
    let with = |extra: fn(&mut TreeBuilder)| Bench {
        extra,
        ..Bench::new()
    };
    let one = with(|tree| {
        tree.symlink("link", "bin/app").unwrap();
    });
    let other = with(|tree| {
        tree.symlink("link", "bin/other").unwrap();
    });
    let (a, b) = (one.build("a"), other.build("b"));
    let found = diff(&a, &b, Arc::new(Silent)).unwrap();
    assert_eq!(
        found[0].to_string(),
        "ramdisk 2: rootfs/link: size 7 and 9; points to bin/app and bin/other"
    );
}

#[test]
fn ramdisks_of_other_kinds_are_compared_as_bytes() {
    let vector = |name: &str| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/vectors")
            .join(name)
    };
    let found = diff(
        &vector("one-ramdisk.eif"),
        &vector("two-ramdisks.eif"),
        Arc::new(Silent),
    )
    .unwrap();
    let text: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(text[1], "ramdisk 2: only in the second image");
    let found = diff(
        &vector("empty-ramdisk.eif"),
        &vector("two-ramdisks.eif"),
        Arc::new(Silent),
    )
    .unwrap();
    assert!(
        found
            .iter()
            .any(|d| d.detail.contains("0 and 1501 bytes, differ from byte 0")),
        "{found:?}"
    );
}

#[test]
fn invalid_images_are_named() {
    let error = diff(&input("bzImage"), &input("bzImage"), Arc::new(Silent))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("bzImage: not a valid enclave image, at offset 0"),
        "{error}"
    );
}

#[test]
fn measurements_alone_say_which_ramdisk() {
    let pcr = |n: u8| crate::Pcr::new([n; 48]);
    let pcrs = |a, b, c| Pcrs {
        pcr0: pcr(a),
        pcr1: pcr(b),
        pcr2: pcr(c),
        pcr8: None,
    };
    let section = |x: &Pcrs| {
        diff_pcrs(&pcrs(1, 2, 3), x)
            .first()
            .map(|d| d.section.clone())
    };
    assert_eq!(section(&pcrs(1, 2, 3)), None);
    assert_eq!(
        section(&pcrs(9, 2, 9)).as_deref(),
        Some("ramdisk 2 and later")
    );
    assert_eq!(
        section(&pcrs(9, 9, 3)).as_deref(),
        Some("kernel, cmdline and ramdisk 1")
    );
    assert_eq!(section(&pcrs(9, 9, 9)).as_deref(), Some("all"));
    assert!(
        diff_pcrs(&pcrs(1, 2, 3), &pcrs(9, 2, 3))[0]
            .detail
            .contains("cannot be")
    );
    let signed = Pcrs {
        pcr8: Some(pcr(1)),
        ..pcrs(1, 2, 3)
    };
    let other = Pcrs {
        pcr8: Some(pcr(2)),
        ..pcrs(1, 2, 3)
    };
    assert!(diff_pcrs(&signed, &other)[0].detail.contains("PCR8"));
}
