//! Credentials from where podman and Docker leave them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod registry;
mod support;

use registry::{Server, bad, good, parts, reply};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A registry that wants the password hunter2.
fn start() -> Server {
    let parts = parts();
    Server::start(move |asked, _| match asked.header("authorization") {
        Some("Basic dXNlcjpodW50ZXIy") => parts.answer(asked),
        _ => reply(
            "401 Unauthorized",
            &["WWW-Authenticate: Basic realm=\"x\""],
            "",
        ),
    })
}

/// The command of a user with this home.
fn at_home(server: &Server, home: &Path) -> Output {
    let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap());
    Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args([&format!("docker://{}/app:1", server.host), "--digest-only"])
        .env("PATH", path)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env_remove("REGISTRY_AUTH_FILE")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("DOCKER_CONFIG")
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

#[test]
fn files_of_podman_and_docker() {
    for name in ["run/containers", ".config/containers", ".docker"] {
        let (server, home) = (start(), tempfile::tempdir().unwrap());
        bad(&at_home(&server, home.path()), "podman login");
        let folder = home.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let file = registry::auth_file(&folder, &server.host, "user:hunter2");
        if name == ".docker" {
            fs::rename(file, folder.join("config.json")).unwrap();
        }
        good(&at_home(&server, home.path()));
        // An entry for another port is for another registry.
        let other = start();
        bad(&at_home(&other, home.path()), "podman login");
        assert!(
            other
                .asked()
                .iter()
                .all(|asked| asked.header("authorization").is_none())
        );
    }
}

#[test]
fn a_broken_file_is_named_and_not_shown() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let folder = home.path().join(".docker");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"auths": {"x": "hunter2"}}"#).unwrap();
    bad(
        &at_home(&server, home.path()),
        ".docker/config.json: is not JSON as",
    );
    assert!(server.asked().is_empty());
}

/// Makes a script the credential helper `test`.
fn helper(home: &Path, script: &str) {
    // Another test's child may hold the file open while it is written.
    let new = home.join("new");
    fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&new, home.join("docker-credential-test")).unwrap();
}

#[test]
fn helpers_are_asked_for_the_host() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let folder = home.path().join(".docker");
    fs::create_dir(&folder).unwrap();
    let config = serde_json::json!({"credHelpers": {&*server.host: "test"}});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    bad(&at_home(&server, home.path()), "docker-credential-test");
    let helper = |script: &str| helper(home.path(), script);
    let answer = r#"echo '{"ServerURL":"x","Username":"user","Secret":"hunter2"}'"#;
    helper(&format!(
        "[ \"$1 $(cat)\" = 'get {}' ] && {answer}",
        server.host
    ));
    good(&at_home(&server, home.path()));
    helper("echo 'credentials not found in native keychain'; exit 1");
    bad(&at_home(&server, home.path()), "401 Unauthorized");
    helper("echo hunter2; exit 1");
    bad(
        &at_home(&server, home.path()),
        "docker-credential-test: failed for 127.0.0.1",
    );
    helper("echo '{\"Secret\": hunter2}'");
    bad(&at_home(&server, home.path()), "not its protocol");
}

/// A registry that wants the token `t0k`, and the token server that gives it.
fn with_tokens() -> (Server, Server) {
    let tokens = Server::start(|_, _| reply("200 OK", &[], r#"{"access_token":"t0k"}"#));
    let realm = format!("http://{}/token", tokens.host);
    let parts = parts();
    let server = Server::start(move |asked, _| {
        if asked.header("authorization") == Some("Bearer t0k") {
            return parts.answer(asked);
        }
        let header = format!(r#"WWW-Authenticate: Bearer realm="{realm}",service="s e""#);
        reply("401 Unauthorized", &[&header], "")
    });
    (server, tokens)
}

/// `identitytoken` of Docker's file, and a helper's secret of the user `<token>`: refresh tokens of
/// OAuth 2, which go to the token server's form and nowhere else.
#[test]
fn identity_tokens_are_exchanged() {
    for by_helper in [false, true] {
        let ((server, tokens), home) = (with_tokens(), tempfile::tempdir().unwrap());
        let folder = home.path().join(".docker");
        fs::create_dir(&folder).unwrap();
        let config = if by_helper {
            let answer = r#"echo '{"Username":"<token>","Secret":"hunter2/+"}'"#;
            helper(home.path(), answer);
            serde_json::json!({"credsStore": "test"})
        } else {
            serde_json::json!({"auths": {&*server.host: {"identitytoken": "hunter2/+"}}})
        };
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
        good(&at_home(&server, home.path()));
        let asked = tokens.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].line, "POST /token");
        assert_eq!(asked[0].header("authorization"), None);
        let kind = asked[0].header("content-type");
        assert_eq!(kind, Some("application/x-www-form-urlencoded"));
        assert_eq!(
            String::from_utf8_lossy(&asked[0].body),
            "grant_type=refresh_token&client_id=canoni&refresh_token=hunter2%2F%2B\
             &scope=repository%3Aapp%3Apull&service=s%20e"
        );
        for asked in server.asked() {
            let granted = asked.header("authorization");
            assert!(granted.is_none_or(|value| value == "Bearer t0k"));
        }
    }
}

/// A registry that knows no tokens gets none.
#[test]
fn an_identity_token_is_no_password() {
    let (server, home) = (start(), tempfile::tempdir().unwrap());
    let folder = home.path().join(".docker");
    fs::create_dir(&folder).unwrap();
    let config = serde_json::json!({"auths": {&*server.host: {"identitytoken": "hunter2"}}});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    bad(
        &at_home(&server, home.path()),
        "wants a user and a password, but the login holds an identity token",
    );
    let none = |asked: registry::Asked| asked.header("authorization").is_none();
    assert!(server.asked().into_iter().all(none));
}
