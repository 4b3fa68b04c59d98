//! The measurements that a document must have. Rules 7, 8, 10 and 11.

use letsesign_pcr::{Measurements, Pcr};

/// Whether an image may be used. The verifier reports it, and the caller decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// In use.
    Current,
    /// No longer in use since a time, in seconds since 1970 (UTC). Documents from before that time
    /// stay good.
    EndOfLife(u64),
    /// Not to be trusted, whenever it attested.
    Revoked,
}

impl Standing {
    /// The standing that applies to a document of a given time, in milliseconds since 1970: an end
    /// of life applies from its second on, a revocation always.
    pub fn at(self, time: u64) -> Self {
        match self {
            Self::EndOfLife(since) if time / 1000 < since => Self::Current,
            standing => standing,
        }
    }
}

/// One image that a document may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// PCR0, PCR1 and PCR2 of the image.
    pub measurements: Measurements,
    /// Whether the image may be used.
    pub standing: Standing,
}

/// The images that a document may come from; at least one. They are the verifier's own knowledge (a
/// list that comes with it, a release file), never a statement of the enclave or its host. A
/// document's registers therefore have another type, which does not convert to measurements:
///
/// ```compile_fail
/// # fn f(attested: letsesign_attestation::Inspected) {
/// let own = letsesign_attestation::Measurements::from(attested.document.pcrs);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(Vec<Image>);

/// The list of expected images is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of expected measurements is empty")]
pub struct NoMeasurements;

impl Expected {
    /// Expects any of these images.
    ///
    /// # Errors
    /// [`NoMeasurements`] when there are none.
    pub fn any_of(images: impl IntoIterator<Item = Image>) -> Result<Self, NoMeasurements> {
        let images: Vec<Image> = images.into_iter().collect();
        if images.is_empty() {
            return Err(NoMeasurements);
        }
        Ok(Self(images))
    }

    /// Expects this image alone, as one in use.
    pub fn current(measurements: Measurements) -> Self {
        Self(vec![Image {
            measurements,
            standing: Standing::Current,
        }])
    }

    /// The standing of the image with these registers; the worst one if it is listed more than
    /// once.
    pub(crate) fn find(&self, registers: &[Pcr; 3]) -> Option<Standing> {
        let rank = |standing: &Standing| match standing {
            Standing::Current => (0, 0),
            Standing::EndOfLife(since) => (1, u64::MAX - since),
            Standing::Revoked => (2, 0),
        };
        let same = self
            .0
            .iter()
            .filter(|image| image.measurements.registers() == registers);
        same.map(|image| image.standing).max_by_key(rank)
    }
}
