//! A signer's answer (docs/protocol-2.md, "The answer").
//!
//! The page signs the answer with the link's key, and encrypts it to the task's answer key. So the
//! host reads nothing of it, and cannot turn one action into another.

use crate::error::{Error, Result, member};
use crate::key_pair::{KeyPair, sign, verify};
use crate::list::list;
use crate::text::{SecretText, check_length, word};
use crate::{Root, hpke};
use letsesign_proof::protocol2::Request;
use letsesign_proof::{Hash, present, read_object};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: &str = "answer";

/// The longest answer in bytes, encrypted.
pub const ANSWER_BYTES_MAX: usize = 16 << 10;

/// An action that a signer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Send me the PIN.
    RequestPin,
    /// I sign.
    Confirm,
    /// I do not sign.
    Decline,
}

/// The text of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// The action that the signer asks for.
    #[serde(deserialize_with = "word")]
    pub action: Action,
    /// The time by the signer's own clock, in milliseconds since 1970.
    pub at: u64,
    /// The PIN of the SMS, 1 to 16 characters: with [`Action::Confirm`] alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub pin: Option<SecretText>,
    /// Why, up to 1000 characters: with [`Action::Decline`] alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub reason: Option<String>,
}

impl Answer {
    fn check(&self) -> Result<()> {
        if self.at >= 1 << 53 {
            return Err(member(FORMAT, "at", "is above 2^53 - 1"));
        }
        match &self.pin {
            Some(_) if self.action != Action::Confirm => {
                return Err(member(FORMAT, "pin", "goes with confirm alone"));
            }
            Some(pin) => check_length(FORMAT, "pin", pin.as_str(), 1..=16)?,
            None => {}
        }
        match &self.reason {
            Some(_) if self.action != Action::Decline => {
                Err(member(FORMAT, "reason", "goes with decline alone"))
            }
            Some(reason) => check_length(FORMAT, "reason", reason, 0..=1000),
            None => Ok(()),
        }
    }

    /// Reads the JSON of an answer. Whether the signer made it is another question:
    /// [`Self::open`] checks that first.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn parse(text: &[u8]) -> Result<Self> {
        let answer: Self = read_object(FORMAT, text, ANSWER_BYTES_MAX)?;
        answer.check()?;
        Ok(answer)
    }

    /// Signs and encrypts, as the page does.
    ///
    /// # Errors
    /// [`Error::Format`] outside the limits, [`Error::Answer`] for an invalid public key,
    /// [`Error::Random`].
    pub fn seal(&self, link: &KeyPair, answer_key: &[u8], por: Hash) -> Result<Vec<u8>> {
        self.check()?;
        let body = serde_json::to_vec(self)
            .map(Zeroizing::new)
            .map_err(|_| member(FORMAT, "action", "cannot be written"))?;
        let mut text = Zeroizing::new(sign(link, &signed(por, &body))?.to_vec());
        text.extend_from_slice(&body);
        hpke::seal(answer_key, &info(), &por.0, &text)
    }

    /// Decrypts an answer and checks its signature. `por` is the hash of the PoR's bytes,
    /// `link_key` the key in the PoR.
    ///
    /// # Errors
    /// [`Error::Answer`]: not encrypted to this key for this PoR, or not signed by the link's key.
    /// [`Error::Format`]: genuine, and not in the format.
    pub fn open(sealed: &[u8], keys: &KeyPair, link_key: &[u8], por: Hash) -> Result<Opened> {
        if sealed.len() > ANSWER_BYTES_MAX {
            return Err(Error::Answer);
        }
        let text = hpke::open(keys, &info(), &por.0, sealed)?;
        let (signature, body) = text.split_first_chunk::<64>().ok_or(Error::Answer)?;
        verify(link_key, &signed(por, body), signature)?;
        Ok(Opened {
            answer: Self::parse(body)?,
            hash: Hash::of(&text),
        })
    }
}

/// A genuine answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The answer.
    pub answer: Answer,
    /// SHA-256 of signature and text: the evidence that the PoI names.
    pub hash: Hash,
}

fn signed(por: Hash, body: &[u8]) -> Vec<u8> {
    list("answer", &[&por.0, body])
}

fn info() -> Vec<u8> {
    list("answer", &[])
}

/// A request in lists: binding, signer and round.
fn values(request: &Request) -> [Vec<u8>; 3] {
    [
        request.binding.0.to_vec(),
        u32::from(request.signer).to_be_bytes().to_vec(),
        request.round.to_be_bytes().to_vec(),
    ]
}

impl Root {
    /// The key pair that answers to a request are encrypted to. Every enclave that opens the task
    /// derives the same one, so an answer outlives a restart.
    ///
    /// # Errors
    /// [`Error::Random`], with a probability of 2^-8192.
    pub fn answer_keys(&self, request: &Request) -> Result<KeyPair> {
        let values = values(request);
        KeyPair::derive(
            self.key(),
            "answer key",
            &values.each_ref().map(Vec::as_slice),
        )
    }
}

/// The secret of one start of the enclave. Links follow from it and the task's root, so neither
/// the host nor the sender nor both together can make one.
#[derive(Clone)]
pub struct LaunchSecret(crate::kdf::Secret);

impl std::fmt::Debug for LaunchSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaunchSecret").finish_non_exhaustive()
    }
}

impl LaunchSecret {
    /// Makes a random one, at the start of the enclave.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self> {
        crate::random().map(Self)
    }

    /// One of these bytes: for vectors.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A public name of this start, 16 bytes: a reminder must reach the start that made the link.
    pub fn id(&self) -> [u8; 16] {
        *crate::kdf::expand(&self.0, &list("launch id", &[]))
    }

    /// The key pair of a request's link. The same request gets the same link, however often it is
    /// asked for.
    ///
    /// # Errors
    /// [`Error::Random`], with a probability of 2^-8192.
    pub fn link_keys(&self, root: &Root, request: &Request) -> Result<KeyPair> {
        let key = crate::kdf::extract(self.0.as_slice(), root.key());
        let values = values(request);
        KeyPair::derive(&key, "link key", &values.each_ref().map(Vec::as_slice))
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
