//! Requests: keys, PoR and link of one signer in one round.

use super::open::Opened;
use super::undefined;
use crate::failure::Failure;
use crate::task::SignerInfo;
use crate::tools::Tools;
use letsesign_job_protocol::Code;
use letsesign_mail::Link as MailLink;
use letsesign_proof::protocol2::{PointBytes, Por};
use letsesign_proof::{CheckedBy, Hash};
use letsesign_protocol2::{KeyPair, Link, Request};

/// A request with everything that follows from it.
pub(super) struct Made {
    pub(super) request: Request,
    link_keys: KeyPair,
    answer_keys: KeyPair,
    /// The PoR's bytes.
    pub(super) por: Vec<u8>,
}

/// The signer of a request; refuses a round that is not the current one.
pub(super) fn signer(opened: &Opened, request: Request) -> Result<&SignerInfo, Failure> {
    let signer = opened.signers.get(usize::from(request.signer));
    let signer = signer
        .ok_or_else(|| Failure::new(Code::SignerIndex, "the number matches none of the signers"))?;
    if !request.is_valid() || opened.statements.round(request.signer) != request.round {
        return Err(Failure::new(
            Code::StatementRefused,
            "the round is not the signer's current one",
        ));
    }
    Ok(signer)
}

impl Made {
    /// Derives the keys of a request and writes its PoR. The same request, behind the same PoI of
    /// the previous signer, gives the same PoR as long as this enclave runs.
    pub(super) fn new(
        opened: &Opened,
        request: Request,
        previous: Option<Hash>,
        tools: &Tools,
    ) -> Result<Self, Failure> {
        let signer = signer(opened, request)?;
        let answer_keys = opened.root.answer_keys(&request).map_err(undefined)?;
        let link_keys = tools
            .launch
            .link_keys(&opened.root, &request)
            .map_err(undefined)?;
        let por = Por {
            request,
            link_key: PointBytes(link_keys.public),
            answer_key: PointBytes(answer_keys.public),
            expiry: opened.header.header().expiry,
            checked_by: match signer.phone {
                Some(_) => CheckedBy::MailAndSms,
                None => CheckedBy::Mail,
            },
            previous,
        };
        Ok(Self {
            request,
            link_keys,
            answer_keys,
            por: por.to_json().map_err(undefined)?,
        })
    }

    /// The link to mail.
    pub(super) fn link(&self, opened: &Opened, tools: &Tools) -> Result<MailLink, Failure> {
        Link {
            configuration: &opened.configuration,
            task: opened.header.header().task,
            request: self.request,
            por: Hash::of(&self.por),
            expiry: opened.header.header().expiry,
            keys: &self.link_keys,
            answer_key: &self.answer_keys.public,
        }
        .to_url(tools.links)
        .map_err(undefined)
    }
}
