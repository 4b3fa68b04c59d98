//! `voidTask`: the sender ends a task.

use super::open::open;
use super::payload::Payload;
use super::undefined;
use crate::failure::Failure;
use crate::tools::Tools;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::protocol2::Void;
use letsesign_proof::{Function, Hash};

pub(super) async fn run(payload: Payload, tools: &Tools) -> Result<JobResult, Failure> {
    let opened = open(payload, true, tools).await?;
    let at = opened.statements.void().ok_or_else(|| {
        Failure::new(
            Code::StatementRefused,
            "no statement says that the task is void",
        )
    })?;
    let proof = Void {
        binding: opened.binding,
        at,
        statements: opened.statements.hash(),
    }
    .to_json()
    .map_err(undefined)?;
    let (_, result) = super::attested(Function::VoidTask, &opened, "void", &proof, tools).await?;
    let mails = opened.mails(tools);
    super::report(Hash::of(&proof), mails.voided(), tools).await?;
    Ok(result)
}
