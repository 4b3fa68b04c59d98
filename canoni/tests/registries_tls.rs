//! HTTPS, by OpenSSL's server. Registries on loopback addresses have HTTP, so a redirect leads
//! there.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod registry;
mod support;

use letsesign_tests::{is_installed, run, skip};
use registry::{Parts, Server, bad, good, parts, reply};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// `openssl s_server`, which sends files of a folder as they are, headers included.
struct Tls(Child, String);

impl Tls {
    fn start(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (key, cert) = (path("key.pem"), path("cert.pem"));
        let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                       -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
                       -addext basicConstraints=critical,CA:FALSE";
        let mut arguments: Vec<_> = request.split_whitespace().collect();
        arguments.extend(["-keyout", &key, "-out", &cert]);
        run("openssl", &arguments).unwrap();
        let host = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let child = Command::new("openssl")
            .args([
                "s_server", "-quiet", "-HTTP", "-accept", &host, "-key", &key, "-cert", &cert,
            ])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let tls = Self(child, host);
        let ready = || TcpStream::connect(&tls.1).is_ok();
        assert!((0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            ready()
        }));
        tls
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A registry that redirects to a file of the other server for its layer.
fn registry(tls: &Tls) -> Server {
    let (parts, to) = (parts(), format!("Location: https://{}/file", tls.1));
    Server::start(move |asked, _| {
        if asked.line.ends_with(&parts.layer_path()) {
            return reply("307 Temporary Redirect", &[&to], "");
        }
        parts.answer(asked)
    })
}

fn pull(server: &Server, certificates: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args([&format!("docker://{}/app:1", server.host), "--digest-only"])
        .env("SSL_CERT_FILE", certificates)
        .env_remove("SSL_CERT_DIR")
        .env("REGISTRY_AUTH_FILE", "/nonexistent/auth.json")
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

fn with_head(head: &str, parts: &Parts) -> Vec<u8> {
    let length = parts.layer.len();
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), &parts.layer].concat()
}

#[test]
fn certificates_are_checked_and_http_is_not_gone_back_to() {
    if !is_installed("openssl") {
        return skip("openssl is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::start(folder.path());
    let server = registry(&tls);
    let certificate = folder.path().join("cert.pem");
    support::put(folder.path(), "file", &with_head("200 OK", &parts()));
    assert_eq!(good(&pull(&server, &certificate)), parts().canonical());

    // Another authority than the one that is trusted.
    let other = tempfile::tempdir().unwrap();
    let _other = Tls::start(other.path());
    let started = std::time::Instant::now();
    bad(
        &pull(&server, &other.path().join("cert.pem")),
        "certificate",
    );
    assert!(
        started.elapsed().as_secs() < 3,
        "a certificate does not get better by waiting"
    );

    // From HTTPS to HTTP, even to the registry itself.
    let head = format!(
        "307 Temporary Redirect\r\nLocation: http://{}/x",
        server.host
    );
    support::put(folder.path(), "file", &with_head(&head, &parts()));
    bad(&pull(&server, &certificate), "leads from HTTPS to HTTP");
    assert!(server.asked().iter().all(|asked| asked.line != "GET /x"));
}
