//! Nothing of a job, and nothing that a peer sent, is in what the server writes. Every text of a
//! task, of its jobs and of the peers' answers carries a marker; jobs succeed and fail in many
//! ways; then everything that the server wrote is searched for the markers, in several spellings.

mod marked;
mod needles;
mod peers;
mod spoilt;

use crate::stage::{IMPATIENT, Stage};
use letsesign_testbed::{Attested, Json, Link, Provider, Sealed};
use marked::{admit, marked};
use needles::{MARK, Needles};

/// Digits have no marker in them.
const PHONE: &str = "+886912345678";
const ADDRESS: &str = "203.0.113.77";

struct Run {
    stage: Stage,
    needles: Needles,
    jobs: usize,
}

impl Run {
    /// Runs a job in a session whose name is marked.
    async fn job(&mut self, name: &str, data: &Json) -> serde_json::Value {
        self.jobs += 1;
        let session = format!("{MARK} session {}", self.jobs);
        let name = Json::from(name).to_text();
        let data = data.to_text();
        let body = format!(r#"{{"session":"{session}","jobName":{name},"jobData":{data}}}"#);
        let pending = self.stage.testbed.jobs.submit_raw(&session, body);
        pending.result().await
    }

    async fn fails(&mut self, name: &str, data: &Json) {
        let result = self.job(name, data).await;
        assert_ne!(result["code"], 0, "{name}");
    }

    async fn signing(&mut self, sealed: &Sealed) -> (Json, Json) {
        let (mut pois, mut confirm) = (Vec::new(), None);
        for (number, signer) in sealed.task.signers.iter().enumerate() {
            let por = self.job("sendReq", &sealed.send_req(number)).await;
            let por = Attested::of(&por);
            let mail = self.stage.testbed.mailbox.wait(|mail| {
                mail.recipients == [signer.email.clone()]
                    && mail
                        .parsed()
                        .html
                        .is_some_and(|html| html.contains("submitIntent"))
            });
            let link = Link::of(&mail.await.parsed());
            let mut job = sealed.confirm_intent(link.secret(), &por);
            job.set("ipAddress", ADDRESS);
            let poi = Attested::of(&self.job("confirmIntent", &job).await);
            self.needles.text(link.secret());
            for attested in [&por, &poi] {
                self.needles.bytes(&attested.results[0].1);
                self.needles.bytes(&attested.document);
            }
            pois.push(poi);
            confirm = Some(job);
            self.stage.testbed.mailbox.clear();
        }
        let attach = sealed.attach_esig(&pois);
        let result = self.job("attachEsig", &attach).await;
        assert_eq!(result["code"], 0);
        for (_, file) in sealed.open(&result) {
            self.needles.bytes(&file);
        }
        self.needles.bytes(&sealed.access_key);
        self.needles.text(&sealed.binding_data_hash);
        self.needles.text(&sealed.payload_hash());
        (confirm.unwrap(), attach)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_job_is_written() {
    let stage = Stage::start(&IMPATIENT).await;
    let mut needles = Needles::default();
    for text in [
        MARK,
        PHONE,
        &PHONE[4..],
        ADDRESS,
        "other.example",
        "a nonce that nobody reads",
    ] {
        needles.text(text);
    }
    let mut run = Run {
        stage,
        needles,
        jobs: 0,
    };
    for provider in [Provider::Ses, Provider::SendGrid] {
        let task = marked(provider);
        admit(&run.stage, &task);
        let sealed = task.seal();
        let (confirm, attach) = run.signing(&sealed).await;
        let jobs = [
            ("sendReq", sealed.send_req(0)),
            ("confirmIntent", confirm),
            ("attachEsig", attach),
        ];
        for (name, job) in &jobs {
            spoilt::members(&mut run, name, job).await;
        }
        spoilt::parts(&mut run, &task, &jobs).await;
        peers::services(&mut run, &sealed, &jobs).await;
        peers::phones(&mut run, &task).await;
    }
    peers::host(&mut run).await;
    run.stage.works(&"all of it").await;
    let (code, log) = run.stage.server.terminate().await;
    assert_eq!(code, Some(0));
    // The log must not be empty: silence would pass the search.
    let failed = log.matches("job failed: ").count();
    assert!(failed > 150, "{failed} failures:\n{log}");
    for words in [
        "KMS: ",
        "mail provider",
        "the host's answer is not a job",
        "is not sent",
        "tried once more",
    ] {
        assert!(log.contains(words), "{words:?} is not in\n{log}");
    }
    run.needles.assert_absent(&log);
}
