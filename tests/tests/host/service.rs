//! The service API of a whole host: a sender and signers of protocol 2, over HTTP.

use crate::rig::{Host, Rig, run};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::{Hash, Spf};
use letsesign_protocol2::{Action, Part, Statement};
use letsesign_testbed::client::protocol2::{Link2, Task2, account, configuration};
use letsesign_testbed::client::unzip;
use letsesign_testbed::{mail, pdf};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The longest wait for anything here, on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The body of `PUT /api/v2/account`.
pub(crate) fn account_body(task: &Task2) -> Value {
    json!({
        "kmsKeyARN": task.account.kms_key_arn,
        "account": {"wrappedKey": base64(&task.account_key), "box": base64(&task.account_box)},
    })
}

/// The body of `POST /api/v2/tasks`.
pub(crate) fn task_body(task: &Task2) -> Value {
    let sealed = &task.sealed;
    json!({
        "header": base64(sealed.header.as_bytes()),
        "wrappedKey": base64(&task.task_key),
        "configuration": base64(&sealed.configuration),
        "documentHash": Hash::of(&sealed.document).to_string(),
    })
}

/// A sender with an API key.
pub(crate) struct Sender {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Sender {
    /// Registers `example.com` as the operator does.
    pub(crate) fn register(rig: &Rig) -> Self {
        // Another test may have set it.
        let _ = rustls_graviola::default_provider().install_default();
        let added = run(rig, &["accounts", "add", "example.com"]);
        assert_eq!(added.code, 0, "{}", added.errors);
        let key = added.text.trim().to_owned();
        assert!(
            key.starts_with("lsk_") && key.ends_with("@example.com"),
            "{key}"
        );
        Self {
            http: reqwest::Client::new(),
            url: rig.service_url(),
            key,
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.key);
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, bytes) = (answer.status(), answer.bytes().await.unwrap());
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn put_account(&self, task: &Task2) {
        let body = account_body(task);
        let (status, body) = self.call(Method::PUT, "/api/v2/account", body).await;
        assert_eq!(status, 204, "{body}");
    }

    /// Submits a task and its document; gives the task's path.
    pub(crate) async fn send(&self, task: &Task2) -> String {
        let sealed = &task.sealed;
        let body = task_body(task);
        let (status, taken) = self.call(Method::POST, "/api/v2/tasks", body.clone()).await;
        assert_eq!(status, 201, "{taken}");
        assert_eq!(taken["binding"], sealed.binding.to_string());
        // The same again is the same.
        let (status, again) = self.call(Method::POST, "/api/v2/tasks", body).await;
        assert_eq!((status, &again), (StatusCode::OK, &taken));
        let put = |document: Vec<u8>| {
            self.http
                .put(taken["documentURL"].as_str().unwrap())
                .bearer_auth(&self.key)
                .body(document)
                .send()
        };
        let mut other = sealed.document.clone();
        other[100] ^= 1;
        assert_eq!(put(other).await.unwrap().status(), 400);
        assert_eq!(put(sealed.document.clone()).await.unwrap().status(), 204);
        assert_eq!(put(sealed.document.clone()).await.unwrap().status(), 204);
        format!("/api/v2/tasks/{}", taken["task"].as_str().unwrap())
    }

    /// The task, once it is as wanted.
    pub(crate) async fn until(&self, path: &str, right: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let task = self.get(path).await;
            if right(&task) {
                return task;
            }
            assert!(Instant::now() < end, "{task:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn state(&self, path: &str, task: &Task2) -> StatusCode {
        let sent = task.statements.last().unwrap();
        let body = json!({"statement": base64(&sent.text), "mac": base64(&sent.mac)});
        self.call(Method::POST, &format!("{path}/statements"), body)
            .await
            .0
    }

    /// Does as the page of a signer: gives an answer and waits for its fate.
    pub(crate) async fn answer(&self, link: &Link2, function: &str, answer: &[u8]) -> Value {
        let por = link.content["por"].as_str().unwrap();
        let url = format!("{}/api/v2/requests/{por}/answers", self.url);
        let body = json!({"function": function, "answer": base64(answer)});
        let taken = self
            .http
            .post(&url)
            .header("content-type", "application/json")
            .header("origin", "https://sign.example.com")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = taken.status();
        assert_eq!(taken.headers()["access-control-allow-origin"], "*");
        let taken: Value = serde_json::from_str(&taken.text().await.unwrap()).unwrap();
        if status != StatusCode::ACCEPTED {
            return json!({"status": status.as_u16(), "code": taken["code"]});
        }
        let end = Instant::now() + LIMIT;
        loop {
            let url = format!("{url}/{}?wait=20", taken["answer"].as_str().unwrap());
            let text = self
                .http
                .get(url)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            let state: Value = serde_json::from_str(&text).unwrap();
            if state["state"] != "working" {
                return state;
            }
            assert!(Instant::now() < end, "{state}");
        }
    }

    pub(crate) async fn result(&self, path: &str) -> Vec<u8> {
        let url = format!("{}{path}/result", self.url);
        let answer = self.http.get(url).bearer_auth(&self.key).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap().to_vec()
    }
}

/// The link in the newest mail to an address that comes after the first `seen` mails.
pub(crate) async fn link(rig: &Rig, address: &str, seen: u64) -> Link2 {
    let end = Instant::now() + LIMIT;
    loop {
        let mails = rig.testbed.mailbox.since(seen);
        let mut own = mails
            .iter()
            .filter(|mail| mail.recipients == [address])
            .map(|mail| mail.parsed())
            .filter(|mail: &mail::Parsed| {
                mail.html
                    .as_ref()
                    .is_some_and(|html| html.contains("#letsesign2="))
            });
        if let Some(mail) = own.next_back() {
            return Link2::of(&mail);
        }
        assert!(Instant::now() < end, "no mail to {address}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn start() -> (Rig, Host, Sender) {
    let rig = Rig::start().await;
    let host = rig.host();
    host.until_ready().await;
    let sender = Sender::register(&rig);
    (rig, host, sender)
}

const PHONE: &str = "+14155550123";

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_signed_by_two_people_in_order() {
    let (rig, host, sender) = start().await;
    let mut configuration = configuration(2);
    configuration.signers[1].0.phone = Some(PHONE.to_owned());
    let account = account();
    let task = Task2::seal(&account, &configuration, true, &pdf::document(2, 100_000));

    // Nothing is taken before the account is there.
    let body = json!({"header": "", "wrappedKey": "", "configuration": "", "documentHash": ""});
    let (status, _) = sender.call(Method::POST, "/api/v2/tasks", body).await;
    assert_eq!(status, 400);
    sender.put_account(&task).await;
    let path = sender.send(&task).await;

    let first = link(&rig, "signer0@example.com", 0).await;
    let asked = sender
        .until(&path, |task| task["signers"][0]["state"] == "asked")
        .await;
    assert_eq!(asked["signers"][1]["state"], "waiting");
    // A refusal cannot be turned into a confirmation.
    let decline = first.answer(Action::Decline, None, None);
    let turned = sender.answer(&first, "confirmIntent", &decline).await;
    assert_eq!(turned, json!({"state": "refused", "code": 2407}));
    let confirm = first.answer(Action::Confirm, None, None);
    let done = sender.answer(&first, "confirmIntent", &confirm).await;
    assert_eq!(done, json!({"state": "confirmed"}));
    // The same answer again is the same; another one is too late.
    assert_eq!(sender.answer(&first, "confirmIntent", &confirm).await, done);
    let decline = first.answer(Action::Decline, None, None);
    let late = sender.answer(&first, "decline", &decline).await;
    assert_eq!(late, json!({"status": 409, "code": "conflict"}));

    let second = link(&rig, "signer1@example.com", 0).await;
    sender
        .until(&path, |task| task["signers"][1]["state"] == "asked")
        .await;
    let pin = second.answer(Action::RequestPin, None, None);
    let sent = sender.answer(&second, "confirmIntent", &pin).await;
    assert_eq!(sent, json!({"state": "pinSent"}));
    let wrong = second.answer(Action::Confirm, Some("000000"), None);
    let refused = sender.answer(&second, "confirmIntent", &wrong).await;
    assert_eq!(refused, json!({"state": "refused", "code": 2204}));
    let pin = rig.testbed.twilio.sms()[0].pin.clone();
    let right = second.answer(Action::Confirm, Some(&pin), None);
    let done = sender.answer(&second, "confirmIntent", &right).await;
    assert_eq!(done, json!({"state": "confirmed"}));

    sender
        .until(&path, |task| task["state"] == "completed")
        .await;
    let sealed = sender.result(&path).await;
    let opened = task
        .root
        .open_from_enclave(Part::Result, task.binding(), sealed);
    let files = unzip(&opened.unwrap(), None);
    let spf = Spf::parse(&files[1].1).unwrap();
    assert_eq!(spf.summary.binding_data_hash, task.binding());

    let proofs = sender.get(&format!("{path}/proofs")).await;
    let kinds: Vec<&str> = proofs["proofs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|proof| proof["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["por", "poi", "por", "poi"]);
    let history = sender.get(&format!("{path}/history")).await;
    let words: Vec<&str> = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        words,
        [
            "submitted",
            "document",
            "asked",
            "answerRefused",
            "confirmed",
            "asked",
            "pinSent",
            "answerRefused",
            "confirmed",
            "completed"
        ]
    );
    host.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_end_by_a_decline_and_by_the_sender() {
    let (rig, host, sender) = start().await;
    let account = account();
    let seal = || Task2::seal(&account, &configuration(2), false, &pdf::document(1, 1000));
    let mut task = seal();
    sender.put_account(&task).await;

    // Both are asked at once; one declines.
    let path = sender.send(&task).await;
    let first = link(&rig, "signer0@example.com", 0).await;
    link(&rig, "signer1@example.com", 0).await;
    // The mail is there before the enclave's result.
    let both = |task: &Value| {
        task["signers"][0]["state"] == "asked" && task["signers"][1]["state"] == "asked"
    };
    sender.until(&path, both).await;
    let decline = first.answer(Action::Decline, None, Some("not like this"));
    let done = sender.answer(&first, "decline", &decline).await;
    assert_eq!(done, json!({"state": "declined"}));
    let ended = sender
        .until(&path, |task| task["state"] == "declined")
        .await;
    let reason = BASE64_STANDARD
        .decode(ended["encryptedReason"].as_str().unwrap())
        .unwrap();
    let reason = task
        .root
        .open_from_enclave(Part::Decline, task.binding(), reason);
    let reason: Value = serde_json::from_slice(&reason.unwrap()).unwrap();
    assert_eq!(reason["reason"], "not like this");
    // Nothing can be said about it any more.
    task.state(&Statement::Void {
        at: 1,
        reason: None,
    });
    assert_eq!(sender.state(&path, &task).await, 409);

    // A new round takes the place of the first one, whose link is worth nothing then.
    let seen = rig.testbed.mailbox.count();
    let mut task = seal();
    let path = sender.send(&task).await;
    let old = link(&rig, "signer0@example.com", seen).await;
    sender
        .until(&path, |task| task["signers"][0]["state"] == "asked")
        .await;
    task.state(&Statement::NewRound {
        at: 1,
        signer: 0,
        round: 2,
    });
    assert_eq!(sender.state(&path, &task).await, 202);
    assert_eq!(sender.state(&path, &task).await, 202);
    sender
        .until(&path, |task| {
            task["signers"][0]["round"] == 2 && task["signers"][0]["state"] == "asked"
        })
        .await;
    let answer = old.answer(Action::Confirm, None, None);
    let late = sender.answer(&old, "confirmIntent", &answer).await;
    assert_eq!(late, json!({"status": 409, "code": "conflict"}));
    let new = link(&rig, "signer0@example.com", seen).await;
    assert_eq!(new.content["round"], 2);
    let answer = new.answer(Action::Confirm, None, None);
    let done = sender.answer(&new, "confirmIntent", &answer).await;
    assert_eq!(done, json!({"state": "confirmed"}));

    // A statement that the sender has not made is dropped, and the task goes on.
    let forged =
        json!({"statement": base64(br#"{"kind":"void","at":3}"#), "mac": base64(&[7; 32])});
    let statements = format!("{path}/statements");
    let (status, _) = sender.call(Method::POST, &statements, forged).await;
    assert_eq!(status, 202);
    let history = format!("{path}/history");
    sender
        .until(&history, |history| {
            history.to_string().contains("statementRefused")
        })
        .await;
    assert_eq!(sender.get(&path).await["state"], "running");

    // A genuine one voids it.
    task.state(&Statement::Void {
        at: 4,
        reason: None,
    });
    assert_eq!(sender.state(&path, &task).await, 202);
    sender.until(&path, |task| task["state"] == "void").await;
    let other = link(&rig, "signer1@example.com", seen).await;
    let answer = other.answer(Action::Confirm, None, None);
    let late = sender.answer(&other, "confirmIntent", &answer).await;
    assert_eq!(late, json!({"status": 409, "code": "conflict"}));
    host.terminate().await;
}

/// Every route that wants a key, with the scope that it wants, out of the OpenAPI document.
fn routes() -> Vec<(Method, String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let text = std::fs::read_to_string(path).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let scope = route["security"][0]["apiKey"][0].as_str();
            let method = method.to_uppercase().parse().unwrap();
            routes.extend(scope.map(|scope| (method, path.clone(), scope.to_owned())));
        }
    }
    assert!(routes.len() >= 18, "{routes:?}");
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_wants_its_scope_and_shows_no_other_sender() {
    let (rig, host, sender) = start().await;
    let account = account();
    let task = Task2::seal(&account, &configuration(1), false, &pdf::document(1, 0));
    sender.put_account(&task).await;
    let path = sender.send(&task).await;
    let name = path.rsplit('/').next().unwrap();
    let added = run(&rig, &["accounts", "add", "other.example"]);
    let with = |key: &str| Sender {
        http: reqwest::Client::new(),
        url: sender.url.clone(),
        key: key.to_owned(),
    };
    let other = with(added.text.trim());
    let mut keys = Vec::new();
    for scope in ["send", "read", "admin"] {
        let body = json!({"name": scope, "scopes": [scope]});
        let (status, made) = sender.call(Method::POST, "/api/v2/keys", body).await;
        assert_eq!(status, 201, "{made}");
        keys.push((scope, with(made["apiKey"].as_str().unwrap())));
    }
    let body = json!({"name": "gone", "scopes": ["send", "read", "admin"]});
    let (_, gone) = sender.call(Method::POST, "/api/v2/keys", body).await;
    let revoke = format!("/api/v2/keys/{}", gone["id"].as_str().unwrap());
    assert_eq!(
        sender.call(Method::DELETE, &revoke, Value::Null).await.0,
        204
    );
    let gone = with(gone["apiKey"].as_str().unwrap());

    for (method, path, scope) in routes() {
        let path = path.replace("{task}", name).replace("{id}", "unknown");
        let call = async |sender: &Sender| {
            let (status, body) = sender.call(method.clone(), &path, json!({})).await;
            (
                status.as_u16(),
                body["code"].as_str().unwrap_or_default().to_owned(),
            )
        };
        let label = format!("{method} {path}");
        for nobody in [&gone, &with("lsk_guess@example.com"), &with("")] {
            assert_eq!(call(nobody).await, (401, "unauthorized".into()), "{label}");
        }
        for (has, key) in &keys {
            let (status, code) = call(key).await;
            let is_refused = (status, code.as_str()) == (403, "forbidden");
            assert_eq!(
                is_refused,
                *has != scope,
                "{label} with {has}: {status} {code}"
            );
        }
        if path.contains(name) {
            // Bodies are checked first: a route without one shows it.
            let (status, code) = call(&other).await;
            assert!(
                (status, code.as_str()) == (404, "not-found") || status == 400,
                "{label}: {status} {code}"
            );
        }
    }
    for part in ["", "/history", "/proofs", "/result"] {
        let (status, body) = other
            .call(Method::GET, &format!("{path}{part}"), Value::Null)
            .await;
        assert_eq!(status, 404, "{body}");
    }
    let remind = json!({"signer": 0});
    let (status, _) = other
        .call(Method::POST, &format!("{path}/remind"), remind)
        .await;
    assert_eq!(status, 404);
    assert_eq!(other.get("/api/v2/tasks").await["tasks"], json!([]));
    // The last key that can make others stays.
    let listed = other.get("/api/v2/keys").await;
    let last = format!("/api/v2/keys/{}", listed["keys"][0]["id"].as_str().unwrap());
    assert_eq!(other.call(Method::DELETE, &last, Value::Null).await.0, 409);

    // Neither keys nor what a signer shows are in the log or in the databases.
    let link = link(&rig, "signer0@example.com", 0).await;
    let por = link.content["por"].as_str().unwrap().to_owned();
    let secret = link.content["key"].as_str().unwrap().to_owned();
    host.terminate().await;
    let mut files = vec![rig.path("host.log")];
    let state = std::fs::read_dir(rig.path("state")).unwrap();
    files.extend(
        state
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file()),
    );
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [&sender.key, &por, &secret] {
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{secret} is in {}", file.display());
        }
    }
}

/// Without a key, anybody makes the host keep a registration for a week: 100 KiB each.
#[tokio::test(flavor = "multi_thread")]
async fn registrations_do_not_fill_the_disk() {
    let (_rig, _host, sender) = start().await;
    let register = async |number: usize| {
        let body = json!({
            "domain": format!("sender{number}.example.com"),
            "kmsKeyARN": "arn:aws:kms:us-east-1:123456789012:key/1",
            "account": {"wrappedKey": base64(&[1; 384]), "box": base64(&[2; 1000])},
        });
        sender
            .call(Method::POST, "/api/v2/registrations", body)
            .await
    };
    for number in 0..10 {
        let (status, challenge) = register(number).await;
        assert_eq!(status, 201, "{challenge}");
        let name = format!("_letsesign-challenge.sender{number}.example.com");
        assert_eq!(challenge["txtName"], name);
    }
    let (status, problem) = register(10).await;
    assert_eq!(status, 429, "{problem}");
    assert_eq!(problem["code"], "busy", "{problem}");
    // Whoever has a key is not held up by it.
    sender.get("/api/v2/account").await;
}
