//! Pushes to registries that want tokens, break off, or send uploads elsewhere.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod registry;
mod support;

use letsesign_tests::registry::Registry;
use registry::{Asked, Reply, Server, auth_file, bad, canoni, good, parts, reply};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A registry that has nothing and takes everything whose digest is right. Uploads begin at
/// `place`, the path of this registry or an address elsewhere.
fn takes(asked: &Asked, place: &str) -> Reply {
    match asked.method() {
        "POST" => reply("202 Accepted", &[&format!("Location: {place}")], ""),
        "PUT" if asked.line.contains("/manifests/") => reply("201 Created", &[], ""),
        "PUT" => {
            let digest = format!("digest=sha256%3A{}", support::sha256(&asked.body));
            if asked.line.ends_with(&digest) {
                reply("201 Created", &[], "")
            } else {
                reply("400 Bad Request", &[], "")
            }
        }
        // HEAD: the blob is not there.
        _ => reply("404 Not Found", &[], ""),
    }
}

const PLACE: &str = "/v2/app/blobs/uploads/1?state=s";

fn push(folder: &Path, server: &Server, auth: Option<&Path>) -> Output {
    let image = support::docker_archive(&[parts().layer]);
    let path = support::put(folder, "i.tar", &image);
    let name = format!("docker://{}/app:1", server.host);
    canoni(&[path.to_str().unwrap(), "-o", &name], auth)
}

/// The method and path of each request.
fn lines(server: &Server, start: &str) -> Vec<String> {
    let asked = server.asked().into_iter().map(|asked| asked.line);
    asked.filter(|line| line.starts_with(start)).collect()
}

#[test]
fn a_push_with_a_token() {
    let tokens = Server::start(|asked, _| match asked.header("authorization") {
        Some("Basic dXNlcjpodW50ZXIy") => reply("200 OK", &[], r#"{"token":"t0k"}"#),
        _ => reply("401 Unauthorized", &[], ""),
    });
    let realm = format!("http://{}/token", tokens.host);
    let server = Server::start(move |asked, _| {
        if asked.header("authorization") == Some("Bearer t0k") {
            return takes(asked, PLACE);
        }
        let header = format!(r#"WWW-Authenticate: Bearer realm="{realm}",service="s""#);
        reply("401 Unauthorized", &[&header], "")
    });
    let folder = tempfile::tempdir().unwrap();
    let auth = auth_file(folder.path(), &server.host, "user:hunter2");
    let digest = good(&push(folder.path(), &server, Some(&auth)));
    let scope = "scope=repository%3Aapp%3Apull%2Cpush&service=s";
    assert_eq!(lines(&tokens, ""), [format!("GET /token?{scope}")]);
    // Only the first request came without the token, and none with the password.
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), None);
    assert!(
        asked[1..]
            .iter()
            .all(|asked| asked.header("authorization") == Some("Bearer t0k"))
    );
    // The tag comes last, for the digest that was printed.
    let last = asked.last().unwrap();
    assert_eq!(last.line, "PUT /v2/app/manifests/1");
    assert_eq!(format!("sha256:{}", support::sha256(&last.body)), digest);

    bad(&push(folder.path(), &server, None), "401 Unauthorized");
}

#[test]
fn an_upload_that_breaks_off_begins_anew() {
    let server = Server::cutting(
        |asked, count| asked.line.starts_with("PUT /v2/app/blobs/") && count == 0,
        |asked, _| takes(asked, PLACE),
    );
    let folder = tempfile::tempdir().unwrap();
    good(&push(folder.path(), &server, None));
    // Config and layer, one try each that broke off.
    assert_eq!(lines(&server, "POST").len(), 4);
    let puts = lines(&server, "PUT /v2/app/blobs/");
    assert_eq!(puts.len(), 4);
    assert!(puts[0] == puts[1] && puts[2] == puts[3] && puts[0] != puts[2]);
    assert_eq!(lines(&server, "PUT /v2/app/manifests/").len(), 1);
}

#[test]
fn after_half_an_upload_the_tag_is_as_it_was() {
    let server = Server::cutting(
        |asked, _| asked.line.starts_with("PUT /v2/app/blobs/"),
        |asked, count| {
            if asked.method() == "POST" && count > 0 {
                return reply("503 Service Unavailable", &["Retry-After: 0"], "");
            }
            takes(asked, PLACE)
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let words = bad(&push(folder.path(), &server, None), "503 Service");
    assert!(words.contains("the blob sha256:"), "{words}");
    assert!(words.contains("try again later"), "{words}");
    assert!(lines(&server, "PUT /v2/app/manifests/").is_empty());
}

/// A registry that wants the password hunter2, and whose uploads begin at `place`.
fn wants_password(place: String) -> Server {
    Server::start(move |asked, _| {
        if asked.header("authorization") == Some("Basic dXNlcjpodW50ZXIy") {
            return takes(asked, &place);
        }
        let header = "WWW-Authenticate: Basic realm=x";
        reply("401 Unauthorized", &[header], "")
    })
}

#[test]
fn an_upload_on_another_host_gets_no_credentials() {
    let storage = Server::start(|asked, _| takes(asked, ""));
    let server = wants_password(format!("http://{}/store/1?signature=x", storage.host));
    let folder = tempfile::tempdir().unwrap();
    let auth = auth_file(folder.path(), &server.host, "user:hunter2");
    good(&push(folder.path(), &server, Some(&auth)));
    assert_eq!(storage.asked().len(), 2);
    for asked in storage.asked() {
        assert!(asked.line.starts_with("PUT /store/1?signature=x&digest="));
        assert_eq!(asked.header("authorization"), None);
    }

    // Not even where the other host asks for them.
    let thief = Server::start(|_, _| {
        let header = "WWW-Authenticate: Basic realm=x";
        reply("401 Unauthorized", &[header], "")
    });
    let server = wants_password(format!("http://{}/x", thief.host));
    let auth = auth_file(folder.path(), &server.host, "user:hunter2");
    bad(
        &push(folder.path(), &server, Some(&auth)),
        "401 Unauthorized",
    );
    assert_eq!(thief.asked().len(), 1);
    assert_eq!(thief.asked()[0].header("authorization"), None);
    assert!(lines(&server, "PUT /v2/app/manifests/").is_empty());
}

/// Hands on what comes, but breaks the first connection that sends more than `limit` bytes there.
/// The value is the address, and whether it has broken one.
fn breaking_proxy(to: String, limit: usize) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let broken = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&broken);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            let (mut back, mut from) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut back);
                let _ = back.shutdown(Shutdown::Both);
            });
            let flag = Arc::clone(&flag);
            std::thread::spawn(move || {
                let (mut buffer, mut sum) = ([0; 1 << 14], 0);
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    sum += count;
                    if sum > limit && !flag.swap(true, Ordering::SeqCst) {
                        break;
                    }
                    if server.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                let _ = server.shutdown(Shutdown::Both);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    (host, broken)
}

#[test]
fn an_upload_to_docker_registry_that_breaks_off() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(folder.path(), "").unwrap() else {
        return;
    };
    let (host, broken) = breaking_proxy(registry.host.clone(), 200_000);
    let image = support::docker_archive(&[parts().layer]);
    let path = support::put(folder.path(), "i.tar", &image);
    let path = path.to_str().unwrap();
    let digest = good(&canoni(
        &[path, "-o", &format!("docker://{host}/app:1")],
        None,
    ));
    assert!(broken.load(Ordering::SeqCst), "nothing broke");
    let name = format!("docker://{}/app:1", registry.host);
    assert_eq!(good(&canoni(&[&name, "--digest-only"], None)), digest);
}
