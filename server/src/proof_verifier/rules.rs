//! By the rules of docs/attestation-verification.md, at the document's own time.

use super::{Genuine, Refused};
use anyhow::Result;
use letsesign_attestation::{Expected, Image, Root, Standing, Verifier};
use letsesign_pcr::Measurements;

/// Verifies attestation documents by one root and the measurements of the accepted images.
pub(crate) struct ProofVerifier {
    verifier: Verifier,
    expected: Option<Expected>,
}

impl ProofVerifier {
    /// Accepts documents of these images whose certificate chain ends at this root. Without
    /// images, as in debug mode, it refuses every document.
    pub(crate) fn new(root: Root, images: Option<Vec<Measurements>>) -> Result<Self> {
        let image = |measurements| Image {
            measurements,
            standing: Standing::Current,
        };
        let expected = images.map(|images| Expected::any_of(images.into_iter().map(image)));
        Ok(Self {
            verifier: Verifier::new(root),
            expected: expected.transpose()?,
        })
    }

    pub(crate) fn verify(&self, document: &[u8]) -> Result<Genuine, Refused> {
        let expected = self.expected.as_ref().ok_or(Refused::Debug)?;
        // Drop the error's text: it may quote the document.
        let recorded = self
            .verifier
            .recorded(document, expected)
            .map_err(|error| Refused::Rule(error.rule()))?;
        if recorded.standing == Standing::Revoked {
            return Err(Refused::Revoked);
        }
        Ok(Genuine {
            user_data: recorded.document.user_data.unwrap_or_default(),
            time: recorded.document.timestamp,
        })
    }
}
