//! Payloads come in, and results.

use super::body::{INLINE, Writer};
use super::core::{Op, Outcome, job_of_session};
use super::error::{Error, FinishError, Quota, SubmitError};
use super::handle::Queue;
use super::quota::{HOUR, HOURS};
use super::scan::Scanner;
use super::store::{Body, Job, Kind, Place};
use super::types::{Finished, JobId, Millis, NewJob, StartId};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::io;
use std::pin::pin;
use std::sync::PoisonError;

/// The longest payload, in bytes: an answer to `get-job` has at most 50 MiB (`job-bytes` in
/// enclave/configs/limits.toml), of which session and name take at most 4 KiB.
pub const PAYLOAD_MAX: u64 = (50 << 20) - 4096;
/// The longest result, in bytes.
pub const RESULT_MAX: u64 = 100 << 20;

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Whether a text has 1 to 256 characters and none that steers a terminal.
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Whether these can be the PCR0s that a job accepts: at most 64, of 96 lower-case hexadecimal
/// digits each.
pub(crate) fn are_accepted(pcrs: &[String]) -> bool {
    let is_pcr0 = |pcr: &String| {
        pcr.len() == 96 && pcr.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    pcrs.len() <= 64 && pcrs.iter().all(is_pcr0)
}

fn validate(job: &NewJob) -> Result<(), SubmitError> {
    if !is_name(&job.sender) {
        return Err(SubmitError::Invalid(
            "the sender is not 1 to 256 characters long",
        ));
    }
    if !job.task.as_deref().is_none_or(is_name) {
        return Err(SubmitError::Invalid(
            "the task is not 1 to 256 characters long",
        ));
    }
    if !is_name(&job.name) {
        return Err(SubmitError::Invalid(
            "the job's name is not 1 to 256 characters long",
        ));
    }
    if !are_accepted(&job.accepts) {
        return Err(SubmitError::Invalid(
            "accepted PCR0s are at most 64, of 96 lower-case hexadecimal digits each",
        ));
    }
    Ok(())
}

impl Queue {
    /// Queues a job. `payload` is the text of `jobData`, a JSON object of at most [`PAYLOAD_MAX`]
    /// bytes. Durable when it returns; an error [`SubmitError::Storage`] leaves open whether.
    pub async fn submit(
        &self,
        job: NewJob,
        payload: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
    ) -> Result<JobId, SubmitError> {
        self.submit_as(JobId::new(), job, payload).await
    }

    /// The same, under an id of the caller's. A job that has this id already stays as it is: after
    /// an error the same submission can be repeated.
    pub async fn submit_as(
        &self,
        id: JobId,
        job: NewJob,
        payload: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
    ) -> Result<JobId, SubmitError> {
        validate(&job)?;
        let mut writer = self.bodies().writer(&id, Kind::Payload)?;
        let mut scanner = Scanner::new();
        let mut small = Vec::new();
        let mut payload = pin!(payload);
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|error| SubmitError::Upload(error.kind().to_string()))?;
            let length = writer.length() + len(&piece);
            if length > PAYLOAD_MAX {
                return Err(SubmitError::TooLarge(PAYLOAD_MAX));
            }
            scanner
                .push(&piece)
                .map_err(|problem| SubmitError::Payload(problem.into()))?;
            if length <= INLINE as u64 {
                small.extend_from_slice(&piece);
            } else if writer.length() <= INLINE as u64 {
                small = Vec::new();
                self.refuse_before_upload(&job.sender).await?;
            }
            writer.push(&piece).await?;
        }
        scanner
            .end()
            .map_err(|problem| SubmitError::Payload(problem.into()))?;
        if writer.length() <= INLINE as u64 {
            // Larger texts are checked by the enclave, which has the memory for it.
            strict_json::check(&small, strict_json::Limits::default())
                .map_err(|error| SubmitError::Payload(error.to_string()))?;
        }
        let body = writer.finish().await?;
        let object = object_of(&body);
        let op = Op::Submit {
            job: Box::new(Job::queued(id.clone(), job, body.bytes)),
            body,
        };
        match self.change(op).await? {
            Outcome::Submitted => {
                metrics::counter!("letsesign_host_queue_submitted_total").increment(1);
                Ok(id)
            }
            Outcome::OverQuota {
                quota,
                limit,
                until,
            } => {
                self.forget_object(object).await;
                Err(over_quota(quota, limit, until))
            }
            _ => Err(SubmitError::Storage(Error::Closed)),
        }
    }

    /// Says no to a sender over its quota before its document is stored.
    async fn refuse_before_upload(&self, sender: &str) -> Result<(), SubmitError> {
        let now = self.shared().now();
        let name = sender.to_owned();
        let since = now / HOUR - HOURS;
        let usage = self
            .threads()
            .ask(move |engine| engine.usage(&name, since))
            .await?;
        let allowances = &self.shared().allowances;
        let allowance = allowances
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .of(sender);
        match usage.exceeds(&allowance, INLINE as u64, now) {
            Some((quota, limit, until)) => Err(over_quota(quota, limit, until)),
            None => Ok(()),
        }
    }

    /// An object that no row names. The sweep finds it when this fails.
    async fn forget_object(&self, object: Option<String>) {
        if let Some(name) = object
            && let Err(error) = self.bodies().objects.delete(&name).await
        {
            tracing::debug!(error = %error, "an object is left to the sweep");
        }
    }

    /// Takes the result of a session: `{"session": S, "jobResult": {"code": C, ...}}`, at most
    /// [`RESULT_MAX`] bytes, `session` within the first 64 KiB. Durable when it returns; then
    /// answer 2xx, whatever became of it. The session decides, `start` is for the log alone: a
    /// host that restarted may know its enclave by another id.
    pub async fn finish(
        &self,
        start: &StartId,
        body: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
    ) -> Result<Finished, FinishError> {
        let mut scanner = Scanner::new();
        let mut sink = Sink::Head(Vec::new());
        let mut length = 0;
        let mut body = pin!(body);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| FinishError::Upload(error.kind().to_string()))?;
            length += len(&piece);
            if length > RESULT_MAX {
                return Err(FinishError::TooLarge(RESULT_MAX));
            }
            scanner
                .push(&piece)
                .map_err(|problem| FinishError::Malformed(problem.into()))?;
            self.sink(&mut sink, &scanner, &piece).await?;
        }
        scanner
            .end()
            .map_err(|problem| FinishError::Malformed(problem.into()))?;
        let malformed = |what: &str| FinishError::Malformed(what.into());
        let session = scanner
            .session()
            .ok_or_else(|| malformed("it lacks `session`"))?;
        let code = scanner
            .code()
            .ok_or_else(|| malformed("it lacks `jobResult.code`"))?;
        let finished = match sink {
            Sink::Nobody | Sink::Head(_) => Finished::Discarded,
            Sink::Stored(writer) => self.store_result(session, code, *writer).await?,
        };
        let became = match finished {
            Finished::Taken { .. } => "taken",
            Finished::Repeated { .. } => "repeated",
            Finished::Discarded => "discarded",
        };
        metrics::counter!("letsesign_host_queue_results_total", "became" => became).increment(1);
        tracing::debug!(start = %start, code, became, "result");
        Ok(finished)
    }

    async fn sink(
        &self,
        sink: &mut Sink,
        scanner: &Scanner,
        piece: &[u8],
    ) -> Result<(), FinishError> {
        match sink {
            Sink::Nobody => {}
            Sink::Stored(writer) => writer.push(piece).await?,
            Sink::Head(head) => {
                head.extend_from_slice(piece);
                match scanner.session() {
                    None if head.len() > INLINE => {
                        let problem = "`session` is not within the first 64 KiB";
                        return Err(FinishError::Malformed(problem.into()));
                    }
                    None => {}
                    Some(session) => {
                        *sink = match job_of_session(session) {
                            None => Sink::Nobody,
                            Some(job) => {
                                let mut writer = self.bodies().writer(&job, Kind::Result)?;
                                writer.push(head).await?;
                                Sink::Stored(Box::new(writer))
                            }
                        };
                    }
                }
            }
        }
        Ok(())
    }

    async fn store_result(
        &self,
        session: &str,
        code: u16,
        writer: Writer,
    ) -> Result<Finished, FinishError> {
        let body = writer.finish().await?;
        let object = object_of(&body);
        let op = Op::Finish {
            session: session.to_owned(),
            code,
            body,
        };
        match self.change(op).await? {
            Outcome::Finished(Finished::Taken { job, code }) => {
                self.ended_job(&job);
                Ok(Finished::Taken { job, code })
            }
            Outcome::Finished(Finished::Discarded) => {
                self.forget_object(object).await;
                Ok(Finished::Discarded)
            }
            // A commit whose answer was lost may have stored this very object: the sweep knows.
            Outcome::Finished(repeated) => Ok(repeated),
            _ => Err(FinishError::Storage(Error::Closed)),
        }
    }
}

/// Where the bytes of a result go.
enum Sink {
    /// Its session was not read yet.
    Head(Vec<u8>),
    /// To its job.
    Stored(Box<Writer>),
    /// Its session is none of this queue.
    Nobody,
}

fn object_of(body: &Body) -> Option<String> {
    match &body.place {
        Place::Object(name) => Some(name.clone()),
        Place::Inline(_) => None,
    }
}

fn over_quota(quota: Quota, limit: u64, until: Option<Millis>) -> SubmitError {
    metrics::counter!("letsesign_host_queue_refused_total").increment(1);
    SubmitError::OverQuota {
        quota,
        limit,
        until,
    }
}
