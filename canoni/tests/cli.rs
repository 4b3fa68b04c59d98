//! The command as people use it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::*;

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
        error.contains("choose one with --reference (it holds a:1, b:1)"),
        "{error}"
    );
    assert!(canoni(&[path, "--reference", "b:1"]).status.success());
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
fn check_and_diff_take_all_platforms() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (
        two_platforms(folder.path(), false),
        two_platforms(folder.path(), true),
    );
    let all = |arguments: &[&str]| canoni(&[arguments, &["--platform", "all"]].concat());
    let json =
        |output: &Output| -> serde_json::Value { serde_json::from_slice(&output.stdout).unwrap() };
    let output = all(&["check", &one, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = json(&output);
    assert_eq!(report["canonical"], false);
    assert_eq!(report["platforms"][0]["platform"], "linux/amd64");
    assert_eq!(report["platforms"][1]["canonical"], false);
    // The canonical form is, down to its bytes, unless the archive around it differs.
    let target = folder.path().join("all.tar");
    let path = target.to_str().unwrap();
    let made = all(&[&one, "--format", "oci-tar", "-o", path]);
    let output = all(&["check", path]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let digest = text(&made.stdout);
    assert!(
        text(&output.stdout).ends_with(&format!("canonical form v1, {digest}")),
        "{output:?}"
    );
    let mut bytes = std::fs::read(&target).unwrap();
    bytes.extend([0; 512]);
    let longer = put(folder.path(), "longer.tar", &bytes);
    let output = all(&["check", longer.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stdout).contains("bytes of the file, from byte"),
        "{output:?}"
    );

    assert_eq!(all(&["diff", &one, &other]).status.code(), Some(0));
    let output = all(&["diff", &one, path]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        all(&["diff", &one, path, "--meaning"]).status.code(),
        Some(0)
    );
    // A platform that one side lacks, and one that differs in meaning.
    let single = image(folder.path());
    let output = all(&["diff", &one, &single, "--meaning", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = json(&output);
    assert_eq!(report["equal"], false);
    assert_eq!(report["platforms"][0]["sameMeaning"], false);
    assert_eq!(report["platforms"][1]["onlyIn"], "first");
    assert_eq!(report["platforms"][1]["platform"], "linux/arm64");
}

/// An empty pipe is the fault of the program before it.
#[test]
fn empty_input() {
    let folder = tempfile::tempdir().unwrap();
    let empty = put(folder.path(), "empty.tar", b"");
    for argument in ["-", empty.to_str().unwrap()] {
        let output = Command::new(env!("CARGO_BIN_EXE_canoni"))
            .arg(argument)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("is empty; if it comes from a pipe"),
            "{output:?}"
        );
    }
}

#[test]
fn an_empty_source_date_epoch_is_unset() {
    let folder = tempfile::tempdir().unwrap();
    let path = image(folder.path());
    let with = |value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_canoni"));
        command
            .arg(&path)
            .env("SOURCE_DATE_EPOCH", value)
            .output()
            .unwrap()
    };
    assert_eq!(with("").stdout, canoni(&[&path]).stdout);
    for value in ["yesterday", "-1", " ", "1.5"] {
        let error = text(&with(value).stderr);
        assert!(
            error.contains("is not a number of seconds since 1970; unset it"),
            "{error}"
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

/// A pager that closes early does not cause a panic.
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

/// Names in an image are a stranger's: one may hold an override that shows `exe.pdf` for `fdp.exe`,
/// or a sequence that acts on the terminal.
#[test]
fn an_image_does_not_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let image = |name: &str, file: &str| {
        let layer = support::tar(&[support::file(file, "x")]);
        let path = folder.path().join(name);
        std::fs::write(&path, support::docker_archive(&[layer])).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let hostile = "a\u{202e}fdp.exe\u{9b}2J";
    let (one, other) = (image("one.tar", hostile), image("other.tar", "b"));
    for arguments in [
        &["diff", &one, &other][..],
        &["diff", "--json", &one, &other],
        &["check", "--all", &one],
        &[
            "-o",
            &format!("{}/no\u{202e}/x", folder.path().display()),
            &one,
        ],
    ] {
        let output = canoni(arguments);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.is_empty(), "{arguments:?}");
        assert!(!all.contains(['\u{202e}', '\u{9b}']), "{all:?}");
    }
    let text = text(&canoni(&["diff", &one, &other]).stdout);
    assert!(text.contains("a\\u{202e}fdp.exe\\u{9b}2J"), "{text}");
}
