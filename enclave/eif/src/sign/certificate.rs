//! Signing certificates: PEM in the image, DER in PCR8.

use super::algorithm::{Algorithm, PublicKey, SUPPORTED};
use crate::error::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use x509_cert::der::{Decode, Document, Encode};
use x509_cert::time::Time;

/// Largest certificate file, in bytes.
const MAX_FILE: usize = 64 << 10;

/// A certificate for a key on P-256, P-384 or P-521. A file may hold a chain: the first
/// certificate is the signer's, and PCR8 and verification use it alone. The rest is kept in the
/// image, as AWS's tools do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pem: Vec<u8>,
    der: Vec<u8>,
    key: PublicKey,
    validity: Validity,
    info: CertificateInfo,
    chain: usize,
}

/// Fields of a certificate, with nitro-cli's names and spellings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateInfo {
    /// The issuer's name by attribute, such as `commonName`.
    #[serde(rename = "IssuerName")]
    pub issuer: BTreeMap<String, String>,
    /// Algorithm of the issuer's signature, such as `ecdsa-with-SHA384`.
    #[serde(rename = "Algorithm")]
    pub algorithm: String,
    /// Start of validity, such as `Jan  2 03:04:05 2026 GMT`.
    #[serde(rename = "NotBefore")]
    pub not_before: String,
    /// End of validity.
    #[serde(rename = "NotAfter")]
    pub not_after: String,
    /// The issuer's signature, `XX:XX:...`.
    #[serde(rename = "Signature")]
    pub signature: String,
}

/// The period of validity of a certificate (RFC 5280, section 4.1.2.5), both ends included, in
/// seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: u64,
    /// Last second.
    pub not_after: u64,
}

/// Position of a moment relative to a certificate's period of validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidityState {
    /// Before it.
    NotYetValid,
    /// Inside.
    Valid,
    /// After it.
    Expired,
}

impl Validity {
    /// Compares a moment, in seconds since 1970, with the period.
    pub fn at(self, seconds: u64) -> ValidityState {
        if seconds < self.not_before {
            ValidityState::NotYetValid
        } else if seconds > self.not_after {
            ValidityState::Expired
        } else {
            ValidityState::Valid
        }
    }
}

impl Certificate {
    /// Reads a PEM file.
    pub fn read(path: &Path) -> Result<Self> {
        let pem = std::fs::read(path).map_err(Error::io("read", path))?;
        Self::from_pem(&pem).map_err(|reason| Error::Signing {
            what: path.display().to_string(),
            reason,
        })
    }

    /// Parses PEM text; the error is one sentence.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, String> {
        if pem.len() > MAX_FILE {
            return Err(format!("has {} bytes; the limit is {MAX_FILE}", pem.len()));
        }
        let text = std::str::from_utf8(pem).map_err(|_| "is not PEM text".to_owned())?;
        let blocks = super::pem::certificates(text)?;
        let Some(first) = blocks.first() else {
            return Err("holds no \"BEGIN CERTIFICATE\"; a PEM certificate is needed".to_owned());
        };
        // PCR8 measures the first certificate, so no other one is parsed.
        let (_, document) =
            Document::from_pem(first).map_err(|error| format!("bad PEM: {error}"))?;
        let der = document.as_bytes().to_vec();
        let parsed = x509_cert::Certificate::from_der(&der)
            .map_err(|error| format!("bad certificate: {error}"))?;
        let tbs = parsed.tbs_certificate();
        let spki = tbs
            .subject_public_key_info()
            .to_der()
            .map_err(|error| format!("bad public key: {error}"))?;
        let key = PublicKey::from_spki(&spki)
            .ok_or_else(|| format!("its key is on no curve that is known here; {SUPPORTED}"))?;
        let seconds = |time: &Time| time.to_unix_duration().as_secs();
        let validity = Validity {
            not_before: seconds(&tbs.validity().not_before),
            not_after: seconds(&tbs.validity().not_after),
        };
        let info = CertificateInfo {
            issuer: tbs
                .issuer()
                .iter()
                .map(|a| (attribute_name(&a.oid.to_string()), attribute_value(a)))
                .collect(),
            algorithm: algorithm_name(&parsed.signature_algorithm().oid.to_string()),
            not_before: openssl_time(&tbs.validity().not_before),
            not_after: openssl_time(&tbs.validity().not_after),
            signature: colons(parsed.signature().raw_bytes()),
        };
        Ok(Certificate {
            pem: pem.to_vec(),
            der,
            key,
            validity,
            info,
            chain: blocks.len(),
        })
    }

    /// The PEM as given, byte for byte.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }

    /// DER of the first certificate: what PCR8 measures.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The fields of the certificate.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }

    /// Number of certificates in the file.
    pub fn chain_length(&self) -> usize {
        self.chain
    }

    /// When it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The algorithm of its key's curve.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// OpenSSL's long names, which nitro-cli prints.
fn attribute_name(oid: &str) -> String {
    match oid {
        "2.5.4.3" => "commonName",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "countryName",
        "2.5.4.7" => "localityName",
        "2.5.4.8" => "stateOrProvinceName",
        "2.5.4.10" => "organizationName",
        "2.5.4.11" => "organizationalUnitName",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    }
    .to_owned()
}

fn attribute_value(attribute: &x509_cert::attr::AttributeTypeAndValue) -> String {
    String::from_utf8_lossy(attribute.value.value()).into_owned()
}

fn algorithm_name(oid: &str) -> String {
    match oid {
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        other => other,
    }
    .to_owned()
}

fn openssl_time(time: &Time) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let t = time.to_date_time();
    let month = MONTHS
        .get(usize::from(t.month()).saturating_sub(1))
        .copied()
        .unwrap_or("???");
    format!(
        "{month} {:>2} {:02}:{:02}:{:02} {} GMT",
        t.day(),
        t.hour(),
        t.minutes(),
        t.seconds(),
        t.year()
    )
}

fn colons(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
