//! The proof that a signer declined.

use super::{Kind, Proof, Request};
use crate::por::check_time;
use crate::{Hash, Result};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A proof that the holder of the link declined. The reason is not in it: the sender gets it in a
/// box, and `answer_hash` covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decline {
    /// Task, signer and round.
    #[serde(flatten)]
    pub request: Request,
    /// SHA-256 of the PoR.
    pub por_hash: Hash,
    /// The address, as the host reported it.
    pub ip_address: IpAddr,
    /// The time by the signer's own clock, in milliseconds since 1970; signed with the link's key.
    pub answered_at: u64,
    /// SHA-256 of the signed answer.
    pub answer_hash: Hash,
}

impl Proof for Decline {
    const FORMAT: &'static str = "decline";
    const KIND: Kind = Kind::Decline;

    fn check(&self) -> Result<()> {
        check_time(Self::FORMAT, "answeredAt", self.answered_at)?;
        self.request.check(Self::FORMAT)
    }
}

impl Decline {
    /// The compact JSON.
    ///
    /// # Errors
    /// [`Error::Member`](crate::Error::Member) when a number exceeds its limit.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.write()
    }

    /// Reads a proof: exactly the text that [`to_json`](Self::to_json) writes.
    ///
    /// # Errors
    /// [`Error`](crate::Error) for any other text.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes)
    }
}
