//! The proof that a sender voided a task.

use super::{Kind, Proof};
use crate::por::check_time;
use crate::{Hash, Result};
use serde::{Deserialize, Serialize};

/// A proof that the sender, who knows the task's keys, stated that the task is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// The task.
    pub binding: Hash,
    /// When, by the sender's clock, in milliseconds since 1970.
    pub at: u64,
    /// SHA-256 over the statements that the enclave was shown.
    pub statements: Hash,
}

impl Proof for Void {
    const FORMAT: &'static str = "void";
    const KIND: Kind = Kind::Void;

    fn check(&self) -> Result<()> {
        check_time(Self::FORMAT, "at", self.at)
    }
}

impl Void {
    /// The compact JSON.
    ///
    /// # Errors
    /// [`Error::Member`](crate::Error::Member) when the time exceeds its limit.
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
