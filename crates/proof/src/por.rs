//! The proof of request: the enclave asked this signer to sign this task.

use crate::cbor::{Item, Members, Writer};
use crate::{Error, Hash, Result, SIGNER_INDEX_MAX};

const FORMAT: &str = "PoR";

/// A proof of request, made by `sendReq`.
///
/// `task_hash` and `expiry_time` came later: proofs of earlier releases have neither, and their readers ignore both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Por {
    /// SHA-256 of the task payload's compact JSON.
    pub payload_hash: Hash,
    /// The signer's position, 0 to 999.
    pub signer_idx: u16,
    /// SHA-256 of the secret's base64 text, which the mailed link holds.
    pub secret_hash: Hash,
    /// Whether the signer must prove to hold a phone number.
    pub phone_required: bool,
    /// The task and sub-task that this request belongs to ([`task_hash`](crate::task_hash)).
    pub task_hash: Option<Hash>,
    /// When the request ends to be valid, in milliseconds since 1970 (UTC).
    pub expiry_time: Option<u64>,
}

impl Por {
    /// Writes deterministic CBOR.
    ///
    /// # Errors
    /// [`Error::Member`] when a number is out of its range.
    pub fn to_cbor(&self) -> Result<Vec<u8>> {
        check_index(FORMAT, self.signer_idx)?;
        let (payload, secret) = (self.payload_hash.to_string(), self.secret_hash.to_string());
        let task = self.task_hash.map(|hash| hash.to_string());
        let mut members = vec![
            ("payloadHash", Item::Text(&payload)),
            ("signerIdx", Item::Integer(self.signer_idx.into())),
            ("secretHash", Item::Text(&secret)),
            ("phoneRequired", Item::Bool(self.phone_required)),
        ];
        members.extend(task.as_deref().map(|hash| ("taskHash", Item::Text(hash))));
        if let Some(time) = self.expiry_time {
            check_time(FORMAT, "expiryTime", time)?;
            members.push(("expiryTime", Item::Integer(time)));
        }
        Ok(Writer::map(members))
    }

    /// Reads a proof of this or an earlier release.
    ///
    /// # Errors
    /// [`Error`] when the bytes are no such map (bytes behind it and doubled keys included) or a member is out of its range.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let members = Members::parse(FORMAT, bytes)?;
        Ok(Self {
            payload_hash: members.hash("payloadHash")?,
            signer_idx: members.signer_index()?,
            secret_hash: members.hash("secretHash")?,
            phone_required: members.bool("phoneRequired")?,
            task_hash: members.optional_hash("taskHash")?,
            expiry_time: match members.optional("expiryTime") {
                None => None,
                Some(_) => Some(members.integer("expiryTime")?),
            },
        })
    }

    /// Whether the request is over at a time in milliseconds since 1970. The last valid moment is `expiry_time` itself.
    pub fn expired_at(&self, time: u64) -> bool {
        self.expiry_time.is_some_and(|expiry| time > expiry)
    }
}

pub(crate) fn check_index(format: &'static str, index: u16) -> Result<()> {
    if index <= SIGNER_INDEX_MAX {
        return Ok(());
    }
    Err(Error::Member {
        format,
        member: "signerIdx",
        problem: "is not within 0 to 999",
    })
}

pub(crate) fn check_time(format: &'static str, member: &'static str, time: u64) -> Result<()> {
    if time < 1 << 53 {
        return Ok(());
    }
    Err(Error::Member {
        format,
        member,
        problem: "is no whole number from 0 to 2^53 - 1",
    })
}
