//! Images behind the transports that skopeo has, in and out.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;
use std::path::Path;
use std::process::Command;
use support::*;

#[track_caller]
fn good(arguments: &[&str]) -> String {
    let output = canoni(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[track_caller]
fn bad(arguments: &[&str], words: &str) {
    let output = canoni(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(words), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn image(folder: &Path) -> String {
    let archive = docker_archive(&[tar(&[file("a", "1")]), tar(&[file("b", "2")])]);
    put(folder, "i.tar", &archive).to_str().unwrap().to_owned()
}

/// Each transport in and out, by canoni alone.
#[test]
fn all_files_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let digest = good(&[&path]);
    let layout = at(folder.path(), "layout");
    let (oci, docker) = (at(folder.path(), "o.tar"), at(folder.path(), "d.tar"));
    for target in [
        format!("oci:{layout}:1.0"),
        format!("oci-archive:{oci}:2.0-RC"),
        format!("docker-archive:{docker}:host.example/app:3"),
    ] {
        assert_eq!(good(&[&path, "-o", &target]), digest, "{target}");
        assert_eq!(good(&[&target]), digest, "{target}");
        // Without the name there is one image to choose from.
        let plain = target.rsplit_once(if target.starts_with("docker") {
            ":host"
        } else {
            ":"
        });
        assert_eq!(good(&[plain.unwrap().0]), digest, "{target}");
    }
    assert_eq!(
        good(&[
            "diff",
            &format!("oci:{layout}"),
            &format!("oci-archive:{oci}")
        ]),
        ""
    );
    good(&["check", &format!("oci:{layout}")]);
    good(&[
        "check",
        &format!("docker-archive:{docker}:host.example/app:3"),
    ]);
    bad(
        &[&format!("oci:{layout}:2.0")],
        "no such image (it holds :1.0)",
    );
    bad(
        &[&format!("oci:{layout}:1.0"), "--reference", "2"],
        "leave one away",
    );
    bad(&[&format!("oci:{oci}")], "is not a folder");
    bad(
        &[&format!("oci-archive:{layout}")],
        "is a folder, not a file",
    );
    bad(&[&format!("dir:{layout}")], "has no manifest.json");
    bad(
        &[
            &path,
            "-o",
            &format!("oci:{layout}x:1"),
            "--format",
            "oci-tar",
        ],
        "another format",
    );
    bad(
        &[&path, "-o", &format!("oci-archive:{oci}:1"), "--tag", "a:1"],
        "leave one away",
    );
    bad(&[&path, "-o", "dir:/nowhere"], "is not written to");
}

/// A path with a colon that exists is that path, also where it looks like a transport.
#[test]
fn a_path_with_a_colon_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let digest = good(&[&image(folder.path())]);
    std::fs::rename(folder.path().join("i.tar"), folder.path().join("oci:x")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_canoni"))
        .arg("oci:x")
        .current_dir(folder.path())
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), digest);
}

/// skopeo's folder, and what it writes for the other transports.
#[test]
fn what_skopeo_writes() {
    if let Err(reason) = letsesign_tests::run("skopeo", &["--version"]) {
        return letsesign_tests::skip(&reason);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let digest = good(&[&path, "--flatten"]);
    let source = format!("docker-archive:{path}");
    for target in [
        "dir:D",
        "oci:O:1.0",
        "oci-archive:A:1.0",
        "docker-archive:F:app:1",
    ] {
        let (kind, rest) = target.split_once(':').unwrap();
        let target = format!("{kind}:{}", at(folder.path(), rest));
        letsesign_tests::skopeo::copy(&source, &target).unwrap();
        assert_eq!(good(&[&target, "--flatten"]), digest, "{target}");
    }
    // And back: skopeo takes ours under the same reference.
    let ours = format!("oci:{}:1.0", at(folder.path(), "ours"));
    good(&[&path, "-o", &ours]);
    let target = format!("dir:{}", at(folder.path(), "back"));
    letsesign_tests::skopeo::copy(&ours, &target).unwrap();
    assert_eq!(good(&[&target, "--flatten"]), digest);
    // A blob of the folder that is not what its name says.
    let back = folder.path().join("back");
    let blob = std::fs::read_dir(&back)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().len() == 64)
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[600] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    bad(&[&target], "was promised");
}

/// Compressions of the archive and of layers.
#[test]
fn xz_and_bzip2() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let digest = good(&[&path]);
    for program in ["xz", "bzip2"] {
        let copy = at(folder.path(), program);
        if let Err(reason) = letsesign_tests::run(program, &["--version"]) {
            return letsesign_tests::skip(&reason);
        }
        std::fs::copy(&path, &copy).unwrap();
        letsesign_tests::run(
            program,
            &["--suffix=.z", &copy][usize::from(program == "bzip2")..],
        )
        .unwrap();
        let suffix = if program == "xz" { ".z" } else { ".bz2" };
        let packed = copy + suffix;
        assert_eq!(good(&[&packed]), digest, "{program}");
        let bytes = std::fs::read(&packed).unwrap();
        // Two streams in a row are one archive; half a stream and other bytes after one are none.
        let half = put(folder.path(), "half", &bytes[..bytes.len() / 2]);
        bad(&[half.to_str().unwrap()], "decompress");
        let junk = put(folder.path(), "junk", &[&bytes[..], b"junk"].concat());
        bad(&[junk.to_str().unwrap()], "junk");
    }
}

/// An xz header may ask for 4 GiB of memory.
#[test]
fn an_xz_dictionary_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let packed = at(folder.path(), "i.tar.xz");
    let options = "--lzma2=dict=1GiB";
    let make = format!("xz -c {options} < {path} > {packed}");
    if let Err(reason) = letsesign_tests::run("sh", &["-c", &make]) {
        return letsesign_tests::skip(&reason);
    }
    bad(&[&packed], "needed memory too big");
}
