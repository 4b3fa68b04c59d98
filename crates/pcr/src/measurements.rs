//! The three registers that identify an image.

use crate::Pcr;

/// PCR0, PCR1 and PCR2 of one image; none of them is zero.
///
/// All three are compared: PCR0 hashes contents without their lengths, so two images whose sections
/// are divided differently can share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measurements([Pcr; 3]);

/// A register is all zeros. An enclave in debug mode attests zeros, so they do not identify an
/// image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("PCR{index} is all zeros, as in debug mode; that identifies no image")]
pub struct ZeroPcr {
    /// Number of the register, 0 to 2.
    pub index: u8,
}

impl Measurements {
    /// Combines the registers of an image.
    ///
    /// # Errors
    /// [`ZeroPcr`] for the first register that is zero.
    pub fn new(
        pcr0: impl Into<Pcr>,
        pcr1: impl Into<Pcr>,
        pcr2: impl Into<Pcr>,
    ) -> Result<Self, ZeroPcr> {
        let registers = [pcr0.into(), pcr1.into(), pcr2.into()];
        for (index, register) in (0..).zip(&registers) {
            if register.is_zero() {
                return Err(ZeroPcr { index });
            }
        }
        Ok(Self(registers))
    }

    /// PCR0, PCR1 and PCR2.
    pub fn registers(&self) -> &[Pcr; 3] {
        &self.0
    }

    /// PCR0, PCR1 and PCR2, each with its number.
    pub fn numbered(&self) -> [(u8, Pcr); 3] {
        let [pcr0, pcr1, pcr2] = self.0;
        [(0, pcr0), (1, pcr1), (2, pcr2)]
    }

    /// PCR0 covers kernel, command line and all ramdisks.
    pub fn pcr0(&self) -> Pcr {
        let [pcr0, _, _] = self.0;
        pcr0
    }

    /// PCR1 covers kernel, command line and the first ramdisk.
    pub fn pcr1(&self) -> Pcr {
        let [_, pcr1, _] = self.0;
        pcr1
    }

    /// PCR2 covers the ramdisks after the first.
    pub fn pcr2(&self) -> Pcr {
        let [_, _, pcr2] = self.0;
        pcr2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_identify_no_image() {
        let mut values = [[1; 48], [2; 48], [3; 48]];
        let [pcr0, pcr1, pcr2] = values;
        let image = Measurements::new(pcr0, pcr1, pcr2).unwrap();
        assert_eq!(image.registers().map(|pcr| *pcr.as_bytes()), values);
        for index in 0..3 {
            let before = std::mem::replace(&mut values[index], [0; 48]);
            let [pcr0, pcr1, pcr2] = values;
            let error = Measurements::new(pcr0, pcr1, pcr2).unwrap_err();
            assert_eq!(usize::from(error.index), index);
            values[index] = before;
        }
    }
}
