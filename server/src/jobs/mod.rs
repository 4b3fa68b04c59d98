//! The functions that jobs ask for.

mod self_test;

use crate::nsm::SharedNsm;
use letsesign_job::fields::FieldError;
use letsesign_job::{Code, Job, JobResult};

/// What functions work with.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub(crate) nsm: SharedNsm,
}

/// Why a function failed: the code for the client and, for the log, words that hold nothing of the job.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) reason: String,
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Self {
            code: Code::InvalidParameter,
            reason: error.to_string(),
        }
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
pub(crate) async fn run(job: &Job, tools: &Tools) -> Done {
    let (function, outcome) = match job.name() {
        self_test::NAME => (Some(self_test::NAME), self_test::run(job, tools).await),
        _ => (
            None,
            Err(Failure {
                code: Code::InvalidParameter,
                reason: "no such function".into(),
            }),
        ),
    };
    match outcome {
        Ok(result) => Done {
            result,
            function,
            reason: None,
        },
        Err(Failure { code, reason }) => Done {
            result: JobResult::failure(code),
            function,
            reason: Some(reason),
        },
    }
}
