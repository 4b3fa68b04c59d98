//! The proof of request: the enclave asked this signer to sign this task.

use crate::cbor::{Item, Members, write};
use crate::{Error, Hash, Result, SIGNER_INDEX_MAX};

const FORMAT: &str = "PoR";

/// A proof of request, written by `sendReq`.
///
/// `task_hash` and `expiry_time` were added later: proofs of earlier releases lack both, and
/// readers of earlier releases ignore them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Por {
    /// SHA-256 of the task payload's compact JSON.
    pub payload_hash: Hash,
    /// The signer's position, 0 to 999.
    pub signer_idx: u16,
    /// SHA-256 of the secret's base64 text; the mailed link contains the secret.
    pub secret_hash: Hash,
    /// Whether the signer must prove control of a phone number.
    pub phone_required: bool,
    /// The task of this request ([`task_hash`](crate::task_hash)).
    pub task_hash: Option<Hash>,
    /// Last moment of validity, in milliseconds since 1970 (UTC).
    pub expiry_time: Option<u64>,
}

impl Por {
    /// Encodes as deterministic CBOR.
    ///
    /// # Errors
    /// [`Error::Member`] when a number exceeds its limit.
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
        write(FORMAT, &members)
    }

    /// Reads a proof of this or an earlier release.
    ///
    /// # Errors
    /// [`Error`] when the bytes are not exactly one such map (trailing bytes and duplicate keys are
    /// refused too), or a member has a bad value.
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

    /// Whether the request has expired at a time in milliseconds since 1970. It is still valid at
    /// `expiry_time` itself.
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
