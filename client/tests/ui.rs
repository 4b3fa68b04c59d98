//! `letsesign ui` as a whole: who may call it, and its answers without a service.

#![cfg(test)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The running page of a sender whose service does not answer.
struct Page {
    child: Child,
    folder: TempDir,
    port: u16,
    token: String,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The sentence of an error.
    fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

fn letsesign(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_letsesign"));
    command
        .arg("--home")
        .arg(folder.path().join("sender"))
        .env("LETSESIGN_SES_PASSWORD", "a password");
    command
}

impl Page {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        std::fs::write(&key, letsesign_testbed::customer::public_key_pem()).unwrap();
        // It fails since nobody answers there, and the folder is made.
        let made = letsesign(&folder)
            .args(["init", "--service", "http://127.0.0.1:9"])
            .args(["--domain", "example.com"])
            .args(["--kms-key-arn", "arn:aws:kms:us-east-1:123456789012:key/1"])
            .arg("--kms-public-key")
            .arg(&key)
            .args(["--signer-page", "https://sign.example.com/sign/"])
            .args(["--ses-username", "AKIA", "--api-key", "lsk_x@example.com"])
            .output()
            .unwrap();
        assert_eq!(made.status.code(), Some(1));
        let mut child = letsesign(&folder)
            .arg("ui")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let (address, token) = line.trim().split_once("/#token=").unwrap();
        let port = address.strip_prefix("http://127.0.0.1:").unwrap();
        Self {
            child,
            folder,
            port: port.parse().unwrap(),
            token: token.to_owned(),
        }
    }

    /// A request with exactly these headers.
    fn raw(&self, first: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut head = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // A page that refuses a long body does not read it.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{first}: no answer"));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_ascii_lowercase(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A call as the page makes it.
    fn call(&self, first: &str, body: &[u8]) -> Answer {
        let host = self.host();
        let headers = [("Host", host.as_str()), ("X-Letsesign-Token", &self.token)];
        self.raw(first, &headers, body)
    }

    fn open(&self, pdf: &[u8]) -> Answer {
        self.call("POST /api/documents?name=contract%20%26.pdf", pdf)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nobody_calls_without_the_token_or_from_another_site() {
    let page = Page::start();
    let host = page.host();
    let own = ("Host", host.as_str());
    let token = ("X-Letsesign-Token", page.token.as_str());
    assert_eq!(page.token.len(), 43, "32 bytes in base64url");
    let refused = |headers: &[(&str, &str)], status: u16| {
        for first in [
            "GET /api/session",
            "GET /api/tasks",
            "POST /api/tasks",
            "PUT /api/templates/x",
            "GET /api/nothing",
        ] {
            let answer = page.raw(first, headers, b"{}");
            assert_eq!(answer.status, status, "{first} {headers:?}");
            assert!(!answer.error().contains(&page.token));
        }
    };
    refused(&[own], 401);
    refused(&[own, ("X-Letsesign-Token", "")], 401);
    refused(&[own, ("X-Letsesign-Token", &page.token[..42])], 401);
    refused(&[own, ("Cookie", token.1), ("Authorization", token.1)], 401);
    // A name of another site that leads to this machine, even with the token.
    refused(&[("Host", "evil.example"), token], 403);
    refused(
        &[("Host", &format!("evil.example:{}", page.port)), token],
        403,
    );
    refused(&[("Host", "127.0.0.1"), token], 403);
    refused(&[own, token, ("Origin", "https://evil.example")], 403);
    refused(&[own, token, ("Origin", "null")], 403);
    refused(&[own, token, ("Origin", "http://127.0.0.1:1")], 403);
    let origin = format!("http://{host}");
    let answer = page.raw("GET /api/session", &[own, token, ("Origin", &origin)], b"");
    assert_eq!(answer.status, 200);
    // No site is allowed to read, whatever it asks beforehand.
    let before = [
        own,
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "GET"),
    ];
    let answer = page.raw("OPTIONS /api/session", &before, b"");
    assert_eq!(answer.status, 403);
    assert!(
        !answer.head.contains("access-control-allow"),
        "{}",
        answer.head
    );
}

#[test]
fn files_are_those_of_the_page_alone_and_carry_its_policy() {
    let page = Page::start();
    let host = page.host();
    let get = |path: &str| page.raw(&format!("GET {path}"), &[("Host", &host)], b"");
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        (
            "/vendor/pdfjs/pdf.worker.min.mjs",
            "text/javascript; charset=utf-8",
        ),
        ("/locales/zh-TW.json", "application/json"),
    ] {
        let answer = get(path);
        assert_eq!(answer.status, 200, "{path}");
        for header in [
            &format!("content-type: {kind}"),
            "content-security-policy: default-src 'none'; script-src 'self';",
            "frame-ancestors 'none'",
            "x-frame-options: deny",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(
                answer.head.contains(header),
                "{path}: {header}\n{}",
                answer.head
            );
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains(&page.token));
    }
    for path in [
        "/sender/account.json",
        "/../account.json",
        "/..%2f..%2fconfig.toml",
        "//etc/passwd",
        "/vendor/pdfjs/",
        "/app.js/",
    ] {
        assert_eq!(get(path).status, 404, "{path}");
    }
    let answer = page.raw("DELETE /app.js", &[("Host", &host)], b"");
    assert_eq!(answer.status, 405);
}

#[test]
fn documents_are_checked_and_measured() {
    let page = Page::start();
    let session = page.call("GET /api/session", b"").json();
    assert_eq!(session["domain"], "example.com");
    assert_eq!(session["sms"], false);
    assert_eq!(session["service"], "http://127.0.0.1:9");
    let answer = page.open(b"junk");
    assert_eq!(answer.status, 400);
    assert!(
        answer.error().contains("cannot be signed"),
        "{}",
        answer.error()
    );
    let pdf = letsesign_testbed::pdf::document(2, 0);
    let opened = page.open(&pdf).json();
    assert_eq!(opened["name"], "contract &.pdf");
    assert_eq!(opened["pages"].as_array().unwrap().len(), 2);
    assert!(opened["pages"][0]["width"].as_f64().unwrap() > 100.0);
    let id = opened["document"].as_str().unwrap();
    let read = page.call(&format!("GET /api/documents/{id}"), b"");
    assert_eq!((read.status, &read.body), (200, &pdf));
    // The ninth document takes the place of the first one.
    for _ in 0..8 {
        page.open(&pdf);
    }
    let read = page.call(&format!("GET /api/documents/{id}"), b"");
    assert_eq!(read.status, 404);
    assert!(read.error().contains("choose the file once more"));
}

fn task(document: &str, changes: &Value) -> Vec<u8> {
    let mut task = json!({
        "document": document, "fileName": "contract.pdf", "message": "Please sign.",
        "inOrder": true, "expiryDays": 14,
        "signers": [{"name": "Ada", "email": "ada@example.com", "locale": "en-US", "fields": [
            {"type": "signature", "page": 0, "x": 72.0, "y": 100.0, "height": 40.0},
            {"type": "name", "page": 0, "x": 72.0, "y": 160.0, "height": 12.0},
            {"type": "email", "page": 1, "x": 72.0, "y": 160.0, "height": 12.0}]}],
    });
    for (name, value) in changes.as_object().unwrap() {
        task[name] = value.clone();
    }
    task.to_string().into_bytes()
}

#[test]
fn drafts_are_refused_with_a_reason_and_nothing_is_kept() {
    let page = Page::start();
    let opened = page.open(&letsesign_testbed::pdf::document(2, 0)).json();
    let id = opened["document"].as_str().unwrap();
    let signer = |fields: Value, more: Value| {
        let mut signer = json!({"name": "Ada", "email": "ada@example.com", "locale": "en-US"});
        signer["fields"] = fields;
        for (name, value) in more.as_object().unwrap() {
            signer[name] = value.clone();
        }
        json!({ "signers": [signer] })
    };
    let signature = json!({"type": "signature", "page": 0, "x": 72.0, "y": 100.0, "height": 40.0});
    let field = |kind: &str, page: u32| json!({"type": kind, "page": page, "x": 1.0, "y": 1.0, "height": 12.0});
    for (changes, status, part) in [
        (json!({"document": "x"}), 404, "choose the file once more"),
        (json!({"nonsense": 1}), 400, "nonsense"),
        (json!({"expiryDays": 181}), 400, "must be 1 to 180"),
        (json!({"signers": []}), 400, "nobody signs"),
        (
            signer(json!([]), json!({})),
            400,
            "no field for a signature",
        ),
        (
            signer(json!([field("date", 0)]), json!({})),
            400,
            "no field for a signature",
        ),
        (
            signer(json!([signature, field("name", 2)]), json!({})),
            400,
            "page 3 does not exist",
        ),
        (
            signer(json!([signature, field("name", u32::MAX)]), json!({})),
            400,
            "does not exist",
        ),
        (
            signer(json!([signature, field("phone", 0)]), json!({})),
            400,
            "no phone number",
        ),
        (
            signer(json!([signature, field("seal", 0)]), json!({})),
            400,
            "seal",
        ),
        (
            signer(json!([signature]), json!({"email": "ada"})),
            400,
            "not an e-mail address",
        ),
        (
            signer(json!([signature]), json!({"phone": "12"})),
            400,
            "not a phone number",
        ),
        (
            signer(
                json!([signature, field("name", 0)]),
                json!({"name": "Ada \u{645}"}),
            ),
            400,
            "signer 1",
        ),
        // All is well, and the service does not answer.
        (json!({}), 502, "127.0.0.1:9"),
    ] {
        let answer = page.call("POST /api/tasks", &task(id, &changes));
        assert_eq!(answer.status, status, "{changes}: {}", answer.error());
        assert!(
            answer.error().contains(part),
            "{changes}: {}",
            answer.error()
        );
    }
    let tasks = page.call("GET /api/tasks", b"").json();
    assert_eq!(tasks, json!({"tasks": []}));
    for path in ["x", "..%2f..%2faccount", &"0".repeat(64)] {
        for first in [
            format!("GET /api/tasks/{path}"),
            format!("GET /api/tasks/{path}/files"),
        ] {
            assert_eq!(page.call(&first, b"").status, 404, "{first}");
        }
        let answer = page.call(&format!("POST /api/tasks/{path}/void"), br#"{"reason":""}"#);
        assert_eq!(answer.status, 404);
    }
}

#[test]
fn templates_come_back_as_they_were_kept() {
    let page = Page::start();
    let pdf = letsesign_testbed::pdf::document(1, 0);
    let opened = page.open(&pdf).json();
    let roles = json!([{"role": "Tenant", "fields": [
        {"type": "signature", "page": 0, "x": 72.5, "y": 100.0, "height": 40.0}]}]);
    let mut template = json!({"document": opened["document"], "fileName": "lease.pdf",
        "message": "", "inOrder": false, "roles": roles});
    let name = "Lease%20%2F%20..%2F%E7%8E%8B";
    let keep = |template: &Value| {
        page.call(
            &format!("PUT /api/templates/{name}"),
            template.to_string().as_bytes(),
        )
    };
    assert_eq!(keep(&template).status, 204);
    template["document"] = "gone".into();
    assert_eq!(keep(&template).status, 404);
    let listed = page.call("GET /api/templates", b"").json();
    assert_eq!(
        listed,
        json!({"templates": [{"name": "Lease / ../\u{738b}", "fileName": "lease.pdf",
            "message": "", "inOrder": false, "roles": roles}]})
    );
    // The program has the same ones.
    let output = letsesign(&page.folder)
        .args(["template", "list"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("lease.pdf  (Tenant)"), "{text}");
    let document = page.call(&format!("GET /api/templates/{name}/document"), b"");
    assert_eq!(document.body, pdf);
    let delete = format!("DELETE /api/templates/{name}");
    assert_eq!(page.call(&delete, b"").status, 204);
    let answer = page.call(&delete, b"");
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("there is no template"));
}

#[test]
fn verification_gives_a_verdict_or_a_reason() {
    let page = Page::start();
    let verify = |pdf: &str, spf: &str| {
        let body = json!({"pdf": pdf, "spf": spf}).to_string();
        page.call("POST /api/verify", body.as_bytes())
    };
    let answer = verify("!", "!");
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (400, "pdf is not base64")
    );
    let junk = BASE64_STANDARD.encode("junk");
    let answer = verify(&junk, &junk);
    assert_eq!(answer.status, 400);
    assert!(
        answer.error().contains("the proof file"),
        "{}",
        answer.error()
    );
}

#[test]
fn long_bodies_are_refused() {
    let page = Page::start();
    let long = vec![b' '; (1 << 20) + 1];
    let answer = page.call("POST /api/tasks", &long);
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (413, "the body is too long")
    );
    let answer = page.call("PATCH /api/tasks", b"");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.error(), "the call has another method");
    let answer = page.call("POST /api/documents", b"");
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("docs/sender-page.md"));
}

#[test]
fn a_signal_ends_the_page() {
    let mut page = Page::start();
    let pid = Pid::from_raw(i32::try_from(page.child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(page.child.wait().unwrap().success());
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = letsesign(&page.folder)
        .args(["ui", "--port", &port])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("without --port a free one is taken"),
        "{text}"
    );
}
