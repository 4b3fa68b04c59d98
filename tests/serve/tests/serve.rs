//! The whole way on one machine: a contract is sent, two people sign in order, one of them with a
//! PIN, and the sender's program fetches and verifies the result. Nothing is left afterwards.

#![cfg(test)]

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use letsesign_protocol2::Action;
use letsesign_testbed::client::protocol2::Link2;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest wait for anything here, on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// Programs of the workspace, beside this test's. `cargo test --workspace --all-features` builds
/// them.
fn programs() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().to_owned();
    let all = [
        ("letsesign-host", "letsesign-host"),
        ("letsesign-server", "letsesign-server"),
        ("letsesign-verify", "letsesign-verify"),
        ("letsesign-client", "letsesign"),
    ];
    if all.iter().any(|(_, name)| !folder.join(name).exists()) {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--features", "letsesign-server/emulation"]);
        for (package, _) in all {
            cargo.args(["--package", package]);
        }
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
        assert!(
            cargo.status().unwrap().success(),
            "cannot build the programs"
        );
    }
    folder
}

struct Service {
    child: Child,
    addresses: Value,
}

impl Service {
    fn start() -> Self {
        let folder = programs();
        let mut child = Command::new(env!("CARGO_BIN_EXE_letsesign-serve"))
            .arg("--host")
            .arg(folder.join("letsesign-host"))
            .arg("--server")
            .arg(folder.join("letsesign-server"))
            .arg("--client")
            .arg(folder.join("letsesign"))
            .arg("--verifier")
            .arg(folder.join("letsesign-verify"))
            .args(["--port", "0", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let addresses = serde_json::from_str(&line);
        Self {
            child,
            addresses: addresses.unwrap_or_else(|_| panic!("no addresses: {line:?}")),
        }
    }

    fn at(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap()
    }

    /// A page of the start page's server.
    fn bytes(&self, path: &str) -> Vec<u8> {
        let url = format!("{}{path}", self.at("start"));
        let mut answer = ureq::get(&url).call().unwrap();
        answer.body_mut().read_to_vec().unwrap()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.bytes(path)).unwrap()
    }

    fn wait<T>(&self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(Instant::now() < end, "{what}: {}", self.json("tasks"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends the ready contract, and gives the task's name.
    fn send(&self) -> String {
        let sent = ureq::post(&format!("{}tasks", self.at("start"))).send_empty();
        let sent = sent.unwrap().body_mut().read_to_string().unwrap();
        let sent: Value = serde_json::from_str(&sent).unwrap();
        sent["task"].as_str().unwrap().to_owned()
    }

    /// The link of the first mail to an address, as the mailbox shows it.
    fn link(&self, address: &str) -> Link2 {
        let local = self.at("signer").to_owned();
        self.wait(address, || {
            let mails = self.json("mails");
            for mail in mails["mails"].as_array()? {
                let html = String::from_utf8(self.bytes(&format!("mails/{}", mail["id"]))).ok()?;
                let mark = format!("{local}#letsesign2=");
                if mail["to"][0] != address || !html.contains(&mark) {
                    continue;
                }
                let (_, rest) = html.split_once(&mark)?;
                let text: String = rest
                    .chars()
                    .take_while(|one| one.is_ascii_alphanumeric() || "-_".contains(*one))
                    .collect();
                let content = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
                return Some(Link2 {
                    content: serde_json::from_slice(&content).unwrap(),
                    url: format!("{mark}{text}"),
                });
            }
            None
        })
    }

    /// Gives an answer as the page does, and waits for its fate.
    fn answer(&self, link: &Link2, answer: &[u8]) -> Value {
        let por = link.content["por"].as_str().unwrap();
        let url = format!("{}/api/v2/requests/{por}/answers", self.at("service"));
        let body = json!({
            "function": "confirmIntent",
            "answer": BASE64_STANDARD.encode(answer),
        });
        let given = self.wait("the answer is taken", || {
            // A mail can be faster than the result that names its request.
            let sent = ureq::post(&url)
                .header("content-type", "application/json")
                .send(body.to_string());
            Some(sent.ok()?.body_mut().read_to_string().unwrap())
        });
        let given: Value = serde_json::from_str(&given).unwrap();
        let url = format!("{url}/{}?wait=5", given["answer"].as_str().unwrap());
        self.wait("the answer is worked", || {
            let text = ureq::get(&url).call().unwrap().body_mut().read_to_string();
            let state: Value = serde_json::from_str(&text.unwrap()).unwrap();
            (state["state"] != "working").then_some(state)
        })
    }

    fn end(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let end = Instant::now() + LIMIT;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_contract_is_sent_signed_and_verified() {
    let service = Service::start();
    let home = PathBuf::from(service.at("sender"));
    // Pages are served, and another site's requests are refused.
    assert!(service.bytes("").starts_with(b"<!doctype html>"));
    assert!(service.bytes("verify/").starts_with(b"<!"));
    let url = format!("{}tasks", service.at("start"));
    let foreign = ureq::post(&url)
        .header("origin", "https://evil.example")
        .send_empty();
    assert!(
        matches!(foreign, Err(ureq::Error::StatusCode(403))),
        "{foreign:?}"
    );
    let page = ureq::get(service.at("signer")).call().unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");

    let task = service.send();

    let ada = service.link("ada@example.com");
    let confirm = ada.answer(Action::Confirm, None, None);
    assert_eq!(
        service.answer(&ada, &confirm),
        json!({"state": "confirmed"})
    );
    let ming = service.link("ming@example.com");
    let pin = ming.answer(Action::RequestPin, None, None);
    assert_eq!(service.answer(&ming, &pin), json!({"state": "pinSent"}));
    let texts = service.json("texts");
    let pin = texts["texts"][0]["pin"].as_str().unwrap();
    let confirm = ming.answer(Action::Confirm, Some(pin), None);
    assert_eq!(
        service.answer(&ming, &confirm),
        json!({"state": "confirmed"})
    );

    service.wait("it is completed", || {
        let tasks = service.json("tasks");
        (tasks["tasks"][0]["state"] == "completed").then_some(())
    });
    let signed = service.bytes(&format!("tasks/{task}/0"));
    assert!(signed.ends_with(b"letsesign=true\n"));
    let proof: Value = serde_json::from_slice(&service.bytes(&format!("tasks/{task}/1"))).unwrap();
    assert_eq!(
        proof["summary"]["signerList"][1]["phoneNumber"],
        "+14155550123"
    );

    service.end();
    assert!(!home.exists(), "nothing is left");
}

/// The standard output of a program, which must succeed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

/// Two people sign, and one declines, on the signer's page in Chromium (browser/walk.mjs).
#[test]
fn people_sign_in_a_browser() {
    let Some([node, modules, chromium]) = letsesign_tests::browser() else {
        letsesign_tests::skip(letsesign_tests::BROWSER_MISSING);
        return;
    };
    let service = Service::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/walk.mjs");
    let text = run(Command::new(node)
        .arg(script)
        .arg(service.at("start"))
        .arg(modules)
        .arg(chromium));
    assert_eq!(text, "signed and declined\n");
    service.end();
}

/// Requests out of the OpenAPI document, right and wrong ones, to all routes of the service: none
/// makes it fail, and all answers are those that the document promises.
#[test]
fn the_service_answers_any_request_as_its_openapi_document_says() {
    let Some(program) = letsesign_tests::schemathesis() else {
        letsesign_tests::skip(letsesign_tests::SCHEMATHESIS_MISSING);
        return;
    };
    let service = Service::start();
    // A task and a request that exist, so that requests get beyond "not found".
    let task = service.send();
    let ada = service.link("ada@example.com");
    let folder = tempfile::tempdir().unwrap();
    let known = format!(
        "[parameters]\n\"path.task\" = {}\n\"path.por\" = {}\n",
        json!(task),
        ada.content["por"]
    );
    std::fs::write(folder.path().join("schemathesis.toml"), known).unwrap();
    let settings = Path::new(service.at("sender")).join("config.toml");
    let settings = std::fs::read_to_string(settings).unwrap();
    let key = settings
        .lines()
        .find_map(|line| line.strip_prefix("api-key = "));
    let key = key.unwrap().trim_matches('"');
    run(Command::new(program)
        .current_dir(folder.path())
        .args(["--no-color", "run"])
        .arg(format!("{}/api/v2/openapi.json", service.at("service")))
        .arg("--header")
        .arg(format!("Authorization: Bearer {key}"))
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "25", "--seed", "20", "--workers", "2"])
        // It would fill the registrations of an hour, and end the key that it calls with.
        .args(["--exclude-path-regex", "/registrations$|/keys/"]));
    let tasks = service.json("tasks");
    assert_eq!(tasks["tasks"][0]["state"], "running", "{tasks}");
    service.end();
}

/// The checks of schemathesis. `negative_data_rejection` is none of them: many strings of the
/// document, such as those in base64, have forms that it does not state.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,\
                      unsupported_method,ignored_auth";
