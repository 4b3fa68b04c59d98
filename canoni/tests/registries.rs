//! Images pushed to and pulled from Debian's docker-registry, with skopeo as the other reader.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod registry;
mod support;

use letsesign_tests::registry::Registry;
use letsesign_tests::{is_installed, run, skip, skopeo, terminal};
use registry::{auth_file, bad, canoni, good, parts};
use support::layout::{INDEX, Layout};
use support::put;

#[test]
fn pushed_images_are_what_skopeo_reads() {
    if !is_installed("skopeo") {
        return skip("skopeo is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(folder.path(), "").unwrap() else {
        return;
    };
    let image = support::docker_archive(&[parts().layer]);
    let path = put(folder.path(), "i.tar", &image);
    let path = path.to_str().unwrap();
    let name = format!("docker://{}/team/app:1", registry.host);
    let digest = good(&canoni(&[path, "-o", &name], None));
    let inspected = run(
        "skopeo",
        &[
            "inspect",
            "--tls-verify=false",
            "--format={{.Digest}}",
            &name,
        ],
    );
    assert_eq!(inspected.unwrap().trim(), digest);
    // Again: blobs are there, nothing changes, and the answer for machines has the same digest.
    let json = good(&canoni(&[path, "-o", &name, "--json"], None));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["digest"], *digest);
    assert_eq!(json["output"], *name);

    // Back: canonical by tag and by digest, and no difference to the file.
    good(&canoni(&["check", &name], None));
    let by_digest = format!("docker://{}/team/app@{digest}", registry.host);
    good(&canoni(&["check", &by_digest], None));
    good(&canoni(&["diff", "--meaning", path, &name], None));

    // An image that skopeo pushed, with Docker's media types.
    let other = format!("docker://{}/team/other:2", registry.host);
    let from = format!("docker-archive:{path}");
    skopeo::copy(&from, &other).unwrap();
    assert_eq!(good(&canoni(&[&other, "--digest-only"], None)), digest);
    bad(
        &canoni(&[&format!("{other}2")], None),
        "skopeo list-tags docker://127.0.0.1:",
    );
    bad(
        &canoni(&[path, "-o", &by_digest], None),
        "pushed under a tag",
    );
}

/// An OCI archive of one image for two platforms.
fn two_platforms(folder: &std::path::Path) -> String {
    let mut layout = Layout::new();
    let images = ["amd64", "arm64"].map(|architecture| {
        let layers = [support::tar(&[support::file("a", architecture)])];
        let config = support::config(&layers).replace("amd64", architecture);
        let mut image = layout.image_with(&config, &layers);
        image["platform"] = serde_json::json!({"os": "linux", "architecture": architecture});
        image
    });
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
    let index = layout.blob(INDEX, index.to_string().as_bytes());
    layout.index(&[index]);
    put(folder, "multi.tar", &layout.tar())
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn all_platforms_go_there_and_back() {
    if !is_installed("skopeo") {
        return skip("skopeo is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(folder.path(), "").unwrap() else {
        return;
    };
    let layout = two_platforms(folder.path());
    let name = format!("docker://{}/multi:1", registry.host);
    let all = ["--platform", "all"];
    let digest = good(&canoni(
        &[&[&*layout, "-o", &name], &all[..]].concat(),
        None,
    ));
    let inspected = run("skopeo", &["inspect", "--tls-verify=false", "--raw", &name]).unwrap();
    assert_eq!(
        format!("sha256:{}", support::sha256(inspected.as_bytes())),
        digest
    );
    good(&canoni(&[&["check", &name], &all[..]].concat(), None));
    let one = good(&canoni(
        &[&name, "--platform", "linux/arm64", "--digest-only"],
        None,
    ));
    let file = good(&canoni(
        &[&layout, "--platform", "linux/arm64", "--digest-only"],
        None,
    ));
    assert_eq!(one, file);
    bad(
        &canoni(&[&name], None),
        "choose one with --platform (it holds linux/amd64, linux/arm64)",
    );
    bad(
        &canoni(&[&name, "--platform", "linux/s390x"], None),
        "has no image for linux/s390x",
    );
}

#[test]
fn passwords_open_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    // hunter2 by bcrypt, the one form that docker-registry takes.
    let hash = "user:$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";
    let table = put(folder.path(), "htpasswd", hash.as_bytes());
    let auth = format!(
        "auth:\n  htpasswd:\n    realm: test\n    path: {}\n",
        table.display()
    );
    let Some(registry) = Registry::start(folder.path(), &auth).unwrap() else {
        return;
    };
    let image = support::docker_archive(&[parts().layer]);
    let path = put(folder.path(), "i.tar", &image);
    let path = path.to_str().unwrap();
    let name = format!("docker://{}/app:1", registry.host);
    bad(
        &canoni(&[path, "-o", &name], None),
        "podman login 127.0.0.1:",
    );
    let wrong = auth_file(folder.path(), &registry.host, "user:hunter22");
    bad(
        &canoni(&[path, "-o", &name], Some(&wrong)),
        "401 Unauthorized",
    );
    let right = auth_file(folder.path(), &registry.host, "user:hunter2");
    let digest = good(&canoni(&[path, "-o", &name], Some(&right)));
    assert_eq!(
        good(&canoni(&[&name, "--digest-only"], Some(&right))),
        digest
    );
    bad(&canoni(&[&name, "--digest-only"], None), "needs a login");
}

/// 0.0.0.0 leads to this machine, but is not a loopback address.
#[test]
fn plain_http_elsewhere_needs_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(folder.path(), "").unwrap() else {
        return;
    };
    let image = support::docker_archive(&[parts().layer]);
    let path = put(folder.path(), "i.tar", &image);
    let host = registry.host.replace("127.0.0.1", "0.0.0.0");
    let name = format!("docker://{host}/app:1");
    let push = [path.to_str().unwrap(), "-o", &name];
    let hint = format!("--insecure {host} is for a registry of your own that has HTTP alone");
    bad(&canoni(&push, None), &hint);
    let insecure = ["--insecure", &host];
    let digest = good(&canoni(&[&push, &insecure[..]].concat(), None));
    let pull = [&*name, "--digest-only"];
    bad(&canoni(&pull, None), &hint);
    // Another host's word is not this host's.
    let other = [&pull[..], &["--insecure", "0.0.0.0"]].concat();
    bad(&canoni(&other, None), &hint);
    assert_eq!(
        good(&canoni(&[&pull, &insecure[..]].concat(), None)),
        digest
    );
}

#[test]
fn a_pull_shows_its_progress_on_a_terminal_alone() {
    let server = registry::Server::start(|asked, _| parts().answer(asked));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_canoni"));
    command
        .args([&format!("docker://{}/app:1", server.host), "--digest-only"])
        .env("REGISTRY_AUTH_FILE", "/nonexistent/auth.json")
        .env("TERM", "xterm")
        .env_remove("SOURCE_DATE_EPOCH");
    let output = terminal::run(&mut command).unwrap();
    let digest = good(&output);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("fetching"), "{shown:?}");
    let output = command
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(good(&output), digest);
    assert!(output.stderr.is_empty());
}
