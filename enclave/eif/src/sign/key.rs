//! Private keys, and the PEM files they come in.

use super::SIGNATURE_SIZE;
use crate::error::{Error, Result};
use p384::SecretKey;
use p384::ecdsa::Signature;
use p384::ecdsa::signature::Signer;
use p384::pkcs8::DecodePrivateKey;
use std::fmt;
use std::path::Path;

/// A P-384 private key.
pub struct SigningKey(p384::ecdsa::SigningKey);

/// Says nothing about the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a PEM file: PKCS #8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY", also after "EC PARAMETERS").
    pub fn read(path: &Path) -> Result<Self> {
        let pem = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::from_pem(&pem).map_err(|reason| Error::Signing {
            what: path.display().to_string(),
            reason,
        })
    }

    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        const CURVE: &str = "is no P-384 (secp384r1) key, the only kind supported";
        for (label, block) in pem_blocks(pem) {
            let key = match label {
                "PRIVATE KEY" => SecretKey::from_pkcs8_pem(block).map_err(|_| CURVE)?,
                "EC PRIVATE KEY" if block.contains("Proc-Type:") => {
                    return Err(
                        "is encrypted; decrypt it (openssl ec) or sign offline (eif sign --export)"
                            .to_owned(),
                    );
                }
                "EC PRIVATE KEY" => SecretKey::from_sec1_pem(block).map_err(|_| CURVE)?,
                "ENCRYPTED PRIVATE KEY" => {
                    return Err("is encrypted; decrypt it (openssl pkey) or sign offline (eif sign --export)".to_owned());
                }
                _ => continue,
            };
            return Ok(SigningKey(key.into()));
        }
        Err(
            "holds no private key in PEM (\"BEGIN PRIVATE KEY\" or \"BEGIN EC PRIVATE KEY\")"
                .to_owned(),
        )
    }

    /// ES384 with the nonce of RFC 6979: r and s.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_SIZE] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }
}

/// The labelled blocks of a PEM text, each from its BEGIN to its END line; text around them is skipped.
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
