//! Every code of docs/job-protocol.md, each produced by a job with that fault; and the order of
//! the checks.

#![cfg(test)]
#![allow(clippy::items_after_statements)]

mod attach_esig;
mod confirm_intent;
mod decrypting;
mod hostile;
mod inputs;
mod reached;
mod send_req;

use letsesign_testbed::{Attested, Json, Options, Sealed, Server, Task, Testbed, client, pdf};
use serde_json::Value;

/// A testbed with a server in it.
pub(crate) struct Rig {
    pub(crate) testbed: Testbed,
    pub(crate) server: Server,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(limits: &[(&str, &str)]) -> Self {
        let testbed = Testbed::start(Options::default()).await.unwrap();
        let program = env!("CARGO_BIN_EXE_letsesign-server").as_ref();
        let mut all = vec![("poll-ms", "5"), ("workers-max", "2")];
        all.extend(limits);
        let server = Server::start(program, &testbed, &all);
        Self { testbed, server }
    }

    /// The code of a job.
    pub(crate) async fn code(&self, name: &str, job: &Json) -> u64 {
        self.result(name, job).await["code"].as_u64().unwrap()
    }

    pub(crate) async fn result(&self, name: &str, job: &Json) -> Value {
        self.testbed.run(name, job).await
    }

    /// The code of `sendReq` for the first signer.
    pub(crate) async fn send(&self, sealed: &Sealed) -> u64 {
        self.code("sendReq", &sealed.send_req(0)).await
    }

    /// `sendReq` for a signer, and the secret that was mailed.
    pub(crate) async fn asked(&self, sealed: &Sealed, signer: usize) -> (Attested, String) {
        let before = self.testbed.mailbox.count();
        let result = self.result("sendReq", &sealed.send_req(signer)).await;
        let por = Attested::of(&result);
        let mails = self.testbed.mailbox.since(before);
        let mail = mails
            .iter()
            .find(|mail| mail.recipients == [sealed.task.signers[signer].email.clone()]);
        let link = client::Link::of(&mail.unwrap().parsed());
        (por, link.secret().to_owned())
    }

    /// A signer asked and confirmed.
    pub(crate) async fn confirmed(&self, sealed: &Sealed, signer: usize) -> Attested {
        let (por, secret) = self.asked(sealed, signer).await;
        let job = sealed.confirm_intent(&secret, &por);
        Attested::of(&self.result("confirmIntent", &job).await)
    }
}

/// A small document.
pub(crate) fn task() -> Task {
    Task::new(pdf::document(1, 0))
}
