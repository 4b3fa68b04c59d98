//! A testbed for tests: everything the signing server talks to, on loopback, and the sender who
//! gives it work. docs/testbed.md is its guide.
//!
//! Nothing that is shipped may depend on this crate; tests/tests/shipped.rs looks. It panics where
//! a test would have to.
//!
//! ```no_run
//! # async fn f() -> std::io::Result<()> {
//! use letsesign_testbed::{Options, Task, Testbed, pdf};
//! let testbed = Testbed::start(Options::default()).await?;
//! let program = "target/debug/letsesign-server";
//! let server = letsesign_testbed::Server::start(program.as_ref(), &testbed, &[]);
//! let task = Task::new(pdf::document(3, 0)).seal();
//! let result = testbed.run("sendReq", &task.send_req(0)).await;
//! assert_eq!(result["code"], 0);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::format_push_string,
    reason = "for tests"
)]

mod answer;
pub mod client;
mod clock;
pub mod customer;
mod fault;
pub mod http;
mod jobs;
mod json;
pub mod kms;
pub mod mail;
mod net;
pub mod nsm;
pub mod pdf;
pub mod sendgrid;
mod server;
mod service;
pub mod smtp;
pub mod tls;
pub mod twilio;

pub use client::{Attested, Link, Provider, Sealed, Signer, Task};
pub use clock::Clock;
pub use fault::{Counters, Fault, Faults, Step, WrongCertificate};
pub use http::Answer;
pub use jobs::{Jobs, Pending};
pub use json::Json;
pub use kms::{CmsStyle, Kms};
pub use mail::{Mail, Mailbox};
pub use nsm::{Nsm, NsmFault, Pcrs};
pub use sendgrid::SendGrid;
pub use server::Server;
pub use service::Service;
pub use smtp::Ses;
pub use twilio::Twilio;

use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Options of a testbed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Registers of the enclave; the key policy allows them.
    pub pcrs: Pcrs,
    /// How KMS writes its answers.
    pub cms: CmsStyle,
    /// Whether KMS takes data keys that this process has encrypted from memory, instead of a
    /// private RSA operation each.
    pub shortcut: bool,
    /// Bytes of mails that are kept.
    pub mail_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pcrs: [[0x11; 48], [0x22; 48], [0x33; 48]],
            cms: CmsStyle::Alternating,
            shortcut: true,
            mail_bytes: 256 << 20,
        }
    }
}

/// All services; they end when it is dropped.
pub struct Testbed {
    /// The host's job API.
    pub jobs: Jobs,
    /// AWS KMS.
    pub kms: Kms,
    /// SES by SMTP.
    pub ses: Ses,
    /// SendGrid.
    pub sendgrid: SendGrid,
    /// Twilio Verify.
    pub twilio: Twilio,
    /// The enclave's NSM.
    pub nsm: Nsm,
    /// Mails of both ways.
    pub mailbox: Arc<Mailbox>,
    folder: tempfile::TempDir,
}

impl Testbed {
    /// Starts it, inside a tokio runtime.
    ///
    /// # Errors
    /// If a file, a loopback port or the NSM's socket cannot be created.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = letsesign_test_authority::root().to_der();
        std::fs::write(folder.path().join("attestation-root.pem"), tls::pem(&root))?;
        std::fs::write(
            folder.path().join("tls-roots.pem"),
            tls::pem(tls::authority_der()),
        )?;
        let mailbox = Arc::new(Mailbox::new(options.mail_bytes));
        Ok(Self {
            jobs: Jobs::start().await?,
            kms: Kms::start(vec![options.pcrs], options.cms, options.shortcut).await?,
            ses: Ses::start(Arc::clone(&mailbox)).await?,
            sendgrid: SendGrid::start(Arc::clone(&mailbox)).await?,
            twilio: Twilio::start().await?,
            nsm: Nsm::start(folder.path(), options.pcrs)?,
            mailbox,
            folder,
        })
    }

    /// A folder that goes with the testbed.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The variables that a server with the feature `emulation` needs (docs/job-protocol.md), but
    /// for `LETSESIGN_CONFIGS`.
    pub fn environment(&self) -> Vec<(String, String)> {
        let overrides = [
            (smtp::HOST, 587, self.ses.address()),
            (kms::HOST, 443, self.kms.address()),
            (twilio::HOST, 443, self.twilio.address()),
            (sendgrid::HOST, 443, self.sendgrid.address()),
        ]
        .map(|(host, port, address)| format!("{host}:{port}={address}"));
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        [
            (
                "LETSESIGN_JOB_API",
                format!("http://{}", self.jobs.address()),
            ),
            ("LETSESIGN_HOST_OVERRIDES", overrides.join(",")),
            ("LETSESIGN_TLS_EXTRA_ROOTS", file("tls-roots.pem")),
            ("LETSESIGN_ATTESTATION_ROOT", file("attestation-root.pem")),
            (
                "LETSESIGN_NSM_SOCKET",
                self.nsm.socket().display().to_string(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Queues a job.
    pub fn submit(&self, name: &str, data: &Json) -> Pending {
        self.jobs.submit(name, &data.to_text())
    }

    /// Queues a job and waits for its result.
    pub async fn run(&self, name: &str, data: &Json) -> Value {
        self.submit(name, data).result().await
    }
}
