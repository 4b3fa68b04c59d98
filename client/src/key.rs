//! The public half of the sender's KMS key, which data keys are wrapped under.

use anyhow::{Context, Result, bail};
use letsesign_protocol2::DataKey;
use rand_core::UnwrapErr;
use rsa::Oaep;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use sha2::Sha256;

/// An RSA key of 2048 to 4096 bits, as `aws kms get-public-key` gives it.
#[derive(Debug, Clone)]
pub struct PublicKey(rsa::PublicKey);

impl PublicKey {
    /// Reads SubjectPublicKeyInfo (RFC 5280, section 4.1), in DER or PEM.
    ///
    /// # Errors
    /// For anything else, and for keys of another length.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let key = match std::str::from_utf8(bytes) {
            Ok(text) if text.starts_with("-----BEGIN") => {
                rsa::PublicKey::from_public_key_pem(text.trim_end())
            }
            _ => rsa::PublicKey::from_public_key_der(bytes),
        };
        let key = key.ok().context(
            "not the public key of an RSA key in KMS; get it by `aws kms get-public-key --key-id \
             KEY --query PublicKey --output text | base64 -d`",
        )?;
        if !(256..=512).contains(&key.size()) {
            bail!(
                "the key has {} bits; KMS keys for this have 2048 to 4096",
                key.size() * 8
            );
        }
        Ok(Self(key))
    }

    /// Wraps a data key by RSAES-OAEP with SHA-256 (docs/protocol-2.md, "Data keys"). KMS alone
    /// unwraps it.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn wrap(&self, key: &DataKey) -> Result<Vec<u8>> {
        let mut random = UnwrapErr(getrandom::SysRng);
        self.0
            .encrypt(&mut random, Oaep::<Sha256>::new(), &key.to_text())
            .context("the data key cannot be wrapped")
    }
}
