//! The NSM of an emulated enclave signs nothing. The test variant takes its documents for their
//! registers alone, which anybody can write. No published image has this (docs/emulator.md, "The
//! test variant").

use super::{Genuine, Refused};
use anyhow::Result;
use letsesign_attestation::Root;
use letsesign_nsm::document::Unverified;
use letsesign_pcr::Measurements;

/// Checks the PCRs of documents; does not verify signatures.
pub(crate) struct ProofVerifier {
    images: Option<Vec<Measurements>>,
}

impl ProofVerifier {
    /// Accepts documents with these measurements, whoever made them.
    #[expect(
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        reason = "as the real one"
    )]
    pub(crate) fn new(root: Root, images: Option<Vec<Measurements>>) -> Result<Self> {
        tracing::warn!(
            root_is_aws = root.is_aws(),
            "TEST VARIANT: documents are not verified; this image protects nothing"
        );
        Ok(Self { images })
    }

    pub(crate) fn verify(&self, document: &[u8]) -> Result<Genuine, Refused> {
        let images = self.images.as_ref().ok_or(Refused::Debug)?;
        let fields = Unverified::parse(document).map_err(|_| Refused::Foreign)?;
        let same = |image: &Measurements| {
            (0..).zip(image.registers()).all(|(number, expected)| {
                fields.pcrs.get(&number).copied() == Some(expected.as_bytes().as_slice())
            })
        };
        if !images.iter().any(same) {
            return Err(Refused::Foreign);
        }
        Ok(Genuine {
            user_data: fields.user_data.unwrap_or_default().to_vec(),
            time: fields.timestamp,
        })
    }
}
