//! Hosts that share the work, and a sender whose tasks are signed by two people each, through
//! whichever host answers.

use crate::rig::{Host, Rig, free_port, run_with};
use crate::service::{account_body, base64, task_body};
use crate::{bucket, cluster};
use letsesign_host::queue::KeyFile;
use letsesign_protocol2::{Account, Action, Part};
use letsesign_testbed::client::protocol2::{Link2, Task2, account, configuration};
use letsesign_testbed::client::unzip;
use letsesign_testbed::pdf;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The longest time of a task, on a busy machine, with a host killed in between.
const LIMIT: Duration = Duration::from_mins(4);
/// Between two looks at a task.
const LOOK: Duration = Duration::from_millis(30);

/// Where one of the hosts lives: a name, ports and a state of its own; database, keys and payloads
/// are shared.
pub(crate) struct Member {
    variables: Vec<(String, String)>,
    state: PathBuf,
    port: u16,
    url: String,
}

impl Member {
    /// The only one, with SQLite.
    fn only(rig: &Rig) -> Self {
        Self {
            variables: Vec::new(),
            state: rig.path("state"),
            port: 0,
            url: rig.service_url(),
        }
    }

    /// One of several on this database.
    fn new(rig: &Rig, name: &str, database: &str, bucket: SocketAddr) -> Self {
        let state = rig.path(name);
        let (port, service) = (free_port(), free_port());
        let key = rig.path("shared-key");
        if !key.exists() {
            KeyFile::create(&key).unwrap();
        }
        let url = format!("http://127.0.0.1:{service}");
        let variables = [
            ("NAME", name.to_owned()),
            ("STATE", state.display().to_string()),
            ("QUEUE__ENGINE", "postgres".to_owned()),
            ("QUEUE__URL", database.to_owned()),
            ("QUEUE__KEYS", format!("[{:?}]", key.display().to_string())),
            ("QUEUE__S3__BUCKET", "bucket".to_owned()),
            ("QUEUE__S3__ENDPOINT", format!("http://{bucket}")),
            ("QUEUE__S3__ALLOW_HTTP", "true".to_owned()),
            ("HTTP__LISTEN", format!("127.0.0.1:{port}")),
            ("SERVICE__LISTEN", format!("127.0.0.1:{service}")),
            ("SERVICE__PUBLIC_URL", url.clone()),
        ];
        let variables = variables.map(|(name, value)| (format!("LETSESIGN_HOST_{name}"), value));
        let aws = ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DISABLE_BULK_DELETE"];
        let aws = aws.map(|name| (format!("AWS_{name}"), "true".to_owned()));
        Self {
            variables: variables.into_iter().chain(aws).collect(),
            state,
            port,
            url,
        }
    }

    /// Starts it.
    pub(crate) fn host(&self, rig: &Rig) -> Host {
        if self.variables.is_empty() {
            return rig.host();
        }
        rig.host_with(&self.variables, &self.state, self.port)
    }
}

/// A sender, and the hosts that work for it.
pub(crate) struct Crowd {
    pub(crate) rig: Rig,
    pub(crate) members: Vec<Member>,
    account: Account,
    http: reqwest::Client,
    key: String,
}

/// A task that was signed.
pub(crate) struct Done {
    /// From before it was submitted until it was completed.
    pub(crate) took: Duration,
    /// Functions of jobs whose fate was unknown, and which the sender had worked again.
    pub(crate) decided: Vec<String>,
}

impl Crowd {
    /// One host with SQLite.
    pub(crate) async fn sqlite() -> (Self, Vec<Host>) {
        let rig = Rig::start().await;
        let members = vec![Member::only(&rig)];
        Self::of(rig, members).await
    }

    /// Two hosts on one PostgreSQL; `None`, with the reason printed, where there is none.
    pub(crate) async fn postgres() -> Option<(Self, Vec<Host>)> {
        let database = cluster::shared().ok()?.database();
        // The configuration wants a URL; this is the form for a unix socket.
        let words = database
            .split(' ')
            .map(|word| word.split_once('=').unwrap());
        let [folder, user, name] =
            <[&str; 3]>::try_from(words.map(|(_, value)| value).collect::<Vec<_>>()).unwrap();
        let folder = folder.replace('/', "%2F");
        let url = format!("postgresql://{user}@{folder}/{name}");
        let bucket = bucket::serve().await;
        let rig = Rig::start().await;
        let members = ["a", "b"].map(|name| Member::new(&rig, name, &url, bucket));
        Some(Self::of(rig, members.into()).await)
    }

    async fn of(rig: Rig, members: Vec<Member>) -> (Self, Vec<Host>) {
        // Another test may have set it.
        let _ = rustls_graviola::default_provider().install_default();
        let mut hosts = Vec::new();
        for member in &members {
            let host = member.host(&rig);
            host.until_ready().await;
            hosts.push(host);
        }
        let variables = &members[0].variables;
        let added = run_with(&rig, variables, &["accounts", "add", "example.com"]);
        assert_eq!(added.code, 0, "{}", added.errors);
        let crowd = Self {
            key: added.text.trim().to_owned(),
            account: account(),
            http: reqwest::Client::new(),
            rig,
            members,
        };
        let any = Task2::seal(
            &crowd.account,
            &configuration(2),
            false,
            &pdf::document(1, 0),
        );
        let body = account_body(&any);
        let put = crowd.call(0, &Method::PUT, "/api/v2/account", body).await;
        assert_eq!(put.0, 204, "{}", put.1);
        (crowd, hosts)
    }

    /// Asks a host, and the next one while it does not answer. All that is asked here does the
    /// same when it is asked again.
    async fn ask(
        &self,
        first: usize,
        method: &Method,
        path: &str,
        kind: &'static str,
        body: Vec<u8>,
    ) -> (StatusCode, Vec<u8>) {
        let end = Instant::now() + LIMIT;
        for member in self.members.iter().cycle().skip(first % self.members.len()) {
            let request = self
                .http
                .request(method.clone(), format!("{}{path}", member.url))
                .bearer_auth(&self.key)
                .header("content-type", kind)
                .body(body.clone());
            let answer = async {
                let answer = request.send().await?;
                Ok::<_, reqwest::Error>((answer.status(), answer.bytes().await?.to_vec()))
            };
            match answer.await {
                Ok((status, bytes)) if status != 503 => return (status, bytes),
                other => assert!(Instant::now() < end, "{path}: {other:?}"),
            }
            sleep(LOOK).await;
        }
        unreachable!("the hosts are asked in a circle")
    }

    async fn call(
        &self,
        first: usize,
        method: &Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let (status, bytes) = self
            .ask(first, method, path, "application/json", body)
            .await;
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    async fn get(&self, first: usize, path: &str) -> Value {
        let (status, body) = self.call(first, &Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The address of a signer.
    pub(crate) fn email(task: usize, signer: usize) -> String {
        format!("signer-{task}-{signer}@example.com")
    }

    /// The whole way of a task of two signers, who answer as soon as they are asked, by the hosts
    /// in turn.
    pub(crate) async fn sign(&self, number: usize) -> Done {
        let mut configuration = configuration(2);
        for (signer, one) in configuration.signers.iter_mut().enumerate() {
            one.0.email = Self::email(number, signer);
        }
        let document = pdf::document(2, 50_000);
        let task = Task2::seal(&self.account, &configuration, false, &document);
        let seen = self.rig.testbed.mailbox.count();
        let start = Instant::now();
        let path = self.submit(number, &task).await;
        let mut decided = Vec::new();
        let mut answered = HashSet::new();
        loop {
            let state = self.get(number, &path).await;
            if state["state"] == "completed" {
                break;
            }
            let open = state["needsDecision"].as_array();
            let open = open.map_or(&[][..], Vec::as_slice);
            // One that cannot go on without the sender is called failed.
            let goes_on = state["state"] == "running" || !open.is_empty();
            let is_late = start.elapsed() > LIMIT;
            assert!(goes_on && !is_late, "{number}: {state:#}");
            for job in open {
                let retry = json!({"job": job["job"], "action": "retry"});
                let path = format!("{path}/retry");
                let (status, body) = self.call(number, &Method::POST, &path, retry).await;
                // Its own result may have come meanwhile.
                assert!(status == 202 || status == 409, "{body}");
                if status == 202 {
                    decided.push(job["function"].as_str().unwrap().to_owned());
                }
            }
            for signer in 0..2 {
                if state["signers"][signer]["state"] == "asked" {
                    self.answer(number, signer, seen, &mut answered).await;
                }
            }
            sleep(LOOK).await;
        }
        let took = start.elapsed();
        self.check(number, &path, &task).await;
        Done { took, decided }
    }

    async fn submit(&self, number: usize, task: &Task2) -> String {
        let sealed = &task.sealed;
        let (status, taken) = self
            .call(number, &Method::POST, "/api/v2/tasks", task_body(task))
            .await;
        assert!(status == 201 || status == 200, "{status} {taken}");
        assert_eq!(taken["binding"], sealed.binding.to_string());
        let path = format!("/api/v2/tasks/{}", taken["task"].as_str().unwrap());
        let kind = "application/octet-stream";
        let document = sealed.document.clone();
        let put = format!("{path}/document");
        let (status, body) = self.ask(number, &Method::PUT, &put, kind, document).await;
        assert_eq!(status, 204, "{}", body.escape_ascii());
        path
    }

    /// Confirms by the newest link of a signer, once for each link that the hosts know.
    async fn answer(
        &self,
        number: usize,
        signer: usize,
        seen: u64,
        answered: &mut HashSet<String>,
    ) {
        let address = Self::email(number, signer);
        let mails = self.rig.testbed.mailbox.since(seen);
        let own = mails
            .iter()
            .filter(|mail| mail.recipients == [address.as_str()]);
        let links = own.map(|mail| mail.parsed()).filter(|mail| {
            let html = mail.html.as_ref();
            html.is_some_and(|html| html.contains("#letsesign2="))
        });
        // Of two mails one may be of an enclave that died before it could say so.
        for link in links.map(|mail| Link2::of(&mail)) {
            let por = link.content["por"].as_str().unwrap().to_owned();
            if answered.contains(&por) {
                continue;
            }
            let answer = base64(&link.answer(Action::Confirm, None, None));
            let body = json!({"function": "confirmIntent", "answer": answer});
            let path = format!("/api/v2/requests/{por}/answers");
            // A killed host may have taken an answer, and then the other one says 409.
            let (status, body) = self.call(number, &Method::POST, &path, body).await;
            let is_known = status == 202 || status == 409;
            assert!(is_known || status == 404, "{status} {body}");
            if is_known {
                answered.insert(por);
            }
        }
    }

    /// The result opens, and everything was noted once.
    async fn check(&self, number: usize, path: &str, task: &Task2) {
        let history = self.get(number, &format!("{path}/history")).await;
        let events = history["events"].as_array().unwrap();
        let count = |word: &str| events.iter().filter(|one| one["event"] == word).count();
        let counts = ["submitted", "confirmed", "completed"].map(count);
        assert_eq!(counts, [1, 2, 1], "{number}: {history:#}");
        let result = format!("{path}/result");
        let kind = "application/json";
        let (status, sealed) = self
            .ask(number, &Method::GET, &result, kind, Vec::new())
            .await;
        assert_eq!(status, 200);
        let opened = task
            .root
            .open_from_enclave(Part::Result, task.binding(), sealed);
        assert_eq!(unzip(&opened.unwrap(), None).len(), 2);
    }

    /// Mails of a signer: with a link, and the others.
    pub(crate) fn mails(&self, task: usize, signer: usize) -> [usize; 2] {
        let address = Self::email(task, signer);
        let mails = self.rig.testbed.mailbox.mails();
        let own = mails
            .iter()
            .filter(|mail| mail.recipients == [address.as_str()]);
        let own: Vec<_> = own.map(|mail| mail.parsed().html).collect();
        let links = own.iter().flatten();
        let links = links.filter(|html| html.contains("#letsesign2=")).count();
        [links, own.len() - links]
    }
}
