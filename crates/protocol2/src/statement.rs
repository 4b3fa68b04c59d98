//! Statements of the sender: a task is void, a signer is asked anew
//! (docs/protocol-2.md, "Statements").

use crate::error::{Error, Result, member};
use crate::header::SIGNERS_MAX;
use crate::list::list;
use crate::text::check_length;
use crate::{ROUND_MAX, Root};
use letsesign_kms::hmac_sha256;
use letsesign_proof::{Hash, present, read_object};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const FORMAT: &str = "statement";

/// The longest statement in bytes.
pub const STATEMENT_BYTES_MAX: usize = 8192;

/// The most statements of a task.
pub const STATEMENTS_MAX: usize = 10_000;

/// A statement of the sender about a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Statement {
    /// Nobody shall sign any more.
    Void {
        /// When, by the sender's clock, in milliseconds since 1970.
        at: u64,
        /// Why, up to 1000 characters.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "present"
        )]
        reason: Option<String>,
    },
    /// A signer is asked anew; links of earlier rounds are void.
    NewRound {
        /// When, by the sender's clock, in milliseconds since 1970.
        at: u64,
        /// The signer, from 0.
        signer: u16,
        /// The round, from 2.
        round: u32,
    },
}

impl Statement {
    /// Reads the JSON of a statement. Whether the sender made it is another question:
    /// [`Root::statements`] checks that first.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn parse(text: &[u8]) -> Result<Self> {
        let statement: Self = read_object(FORMAT, text, STATEMENT_BYTES_MAX)?;
        statement.check()?;
        Ok(statement)
    }

    fn check(&self) -> Result<()> {
        let (Self::Void { at, .. } | Self::NewRound { at, .. }) = self;
        if *at >= 1 << 53 {
            return Err(member(FORMAT, "at", "is above 2^53 - 1"));
        }
        match self {
            Self::Void { reason, .. } => reason.as_ref().map_or(Ok(()), |text| {
                check_length(FORMAT, "reason", text, 0..=1000)
            }),
            Self::NewRound { signer, .. } if *signer >= SIGNERS_MAX => {
                Err(member(FORMAT, "signer", "is not within 0 to 999"))
            }
            Self::NewRound { round, .. } if !(2..=ROUND_MAX).contains(round) => {
                Err(member(FORMAT, "round", "is not within 2 to 1000000"))
            }
            Self::NewRound { .. } => Ok(()),
        }
    }
}

/// A statement with its authentication code, as jobs carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentStatement {
    /// The JSON text of the statement.
    pub text: Vec<u8>,
    /// HMAC-SHA-256 of the text.
    pub mac: [u8; 32],
}

impl Root {
    fn statement_mac(&self, binding: Hash, text: &[u8]) -> Zeroizing<[u8; 32]> {
        let key = self.derive("statement key", &[&binding.0]);
        hmac_sha256(key.as_slice(), &[&list("statement", &[text])])
    }

    /// Makes a statement about a task.
    ///
    /// # Errors
    /// [`Error::Format`] outside the limits.
    pub fn state(&self, binding: Hash, statement: &Statement) -> Result<SentStatement> {
        statement.check()?;
        let text = serde_json::to_vec(statement)
            .map_err(|_| member(FORMAT, "kind", "cannot be written"))?;
        let mac = *self.statement_mac(binding, &text);
        Ok(SentStatement { text, mac })
    }

    /// Checks statements and draws their consequences.
    ///
    /// # Errors
    /// [`Error::Statement`] for one that is not the sender's, [`Error::Format`] for one that is and
    /// is not in the format.
    pub fn statements(&self, binding: Hash, sent: &[SentStatement]) -> Result<Statements> {
        let mut statements = Statements::default();
        for one in sent {
            let mac = self.statement_mac(binding, &one.text);
            if !bool::from(mac.ct_eq(&one.mac)) {
                return Err(Error::Statement);
            }
            match Statement::parse(&one.text)? {
                Statement::Void { at, .. } => {
                    let first = statements.void.map_or(at, |before| before.min(at));
                    statements.void = Some(first);
                }
                Statement::NewRound { signer, round, .. } => {
                    let highest = statements.rounds.entry(signer).or_insert(1);
                    *highest = round.max(*highest);
                }
            }
        }
        let texts: Vec<[u8; 32]> = {
            let mut hashes: Vec<[u8; 32]> = sent.iter().map(|one| Hash::of(&one.text).0).collect();
            hashes.sort_unstable();
            hashes.dedup();
            hashes
        };
        let texts: Vec<&[u8]> = texts.iter().map(<[u8; 32]>::as_slice).collect();
        statements.hash = Some(Hash::of(&list("statements", &texts)));
        Ok(statements)
    }
}

/// The consequences of a task's statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements {
    void: Option<u64>,
    rounds: BTreeMap<u16, u32>,
    hash: Option<Hash>,
}

impl Statements {
    /// When the task became void, in milliseconds since 1970; `None` if it is not.
    pub fn void(&self) -> Option<u64> {
        self.void
    }

    /// The round of a signer that counts: the highest that the sender stated, or 1.
    pub fn round(&self, signer: u16) -> u32 {
        self.rounds.get(&signer).copied().unwrap_or(1)
    }

    /// SHA-256 over the hashes of the statements, sorted, each once. The sender compares it with
    /// its own record.
    pub fn hash(&self) -> Hash {
        self.hash
            .unwrap_or_else(|| Hash::of(&list("statements", &[])))
    }
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
