//! A sender who has a document signed through a host's queue, and does not lose patience.

use crate::rig::Rig;
use letsesign_host::control::{Client, JobReport, query};
use letsesign_testbed::{Attested, Json, Link, Sealed, Task, pdf};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The longest wait for one job, on a busy machine, with the host killed in between.
const LIMIT: Duration = Duration::from_mins(4);

pub(crate) fn email(number: usize) -> String {
    format!("signer-{number}@example.com")
}

fn sealed(number: usize) -> Sealed {
    let mut task = Task::new(pdf::document(2, 20_000));
    task.id = format!("task-{number:020}");
    task.signers[0].email = email(number);
    task.seal()
}

/// The data of a task's first job.
pub(crate) fn first_job(number: usize) -> String {
    sealed(number).send_req(0).to_text()
}

/// The whole way of one task.
pub(crate) async fn sign(rig: &Rig, client: &Client, number: usize) {
    let code = try_sign(rig, client, number).await;
    assert_eq!(code, 0, "task {number}");
}

/// The same, up to the first job that fails: its code, or 0.
pub(crate) async fn try_sign(rig: &Rig, client: &Client, number: usize) -> u64 {
    let sealed = sealed(number);
    let sender = Sender {
        client: client.clone(),
        task: sealed.task.id.clone(),
    };
    let result = sender.run("sendReq", &sealed.send_req(0)).await;
    if result["code"] != 0 {
        return result["code"].as_u64().unwrap();
    }
    let por = Attested::of(&result);
    let mails = rig.testbed.mailbox.mails();
    let mut own = mails
        .iter()
        .filter(|mail| mail.recipients == [email(number)]);
    let link = Link::of(&own.next().expect("a mail with a link").parsed());
    let mut job = sealed.confirm_intent(link.secret(), &por);
    job.set("subTaskID", "confirm");
    let result = sender.run("confirmIntent", &job).await;
    if result["code"] != 0 {
        return result["code"].as_u64().unwrap();
    }
    let poi = Attested::of(&result);
    let result = sender.run("attachEsig", &sealed.attach_esig(&[poi])).await;
    if result["code"] == 0 {
        let files = sealed.open(&result);
        assert!(
            files
                .iter()
                .any(|(name, _)| Path::new(name).extension() == Some("spf".as_ref())),
            "the proof is there"
        );
    }
    result["code"].as_u64().unwrap()
}

struct Sender {
    client: Client,
    task: String,
}

impl Sender {
    /// Submits a job and waits for its result. The host may be killed meanwhile.
    async fn run(&self, name: &str, job: &Json) -> Value {
        let path = query(
            "/jobs",
            &[
                ("sender", Some("example.com".to_owned())),
                ("task", Some(self.task.clone())),
                ("name", Some(name.to_owned())),
            ],
        );
        let id = self.submit(&path, job.to_text()).await;
        let end = Instant::now() + LIMIT;
        loop {
            sleep(Duration::from_millis(20)).await;
            let report = self.client.get::<JobReport>(&format!("/jobs/{id}")).await;
            if let Ok(report) = &report {
                assert_ne!(report.job.state, "unknown", "{report:?}");
                if report.job.state == "done" || report.job.state == "failed" {
                    break;
                }
            }
            assert!(Instant::now() < end, "{name} of {}: {report:?}", self.task);
        }
        let path = format!("/jobs/{id}/result");
        let body = loop {
            match self.client.bytes(&path).await {
                Ok(body) => break body,
                // The host was killed between the two questions.
                Err(error) => assert!(Instant::now() < end, "the result of {name}: {error}"),
            }
            sleep(Duration::from_millis(20)).await;
        };
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["jobResult"].clone()
    }

    /// Submits. A host that was killed may have taken the job or not: what it took has a row.
    async fn submit(&self, path: &str, text: String) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let of_task = query("/jobs", &[("task", Some(self.task.clone()))]);
            let before = self.client.get::<Vec<Value>>(&of_task).await;
            if let Ok(before) = before {
                match self.client.post::<Value>(path, text.clone()).await {
                    Ok(done) => return done["job"].as_str().unwrap().to_owned(),
                    Err(_) => loop {
                        if let Ok(after) = self.client.get::<Vec<Value>>(&of_task).await {
                            if after.len() > before.len() {
                                // The newest is first.
                                return after[0]["id"].as_str().unwrap().to_owned();
                            }
                            break;
                        }
                        assert!(Instant::now() < end, "no host answers");
                        sleep(Duration::from_millis(20)).await;
                    },
                }
            }
            assert!(
                Instant::now() < end,
                "the job of {} cannot be submitted",
                self.task
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}
