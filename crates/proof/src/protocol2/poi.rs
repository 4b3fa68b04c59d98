//! The proof of intent of protocol 2.

use super::{Kind, Proof, Request};
use crate::por::check_time;
use crate::{CheckedBy, Error, Hash, PhoneRecord, Result, json};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A proof of intent: the holder of the link confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poi {
    /// Task, signer and round.
    pub request: Request,
    /// SHA-256 of the PoR.
    pub por_hash: Hash,
    /// Time of the PoR's attestation document, in milliseconds since 1970 (UTC).
    pub por_time: u64,
    /// The address of the confirmation, as the host reported it.
    pub ip_address: IpAddr,
    /// The time by the signer's own clock, in milliseconds since 1970; signed with the link's key.
    pub answered_at: u64,
    /// SHA-256 of the signed answer.
    pub answer_hash: Hash,
    /// SHA-256 of the previous signer's PoI, as in the PoR.
    pub previous: Option<Hash>,
    /// The phone number that was verified, if any.
    pub phone: Option<PhoneRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(flatten)]
    request: Request,
    por_hash: Hash,
    por_time: u64,
    ip_address: IpAddr,
    answered_at: u64,
    answer_hash: Hash,
    checked_by: CheckedBy,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    previous: Option<Hash>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    phone_salt: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    phone_hash: Option<Hash>,
}

const FORMAT: &str = "PoI of protocol 2";

impl Content {
    fn phone(&self) -> Result<Option<PhoneRecord>> {
        let error = |problem| Error::Member {
            format: FORMAT,
            member: "phoneSalt",
            problem,
        };
        match (&self.phone_salt, self.phone_hash) {
            (None, None) => Ok(None),
            (Some(text), Some(hash)) => PhoneRecord::from_parts(text, hash)
                .map(Some)
                .ok_or_else(|| error("is not 32 lower-case hexadecimal digits")),
            _ => Err(error("and phoneHash go together")),
        }
    }
}

impl Proof for Content {
    const FORMAT: &'static str = FORMAT;
    const KIND: Kind = Kind::Poi;

    fn check(&self) -> Result<()> {
        check_time(FORMAT, "porTime", self.por_time)?;
        check_time(FORMAT, "answeredAt", self.answered_at)?;
        if self.checked_by != checked_by(self.phone()?) {
            return Err(Error::Member {
                format: FORMAT,
                member: "checkedBy",
                problem: "names sms without a phone record, or not sms with one",
            });
        }
        self.request.check(FORMAT)
    }
}

/// How a signer was checked: by SMS exactly if a phone number was verified.
fn checked_by(phone: Option<PhoneRecord>) -> CheckedBy {
    match phone {
        Some(_) => CheckedBy::MailAndSms,
        None => CheckedBy::Mail,
    }
}

impl Poi {
    /// How the signer was checked: by SMS exactly if a phone number was verified.
    pub fn checked_by(&self) -> CheckedBy {
        checked_by(self.phone)
    }

    /// The compact JSON.
    ///
    /// # Errors
    /// [`Error::Member`] when a number exceeds its limit.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        Content {
            request: self.request,
            por_hash: self.por_hash,
            por_time: self.por_time,
            ip_address: self.ip_address,
            answered_at: self.answered_at,
            answer_hash: self.answer_hash,
            checked_by: self.checked_by(),
            previous: self.previous,
            phone_salt: self.phone.map(|phone| hex::encode(phone.salt)),
            phone_hash: self.phone.map(|phone| phone.hash),
        }
        .write()
    }

    /// Reads a proof: exactly the text that [`to_json`](Self::to_json) writes.
    ///
    /// # Errors
    /// [`Error`] for any other text.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let content = Content::read(bytes)?;
        Ok(Self {
            request: content.request,
            por_hash: content.por_hash,
            por_time: content.por_time,
            ip_address: content.ip_address,
            answered_at: content.answered_at,
            answer_hash: content.answer_hash,
            previous: content.previous,
            phone: content.phone()?,
        })
    }
}
