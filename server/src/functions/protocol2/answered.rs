//! A signer's answer in a job.

use super::open::Opened;
use super::payload::SentAnswer;
use super::proofs::{self, Proven};
use super::undefined;
use crate::failure::Failure;
use crate::tools::Tools;
use letsesign_job_protocol::Code;
use letsesign_protocol2::{Action, Answer};

/// A genuine answer and the request that it answers.
pub(super) struct Answered {
    pub(super) proven: Proven,
    pub(super) answer: Answer,
    /// SHA-256 of signature and text.
    pub(super) hash: letsesign_proof::Hash,
}

/// Verifies the PoR, the expiry and the answer, whose action must be one of `allowed`.
pub(super) fn verify(
    sent: &SentAnswer,
    allowed: &[Action],
    opened: &Opened,
    tools: &Tools,
) -> Result<Answered, Failure> {
    let proven = proofs::por(&sent.por, opened, tools)?;
    opened.check_expiry(tools)?;
    let refused = || {
        Failure::new(
            Code::AnswerRefused,
            "the answer is not from this link, or its action is another function's",
        )
    };
    let keys = opened
        .root
        .answer_keys(&proven.por.request)
        .map_err(undefined)?;
    let found = Answer::open(&sent.answer, &keys, &proven.por.link_key.0, proven.hash);
    let found = found.map_err(|_| refused())?;
    if !allowed.contains(&found.answer.action) {
        return Err(refused());
    }
    Ok(Answered {
        proven,
        answer: found.answer,
        hash: found.hash,
    })
}
