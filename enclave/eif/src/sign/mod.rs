//! The signature section, PCR8, and signing with a key here or elsewhere.
//!
//! The section is a CBOR array with one PCR signature; what is signed is PCR0 alone. Format: AWS's
//! `PcrSignature` and `PcrInfo` (`aws-nitro-enclaves-image-format`, `src/defs/mod.rs`), COSE_Sign1
//! (RFC 9052) with ES256, ES384 or ES512 (RFC 9053).

mod algorithm;
mod cbor;
mod certificate;
mod key;
mod pem;

pub use algorithm::Algorithm;
pub use certificate::{Certificate, CertificateInfo, Validity, ValidityState};
pub use key::SigningKey;

use crate::error::{Error, Result};
use crate::rule::{Rule, Violation};
use letsesign_pcr::Pcr;

/// The bytes to sign for an image with this PCR0: the `Sig_structure` of RFC 9052, section 4.4. Any
/// tool that makes an ECDSA signature of these bytes with the algorithm's curve and digest will do.
pub fn to_be_signed(pcr0: &Pcr, algorithm: Algorithm) -> Vec<u8> {
    cbor::sig_structure(&cbor::payload(pcr0), algorithm)
}

/// A signature over an image's PCR0, with the certificate of the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcrSignature {
    /// The signer's certificate.
    pub certificate: Certificate,
    signature: Vec<u8>,
}

impl PcrSignature {
    /// Signs with a key. The signature is deterministic (RFC 6979): the same image, key and
    /// certificate give the same bytes.
    pub fn sign(pcr0: &Pcr, key: &SigningKey, certificate: Certificate) -> Result<Self> {
        let signature = key.sign(&to_be_signed(pcr0, key.algorithm()));
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

    /// Takes a signature that was made elsewhere over [`to_be_signed`] with the algorithm of the
    /// certificate's key: DER as OpenSSL and KMS give it, or r and s, each as long as the curve's
    /// order.
    pub fn attach(pcr0: &Pcr, signature: &[u8], certificate: Certificate) -> Result<Self> {
        let error = |reason: String| Error::Signing {
            what: "signature".to_owned(),
            reason,
        };
        let algorithm = certificate.algorithm();
        let (curve, digest) = (algorithm.curve(), algorithm.digest());
        let signature = certificate.key().parse_signature(signature);
        let signature = signature.ok_or_else(|| {
            let size = algorithm.signature_size();
            error(format!(
                "is neither an ECDSA signature over {curve} in DER nor {size} bytes of r and s; \
                 sign the exported bytes with {digest} and the certificate's {curve} key"
            ))
        })?;
        let signed = PcrSignature {
            certificate,
            signature,
        };
        if signed.verifies(pcr0) {
            Ok(signed)
        } else {
            Err(error(format!(
                "does not verify: it was made over other bytes (export them with --cert), with \
                 another digest than {digest}, or with a key that is not the certificate's"
            )))
        }
    }

    /// Whether the signature is one of the certificate's key over this PCR0.
    fn verifies(&self, pcr0: &Pcr) -> bool {
        let message = to_be_signed(pcr0, self.algorithm());
        self.certificate.key().verifies(&message, &self.signature)
    }

    /// The algorithm, which is that of the certificate's key.
    pub fn algorithm(&self) -> Algorithm {
        self.certificate.algorithm()
    }

    /// The signature itself: r and s.
    pub fn signature(&self) -> &[u8] {
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
            &cbor::sign1(&cbor::payload(pcr0), self.algorithm(), &self.signature),
        )
    }

    /// Parses and verifies a signature section whose contents were found at `offset`. The
    /// certificate's validity period is not checked: the answer for an image must not change with
    /// time.
    pub fn from_section(bytes: &[u8], offset: u64, pcr0: &Pcr) -> Result<Self, Violation> {
        let form = |detail: String| Violation::new(Rule::SignatureForm, offset, detail);
        let (pem, sign1) = cbor::parse_section(bytes)
            .map_err(|error| form(format!("signature section: {error}")))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|error| form(format!("signing certificate: {error}")))?;
        let cbor::Sign1 {
            algorithm,
            payload,
            signature,
        } = cbor::parse_sign1(&sign1).map_err(|error| form(format!("COSE_Sign1: {error}")))?;
        if algorithm != certificate.algorithm() {
            return Err(form(format!(
                "COSE_Sign1: the algorithm is {}, but the certificate's key is on {} ({})",
                algorithm.name(),
                certificate.algorithm().curve(),
                certificate.algorithm().name()
            )));
        }
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
