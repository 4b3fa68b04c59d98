//! The command as people use it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::*;

fn canoni(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args(arguments)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn image(folder: &Path) -> String {
    put(folder, "i.tar", &docker_archive(&[tar(&[file("a", "1")])]))
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn prints_digest_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let output = canoni(&[&path]);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let digest = text(&output.stdout).trim().to_owned();
    assert_eq!(
        text(&canoni(&[&path, "--digest-only"]).stdout).trim(),
        digest
    );
    let json: serde_json::Value =
        serde_json::from_slice(&canoni(&[&path, "--json"]).stdout).unwrap();
    assert_eq!(json["digest"], digest.as_str());
    assert_eq!(json["form"], "canonical form v1");
    assert_eq!(json["tags"][0], "docker.io/library/t:1");
}

#[test]
fn standard_input_and_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let target = folder.path().join("o.tar");
    assert!(
        canoni(&[&path, "-o", target.to_str().unwrap()])
            .status
            .success()
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args(["-", "-o", "-"])
        .env_remove("SOURCE_DATE_EPOCH")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&std::fs::read(&path).unwrap())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, std::fs::read(&target).unwrap());
    assert!(text(&output.stderr).starts_with("sha256:"));
}

#[test]
fn the_epoch_shows_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let option = text(&canoni(&[&path, "--epoch", "1700000000"]).stdout);
    let variable = Command::new(env!("CARGO_BIN_EXE_canoni"))
        .arg(&path)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .unwrap();
    assert_eq!(option, text(&variable.stdout));
    assert_ne!(option, text(&canoni(&[&path]).stdout));
    let error = text(&canoni(&[&path, "--epoch", "8589934592"]).stderr);
    assert!(error.contains("largest a tar header holds"), "{error}");
}

#[test]
fn errors_are_one_line_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bad = put(
        folder.path(),
        "bad.tar",
        &docker_archive(&[tar(&[file("../x", "")])]),
    );
    let target = folder.path().join("o.tar");
    for (arguments, words) in [
        (
            vec![bad.to_str().unwrap(), "-o", target.to_str().unwrap()],
            "bad.tar: layer 1 of 1: entry ../x at offset 0",
        ),
        (vec!["nowhere.tar"], "nowhere.tar"),
        (
            vec!["-", "--format", "oci-dir", "-o", "-"],
            "one tar archive",
        ),
    ] {
        let output = canoni(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert!(
            error.starts_with("canoni: ") && error.contains(words) && error.lines().count() == 1,
            "{error}"
        );
    }
    assert!(!target.exists());
    let good = image(folder.path());
    for target in ["/nonexistent/o.tar", "/proc/o.tar"] {
        let output = canoni(&[&good, "-o", target]);
        assert!(text(&output.stderr).contains(target), "{output:?}");
    }
    let full = canoni(&[&good, "-o", "/dev/full"]);
    assert!(text(&full.stderr).contains("No space left"), "{full:?}");
    assert_eq!(canoni(&[&good, "--tag", "Bad Name"]).status.code(), Some(2));
}

#[test]
fn several_images_need_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&[]);
    let manifest = r#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":[]},{"Config":"c.json","RepoTags":["b:1"],"Layers":[]}]"#;
    let path = put(
        folder.path(),
        "i.tar",
        &tar(&[file("c.json", config), file("manifest.json", manifest)]),
    );
    let path = path.to_str().unwrap();
    let error = text(&canoni(&[path]).stderr);
    assert!(
        error.contains("choose one with --image (it holds a:1, b:1)"),
        "{error}"
    );
    assert!(canoni(&[path, "--image", "b:1"]).status.success());
    assert!(text(&canoni(&[path, "--image", "c"]).stderr).contains("no such image"));
    assert!(
        text(&canoni(&[path, "--image", "a:1", "--platform", "linux/arm64"]).stderr)
            .contains("is for linux/amd64")
    );
}

#[test]
fn completions_name_the_options() {
    assert!(text(&canoni(&["--completions", "bash"]).stdout).contains("--digest-only"));
}

/// An OCI layout of one name for two platforms, the second one first, each of its own layer.
fn two_platforms(folder: &Path, swap: bool) -> String {
    let mut blobs: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |bytes: Vec<u8>| {
        let digest = sha256(&bytes);
        let size = bytes.len();
        blobs.push((digest.clone(), bytes));
        (format!("sha256:{digest}"), size)
    };
    let mut manifests = Vec::new();
    for arch in ["arm64", "amd64"] {
        let layer = tar(&[file("arch", arch)]);
        let config = config(std::slice::from_ref(&layer)).replace("amd64", arch);
        let (config, config_size) = add(config.into_bytes());
        let (layer, layer_size) = add(layer);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": layer_size}],
        });
        let (digest, size) = add(manifest.to_string().into_bytes());
        manifests.push(serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
            "platform": {"architecture": arch, "os": "linux"},
        }));
    }
    if swap {
        manifests.reverse();
    }
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
    let (digest, size) = add(index.to_string().into_bytes());
    let top = serde_json::json!({"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": size,
        "annotations": {"org.opencontainers.image.ref.name": "1"},
    }]});
    let mut entries = vec![
        file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
        file("index.json", top.to_string()),
    ];
    for (digest, bytes) in blobs {
        entries.push(file(format!("blobs/sha256/{digest}"), bytes));
    }
    put(folder, if swap { "b.tar" } else { "a.tar" }, &tar(&entries))
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn check_and_diff_take_one_platform() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    for arguments in [&["check", &path][..], &["diff", &path, &path]] {
        let output = canoni(&[arguments, &["--platform", "all"]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            text(&output.stderr).contains("one platform at a time"),
            "{output:?}"
        );
    }
}

#[test]
fn all_platforms_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (
        two_platforms(folder.path(), false),
        two_platforms(folder.path(), true),
    );
    let all = |path: &str, more: &[&str]| {
        let mut arguments = vec![path, "--platform", "all"];
        arguments.extend(more);
        canoni(&arguments)
    };
    let digest = text(&all(&one, &[]).stdout);
    assert!(digest.starts_with("sha256:"));
    // The order in which an index lists its platforms means nothing.
    assert_eq!(digest, text(&all(&other, &["--digest-only"]).stdout));
    let target = folder.path().join("all.tar");
    let path = target.to_str().unwrap();
    let first = all(&one, &["--format", "oci-tar", "-o", path]);
    assert!(first.status.success(), "{first:?}");
    let again = folder.path().join("again.tar");
    let second = all(
        path,
        &["--format", "oci-tar", "-o", again.to_str().unwrap()],
    );
    assert_eq!(text(&second.stdout), digest);
    assert_eq!(
        std::fs::read(&target).unwrap(),
        std::fs::read(&again).unwrap()
    );
    // One platform of the result is that platform of the source.
    for platform in ["linux/amd64", "linux/arm64"] {
        let of = |path: &str| text(&canoni(&[path, "--platform", platform]).stdout);
        assert_eq!(of(path), of(&one));
    }
    let json: serde_json::Value = serde_json::from_slice(&all(&one, &["--json"]).stdout).unwrap();
    assert_eq!(json["platforms"].as_array().unwrap().len(), 2);
    let refused = all(&one, &["-o", "/tmp/never.tar"]);
    assert!(
        text(&refused.stderr).contains("--format oci-tar"),
        "{refused:?}"
    );
}

/// A pager that is closed early is no reason to panic.
#[test]
fn completions_into_a_closed_pipe_do_not_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args(["--completions", "bash"])
        .stdout(writer)
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert!(!error.contains("panicked"), "{error}");
    assert_eq!(output.status.code(), Some(1), "{error}");
}

/// nixpkgs' stdenv sets it for every build.
#[test]
fn source_date_epoch_is_in_no_commands_way() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_canoni"))
            .args(arguments)
            .env("SOURCE_DATE_EPOCH", "315532800")
            .output()
            .unwrap()
    };
    let completions = run(&["--completions", "zsh"]);
    assert!(completions.status.success(), "{completions:?}");
    assert!(text(&completions.stdout).starts_with("#compdef canoni"));
    for command in [
        &["check", "/no/image"][..],
        &["diff", "/no/image", "/no/other"],
    ] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains("/no/image"), "{output:?}");
    }
}
