//! Private keys, and the PEM files they come in.

use super::algorithm::{Algorithm, PrivateKey, SUPPORTED};
use crate::error::{Error, Result};
use std::fmt;
use std::path::Path;

/// A private key on P-256, P-384 or P-521.
pub struct SigningKey(PrivateKey);

/// Hides the key, so that no log can hold it.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a PEM file: PKCS #8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY", also after "EC
    /// PARAMETERS").
    pub fn read(path: &Path) -> Result<Self> {
        let pem = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::from_pem(&pem).map_err(|reason| Error::Signing {
            what: path.display().to_string(),
            reason,
        })
    }

    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let other = || format!("is not a private key on a supported curve; {SUPPORTED}");
        for (label, block) in pem_blocks(pem) {
            let key = match label {
                "PRIVATE KEY" => PrivateKey::from_pkcs8_pem(block).ok_or_else(other)?,
                "EC PRIVATE KEY" if block.contains("Proc-Type:") => {
                    return Err(
                        "is encrypted; decrypt it (openssl ec) or sign offline (eif sign --export)"
                            .to_owned(),
                    );
                }
                "EC PRIVATE KEY" => PrivateKey::from_sec1_pem(block).ok_or_else(other)?,
                "ENCRYPTED PRIVATE KEY" => {
                    return Err("is encrypted; decrypt it (openssl pkey) or sign offline (eif sign --export)".to_owned());
                }
                _ => continue,
            };
            return Ok(SigningKey(key));
        }
        Err(
            "holds no private key in PEM (\"BEGIN PRIVATE KEY\" or \"BEGIN EC PRIVATE KEY\")"
                .to_owned(),
        )
    }

    /// The algorithm of its curve.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    /// Signs with the nonce of RFC 6979: r and s.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message)
    }
}

/// The labelled blocks of a PEM text, each from its BEGIN to its END line; text around them is
/// skipped.
pub(super) fn pem_blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("-----BEGIN ")?;
        let block = rest.get(start..)?;
        let label = block.strip_prefix("-----BEGIN ")?.split("-----").next()?;
        let end_line = format!("-----END {label}-----");
        let length = block.find(&end_line)? + end_line.len();
        rest = block.get(length..)?;
        Some((label, block.get(..length)?))
    })
}
