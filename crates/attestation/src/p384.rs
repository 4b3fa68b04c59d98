//! ECDSA on P-384 with SHA-384 (FIPS 186-5), verification only.
//!
//! graviola takes 0.27 ms, the crate p384 0.9 ms (docs/performance.md). Neither contains C.
//! graviola's assembler needs instructions that some processors lack, and aborts without them; p384
//! takes over there. Both accept the same signatures: r and s from 1 to n-1. A high s is accepted
//! because AWS's hardware produces it, and nothing here uses the signature as an identifier.

use p384::ecdsa::signature::hazmat::PrehashVerifier;
use p384::ecdsa::{DerSignature, Signature, VerifyingKey};
use sha2::{Digest, Sha384};

/// Bytes of an uncompressed point (SEC 1, section 2.3.3): 04, x, y.
const POINT_BYTES: usize = 97;

/// A public key: a point on the curve.
pub(crate) struct Key {
    point: [u8; POINT_BYTES],
    means: Means,
}

enum Means {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    Graviola(Box<graviola::signing::ecdsa::VerifyingKey<graviola::signing::ecdsa::P384>>),
    P384(Box<VerifyingKey>),
}

impl Key {
    /// Decodes an uncompressed point. `None` for another form, or a point that is not on the curve.
    pub(crate) fn new(point: &[u8]) -> Option<Self> {
        let point = <[u8; POINT_BYTES]>::try_from(point).ok()?;
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        if assembler_runs() {
            let key = graviola::signing::ecdsa::VerifyingKey::from_x962_uncompressed(&point);
            let means = Means::Graviola(Box::new(key.ok()?));
            return Some(Self { point, means });
        }
        Self::portable(point)
    }

    fn portable(point: [u8; POINT_BYTES]) -> Option<Self> {
        if point.first() != Some(&4) {
            return None;
        }
        let means = Means::P384(Box::new(VerifyingKey::from_sec1_bytes(&point).ok()?));
        Some(Self { point, means })
    }

    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }

    /// Whether r and s (48 bytes each) sign the message, which is given in parts.
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8; 96]) -> bool {
        match &self.means {
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Means::Graviola(key) => key
                .verify::<graviola::hashing::Sha384>(message, signature)
                .is_ok(),
            Means::P384(key) => {
                let mut hash = Sha384::new();
                for part in message {
                    hash.update(part);
                }
                Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_prehash(&hash.finalize(), &signature).is_ok())
            }
        }
    }

    /// As [`Self::verify`], with the signature in the DER form that certificates use (RFC 5758,
    /// section 3.2).
    pub(crate) fn verify_der(&self, message: &[u8], signature: &[u8]) -> bool {
        let fixed = DerSignature::from_bytes(signature).and_then(Signature::try_from);
        fixed.is_ok_and(|fixed| self.verify(&[message], &fixed.to_bytes().into()))
    }
}

/// Whether this processor has the instructions that graviola requires (its README lists them).
#[cfg(target_arch = "x86_64")]
fn assembler_runs() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("aes")
        && has!("pclmulqdq")
        && has!("bmi1")
        && has!("bmi2")
        && has!("adx")
        && has!("avx")
        && has!("avx2")
}

#[cfg(target_arch = "aarch64")]
fn assembler_runs() -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
}

#[cfg(test)]
mod tests;
