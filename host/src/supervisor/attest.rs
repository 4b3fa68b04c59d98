//! The health check: a self-test with a fresh nonce, whose attestation document must be of the
//! image that was started.

use crate::job_api::{OwnJobs, TimedOut};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_attestation::{CLOCK_TOLERANCE, Expected, Live, Nonce, Root, Verifier};
use letsesign_nsm::document::Unverified;
use letsesign_pcr::Measurements;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// Bytes of a nonce; the enclave takes 16 to 64.
const NONCE: usize = 32;
/// The user data of a self-test (docs/job-protocol.md, "Jobs").
const USER_DATA: &[u8] = br#"{"fnName":"selfTest","hashList":[]}"#;
/// The greatest age of a document: it is made for the nonce, within the limit of the question.
const AGE: Duration = Duration::from_mins(5);

/// How documents are verified.
#[derive(Debug, Clone)]
pub enum Verification {
    /// Down to a root, AWS's in operation.
    Root(Arc<Verifier>),
    /// By their registers alone: QEMU's NSM signs nothing. For emulation only.
    Registers,
}

impl Verification {
    /// Documents of AWS.
    pub fn aws() -> Self {
        Self::Root(Arc::new(Verifier::new(Root::aws())))
    }

    /// Documents of another root, in DER. For emulation only.
    ///
    /// # Errors
    /// When it is not the certificate of a root.
    pub fn test_root(der: &[u8]) -> Result<Self, letsesign_attestation::CertificateProblem> {
        Ok(Self::Root(Arc::new(Verifier::new(Root::for_tests(der)?))))
    }
}

/// Why an enclave is not the one that was started, or is not well.
#[derive(Debug, Error)]
pub enum HealthError {
    /// It does not answer.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// It answered something else than success.
    #[error("the self-test ended with code {0}")]
    Code(i64),
    /// The answer holds no document.
    #[error("the answer to the self-test holds no attestation document")]
    Malformed,
    /// The document is not one of this image, now.
    #[error("the attestation document is not valid: {0}")]
    Document(#[from] letsesign_attestation::Error),
    /// In emulation: the document is not the one that was asked for.
    #[error("the emulated attestation document has {0}")]
    Emulated(&'static str),
}

/// Asks the enclave for a self-test and verifies the answer.
///
/// # Errors
/// [`HealthError`] when there is no answer within `limit`, or it does not show that an enclave with
/// these measurements answered this very question.
pub async fn self_test(
    own: &OwnJobs,
    measurements: &Measurements,
    verification: &Verification,
    limit: Duration,
) -> Result<(), HealthError> {
    let mut nonce = vec![0; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| HealthError::Malformed)?;
    let data = json!({"nonce": BASE64_STANDARD.encode(&nonce)});
    let result = own.run("selfTest", data, limit).await?;
    check(&result, nonce, measurements, verification)
}

/// Verifies the result of a self-test with this nonce.
fn check(
    result: &Value,
    nonce: Vec<u8>,
    measurements: &Measurements,
    verification: &Verification,
) -> Result<(), HealthError> {
    match result.get("code").and_then(Value::as_i64) {
        Some(0) => {}
        Some(code) => return Err(HealthError::Code(code)),
        None => return Err(HealthError::Malformed),
    }
    let document = result
        .get("attestDocument")
        .and_then(Value::as_str)
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .ok_or(HealthError::Malformed)?;
    match verification {
        Verification::Root(verifier) => {
            let live = Live {
                now: now(),
                max_age: u64::try_from(AGE.as_millis()).unwrap_or(u64::MAX),
                ahead: CLOCK_TOLERANCE,
                nonce: Some(Nonce::new(nonce).map_err(|_| HealthError::Malformed)?),
            };
            let expected = Expected::current(*measurements);
            let running = verifier.running(&document, &expected, live)?;
            if running.document.user_data.as_deref() != Some(USER_DATA) {
                return Err(HealthError::Malformed);
            }
        }
        Verification::Registers => {
            let document =
                Unverified::parse(&document).map_err(|_| HealthError::Emulated("another form"))?;
            if document.nonce != Some(nonce.as_slice()) {
                return Err(HealthError::Emulated("another nonce"));
            }
            if document.user_data != Some(USER_DATA) {
                return Err(HealthError::Emulated("other user data"));
            }
            for (number, pcr) in measurements.numbered() {
                if document.pcrs.get(&number).copied() != Some(pcr.as_bytes().as_slice()) {
                    return Err(HealthError::Emulated("other registers than the image"));
                }
            }
        }
    }
    Ok(())
}

/// Milliseconds since 1970 (UTC), by this machine's clock.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests;
