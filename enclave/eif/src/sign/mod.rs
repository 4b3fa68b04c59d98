//! The signature section, PCR8, and signing with a key here or elsewhere.
//!
//! The section is a CBOR array with one PCR signature; what is signed is PCR0 alone. Format: AWS's `PcrSignature` and
//! `PcrInfo` (`aws-nitro-enclaves-image-format`, `src/defs/mod.rs`), COSE_Sign1 (RFC 9052) with ES384 (RFC 9053).

mod cbor;
mod certificate;
mod key;
mod pem;

pub use certificate::{Certificate, CertificateInfo};
pub use key::SigningKey;

use crate::error::{Error, Result};
use crate::pcr::Pcr;
use crate::rule::{Rule, Violation};
use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{DerSignature, Signature};

/// Bytes of an ES384 signature: r and s, 48 bytes each.
pub const SIGNATURE_SIZE: usize = 96;

/// What has to be signed so that an image with this PCR0 counts as signed: the `Sig_structure` of RFC 9052, section 4.4.
/// Any tool that makes an ECDSA signature over P-384 with SHA-384 of these bytes will do.
pub fn to_be_signed(pcr0: &Pcr) -> Vec<u8> {
    cbor::sig_structure(&cbor::payload(pcr0))
}

/// A signature over an image's PCR0, with the certificate of the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcrSignature {
    /// The signer's certificate.
    pub certificate: Certificate,
    signature: [u8; SIGNATURE_SIZE],
}

impl PcrSignature {
    /// Signs with a key. The signature is deterministic (RFC 6979): the same image, key and certificate give the same
    /// bytes.
    pub fn sign(pcr0: &Pcr, key: &SigningKey, certificate: Certificate) -> Result<Self> {
        let signature = key.sign(&to_be_signed(pcr0));
        let signed = PcrSignature {
            certificate,
            signature,
        };
        if signed.verifies(pcr0) {
            Ok(signed)
        } else {
            Err(Error::Signing {
                what: "signing key".to_owned(),
                reason: "does not belong to the certificate: give the key that the certificate was issued for".to_owned(),
            })
        }
    }

    /// Takes a signature that was made elsewhere over [`to_be_signed`]: DER as OpenSSL and KMS give it, or r and s with
    /// 48 bytes each.
    pub fn attach(pcr0: &Pcr, signature: &[u8], certificate: Certificate) -> Result<Self> {
        let error = |reason: &str| Error::Signing {
            what: "signature".to_owned(),
            reason: reason.to_owned(),
        };
        let parsed = match <[u8; SIGNATURE_SIZE]>::try_from(signature) {
            Ok(raw) => Signature::from_slice(&raw).ok(),
            Err(_) => DerSignature::from_bytes(signature)
                .ok()
                .and_then(|der| Signature::try_from(der).ok()),
        };
        let parsed = parsed.ok_or_else(|| {
            error("is neither an ECDSA signature over P-384 in DER nor 96 bytes of r and s; sign the exported bytes with SHA-384 and a P-384 key")
        })?;
        let signed = PcrSignature {
            certificate,
            signature: parsed.to_bytes().into(),
        };
        if signed.verifies(pcr0) {
            Ok(signed)
        } else {
            Err(error(
                "does not verify: it was made over other bytes, with another digest than SHA-384, or with a key that is not the certificate's",
            ))
        }
    }

    /// Whether the signature is one of the certificate's key over this PCR0.
    fn verifies(&self, pcr0: &Pcr) -> bool {
        Signature::from_slice(&self.signature).is_ok_and(|signature| {
            self.certificate
                .key()
                .verify(&to_be_signed(pcr0), &signature)
                .is_ok()
        })
    }

    /// The signature itself: r and s.
    pub fn signature(&self) -> &[u8; SIGNATURE_SIZE] {
        &self.signature
    }

    /// PCR8 of an image with this signature: the register over the certificate's DER.
    pub fn pcr8(&self) -> Pcr {
        Pcr::of(self.certificate.der())
    }

    /// Contents of the signature section for an image with this PCR0.
    pub fn to_section(&self, pcr0: &Pcr) -> Vec<u8> {
        cbor::section(
            self.certificate.pem(),
            &cbor::sign1(&cbor::payload(pcr0), &self.signature),
        )
    }

    /// Parses and verifies a signature section whose contents were found at `offset`. The certificate's validity period
    /// is not looked at: an image does not become another one with time.
    pub fn from_section(bytes: &[u8], offset: u64, pcr0: &Pcr) -> Result<Self, Violation> {
        let form = |detail: String| Violation::new(Rule::SignatureForm, offset, detail);
        let (pem, sign1) = cbor::parse_section(bytes)
            .map_err(|error| form(format!("signature section: {error}")))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|error| form(format!("signing certificate: {error}")))?;
        let (payload, signature) =
            cbor::parse_sign1(&sign1).map_err(|error| form(format!("COSE_Sign1: {error}")))?;
        if payload != cbor::payload(pcr0) {
            let detail =
                format!("the signature is not over PCR0 {pcr0}: it belongs to another image");
            return Err(Violation::new(Rule::SignaturePcr0, offset, detail));
        }
        let signed = PcrSignature {
            certificate,
            signature,
        };
        if signed.verifies(pcr0) {
            Ok(signed)
        } else {
            Err(Violation::new(
                Rule::SignatureValid,
                offset,
                "the signature does not verify",
            ))
        }
    }
}

#[cfg(test)]
mod tests;
