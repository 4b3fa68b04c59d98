//! The functions of protocol 2 (docs/protocol-2.md).

mod answered;
mod attach_esig;
mod confirm_intent;
mod decline;
mod open;
mod payload;
mod proofs;
mod remind;
mod request;
mod send_req;
mod void_task;

use super::{Data, Prepared};
use crate::failure::Failure;
use crate::mailer::MailFailure;
use crate::tools::Tools;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::{Function, Hash};
use payload::Payload;

/// Reads the input of the function of this name; `None` if there is none.
pub(super) fn prepare<'t>(name: &str, data: &Data<'_>, tools: &'t Tools) -> Option<Prepared<'t>> {
    Some(match name {
        "sendReq" => Prepared::new("sendReq", send_req::input(data), |input| {
            send_req::run(input, tools)
        }),
        "remind" => Prepared::new("remind", remind::input(data), |input| {
            remind::run(input, tools)
        }),
        "confirmIntent" => Prepared::new("confirmIntent", confirm_intent::input(data), |input| {
            confirm_intent::run(input, tools)
        }),
        "decline" => Prepared::new("decline", decline::input(data), |input| {
            decline::run(input, tools)
        }),
        "voidTask" => Prepared::new("voidTask", Payload::parse(data), |payload| {
            void_task::run(payload, tools)
        }),
        "attachEsig" => Prepared::new("attachEsig", attach_esig::input(data), |input| {
            attach_esig::run(input, tools)
        }),
        _ => return None,
    })
}

/// A result that the NSM attested: the function, the task, and what was made.
async fn attested(
    function: Function,
    opened: &open::Opened,
    name: &str,
    proof: &[u8],
    tools: &Tools,
) -> Result<(crate::nsm::Attested, JobResult), Failure> {
    let results = [(name, Hash::of(proof))];
    let binding = Some(opened.binding);
    let attested = super::result::attest_bound(function, binding, &results, tools).await?;
    let result = super::result::proof(name, proof, &attested);
    Ok((attested, result))
}

/// Mails a report about something, once within the pause: a host that repeats a job repeats no
/// report. Best effort, because the sender has the result anyway; only a host that does not
/// acknowledge the job's start fails it.
async fn report(
    about: Hash,
    mail: impl Future<Output = Result<(), MailFailure>>,
    tools: &Tools,
) -> Result<(), Failure> {
    let Some(turn) = tools.reminders.turn(about) else {
        return Ok(());
    };
    match mail.await {
        Ok(()) => turn.keep(),
        Err(MailFailure::NotBegun(error)) => return Err(undefined(error)),
        Err(error) => tracing::warn!("a report to the notificant is not sent: {error}"),
    }
    Ok(())
}

fn undefined(error: impl ToString) -> Failure {
    Failure::new(Code::Undefined, error)
}
