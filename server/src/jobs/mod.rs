//! The functions that jobs ask for.

mod attach_esig;
mod confirm_intent;
mod context;
mod input;
mod mails;
mod proofs;
mod result;
mod self_test;
mod send_req;
mod verification;

pub(crate) use context::{Context, NotBegun};

use crate::attested::Judge;
use crate::kms::Kms;
use crate::mailer::Mailer;
use crate::nsm::SharedNsm;
use crate::refusals::Refusals;
use crate::sms::Sms;
use letsesign_job::fields::FieldError;
use letsesign_job::{Code, Job, JobResult};
use letsesign_mail::Scheme;
use letsesign_stamp::Fonts;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that a document may unpack to while it is stamped.
const UNPACKED: usize = 64 << 20;

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
    pub(crate) refusals: Arc<Refusals>,
    /// How long after KMS's last answer a refusal is answered.
    pub(crate) refusal_delay: Duration,
    /// How long a request to sign is valid, in milliseconds.
    pub(crate) por_validity: u64,
    /// Where signing links may lead.
    pub(crate) links: Scheme,
    /// The job.
    pub(crate) job: Arc<Context>,
}

impl Tools {
    /// The same for one job.
    pub(crate) fn for_job(&self, job: Arc<Context>) -> Self {
        Self {
            job,
            ..self.clone()
        }
    }
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

impl From<NotBegun> for Failure {
    fn from(error: NotBegun) -> Self {
        Self::new(Code::Undefined, error)
    }
}

/// A job's result, and what the log may say of it.
pub(crate) struct Done {
    pub(crate) result: JobResult,
    /// Our own name of the function, `None` for one that does not exist.
    pub(crate) function: Option<&'static str>,
    pub(crate) reason: Option<String>,
}

impl Done {
    /// What is said of a job whose time is over. Whether it had an effect is not known.
    pub(crate) fn late() -> Self {
        Self {
            result: JobResult::failure(Code::Undefined),
            function: None,
            reason: Some("its time is over".into()),
        }
    }
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

/// What a document may make the stamps do. All that it unpacks fits into a job's share of memory
/// (`job-memory-bytes` in limits.toml).
fn limits(stopped: &dyn Fn() -> bool) -> letsesign_stamp::Limits<'_> {
    letsesign_stamp::Limits {
        unpacked: UNPACKED,
        stop: Some(stopped),
        ..letsesign_stamp::Limits::default()
    }
}

/// Work for the processor that takes long enough to hold up others. It is not begun when the job's time is over, and its
/// loops ask [`Context::stop`]. The job's memory is given back when it has ended, even if nobody waits for it any more.
pub(crate) async fn compute<T: Send + 'static>(
    tools: &Tools,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let given_up = || Failure::new(Code::Undefined, "the work was given up");
    let (share, stop) = (tools.job.share(), tools.job.stop().clone());
    tokio::task::spawn_blocking(move || {
        let _share = share;
        if stop.is_stopped() {
            return Err(given_up());
        }
        work()
    })
    .await
    .unwrap_or_else(|_| Err(given_up()))
}
