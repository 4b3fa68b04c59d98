//! Many files and large ones; and that nothing of the machine shows in the digest.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;
use std::path::Path;
use std::process::Command;
use support::*;

/// 100,000 files in an order of their own: bit-reversed numbers, folders last.
fn many(folder: &Path) -> std::path::PathBuf {
    let mut layer = Vec::new();
    for number in 0_u32..1 << 17 {
        let number = number.reverse_bits() >> 15;
        if number < 100_000 {
            let name = format!("d{:03}/{}-f{number}", number % 1000, number % 7);
            layer.extend(file(name, number.to_string()).bytes());
        }
    }
    for number in (0..1000).rev() {
        layer.extend(dir(format!("d{number:03}/")).bytes());
    }
    layer.resize(layer.len() + 1024, 0);
    put(folder, "many.tar", &docker_archive(&[layer]))
}

/// The digest of this image in form v1. A change of the order, or of anything else in the form,
/// changes it: then it is another form.
const MANY: &str = "sha256:cc5c323f06307f24c7401e214d16bda28a92b6bd6e2d6fafb3b31b6b7e36a574";

#[test]
fn a_hundred_thousand_files_have_one_order() {
    let scratch = tempfile::tempdir().unwrap();
    let path = many(scratch.path());
    let image = canonical(&path, false);
    assert_eq!(image.digest(), MANY);
    let target = scratch.path().join("out.tar");
    image.write(&target, canoni::Format::OciTar).unwrap();
    let opened = open(&target).unwrap();
    let paths: Vec<Vec<u8>> = opened.layers()[0]
        .entries()
        .unwrap()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(paths.len(), 101_000);
    assert!(paths.is_sorted(), "bytewise by path");
}

#[test]
fn nothing_of_the_machine_shows() {
    let scratch = tempfile::tempdir().unwrap();
    let path = many(scratch.path());
    let path = path.to_str().unwrap();
    // Quoted: the path of the checkout may have spaces.
    let canoni = concat!("'", env!("CARGO_BIN_EXE_canoni"), "'");
    let shell = |command: String| {
        let output = Command::new("sh")
            .args(["-c", &command])
            .env_remove("SOURCE_DATE_EPOCH")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for surroundings in [
        format!("LC_ALL=C {canoni}"),
        format!("LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 TZ=Pacific/Kiritimati {canoni}"),
        format!("umask 077; {canoni}"),
        format!("umask 000; HOME=/nonexistent {canoni}"),
        format!("taskset -c 0 {canoni}"),
        format!("cd / && env -i {canoni}"),
    ] {
        let digest = shell(format!("{surroundings} {path} --digest-only"));
        assert_eq!(digest, MANY, "{surroundings}");
    }
    // Another user, who can read the file and write to /tmp alone.
    let id = shell("id -u".to_owned());
    if id == "0" {
        shell(format!("chmod 755 {}", scratch.path().display()));
        let copy = scratch.path().join("canoni");
        std::fs::copy(env!("CARGO_BIN_EXE_canoni"), &copy).unwrap();
        let digest = shell(format!(
            "setpriv --reuid 65534 --regid 65534 --clear-groups env TMPDIR=/tmp {} {path} --digest-only",
            copy.display()
        ));
        assert_eq!(digest, MANY);
    }
}

/// A sparse file of 8 GiB, as GNU tar stores it: a few KiB in the archive, expanded in the layer.
#[test]
fn a_sparse_file_of_8_gib_is_expanded_in_bounded_memory() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let sparse = std::fs::File::create(root.join("sparse")).unwrap();
    let length: u64 = 8 << 30;
    sparse.set_len(length).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", length - 3).unwrap();
    let layer = scratch.path().join("layer.tar");
    for format in ["gnu", "posix"] {
        let status = Command::new("tar")
            .args(["--sparse", "--format", format, "-cf"])
            .arg(&layer)
            .args(["-C", root.to_str().unwrap(), "sparse"])
            .status()
            .unwrap();
        assert!(status.success());
        let bytes = std::fs::read(&layer).unwrap();
        assert!(bytes.len() < 1 << 20, "tar found no hole");
        let path = put(scratch.path(), "image.tar", &docker_archive(&[bytes]));
        let image = canonical(&path, true);
        // A size beyond 8 GiB - 1 stands in an extended header.
        assert_eq!(image.layer_sizes(), [length + 3 * 512 + 1024]);
    }
}
