//! P-256 key pairs that are derived, not stored.

use crate::error::{Error, Result};
use crate::kdf::expand;
use crate::list::list;
use graviola::key_agreement::p256::{PublicKey as AgreementKey, StaticPrivateKey};
use graviola::signing::ecdsa::{P256, VerifyingKey};
use zeroize::Zeroizing;

/// Bytes of an uncompressed point (SEC 1, section 2.3.3).
pub const PUBLIC_KEY_BYTES: usize = 65;

/// A public key on P-256: `04 || x || y`.
pub type PublicKey = [u8; PUBLIC_KEY_BYTES];

/// A key pair on P-256.
pub struct KeyPair {
    secret: StaticPrivateKey,
    /// The public key.
    pub public: PublicKey,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

impl KeyPair {
    /// Derives a key pair. The scalar is the first of the texts with counter 0, 1, 2, ... that is a
    /// scalar: as RFC 9180, section 7.1.3 does it. Nearly always that is the first text: one of
    /// 2^32 is not a scalar.
    pub(crate) fn derive(key: &[u8; 32], label: &str, values: &[&[u8]]) -> Result<Self> {
        for counter in 0..=u8::MAX {
            let counter = [counter];
            let values: Vec<&[u8]> = values.iter().copied().chain([&counter[..]]).collect();
            let scalar = expand::<32>(key, &list(label, &values));
            if let Ok(pair) = Self::from_scalar(&scalar) {
                return Ok(pair);
            }
        }
        // Probability 2^-8192.
        Err(Error::Random)
    }

    /// The key pair of a scalar in 32 bytes, the most significant first.
    ///
    /// # Errors
    /// [`Error::Answer`] for 0 and for numbers at or above the group's order.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self> {
        let secret = StaticPrivateKey::from_bytes(scalar).map_err(|_| Error::Answer)?;
        let public = secret.public_key_uncompressed();
        Ok(Self { secret, public })
    }

    /// The scalar in 32 bytes.
    pub(crate) fn scalar(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.as_bytes())
    }

    /// ECDH: the x coordinate.
    pub(crate) fn agree(&self, other: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        // Checks that the point is on the curve: an invalid one would leak the key (Antipa, Brown,
        // Menezes, Struik, Vanstone, 2003).
        let other = AgreementKey::from_x962_uncompressed(other).map_err(|_| Error::Answer)?;
        let shared = self
            .secret
            .diffie_hellman(&other)
            .map_err(|_| Error::Answer)?;
        Ok(Zeroizing::new(shared.0))
    }
}

/// Checks an ECDSA signature with SHA-256 (FIPS 186-5): `r || s`, 64 bytes, as WebCrypto makes it.
pub(crate) fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> Result<()> {
    VerifyingKey::<P256>::from_x962_uncompressed(public)
        .and_then(|key| key.verify::<graviola::hashing::Sha256>(&[message], signature))
        .map_err(|_| Error::Answer)
}

/// Makes such a signature.
pub(crate) fn sign(pair: &KeyPair, message: &[u8]) -> Result<[u8; 64]> {
    use graviola::signing::ecdsa::SigningKey;
    let secret =
        StaticPrivateKey::from_bytes(pair.scalar().as_slice()).map_err(|_| Error::Answer)?;
    let key = SigningKey::<P256> {
        private_key: secret,
    };
    let mut signature = [0; 64];
    key.sign::<graviola::hashing::Sha256>(&[message], &mut signature)
        .map_err(|_| Error::Random)?;
    Ok(signature)
}
