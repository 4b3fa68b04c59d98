//! A testbed, a server in it, and counts of what each has seen of the other.

use letsesign_testbed::{
    Attested, Counters, Link, Options, Provider, Sealed, Server, Task, Testbed, pdf,
};
use serde_json::Value;
use std::ops::Sub;
use std::time::Duration;

/// Bytes in a MiB.
pub const MIB: u64 = 1 << 20;

/// A test should not wait as long as the measured limits do. Connections are not kept, so that
/// every exchange meets the faults of connections.
const ALWAYS: [(&str, &str); 5] = [
    ("poll-ms", "5"),
    ("poll-most-ms", "20"),
    ("retry-first-ms", "5"),
    ("retry-most-ms", "50"),
    ("keep-ms", "1"),
];

/// Limits on services that make hanging cheap, and leave a busy machine time to answer.
pub const IMPATIENT: [(&str, &str); 6] = [
    ("head-ms", "600"),
    ("idle-ms", "600"),
    ("tls-ms", "600"),
    ("service-ms", "1200"),
    ("mail-step-ms", "400"),
    ("mail-ms", "1600"),
];

/// A testbed and a server.
pub struct Stage {
    pub testbed: Testbed,
    pub server: Server,
}

/// Requests that a service has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub connections: u64,
    pub handshakes: u64,
    pub requests: u64,
    pub served: u64,
}

impl Seen {
    pub fn of(counters: &Counters) -> Self {
        Self {
            connections: counters.connections(),
            handshakes: counters.handshakes(),
            requests: counters.requests(),
            served: counters.served(),
        }
    }
}

impl Sub for Seen {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            connections: self.connections - before.connections,
            handshakes: self.handshakes - before.handshakes,
            requests: self.requests - before.requests,
            served: self.served - before.served,
        }
    }
}

/// The outcome of a job: its code, what KMS and the mail provider have seen of it, and how many
/// mails were taken.
#[derive(Debug)]
pub struct Outcome {
    pub code: i64,
    pub kms: Seen,
    pub mail: Seen,
    pub mails: u64,
}

/// The smallest task.
pub fn task() -> Task {
    Task::new(pdf::document(1, 0))
}

/// The same, by SendGrid.
pub fn sendgrid_task() -> Task {
    Task {
        provider: Provider::SendGrid,
        ..task()
    }
}

pub fn code(result: &Value) -> i64 {
    result["code"].as_i64().unwrap()
}

/// Waits until a condition holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), wait)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen"));
}

impl Stage {
    pub async fn start(limits: &[(&str, &str)]) -> Self {
        Self::in_testbed(Testbed::start(Options::default()).await.unwrap(), limits)
    }

    pub fn in_testbed(testbed: Testbed, limits: &[(&str, &str)]) -> Self {
        let program = env!("CARGO_BIN_EXE_letsesign-server").as_ref();
        let limits = [&ALWAYS[..], limits].concat();
        let server = Server::start(program, &testbed, &limits);
        Self { testbed, server }
    }

    /// Has the first signer of a task asked.
    pub async fn ask(&self, sealed: &Sealed) -> Outcome {
        let mail = || {
            Seen::of(match sealed.task.provider {
                Provider::Ses => self.testbed.ses.counters(),
                Provider::SendGrid => self.testbed.sendgrid.counters(),
            })
        };
        let kms = || Seen::of(self.testbed.kms.counters());
        let before = (kms(), mail(), self.testbed.mailbox.count());
        let result = self.testbed.run("sendReq", &sealed.send_req(0)).await;
        Outcome {
            code: code(&result),
            kms: kms() - before.0,
            mail: mail() - before.1,
            mails: self.testbed.mailbox.count() - before.2,
        }
    }

    /// The proof of a signer's request, and the secret in the mail.
    pub async fn asked(&self, sealed: &Sealed, signer: usize) -> (Attested, String) {
        let before = self.testbed.mailbox.count();
        let por = Attested::of(&self.testbed.run("sendReq", &sealed.send_req(signer)).await);
        let address = &sealed.task.signers[signer].email;
        let mails = self.testbed.mailbox.since(before);
        let mail = mails
            .iter()
            .find(|mail| mail.recipients == [address.clone()]);
        let link = Link::of(&mail.unwrap().parsed());
        (por, link.secret().to_owned())
    }

    /// No faults any more, and the next job succeeds with one mail.
    pub async fn works(&mut self, after: &dyn std::fmt::Debug) {
        let testbed = &self.testbed;
        for faults in [
            testbed.kms.faults(),
            testbed.ses.faults(),
            testbed.sendgrid.faults(),
        ] {
            faults.clear();
        }
        testbed.nsm.faults().clear();
        assert!(self.server.is_running(), "{after:?}");
        let outcome = self.ask(&task().seal()).await;
        assert_eq!(
            (outcome.code, outcome.mails),
            (0, 1),
            "after {after:?}:\n{}",
            self.server.log()
        );
    }

    /// Ends with exit code 0.
    pub async fn end(self) {
        let (code, log) = self.server.terminate().await;
        assert_eq!(code, Some(0), "{log}");
    }
}
