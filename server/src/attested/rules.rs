//! By the rules of docs/attestation-verification.md, at the document's own time.

use super::{Genuine, Refused};
use anyhow::Result;
use letsesign_attestation::{Expected, Image, Measurements, Root, Standing, Verifier};

/// Judges documents.
pub(crate) struct Judge {
    verifier: Verifier,
    expected: Option<Expected>,
}

impl Judge {
    /// Takes documents under this root, of these images. `None` where this enclave is in debug mode.
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

    pub(crate) fn judge(&self, document: &[u8]) -> Result<Genuine, Refused> {
        let expected = self.expected.as_ref().ok_or(Refused::Debug)?;
        // The error's own text may quote the document.
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
