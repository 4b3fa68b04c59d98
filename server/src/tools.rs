//! The services and values that functions work with.

use crate::data_keys::DataKeys;
use crate::failure::Failure;
use crate::job_context::JobContext;
use crate::kms::Kms;
use crate::mailer::Mailer;
use crate::nsm::SharedNsm;
use crate::proof_verifier::ProofVerifier;
use crate::refusals::Refusals;
use crate::sms::Sms;
use crate::turns::Turns;
use letsesign_job_protocol::Code;
use letsesign_mail::Scheme;
use letsesign_protocol2::LaunchSecret;
use letsesign_stamp::Fonts;
use std::sync::Arc;
use std::time::Duration;

/// Everything that a function needs besides its job's data. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) nsm: SharedNsm,
    pub(crate) kms: Arc<Kms>,
    pub(crate) mailer: Arc<Mailer>,
    pub(crate) sms: Arc<Sms>,
    pub(crate) fonts: Fonts,
    pub(crate) proof_verifier: Arc<ProofVerifier>,
    /// Data keys of protocol 2 that KMS unwrapped a moment ago.
    pub(crate) data_keys: Arc<DataKeys>,
    /// Mails with links of protocol 2.
    pub(crate) reminders: Arc<Turns>,
    /// Secret of this start; links of protocol 2 follow from it.
    pub(crate) launch: LaunchSecret,
    /// The budget of refused decryptions per data key.
    pub(crate) refusals: Arc<Refusals>,
    /// The time from KMS's last answer to a refusal's answer.
    pub(crate) refusal_delay: Duration,
    /// The validity of a request to sign, in milliseconds.
    pub(crate) por_validity: u64,
    /// The URL schemes that signing links may have.
    pub(crate) links: Scheme,
    pub(crate) job: Arc<JobContext>,
}

impl Tools {
    /// The same tools for one job.
    pub(crate) fn for_job(&self, job: Arc<JobContext>) -> Self {
        Self {
            job,
            ..self.clone()
        }
    }
}

/// Runs CPU-bound work on a blocking thread, so that other jobs keep running.
///
/// The work does not start after the job's deadline, and its loops poll [`JobContext::stop`]. It
/// holds the job's share of memory until it ends, even if its caller has given up.
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
