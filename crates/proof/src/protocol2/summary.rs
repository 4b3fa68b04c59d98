//! The summary of protocol 2, which is version 3 of the summary.

use super::Version;
use crate::summary::{CheckedBy, EmailProvider, Evidence, MagicNumber, Origin, Signer, Summary};
use crate::{Error, Hash, Result, json};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

const FORMAT: &str = "summary of protocol 2";

/// Facts of a signer that earlier summaries lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignerFacts {
    /// The round whose link was used, from 1.
    pub round: u32,
    /// When the enclave asked, in milliseconds since 1970 (UTC).
    pub por_time: u64,
    /// When the signer answered by the signer's own clock, in milliseconds since 1970.
    pub answered_at: u64,
}

/// Facts of a task that earlier summaries lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFacts {
    /// The sender's account.
    pub account: Hash,
    /// Whether the signers signed in their order.
    pub in_order: bool,
    /// SHA-256 over the statements that the enclave was shown: the sender compares it with its own
    /// record.
    pub statements: Hash,
    /// Facts of each signer, in the order of [`Summary::signers`].
    pub signers: Vec<SignerFacts>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignerContent {
    name: String,
    email_addr: String,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    phone_number: Option<String>,
    checked_by: CheckedBy,
    ip_address: IpAddr,
    round: u32,
    por_time: u64,
    answered_at: u64,
    signing_time: u64,
    poi_hash: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content<S> {
    protocol: Version,
    binding: Hash,
    account: Hash,
    email_service_provider: EmailProvider,
    email_service_domain: String,
    in_order: bool,
    statements: Hash,
    magic_number: MagicNumber,
    signer_list: Vec<S>,
}

/// Whether a summary says that it is one of protocol 2 or a later one.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    protocol: Option<serde::de::IgnoredAny>,
}

pub(crate) fn is_protocol2(text: &str) -> bool {
    serde_json::from_str::<Probe>(text).is_ok_and(|probe| probe.protocol.is_some())
}

/// The parts of a new summary.
#[derive(Debug, Clone)]
pub struct New {
    /// The signers, each with its evidence.
    pub signers: Vec<Signer>,
    /// The number printed on the pages.
    pub magic_number: MagicNumber,
    /// The task.
    pub binding: Hash,
    /// The service that delivered the mails.
    pub email_provider: EmailProvider,
    /// The sender's domain.
    pub email_domain: String,
    /// The rest.
    pub facts: TaskFacts,
}

impl Summary {
    /// Builds a summary of protocol 2 and its text.
    ///
    /// # Errors
    /// [`Error::Member`] for a signer without evidence or facts, and for values beyond their
    /// limits.
    pub fn protocol2(new: New) -> Result<Self> {
        if new.signers.len() != new.facts.signers.len() {
            return Err(error("signerList", "lacks facts of a signer"));
        }
        let signer_list = new
            .signers
            .iter()
            .zip(&new.facts.signers)
            .map(|(signer, facts)| {
                let evidence = signer
                    .evidence
                    .ok_or_else(|| error("poiHash", "is missing"))?;
                Ok(SignerContent {
                    name: signer.name.clone(),
                    email_addr: signer.email_addr.clone(),
                    phone_number: signer.phone_number.clone(),
                    checked_by: evidence.checked_by,
                    ip_address: signer.ip_address,
                    round: facts.round,
                    por_time: facts.por_time,
                    answered_at: facts.answered_at,
                    signing_time: signer.signing_time,
                    poi_hash: evidence.poi_hash,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let content = Content {
            protocol: Version,
            binding: new.binding,
            account: new.facts.account,
            email_service_provider: new.email_provider,
            email_service_domain: new.email_domain,
            in_order: new.facts.in_order,
            statements: new.facts.statements,
            magic_number: new.magic_number,
            signer_list,
        };
        let text = write(&content)?;
        build(content, text)
    }
}

fn write(content: &Content<SignerContent>) -> Result<String> {
    serde_json::to_string(content).map_err(|error| Error::Json {
        format: FORMAT,
        problem: error.to_string(),
    })
}

/// Reads a summary of protocol 2: the text that [`write`] writes, with any white space between
/// tokens and any escapes, because proof files have been read and written by other programs.
pub(crate) fn parse(given: &str) -> Result<Summary> {
    let json::Object(content): json::Object<Content<json::Object<SignerContent>>> =
        json::read(FORMAT, given.as_bytes(), crate::SPF_BYTES_MAX)?;
    let content = Content {
        signer_list: content
            .signer_list
            .into_iter()
            .map(|json::Object(signer)| signer)
            .collect(),
        protocol: content.protocol,
        binding: content.binding,
        account: content.account,
        email_service_provider: content.email_service_provider,
        email_service_domain: content.email_service_domain,
        in_order: content.in_order,
        statements: content.statements,
        magic_number: content.magic_number,
    };
    let text = write(&content)?;
    if json::compact(given).as_ref() != Some(&text) {
        return Err(Error::Json {
            format: FORMAT,
            problem: "not the members, in the order and spelling that the enclave writes"
                .to_owned(),
        });
    }
    build(content, text)
}

fn build(content: Content<SignerContent>, text: String) -> Result<Summary> {
    let mut signers = Vec::with_capacity(content.signer_list.len());
    let mut facts = Vec::with_capacity(content.signer_list.len());
    for signer in content.signer_list {
        if !(1..=super::ROUND_MAX).contains(&signer.round) {
            return Err(error("round", "is not within 1 to 1000000"));
        }
        for (member, time) in [
            ("porTime", signer.por_time),
            ("answeredAt", signer.answered_at),
        ] {
            crate::por::check_time(FORMAT, member, time)?;
        }
        facts.push(SignerFacts {
            round: signer.round,
            por_time: signer.por_time,
            answered_at: signer.answered_at,
        });
        signers.push(Signer {
            name: signer.name,
            email_addr: signer.email_addr,
            ip_address: signer.ip_address,
            signing_time: signer.signing_time,
            phone_number: signer.phone_number,
            evidence: Some(Evidence {
                poi_hash: signer.poi_hash,
                checked_by: signer.checked_by,
            }),
        });
    }
    let origin = Origin {
        payload_hash: content.binding,
        email_provider: content.email_service_provider,
        email_domain: content.email_service_domain,
    };
    let facts = TaskFacts {
        account: content.account,
        in_order: content.in_order,
        statements: content.statements,
        signers: facts,
    };
    Summary::assemble(
        signers,
        content.magic_number,
        content.binding,
        origin,
        facts,
        text,
    )
}

fn error(member: &'static str, problem: &'static str) -> Error {
    Error::Member {
        format: FORMAT,
        member,
        problem,
    }
}
