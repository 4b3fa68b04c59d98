//! A registry that does as the test says.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test file uses its share
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // as in tests

use crate::support::{config, file, sha256, tar};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET /v2/...`.
    pub line: String,
    /// Headers in lower case, `name: value`.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Asked {
    /// `GET`.
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let name = format!("{name}: ");
        self.headers
            .iter()
            .find_map(|line| line.strip_prefix(&name))
    }
}

/// An answer: a status line, headers, and a body. Its length is that of the body, unless the
/// headers say something else; the connection closes behind it.
pub struct Reply {
    pub status: &'static str,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

pub fn reply(status: &'static str, headers: &[&str], body: impl AsRef<[u8]>) -> Reply {
    Reply {
        status,
        headers: headers.iter().map(|&line| line.to_owned()).collect(),
        body: body.as_ref().to_vec(),
    }
}

pub struct Server {
    pub host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers requests, one after the other, by `answer`, which also gets the number of requests
    /// for the same line that came before.
    pub fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + 'static) -> Self {
        Self::cutting(|_, _| false, answer)
    }

    /// The same, but where `cut` says so it closes the connection in the middle of a request's
    /// body.
    pub fn cutting(
        cut: impl Fn(&Asked, usize) -> bool + Send + 'static,
        answer: impl Fn(&Asked, usize) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::<Asked>::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(&stream);
                let Some(mut request) = read(&mut reader) else {
                    continue;
                };
                let before = |other: &&Asked| other.line == request.line;
                let count = log.lock().unwrap().iter().filter(before).count();
                let length = request.header("content-length");
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                let broken = cut(&request, count);
                request.body = vec![0; if broken { length / 2 } else { length }];
                let arrived = reader.read_exact(&mut request.body).is_ok();
                log.lock().unwrap().push(request.clone());
                if broken || !arrived {
                    continue;
                }
                let Reply {
                    status,
                    headers,
                    body,
                } = answer(&request, count);
                let length = |line: &String| line.starts_with("Content-Length");
                let own = if headers.iter().any(length) {
                    String::new()
                } else {
                    format!("Content-Length: {}\r\n", body.len())
                };
                let rest: String = headers.iter().flat_map(|line| [&**line, "\r\n"]).collect();
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{own}{rest}");
                // The client may have heard enough.
                let _ = stream.write_all(format!("{head}\r\n").as_bytes());
                let _ = stream.write_all(&body);
            }
        });
        Self { host, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let first = lines.first()?.trim_end_matches(" HTTP/1.1").to_owned();
    let lower = |line: &String| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        format!("{}: {}", name.to_ascii_lowercase(), value.trim())
    };
    Some(Asked {
        line: first,
        headers: lines.iter().skip(1).map(lower).collect(),
        body: Vec::new(),
    })
}

/// An image of one layer: manifest, config, layer.
#[derive(Clone)]
pub struct Parts {
    pub manifest: String,
    pub config: String,
    pub layer: Vec<u8>,
}

pub fn parts() -> Parts {
    // Large enough to be cut in the middle.
    let layer = tar(&[file("a", vec![7; 400_000])]);
    let config = config(std::slice::from_ref(&layer));
    let descriptor = |kind: &str, bytes: &[u8]| {
        let kind = format!("application/vnd.oci.image.{kind}");
        let digest = format!("sha256:{}", sha256(bytes));
        serde_json::json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    };
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config.as_bytes()),
        "layers": [descriptor("layer.v1.tar", &layer)],
    });
    Parts {
        manifest: manifest.to_string(),
        config,
        layer,
    }
}

impl Parts {
    pub fn layer_path(&self) -> String {
        format!("/blobs/sha256:{}", sha256(&self.layer))
    }

    /// The answer of an honest registry.
    pub fn answer(&self, asked: &Asked) -> Reply {
        let manifest = "Content-Type: application/vnd.oci.image.manifest.v1+json";
        let ends = |bytes: &[u8]| asked.line.ends_with(&sha256(bytes));
        if asked.line.contains("/manifests/") {
            return reply("200 OK", &[manifest], &self.manifest);
        }
        if ends(self.config.as_bytes()) {
            return reply("200 OK", &[], &self.config);
        }
        if ends(&self.layer) {
            return reply("200 OK", &[], &self.layer);
        }
        let error = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no \u001b[31msuch"}]}"#;
        reply("404 Not Found", &[], error)
    }

    /// The digest of the image's canonical form, by way of a file.
    pub fn canonical(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.tar");
        let archive = crate::support::docker_archive(std::slice::from_ref(&self.layer));
        std::fs::write(&path, archive).unwrap();
        good(&canoni(&[path.to_str().unwrap(), "--digest-only"], None))
    }
}

/// The command, with no credentials but the given file's.
pub fn canoni(arguments: &[&str], auth: Option<&Path>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args(arguments)
        .env(
            "REGISTRY_AUTH_FILE",
            auth.unwrap_or(Path::new("/nonexistent/auth.json")),
        )
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

#[track_caller]
pub fn good(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[track_caller]
pub fn bad(output: &Output, words: &str) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(words), "{error}");
    assert!(
        !error.contains('\u{1b}') && !error.contains("hunter2"),
        "{error}"
    );
    error
}

/// Credentials for a host.
pub fn auth_file(folder: &Path, host: &str, pair: &str) -> std::path::PathBuf {
    use base64::Engine;
    let auth = base64::engine::general_purpose::STANDARD.encode(pair);
    let text = serde_json::json!({"auths": {host: {"auth": auth}}}).to_string();
    crate::support::put(folder, "auth.json", text.as_bytes())
}
