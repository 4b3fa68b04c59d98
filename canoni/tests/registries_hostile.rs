//! Registries that are damaged, slow, or after somebody's password.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod registry;
mod support;

use registry::{Asked, Parts, Reply, Server, auth_file, bad, canoni, good, parts, reply};

/// A registry that is honest but for what `change` says.
fn start(change: impl Fn(&Parts, &Asked, usize) -> Option<Reply> + Send + 'static) -> Server {
    let parts = parts();
    Server::start(move |asked, count| {
        change(&parts, asked, count).unwrap_or_else(|| parts.answer(asked))
    })
}

fn name(server: &Server) -> String {
    format!("docker://{}/app:1", server.host)
}

fn pull(server: &Server) -> std::process::Output {
    canoni(&[&name(server), "--digest-only"], None)
}

fn is_layer(parts: &Parts, asked: &Asked) -> bool {
    asked.line.ends_with(&parts.layer_path())
}

#[test]
fn an_honest_registry() {
    let server = start(|_, _, _| None);
    assert_eq!(good(&pull(&server)), parts().canonical());
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
    let accept = server.asked()[0].header("accept").unwrap().to_owned();
    assert!(accept.contains("oci.image.index") && accept.contains("manifest.list.v2"));
}

#[test]
fn wrong_bytes_of_the_right_size() {
    let server = start(|parts, asked, _| {
        let mut layer = parts.layer.clone();
        layer[600] ^= 1;
        is_layer(parts, asked).then(|| reply("200 OK", &[], layer))
    });
    bad(&pull(&server), "tampered with");
}

#[test]
fn a_manifest_that_is_not_what_was_asked_for() {
    let server = start(|_, _, _| None);
    let digest = support::sha256(b"another");
    let name = format!("docker://{}/app@sha256:{digest}", server.host);
    bad(&canoni(&[&name], None), "tampered with");
    let server = start(move |parts, asked, _| {
        let header = format!("Docker-Content-Digest: sha256:{digest}");
        let manifest = asked.line.contains("/manifests/");
        manifest.then(|| reply("200 OK", &[&header], &parts.manifest))
    });
    bad(&pull(&server), "tampered with");
}

/// An index whose one manifest has `size` bytes by its descriptor.
fn index_of(parts: &Parts, size: usize) -> String {
    let digest = format!("sha256:{}", support::sha256(parts.manifest.as_bytes()));
    let kind = support::layout::MANIFEST;
    let manifest = serde_json::json!({"mediaType": kind, "digest": digest, "size": size});
    serde_json::json!({"schemaVersion": 2, "manifests": [manifest]}).to_string()
}

#[test]
fn a_manifest_of_another_size_than_its_descriptor() {
    for difference in [0, 1, -1] {
        let server = start(move |parts, asked, _| {
            let size = parts.manifest.len().checked_add_signed(difference).unwrap();
            let top = asked.line.ends_with("/manifests/1");
            top.then(|| reply("200 OK", &[], index_of(parts, size)))
        });
        if difference == 0 {
            good(&pull(&server));
            continue;
        }
        let size = parts().manifest.len();
        let says = size.checked_add_signed(difference).unwrap();
        let words = bad(&pull(&server), "the manifest sha256:");
        let reason = format!("has {size} bytes, but its descriptor says {says}");
        assert!(words.contains(&reason), "{words}");
    }
}

/// Config and layer are shorter, in whole, than the manifest says: to ask again would not help.
#[test]
fn a_blob_that_is_shorter_than_its_descriptor() {
    let server = start(|parts, asked, _| {
        let cut = &parts.layer[..parts.layer.len() - 512];
        is_layer(parts, asked).then(|| reply("200 OK", &[], cut))
    });
    let words = bad(&pull(&server), "the blob sha256:");
    let size = parts().layer.len();
    let reason = format!("has {} bytes, but its descriptor says {size}", size - 512);
    assert!(words.contains(&reason), "{words}");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn bodies_that_do_not_end() {
    let server = start(|parts, asked, _| {
        let long = [&parts.layer[..], &[0; 4096]].concat();
        is_layer(parts, asked).then(|| reply("200 OK", &[], long))
    });
    bad(&pull(&server), "is larger than the");
    let server = start(|_, asked, _| {
        let manifest = asked.line.contains("/manifests/");
        manifest.then(|| {
            reply(
                "200 OK",
                &["Content-Length: 99999999999"],
                vec![b' '; 9 << 20],
            )
        })
    });
    bad(&pull(&server), "--max-json-bytes");
}

#[test]
fn promises_beyond_the_limits() {
    let server = start(|_, _, _| None);
    let output = canoni(&[&name(&server), "--max-bytes", "1000"], None);
    bad(&output, "--max-bytes");
    assert_eq!(server.asked().len(), 1, "a blob was fetched");
}

#[test]
fn a_cut_blob_goes_on_where_it_ended() {
    let server = start(|parts, asked, count| {
        if !is_layer(parts, asked) {
            return None;
        }
        let length = format!("Content-Length: {}", parts.layer.len());
        Some(match (count, asked.header("range")) {
            (0, None) => reply("200 OK", &[&length], &parts.layer[..300_000]),
            (_, Some(range)) => {
                let start: usize = range
                    .strip_prefix("bytes=")?
                    .strip_suffix('-')?
                    .parse()
                    .unwrap();
                let (end, all) = (parts.layer.len() - 1, parts.layer.len());
                let range = format!("Content-Range: bytes {start}-{end}/{all}");
                reply("206 Partial Content", &[&range], &parts.layer[start..])
            }
            _ => reply("500 No", &[], ""),
        })
    });
    assert_eq!(good(&pull(&server)), parts().canonical());
    let asked = server.asked();
    let ranges: Vec<_> = asked
        .iter()
        .filter_map(|asked| asked.header("range"))
        .collect();
    assert_eq!(ranges, ["bytes=300000-"]);
}

#[test]
fn a_cut_blob_of_a_registry_without_ranges_begins_anew() {
    let server = start(|parts, asked, count| {
        let length = format!("Content-Length: {}", parts.layer.len());
        (is_layer(parts, asked) && count == 0)
            .then(|| reply("200 OK", &[&length], &parts.layer[..300_000]))
    });
    assert_eq!(good(&pull(&server)), parts().canonical());
    // Another range than was asked for.
    let server = start(|parts, asked, count| {
        if !is_layer(parts, asked) || count > 1 {
            return None;
        }
        let length = format!("Content-Length: {}", parts.layer.len());
        let range = ["Content-Range: bytes 0-9/401920"];
        Some(match count {
            0 => reply("200 OK", &[&length], &parts.layer[..300_000]),
            _ => reply("206 Partial Content", &range, &parts.layer[..10]),
        })
    });
    assert_eq!(good(&pull(&server)), parts().canonical());
}

#[test]
fn busy_registries_are_asked_again_and_not_for_ever() {
    let server = start(|_, _, count| {
        (count == 0).then(|| reply("429 Too Many Requests", &["Retry-After: 1"], ""))
    });
    let start_time = std::time::Instant::now();
    assert_eq!(good(&pull(&server)), parts().canonical());
    // Manifest, config and layer waited as they were asked to.
    assert!(start_time.elapsed().as_secs() >= 3);
    let server = start(|_, _, _| Some(reply("503 Busy", &["Retry-After: 0"], "")));
    bad(&pull(&server), "the registry is in trouble");
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn retry_after_may_be_a_date() {
    let date = "Date: Fri, 01 Jan 2027 00:00:00 GMT";
    let later = "Retry-After: Fri, 01 Jan 2027 00:00:01 GMT";
    let server = start(move |_, asked, count| {
        (asked.line.contains("/manifests/") && count == 0)
            .then(|| reply("429 Too Many Requests", &[date, later], ""))
    });
    let start_time = std::time::Instant::now();
    assert_eq!(good(&pull(&server)), parts().canonical());
    // Without the date it would be a quarter of a second at most.
    assert!(start_time.elapsed().as_secs() >= 1);
}

/// A server that logs, and gives everything to everybody: where a redirect leads.
fn other() -> Server {
    start(|_, _, _| None)
}

#[test]
fn tokens_are_fetched_and_stay_with_their_host() {
    let storage = other();
    let to = storage.host.clone();
    let tokens = Server::start(|_, _| reply("200 OK", &[], r#"{"token":"t0k"}"#));
    let realm = format!("http://{}/token", tokens.host);
    let server = start(move |parts, asked, _| {
        if asked.header("authorization") != Some("Bearer t0k") {
            let header = format!(r#"WWW-Authenticate: Bearer realm="{realm}",service="s e""#);
            return Some(reply("401 Unauthorized", &[&header], ""));
        }
        let path = asked.line.strip_prefix("GET ")?;
        let to = format!("Location: http://{to}{path}");
        is_layer(parts, asked).then(|| reply("307 Temporary Redirect", &[&to], ""))
    });
    let folder = tempfile::tempdir().unwrap();
    let auth = auth_file(folder.path(), &server.host, "user:hunter2");
    let output = canoni(&[&name(&server), "--digest-only"], Some(&auth));
    assert_eq!(good(&output), parts().canonical());
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].line,
        "GET /token?scope=repository%3Aapp%3Apull&service=s%20e"
    );
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic dXNlcjpodW50ZXIy")
    );
    assert_eq!(storage.asked().len(), 1);
    assert_eq!(storage.asked()[0].header("authorization"), None);
}

#[test]
fn whom_a_registry_redirects_to_gets_no_credentials() {
    let thief = Server::start(|asked, _| {
        let host = asked.header("host").unwrap();
        let header = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\"");
        reply(
            "401 Unauthorized",
            &[&header, "WWW-Authenticate: Basic realm=x"],
            "",
        )
    });
    let to = format!("Location: http://{}/x", thief.host);
    let server = start(move |parts, asked, _| {
        is_layer(parts, asked).then(|| reply("302 Found", &[&to], ""))
    });
    let folder = tempfile::tempdir().unwrap();
    let auth = auth_file(folder.path(), &server.host, "user:hunter2");
    bad(&canoni(&[&name(&server)], Some(&auth)), "401 Unauthorized");
    assert_eq!(thief.asked().len(), 1);
    assert_eq!(thief.asked()[0].header("authorization"), None);
}

#[test]
fn redirects_in_a_circle_end() {
    let server = start(|_, _, _| Some(reply("302 Found", &["Location: /v2/x"], "")));
    bad(&pull(&server), "more than 5 redirects");
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn old_manifests_and_no_manifests() {
    for (body, words) in [
        (
            r#"{"schemaVersion":1,"fsLayers":[]}"#,
            "schema 1, which Docker gave up",
        ),
        ("<html>", "is not acceptable JSON"),
        (
            r#"{"manifests":[],"manifests":[]}"#,
            "is not acceptable JSON",
        ),
    ] {
        let server = start(move |_, _, _| Some(reply("200 OK", &[], body)));
        bad(&pull(&server), words);
    }
}

#[test]
fn errors_are_escaped_and_name_the_way_out() {
    let error = r#"{"errors":[{"code":"DENIED","message":"no \u001b[31mway"}]}"#;
    let server = start(move |_, _, _| Some(reply("403 Forbidden", &[], error)));
    let words = bad(&pull(&server), "podman login 127.0.0.1:");
    assert!(
        words.contains("the manifest 1") && words.contains("DENIED"),
        "{words}"
    );
    let server = start(|_, _, _| {
        Some(reply(
            "401 Unauthorized",
            &["WWW-Authenticate: Bearer realm=\"x"],
            "",
        ))
    });
    bad(&pull(&server), "breaks the grammar");
}

#[test]
fn a_push_that_arrives_as_something_else() {
    let server = Server::start(|asked, _| {
        let wrong = format!("Docker-Content-Digest: sha256:{}", "0".repeat(64));
        match asked.line.split(' ').next().unwrap() {
            "HEAD" => reply("200 OK", &[], ""),
            _ => reply("201 Created", &[&wrong], ""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let image = support::docker_archive(&[parts().layer]);
    let path = support::put(folder.path(), "i.tar", &image);
    bad(
        &canoni(&[path.to_str().unwrap(), "-o", &name(&server)], None),
        "as the registry has it",
    );
}
