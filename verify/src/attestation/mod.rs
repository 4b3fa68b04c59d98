//! Attestation documents, verified by the rules of AWS's nsm-api (docs/attestation_process.md) and RFC 5280. The time is a parameter: a
//! document is verified at the time of its making, or now.

mod chain;
mod document;

use anyhow::{Context, Result};
use letsesign_measurements::Pcrs;
use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::path::Path;

pub(crate) use document::Attested;

/// SHA-256 of the DER of AWS's root certificate, as AWS publishes it.
const AWS_ROOT: &str = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";

/// The certificate that everything hangs on.
#[derive(Debug)]
pub(crate) enum Root {
    /// AWS's, by its fingerprint.
    Aws,
    /// One that was given for tests: its file. The fingerprint is beside it.
    Other(String, String),
}

impl Root {
    /// AWS's root, or a certificate in a file (PEM or DER).
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Aws);
        };
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let der = if bytes.starts_with(b"-----BEGIN") {
            let text = std::str::from_utf8(&bytes).context("the certificate is no text")?;
            let (_, document) = x509_cert::der::Document::from_pem(text.trim_end())
                .map_err(|error| anyhow::anyhow!("{name} is no PEM certificate: {error}"))?;
            document.as_bytes().to_vec()
        } else {
            bytes
        };
        chain::readable(&der).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        Ok(Self::Other(name, hex::encode(Sha256::digest(&der))))
    }

    /// SHA-256 of its DER form, hexadecimal.
    pub(crate) fn fingerprint(&self) -> &str {
        match self {
            Self::Aws => AWS_ROOT,
            Self::Other(_, fingerprint) => fingerprint,
        }
    }
}

/// What measurements a document must have.
pub(crate) enum Expected<'a> {
    /// Those of one of these images, all three registers of it. None at all is an error.
    OneOf(&'a [Pcrs]),
    /// Any: the document is inspected, and proves nothing about an image.
    Any,
}

/// Verifies a document at the time that it says it was made at. The error says what is wrong.
pub(crate) fn at_signing_time(
    bytes: &[u8],
    root: &Root,
    expected: &Expected<'_>,
) -> Result<Attested, String> {
    verify(bytes, root, expected, None)
}

/// Verifies a document at a given time, in milliseconds since 1970: it must have been made no longer than `max_age` milliseconds before,
/// and not after (with a minute's tolerance for the clocks).
pub(crate) fn now(
    bytes: &[u8],
    root: &Root,
    expected: &Expected<'_>,
    time: u64,
    max_age: u64,
) -> Result<Attested, String> {
    verify(bytes, root, expected, Some((time, max_age)))
}

/// How far a document may be ahead of this machine's clock, in milliseconds.
const AHEAD_MAX: u64 = 60_000;

fn verify(
    bytes: &[u8],
    root: &Root,
    expected: &Expected<'_>,
    now: Option<(u64, u64)>,
) -> Result<Attested, String> {
    if matches!(expected, Expected::OneOf([])) {
        return Err("there are no measurements to compare with".to_owned());
    }
    let parsed = document::parse(bytes)?;
    let time = match now {
        None => parsed.attested.time,
        Some((now, max_age)) => {
            if parsed.attested.time > now.saturating_add(AHEAD_MAX) {
                return Err("the document is from the future, by this machine's clock".to_owned());
            }
            let age = now.saturating_sub(parsed.attested.time);
            if age > max_age {
                return Err(format!(
                    "the document is {} s old, and at most {} s are allowed",
                    age / 1000,
                    max_age / 1000
                ));
            }
            now
        }
    };
    let mut certificates = parsed.cabundle.clone();
    certificates.push(parsed.certificate);
    let first = certificates.first().copied().unwrap_or_default();
    if hex::encode(Sha256::digest(first)) != root.fingerprint() {
        return Err("its certificates do not start with the trusted root certificate".to_owned());
    }
    let key = chain::leaf_key(&certificates, time / 1000)?;
    let signature = Signature::from_slice(parsed.signature)
        .map_err(|_| "its signature is no ECDSA signature".to_owned())?;
    VerifyingKey::verify(&key, &parsed.to_be_signed(), &signature).map_err(|_| {
        "its signature is wrong: it was changed, or another key signed it".to_owned()
    })?;
    // Zeros are refused before anything is compared.
    let pcrs = parsed.pcrs()?;
    if let Expected::OneOf(images) = expected
        && !images.contains(&pcrs)
    {
        return Err(format!(
            "its measurements are not among the expected ones: PCR0 {}, PCR1 {}, PCR2 {}",
            pcrs.pcr0, pcrs.pcr1, pcrs.pcr2
        ));
    }
    Ok(Attested {
        pcrs: Some(pcrs),
        ..parsed.attested
    })
}
