//! What the NSM attests with a result.

use crate::{Error, Hash, Result, json};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "user data";

/// The NSM's limit on user data, in bytes.
pub const USER_DATA_MAX: usize = 512;

/// A function of the enclave whose results are attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Function {
    /// Asks a signer to sign.
    SendReq,
    /// Takes a signer's confirmation.
    ConfirmIntent,
    /// Makes the signed document.
    AttachEsig,
}

impl Function {
    /// The name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::SendReq => "sendReq",
            Self::ConfirmIntent => "confirmIntent",
            Self::AttachEsig => "attachEsig",
        }
    }

    /// Names of its attested results, in order.
    pub fn results(self) -> &'static [&'static str] {
        match self {
            Self::SendReq => &["por"],
            Self::ConfirmIntent => &["poi"],
            Self::AttachEsig => &["esigPDF", "summary"],
        }
    }
}

/// One entry of the hash list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedHash {
    /// The result's name.
    pub name: String,
    /// SHA-256 of the result's bytes.
    pub hash: Hash,
}

/// The attested statement "this function made results with these hashes".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserData {
    /// The function.
    #[serde(rename = "fnName")]
    pub function: Function,
    /// Its results, in order.
    pub hash_list: Vec<NamedHash>,
}

impl UserData {
    /// A statement about results, given as name and hash.
    pub fn new(function: Function, results: &[(&str, Hash)]) -> Self {
        let hash_list = results
            .iter()
            .map(|(name, hash)| NamedHash {
                name: (*name).to_owned(),
                hash: *hash,
            })
            .collect();
        Self {
            function,
            hash_list,
        }
    }

    /// The compact JSON that is attested.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond what the NSM takes.
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

    /// Reads what was attested: exactly the text that [`Self::to_json`] writes.
    ///
    /// # Errors
    /// [`Error`] for any other text, even if it means the same.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let data: Self = json::read(FORMAT, text, USER_DATA_MAX)?;
        if data.to_json()?.as_bytes() != text {
            return Err(Error::Json {
                format: FORMAT,
                problem: "not the compact text that the enclave writes".to_owned(),
            });
        }
        Ok(data)
    }

    /// Whether this is the statement about exactly these results: the function, every name, every hash, nothing more and nothing less.
    ///
    /// # Errors
    /// The first difference.
    pub fn expect(&self, function: Function, results: &[(&str, Hash)]) -> Result<()> {
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
