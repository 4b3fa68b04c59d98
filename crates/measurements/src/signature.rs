//! Signatures over released files, in minisign's format: prehashed (`ED`), with a trusted comment.

use crate::{Error, Result};
use minisign_verify::{PublicKey, Signature};
use serde::Serialize;

/// The public keys that releases may be signed with.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<(String, PublicKey)>);

/// Result of checking a file's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum SignatureState {
    /// The file has no signature.
    Unsigned,
    /// A valid signature by one of the keys.
    #[serde(rename_all = "camelCase")]
    Signed {
        /// Name of the key: its file without `.pub`.
        key: String,
        /// The comment that the signer added; the signature covers it.
        trusted_comment: String,
    },
    /// The signature is not valid.
    Invalid {
        /// The reason, for people.
        reason: String,
    },
}

impl Keys {
    /// Adds a key from the text of a minisign public key file.
    ///
    /// # Errors
    /// [`Error`] when the text is not a public key.
    pub fn add(&mut self, name: &str, text: &str) -> Result<()> {
        let key = PublicKey::decode(text)
            .map_err(|error| Error::new(name, format!("is not a minisign public key: {error}")))?;
        self.0.push((name.to_owned(), key));
        Ok(())
    }

    /// Names of the keys, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Checks a signature over bytes. The trusted comment must name `expected_file`, so that the
    /// signature of one file does not pass for that of another.
    pub fn check(
        &self,
        expected_file: &str,
        bytes: &[u8],
        signature: Option<&[u8]>,
    ) -> SignatureState {
        let Some(signature) = signature else {
            return SignatureState::Unsigned;
        };
        match self.verify(expected_file, bytes, signature) {
            Ok(state) => state,
            Err(reason) => SignatureState::Invalid { reason },
        }
    }

    fn verify(
        &self,
        expected_file: &str,
        bytes: &[u8],
        signature: &[u8],
    ) -> std::result::Result<SignatureState, String> {
        let signature = std::str::from_utf8(signature)
            .ok()
            .and_then(|text| Signature::decode(text).ok())
            .ok_or("the signature file is not in minisign's format")?;
        if self.0.is_empty() {
            return Err("no public key is known to check it with".to_owned());
        }
        let mut reason = "it was made with a key that is not among the trusted ones".to_owned();
        for (name, key) in &self.0 {
            match key.verify(bytes, &signature, false) {
                Ok(()) => return signed(expected_file, name, signature.trusted_comment()),
                // Another key of the list may have made the signature; keep looking.
                Err(minisign_verify::Error::UnexpectedKeyId) => {}
                Err(error) => reason = format!("{error} (key {name})"),
            }
        }
        Err(reason)
    }
}

/// Reads the file name from minisign's trusted comment: `timestamp:SECONDS`, a tab, `file:NAME`, a
/// tab, `hashed`.
fn signed(
    expected_file: &str,
    key: &str,
    trusted_comment: &str,
) -> std::result::Result<SignatureState, String> {
    let mut parts = trusted_comment.split('\t');
    let file = parts.find_map(|part| part.strip_prefix("file:"));
    match file {
        Some(file) if file == expected_file => Ok(SignatureState::Signed {
            key: key.to_owned(),
            trusted_comment: trusted_comment.to_owned(),
        }),
        Some(file) => Err(format!(
            "it is a signature of {file:?}, by its trusted comment"
        )),
        None => Err(format!(
            "its trusted comment does not say file:{expected_file}"
        )),
    }
}
