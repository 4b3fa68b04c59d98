//! The proof of intent: the signer confirmed the signature.

use crate::cbor::{Item, Members, write};
use crate::por::{check_index, check_time};
use crate::{Hash, Result};
use std::net::Ipv4Addr;

const FORMAT: &str = "PoI";

/// A proof of intent, written by `confirmIntent`.
///
/// `task_hash` and `phone` were added later: proofs of earlier releases lack both, and readers of
/// earlier releases ignore them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poi {
    /// SHA-256 of the task payload's compact JSON.
    pub payload_hash: Hash,
    /// The signer's position, 0 to 999.
    pub signer_idx: u16,
    /// The address of the confirmation, as reported by the sender's server.
    pub ip_address: Ipv4Addr,
    /// Time of the PoR's attestation document, in milliseconds since 1970 (UTC).
    pub por_time: u64,
    /// The task of this confirmation ([`task_hash`](crate::task_hash)).
    pub task_hash: Option<Hash>,
    /// The phone number that was verified, if any.
    pub phone: Option<PhoneRecord>,
}

/// A verified phone number, recorded without revealing it: whoever knows the number can check that
/// this proof records it.
///
/// The salt keeps two proofs for one number from being linked. It does not hide the number from
/// someone who holds the proof and tries all numbers: there are too few of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneRecord {
    /// Random, fresh for every proof.
    pub salt: [u8; 16],
    /// SHA-256 of the salt followed by the number in E.164 form (`+` and digits).
    pub hash: Hash,
}

impl PhoneRecord {
    /// Records a number. `salt` must be random, `number` in E.164 form.
    pub fn new(salt: [u8; 16], number: &str) -> Self {
        Self {
            salt,
            hash: Self::digest(salt, number),
        }
    }

    /// The record that a proof holds: its salt as 32 lower-case hexadecimal digits, and its hash.
    pub(crate) fn from_parts(salt: &str, hash: Hash) -> Option<Self> {
        let mut bytes = [0; 16];
        let lower_case = !salt.bytes().any(|byte| byte.is_ascii_uppercase());
        let read = lower_case && hex::decode_to_slice(salt, &mut bytes).is_ok();
        read.then_some(Self { salt: bytes, hash })
    }

    /// Whether this records that number, which is in E.164 form.
    pub fn is(&self, number: &str) -> bool {
        Self::digest(self.salt, number) == self.hash
    }

    fn digest(salt: [u8; 16], number: &str) -> Hash {
        let mut text = salt.to_vec();
        text.extend_from_slice(number.as_bytes());
        Hash::of(&text)
    }
}

impl Poi {
    /// Encodes as deterministic CBOR.
    ///
    /// # Errors
    /// [`Error::Member`](crate::Error::Member) when a number exceeds its limit.
    pub fn to_cbor(&self) -> Result<Vec<u8>> {
        check_index(FORMAT, self.signer_idx)?;
        check_time(FORMAT, "porTime", self.por_time)?;
        let payload = self.payload_hash.to_string();
        let address = self.ip_address.to_string();
        let task = self.task_hash.map(|hash| hash.to_string());
        let phone = self
            .phone
            .map(|phone| (hex::encode(phone.salt), phone.hash.to_string()));
        let mut members = vec![
            ("payloadHash", Item::Text(&payload)),
            ("signerIdx", Item::Integer(self.signer_idx.into())),
            ("ipAddress", Item::Text(&address)),
            ("porTime", Item::Integer(self.por_time)),
        ];
        members.extend(task.as_deref().map(|hash| ("taskHash", Item::Text(hash))));
        if let Some((salt, hash)) = &phone {
            members.push(("phoneSalt", Item::Text(salt)));
            members.push(("phoneHash", Item::Text(hash)));
        }
        write(FORMAT, &members)
    }

    /// Reads a proof of this or an earlier release.
    ///
    /// # Errors
    /// [`Error`](crate::Error) when the bytes are not exactly one such map (trailing bytes and
    /// duplicate keys are refused too), or a member has a bad value.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let members = Members::parse(FORMAT, bytes)?;
        Ok(Self {
            payload_hash: members.hash("payloadHash")?,
            signer_idx: members.signer_index()?,
            ip_address: members
                .text("ipAddress")?
                .parse()
                .map_err(|_| members.error("ipAddress", "is no IPv4 address"))?,
            por_time: members.integer("porTime")?,
            task_hash: members.optional_hash("taskHash")?,
            phone: phone(&members)?,
        })
    }
}

fn phone(members: &Members<'_>) -> Result<Option<PhoneRecord>> {
    let Some(hash) = members.optional_hash("phoneHash")? else {
        return match members.optional("phoneSalt") {
            None => Ok(None),
            Some(_) => Err(members.error("phoneHash", "is missing, but there is a phoneSalt")),
        };
    };
    PhoneRecord::from_parts(members.text("phoneSalt")?, hash)
        .map(Some)
        .ok_or_else(|| members.error("phoneSalt", "is not 32 lower-case hexadecimal digits"))
}
