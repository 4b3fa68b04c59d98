//! The functions that jobs ask for.

mod attach_esig;
mod confirm_intent;
mod input;
mod mails;
mod proofs;
mod result;
mod self_test;
mod send_req;
mod verification;

use crate::attested::Judge;
use crate::budget::Budget;
use crate::kms::Kms;
use crate::mailer::Mailer;
use crate::nsm::SharedNsm;
use crate::sms::Sms;
use letsesign_job::fields::FieldError;
use letsesign_job::{Code, Job, JobResult};
use letsesign_mail::Scheme;
use letsesign_stamp::Fonts;
use std::sync::Arc;
use std::time::Duration;

/// What functions work with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) nsm: SharedNsm,
    pub(crate) kms: Arc<Kms>,
    pub(crate) mailer: Arc<Mailer>,
    pub(crate) sms: Arc<Sms>,
    pub(crate) fonts: Fonts,
    pub(crate) judge: Arc<Judge>,
    /// How often what a data key decrypts to may be refused.
    pub(crate) budget: Arc<Budget>,
    /// How long after KMS's last answer a refusal is answered.
    pub(crate) refusal: Duration,
    /// How long a request to sign is valid, in milliseconds.
    pub(crate) por_validity: u64,
    /// Where signing links may lead.
    pub(crate) links: Scheme,
}

/// Why a function failed: the code for the client, what else the client gets and, for the log, words that hold nothing of the job.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) reason: String,
    /// Of [`Code::WaitingForPin`]: the verification to come back with.
    verification: Option<String>,
}

impl Failure {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "mostly errors and texts that end here"
    )]
    pub(crate) fn new(code: Code, reason: impl ToString) -> Self {
        Self {
            code,
            reason: reason.to_string(),
            verification: None,
        }
    }

    fn result(&self) -> JobResult {
        let result = JobResult::failure(self.code);
        match &self.verification {
            Some(sid) => result.with("twilioVerificationSID", sid.as_str()),
            None => result,
        }
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Self::new(Code::InvalidParameter, error)
    }
}

/// A job's result, and what the log may say of it.
pub(crate) struct Done {
    pub(crate) result: JobResult,
    /// Our own name of the function, `None` for one that does not exist.
    pub(crate) function: Option<&'static str>,
    pub(crate) reason: Option<String>,
}

/// Runs a job. Never fails: a failure is a result, too.
pub(crate) async fn run(job: Job, tools: &Tools) -> Done {
    let (function, outcome) = match job.name() {
        self_test::NAME => (Some(self_test::NAME), self_test::run(job, tools).await),
        send_req::NAME => (
            Some(send_req::NAME),
            Box::pin(send_req::run(job, tools)).await,
        ),
        confirm_intent::NAME => (
            Some(confirm_intent::NAME),
            Box::pin(confirm_intent::run(job, tools)).await,
        ),
        attach_esig::NAME => (
            Some(attach_esig::NAME),
            Box::pin(attach_esig::run(job, tools)).await,
        ),
        _ => (
            None,
            Err(Failure::new(Code::InvalidParameter, "no such function")),
        ),
    };
    match outcome {
        Ok(result) => Done {
            result,
            function,
            reason: None,
        },
        Err(failure) => Done {
            result: failure.result(),
            function,
            reason: Some(failure.reason),
        },
    }
}

/// A PDF that this service signed is not signed again.
fn refuse_signed(pdf: &[u8]) -> Result<(), Failure> {
    if letsesign_stamp::is_signed(pdf) {
        return Err(Failure::new(
            Code::AlreadySigned,
            "the PDF is a signed one already",
        ));
    }
    Ok(())
}

/// Work for the processor that takes long enough to hold up others.
pub(crate) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::new(Code::Undefined, "the work was given up")))
}
