//! The statement that the NSM attests with a result.

use crate::protocol2::Version;
use crate::{Error, Hash, Result, json};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "user data";

/// The NSM's limit on user data, in bytes.
pub const USER_DATA_MAX: usize = 512;

/// A function of the enclave whose results are attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Function {
    /// `sendReq`: asks a signer to sign.
    SendReq,
    /// `confirmIntent`: accepts a signer's confirmation.
    ConfirmIntent,
    /// `attachEsig`: produces the signed document.
    AttachEsig,
    /// `decline`: accepts a signer's refusal. Protocol 2 alone.
    Decline,
    /// `voidTask`: accepts the sender's statement that a task is void. Protocol 2 alone.
    VoidTask,
}

impl Function {
    /// The function's name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::SendReq => "sendReq",
            Self::ConfirmIntent => "confirmIntent",
            Self::AttachEsig => "attachEsig",
            Self::Decline => "decline",
            Self::VoidTask => "voidTask",
        }
    }

    /// Names of the attested results, in the order of the hash list.
    pub fn results(self) -> &'static [&'static str] {
        match self {
            Self::SendReq => &["por"],
            Self::ConfirmIntent => &["poi"],
            Self::AttachEsig => &["esigPDF", "summary"],
            Self::Decline => &["decline"],
            Self::VoidTask => &["void"],
        }
    }
}

/// One entry of the hash list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedHash {
    /// Name of the result.
    pub name: String,
    /// SHA-256 of the result's bytes.
    pub hash: Hash,
}

/// The attested statement "this function made results with these hashes".
///
/// Protocol 2 says its version and the task first. Protocol 1 says neither, so no statement of one
/// protocol is accepted under the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserData {
    /// The version: `None` for protocol 1.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    protocol: Option<Version>,
    /// The function that made the results.
    #[serde(rename = "fnName")]
    pub function: Function,
    /// The task, in protocol 2.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    pub binding: Option<Hash>,
    /// The hashes of the results, in the protocol's order.
    pub hash_list: Vec<NamedHash>,
}

impl UserData {
    /// Builds the statement of protocol 1 about results, given as name and hash.
    pub fn new(function: Function, results: &[(&str, Hash)]) -> Self {
        Self::build(function, None, results)
    }

    /// Builds the statement of protocol 2 about results of a task.
    pub fn bound(function: Function, binding: Hash, results: &[(&str, Hash)]) -> Self {
        Self::build(function, Some(binding), results)
    }

    fn build(function: Function, binding: Option<Hash>, results: &[(&str, Hash)]) -> Self {
        let hash_list = results
            .iter()
            .map(|(name, hash)| NamedHash {
                name: (*name).to_owned(),
                hash: *hash,
            })
            .collect();
        Self {
            protocol: binding.map(|_| Version),
            function,
            binding,
            hash_list,
        }
    }

    /// The compact JSON that is attested.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond [`USER_DATA_MAX`].
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|error| Error::Json {
            format: FORMAT,
            problem: error.to_string(),
        })?;
        if text.len() > USER_DATA_MAX {
            return Err(Error::TooLong {
                format: FORMAT,
                size: text.len(),
                limit: USER_DATA_MAX,
            });
        }
        Ok(text)
    }

    /// Reads an attested statement: exactly the text that [`Self::to_json`] writes.
    ///
    /// # Errors
    /// [`Error`] for any other text, even one with the same meaning.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let data: Self = json::read(FORMAT, text, USER_DATA_MAX)?;
        if data.protocol.is_some() != data.binding.is_some() {
            return Err(Error::Member {
                format: FORMAT,
                member: "protocol",
                problem: "and binding go together",
            });
        }
        if data.to_json()?.as_bytes() != text {
            return Err(Error::Json {
                format: FORMAT,
                problem: "not the compact text that the enclave writes".to_owned(),
            });
        }
        Ok(data)
    }

    /// Checks that this is the statement of protocol 1 about exactly these results: the function,
    /// every name and every hash, no fewer and no more.
    ///
    /// # Errors
    /// For the first difference: [`Error::Task`], [`Error::Function`], [`Error::HashNames`] or
    /// [`Error::HashDiffers`].
    pub fn expect(&self, function: Function, results: &[(&str, Hash)]) -> Result<()> {
        self.expect_of(None, function, results)
    }

    /// Checks that this is the statement of protocol 2 about exactly these results of this task.
    ///
    /// # Errors
    /// As [`expect`](Self::expect).
    pub fn expect_bound(
        &self,
        function: Function,
        binding: Hash,
        results: &[(&str, Hash)],
    ) -> Result<()> {
        self.expect_of(Some(binding), function, results)
    }

    /// Checks the task, `None` for protocol 1, and the results.
    ///
    /// # Errors
    /// As [`expect`](Self::expect).
    pub fn expect_of(
        &self,
        binding: Option<Hash>,
        function: Function,
        results: &[(&str, Hash)],
    ) -> Result<()> {
        if self.binding != binding {
            return Err(Error::Task);
        }
        if self.function != function {
            return Err(Error::Function {
                found: self.function.name(),
                expected: function.name(),
            });
        }
        let found: Vec<&str> = self
            .hash_list
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        let expected: Vec<&str> = results.iter().map(|(name, _)| *name).collect();
        if found != expected {
            return Err(Error::HashNames {
                found: format!("{found:?}"),
                expected: format!("{expected:?}"),
            });
        }
        for (entry, (name, actual)) in self.hash_list.iter().zip(results) {
            if entry.hash != *actual {
                return Err(Error::HashDiffers {
                    name: (*name).to_owned(),
                    actual: actual.to_string(),
                    attested: entry.hash.to_string(),
                });
            }
        }
        Ok(())
    }
}
