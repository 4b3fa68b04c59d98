//! Why a function failed.

use crate::job_context::NotBegun;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};

/// The code for the client, the other members that the client gets and a reason for the log.
///
/// The reason holds nothing of the job: the console belongs to the host.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) reason: String,
    /// With [`Code::WaitingForPin`]: the member that the next job must bring, and its value.
    pub(crate) verification: Option<(&'static str, String)>,
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

    /// The job's result.
    pub(crate) fn result(&self) -> JobResult {
        let result = JobResult::failure(self.code);
        match &self.verification {
            Some((member, value)) => result.with(member, value.as_str()),
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
