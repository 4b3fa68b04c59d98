//! Pairs that hide from the arithmetic what it decrypts (Kocher, "Timing Attacks on Implementations
//! of Diffie-Hellman, RSA, DSS, and Other Systems", 1996, section 10).

use crate::montgomery::Modulus;
use crate::number::Number;
use zeroize::Zeroize;

/// Uses of a random number before another one takes its place, as in OpenSSL.
pub(crate) const USES: u32 = 32;

/// r^e and 1/r, in Montgomery form modulo n.
pub(crate) struct Pair {
    pub(crate) blind: Number<32>,
    pub(crate) unblind: Number<32>,
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.blind.zeroize();
        self.unblind.zeroize();
    }
}

/// A pair for the next use.
pub(crate) struct Blinding {
    next: Pair,
    left: u32,
}

impl Blinding {
    pub(crate) fn new(first: Pair) -> Self {
        Self {
            next: first,
            left: USES,
        }
    }

    /// A pair that nobody else gets: its square is the next one. `None` when it is time for another
    /// random number.
    pub(crate) fn take(&mut self, n: &Modulus<32>) -> Option<Pair> {
        self.left = self.left.checked_sub(1)?;
        let squared = Pair {
            blind: n.square(&self.next.blind),
            unblind: n.square(&self.next.unblind),
        };
        Some(std::mem::replace(&mut self.next, squared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::small;
    use std::array::from_fn;

    /// Each pair cancels itself out, none comes twice, and they end.
    #[test]
    fn pairs_are_inverse_and_single_use() {
        // 2^2048 - 1: 2 and 2^2047 are inverse.
        let n = Modulus::new([u64::MAX; 32]).unwrap();
        let two = n.to_form(&small(2));
        let half = n.to_form(&from_fn(|at| if at == 31 { 1 << 63 } else { 0 }));
        let one = n.to_form(&small(1));
        let mut blinding = Blinding::new(Pair {
            blind: two,
            unblind: half,
        });
        let mut seen = Vec::new();
        while let Some(pair) = blinding.take(&n) {
            assert_eq!(n.multiply(&pair.blind, &pair.unblind), one);
            seen.push(pair.blind);
        }
        assert_eq!(seen.len(), 32);
        // 2^(2^i) mod 2^2048 - 1 repeats after 11 squarings; these do not.
        seen.truncate(11);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 11);
    }
}
