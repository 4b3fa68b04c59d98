//! Proofs of protocol 2 that come back.

use super::open::Opened;
use super::payload::SentProof;
use crate::failure::Failure;
use crate::functions::proofs::verify;
use crate::tools::Tools;
use letsesign_job_protocol::Code;
use letsesign_proof::protocol2::{Poi, Por};
use letsesign_proof::{Function, Hash};
use letsesign_protocol2::Request;

/// A PoR that is genuine and belongs to the task at hand.
pub(super) struct Proven {
    pub(super) por: Por,
    /// SHA-256 of its bytes.
    pub(super) hash: Hash,
    /// When it was attested, in milliseconds since 1970.
    pub(super) time: u64,
}

/// Verifies a PoR: this image or a compatible one made it, for this task and the signer's current
/// round.
pub(super) fn por(sent: &SentProof, opened: &Opened, tools: &Tools) -> Result<Proven, Failure> {
    let invalid = |error: &dyn ToString| Failure::new(Code::PorInvalid, error.to_string());
    let binding = opened.binding;
    let time = verify(
        &sent.document,
        (Function::SendReq, Some(binding)),
        &[("por", Hash::of(&sent.proof))],
        Code::PorInvalid,
        tools,
    )?;
    let por = Por::parse(&sent.proof).map_err(|error| invalid(&error))?;
    of_this_task(por.request, opened, Code::PorContent)?;
    super::request::signer(opened, por.request)?;
    Ok(Proven {
        por,
        hash: Hash::of(&sent.proof),
        time,
    })
}

/// A PoI that is genuine and belongs to the task at hand.
pub(super) struct Confirmed {
    pub(super) poi: Poi,
    /// SHA-256 of its bytes.
    pub(super) hash: Hash,
    /// When it was attested, in milliseconds since 1970.
    pub(super) time: u64,
}

/// Verifies the PoI of the signer with this number: this image or a compatible one made it, for
/// this task and the signer's current round.
pub(super) fn poi(
    sent: &SentProof,
    number: usize,
    opened: &Opened,
    tools: &Tools,
) -> Result<Confirmed, Failure> {
    let hash = Hash::of(&sent.proof);
    let time = verify(
        &sent.document,
        (Function::ConfirmIntent, Some(opened.binding)),
        &[("poi", hash)],
        Code::PoiInvalid,
        tools,
    )?;
    let poi = Poi::parse(&sent.proof).map_err(|error| Failure::new(Code::PoiInvalid, error))?;
    let content = |problem: &str| Failure::new(Code::PoiContent, problem);
    of_this_task(poi.request, opened, Code::PoiContent)?;
    if usize::from(poi.request.signer) != number {
        return Err(content("the proof is another signer's"));
    }
    let info = super::request::signer(opened, poi.request)?;
    if poi.por_time > time {
        return Err(content("the confirmation is older than its request"));
    }
    // An enclave that confirmed checked the number of this very task, so these differ only for a
    // proof that should not exist.
    let checked = match (&poi.phone, &info.phone) {
        (Some(record), Some(phone)) => record.is(phone),
        (None, None) => true,
        _ => false,
    };
    if !checked {
        return Err(content("another phone number was checked"));
    }
    Ok(Confirmed { poi, hash, time })
}

/// The PoI that a signer's request must follow: that of the signer before, where signers sign in
/// order.
///
/// The time of a PoR's attestation document does not show that the signer answered later: the host
/// can have the same PoR attested again after the answer. So the PoR names the PoI, and the answer
/// signs the PoR.
pub(super) fn previous(
    sent: Option<&SentProof>,
    signer: u16,
    opened: &Opened,
    tools: &Tools,
) -> Result<Option<Hash>, Failure> {
    let order = |reason: &str| Failure::new(Code::Order, reason);
    let before = usize::from(signer).checked_sub(1);
    match (before.filter(|_| opened.header.header().in_order), sent) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(order("this signer follows nobody")),
        (Some(_), None) => Err(order("the PoI of the signer before is missing")),
        (Some(before), Some(sent)) => poi(sent, before, opened, tools).map(|one| Some(one.hash)),
    }
}

/// Refuses a proof about another task.
fn of_this_task(request: Request, opened: &Opened, code: Code) -> Result<(), Failure> {
    if request.binding == opened.binding {
        return Ok(());
    }
    Err(Failure::new(code, "the proof is for another task"))
}
