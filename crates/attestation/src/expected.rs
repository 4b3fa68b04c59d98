//! What measurements a document must have. Rules 7, 8, 10 and 11.

use crate::PCR_BYTES;

/// PCR0, PCR1 and PCR2 of one image. All three are compared: PCR0 hashes contents without their lengths, so one PCR0 can belong to two
/// images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Measurements([[u8; PCR_BYTES]; 3]);

/// Measurements that would match an enclave in debug mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("PCR{index} is all zeros, as in debug mode; that identifies no image")]
pub struct ZeroPcr {
    /// The register.
    pub index: u8,
}

impl Measurements {
    /// The registers of an image.
    ///
    /// # Errors
    /// [`ZeroPcr`] for a register of zeros.
    pub fn new(
        pcr0: [u8; PCR_BYTES],
        pcr1: [u8; PCR_BYTES],
        pcr2: [u8; PCR_BYTES],
    ) -> Result<Self, ZeroPcr> {
        let registers = [pcr0, pcr1, pcr2];
        for (index, register) in (0..).zip(&registers) {
            if *register == [0; PCR_BYTES] {
                return Err(ZeroPcr { index });
            }
        }
        Ok(Self(registers))
    }

    /// PCR0, PCR1 and PCR2.
    pub fn registers(&self) -> &[[u8; PCR_BYTES]; 3] {
        &self.0
    }
}

/// Whether an image may be used. The verifier says so, and the caller decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// In use.
    Current,
    /// No longer in use since a time, in seconds since 1970 (UTC). What it attested before stays good.
    EndOfLife(u64),
    /// Not to be trusted, whenever it attested.
    Revoked,
}

impl Standing {
    /// What it means for a document of a given time, in milliseconds since 1970: an end of life counts from its second on, a revocation
    /// always.
    pub fn at(self, time: u64) -> Self {
        match self {
            Self::EndOfLife(since) if time / 1000 < since => Self::Current,
            standing => standing,
        }
    }
}

/// One image that a document may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Its registers.
    pub measurements: Measurements,
    /// Whether it may be used.
    pub standing: Standing,
}

/// The images that a document may be of; at least one. They are the verifier's own knowledge (a list that comes with it, a release file), never
/// something that the enclave or its host said. A document's registers are therefore of another type, and do not become measurements:
///
/// ```compile_fail
/// # fn f(attested: letsesign_attestation::Inspected) {
/// let own = letsesign_attestation::Measurements::from(attested.document.pcrs);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(Vec<Image>);

/// There was nothing to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are no measurements to compare with")]
pub struct NoMeasurements;

impl Expected {
    /// Any of these images.
    ///
    /// # Errors
    /// [`NoMeasurements`] for none.
    pub fn any_of(images: impl IntoIterator<Item = Image>) -> Result<Self, NoMeasurements> {
        let images: Vec<Image> = images.into_iter().collect();
        if images.is_empty() {
            return Err(NoMeasurements);
        }
        Ok(Self(images))
    }

    /// This image, in use.
    pub fn current(measurements: Measurements) -> Self {
        Self(vec![Image {
            measurements,
            standing: Standing::Current,
        }])
    }

    /// The image with these registers, and the worst standing where it is listed more than once.
    pub(crate) fn find(&self, registers: &[[u8; PCR_BYTES]; 3]) -> Option<Standing> {
        let rank = |standing: &Standing| match standing {
            Standing::Current => (0, 0),
            Standing::EndOfLife(since) => (1, u64::MAX - since),
            Standing::Revoked => (2, 0),
        };
        let same = self
            .0
            .iter()
            .filter(|image| image.measurements.0 == *registers);
        same.map(|image| image.standing).max_by_key(rank)
    }
}
