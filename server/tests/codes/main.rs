//! Every code of docs/job-protocol.md, reached by a job that deserves it; and the order of the checks.

// Helpers of tests are tests, too, but clippy knows only functions marked as such.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::items_after_statements
)]

mod attach_esig;
mod confirm_intent;
mod decrypting;
mod hostile;
mod inputs;
mod reached;
mod send_req;

use letsesign_world::{Attested, Json, Options, Sealed, Server, Task, World, client, pdf};
use serde_json::Value;

/// A world with a server in it.
pub struct Rig {
    pub world: World,
    pub server: Server,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(limits: &[(&str, &str)]) -> Self {
        let world = World::start(Options::default()).await.unwrap();
        let program = env!("CARGO_BIN_EXE_letsesign-server").as_ref();
        let mut all = vec![("poll-ms", "5"), ("workers-max", "2")];
        all.extend(limits);
        let server = Server::start(program, &world, &all);
        Self { world, server }
    }

    /// The code of a job.
    pub async fn code(&self, name: &str, job: &Json) -> u64 {
        self.result(name, job).await["code"].as_u64().unwrap()
    }

    pub async fn result(&self, name: &str, job: &Json) -> Value {
        self.world.run(name, job).await
    }

    /// The code of `sendReq` for the first signer.
    pub async fn send(&self, sealed: &Sealed) -> u64 {
        self.code("sendReq", &sealed.send_req(0)).await
    }

    /// `sendReq` for a signer, and the secret that was mailed.
    pub async fn asked(&self, sealed: &Sealed, signer: usize) -> (Attested, String) {
        let before = self.world.mailbox.count();
        let result = self.result("sendReq", &sealed.send_req(signer)).await;
        let por = Attested::of(&result);
        let mails = self.world.mailbox.since(before);
        let mail = mails
            .iter()
            .find(|mail| mail.recipients == [sealed.task.signers[signer].email.clone()]);
        let link = client::Link::of(&mail.unwrap().parsed());
        (por, link.secret().to_owned())
    }

    /// A signer asked and confirmed.
    pub async fn confirmed(&self, sealed: &Sealed, signer: usize) -> Attested {
        let (por, secret) = self.asked(sealed, signer).await;
        let job = sealed.confirm_intent(&secret, &por);
        Attested::of(&self.result("confirmIntent", &job).await)
    }
}

/// A small document.
pub fn task() -> Task {
    Task::new(pdf::document(1, 0))
}
