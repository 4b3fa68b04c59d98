//! The trust anchor of every chain. Rule 3.

use crate::certificate::Certificate;
use crate::error::{CertificateProblem, Error};
use sha2::{Digest, Sha256};

/// SHA-256 of the DER of AWS's root certificate (`aws.nitro-enclaves`, valid until 2049), as AWS
/// publishes it in the Nitro Enclaves user guide.
const AWS: [u8; 32] = [
    0x64, 0x1a, 0x03, 0x21, 0xa3, 0xe2, 0x44, 0xef, 0xe4, 0x56, 0x46, 0x31, 0x95, 0xd6, 0x06, 0x31,
    0x7e, 0xd7, 0xcd, 0xcc, 0x3c, 0x17, 0x56, 0xe0, 0x98, 0x93, 0xf3, 0xc6, 0x8f, 0x79, 0xbb, 0x5b,
];

/// A trusted root certificate, identified by the SHA-256 of its DER. It has no default value: the
/// caller must choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    fingerprint: [u8; 32],
}

impl Root {
    /// AWS's root certificate for Nitro enclaves.
    pub fn aws() -> Self {
        Self { fingerprint: AWS }
    }

    /// Another certificate, for tests and emulated enclaves. A document verified under it proves
    /// nothing about AWS.
    ///
    /// # Errors
    /// [`CertificateProblem`] when the DER is not a certificate.
    pub fn for_tests(der: &[u8]) -> Result<Self, CertificateProblem> {
        Certificate::parse(der)?;
        Ok(Self {
            fingerprint: Sha256::digest(der).into(),
        })
    }

    /// Whether this is AWS's root certificate.
    pub fn is_aws(&self) -> bool {
        self.fingerprint == AWS
    }

    /// SHA-256 of the certificate's DER.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Checks that a certificate is this one.
    pub(crate) fn check(&self, first: &[u8]) -> Result<(), Error> {
        let found: [u8; 32] = Sha256::digest(first).into();
        if found == self.fingerprint {
            return Ok(());
        }
        Err(Error::Root {
            found: hex::encode(found),
            pinned: hex::encode(self.fingerprint),
        })
    }
}
