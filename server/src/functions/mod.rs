//! The functions that jobs call, each in its own file, and the dispatch by name.

mod attach_esig;
mod confirm_intent;
mod delivery;
mod documents;
mod drawing;
mod input;
mod mails;
mod proofs;
mod protocol2;
mod result;
mod self_test;
mod send_req;
mod verification;

use crate::failure::Failure;
use crate::tools::Tools;
use futures_util::future::{BoxFuture, FutureExt};
use letsesign_job_protocol::fields::{FieldError, Fields};
use letsesign_job_protocol::{Code, Job, JobResult};

/// A job's result, and the facts of it that may be logged.
pub(crate) struct Done {
    pub(crate) result: JobResult,
    /// Our own name of the function, `None` for one that does not exist.
    pub(crate) function: Option<&'static str>,
    pub(crate) reason: Option<String>,
}

impl Done {
    /// A job that calls no function: there is none of its name, or its data are not an object.
    fn refused(reason: &dyn ToString) -> Self {
        Self {
            result: JobResult::failure(Code::InvalidParameter),
            function: None,
            reason: Some(reason.to_string()),
        }
    }

    /// The result of a job that missed its deadline. Whether it had an effect is not known.
    pub(crate) fn late() -> Self {
        Self {
            result: JobResult::failure(Code::Undefined),
            function: None,
            reason: Some("its time is over".into()),
        }
    }
}

/// Fills the whole slice from the system's random number generator.
fn fill_random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes)
        .map_err(|_| Failure::new(Code::Undefined, "the system gave no random bytes"))
}

/// The members of a job, and those of its task payload. They are split once: both have megabytes.
struct Data<'a> {
    fields: Fields<'a>,
    payload: Result<Fields<'a>, FieldError>,
}

impl<'a> Data<'a> {
    fn of(job: &'a Job) -> Result<Self, FieldError> {
        let fields = Fields::of(job.data())?;
        let payload = fields.object("taskPayload");
        Ok(Self { fields, payload })
    }

    fn payload(&self) -> Result<&Fields<'a>, FieldError> {
        self.payload.as_ref().map_err(|error| *error)
    }

    /// Whether the job is of protocol 2: its task payload says so by the number 2. Protocol 1
    /// ignores unknown members, so any other value is one of those.
    fn is_protocol2(&self) -> bool {
        let version = self
            .payload()
            .and_then(|payload| payload.integer("protocol", 2..=2));
        version.is_ok()
    }
}

/// A function whose input is read. It borrows nothing of the job.
struct Prepared<'t> {
    name: &'static str,
    work: Result<BoxFuture<'t, Result<JobResult, Failure>>, FieldError>,
}

impl<'t> Prepared<'t> {
    fn new<I, W>(name: &'static str, input: Result<I, FieldError>, run: impl FnOnce(I) -> W) -> Self
    where
        W: Future<Output = Result<JobResult, Failure>> + Send + 't,
    {
        let work = input.map(|input| run(input).boxed());
        Self { name, work }
    }

    async fn run(self) -> Done {
        let outcome = match self.work {
            Ok(work) => work.await,
            Err(error) => Err(error.into()),
        };
        let (result, reason) = match outcome {
            Ok(result) => (result, None),
            Err(failure) => (failure.result(), Some(failure.reason)),
        };
        Done {
            result,
            function: Some(self.name),
            reason,
        }
    }
}

/// Reads the input of the function of this name; `None` if there is none.
fn prepare<'t>(name: &str, data: &Data<'_>, tools: &'t Tools) -> Option<Prepared<'t>> {
    if data.is_protocol2() {
        return protocol2::prepare(name, data, tools);
    }
    Some(match name {
        self_test::NAME => Prepared::new(self_test::NAME, self_test::input(data), |input| {
            self_test::run(input, tools)
        }),
        send_req::NAME => Prepared::new(send_req::NAME, send_req::input(data), |input| {
            send_req::run(input, tools)
        }),
        confirm_intent::NAME => {
            Prepared::new(confirm_intent::NAME, confirm_intent::input(data), |input| {
                confirm_intent::run(input, tools)
            })
        }
        attach_esig::NAME => Prepared::new(attach_esig::NAME, attach_esig::input(data), |input| {
            attach_esig::run(input, tools)
        }),
        _ => return None,
    })
}

/// Runs a job. Never fails: a failure is a result, too.
pub(crate) async fn run(job: Job, tools: &Tools) -> Done {
    let prepared = Data::of(&job).map(|data| prepare(job.name(), &data, tools));
    // Megabytes that nothing reads any more.
    drop(job);
    match prepared {
        Ok(Some(function)) => function.run().await,
        Ok(None) => Done::refused(&"no such function"),
        Err(error) => Done::refused(&error),
    }
}
