//! Montgomery arithmetic in portable Rust: Montgomery, "Modular Multiplication Without Trial
//! Division" (1985), in the operand scanning form of Koç, Acar, Kaliski, "Analyzing and Comparing
//! Montgomery Multiplication Algorithms" (1996).
//!
//! R is 2^(64 L). The Montgomery form of x is x R mod n.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are loop counters below the length of arrays of constant size"
)]

use crate::number::{Number, add, look_up, multiply_add, select, small, split, subtract};
use std::hint::black_box;
use zeroize::{Zeroize, Zeroizing};

/// Bits of an exponent that one multiplication serves.
pub(crate) const WINDOW: usize = 4;

/// The powers from 0 to 15 of a base.
pub(crate) const TABLE: usize = 1 << WINDOW;

/// An odd modulus whose top bit is set. Its numbers are below it.
pub(crate) struct Modulus<const L: usize> {
    n: Number<L>,
    /// -1/n mod 2^64.
    inverse: u64,
    /// R^2 mod n: it turns a number into its Montgomery form.
    r2: Number<L>,
}

impl<const L: usize> Drop for Modulus<L> {
    fn drop(&mut self) {
        self.n.zeroize();
        self.inverse.zeroize();
        self.r2.zeroize();
    }
}

/// -1/n mod 2^64, for an odd n: Newton's iteration doubles the number of right bits.
pub(crate) fn negative_inverse(n: u64) -> u64 {
    let mut inverse = 1_u64;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(n.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

impl<const L: usize> Modulus<L> {
    /// `None` for an even number and for one without its top bit.
    pub(crate) fn new(n: Number<L>) -> Option<Self> {
        if n[0] & 1 == 0 || n[L - 1] >> 63 == 0 {
            return None;
        }
        let mut modulus = Self {
            n,
            inverse: negative_inverse(n[0]),
            r2: [0; L],
        };
        // R mod n is R - n, because n has its top bit. Doubling it 64 L times gives R^2.
        subtract(&mut modulus.r2, &n);
        for _ in 0..64 * L {
            modulus.r2 = modulus.double(&modulus.r2);
        }
        Some(modulus)
    }

    pub(crate) fn n(&self) -> &Number<L> {
        &self.n
    }

    /// R^2 mod n.
    pub(crate) fn r2(&self) -> &Number<L> {
        &self.r2
    }

    /// `a` mod n, for `a` below 2 n; `top` is the limb above `a`.
    fn subtract_once(&self, a: &Number<L>, top: u64) -> Number<L> {
        let mut reduced = *a;
        let borrow = subtract(&mut reduced, &self.n);
        // `a` stays where it is less than n: a borrow that `top` does not pay for.
        let keep = black_box((borrow & (top ^ 1)).wrapping_neg());
        select(keep, a, &reduced)
    }

    /// `a` mod n, for any `a` of this width: below 2 n, because n has its top bit.
    pub(crate) fn reduce_once(&self, a: &Number<L>) -> Number<L> {
        self.subtract_once(a, 0)
    }

    /// 2 a mod n.
    pub(crate) fn double(&self, a: &Number<L>) -> Number<L> {
        let mut twice = *a;
        let top = add(&mut twice, a);
        self.subtract_once(&twice, top)
    }

    /// a - b mod n.
    pub(crate) fn subtract(&self, a: &Number<L>, b: &Number<L>) -> Number<L> {
        let mut difference = *a;
        let borrow = subtract(&mut difference, b);
        let mut raised = difference;
        add(&mut raised, &self.n);
        select(black_box(borrow.wrapping_neg()), &raised, &difference)
    }

    /// a b / R mod n. One factor may be any number of this width if the other is below n.
    pub(crate) fn multiply(&self, a: &Number<L>, b: &Number<L>) -> Number<L> {
        let mut t = [0; L];
        let mut top = 0;
        for &limb in b {
            let (low, mut carry_a) = multiply_add(a[0], limb, t[0], 0);
            let m = low.wrapping_mul(self.inverse);
            let (_, mut carry_n) = multiply_add(self.n[0], m, low, 0);
            for at in 1..L {
                let low;
                (low, carry_a) = multiply_add(a[at], limb, t[at], carry_a);
                (t[at - 1], carry_n) = multiply_add(self.n[at], m, low, carry_n);
            }
            let sum = u128::from(top) + u128::from(carry_a) + u128::from(carry_n);
            (t[L - 1], top) = split(sum);
        }
        self.subtract_once(&t, top)
    }

    /// t / R mod n, for t below n R: two numbers, the lower half first.
    pub(crate) fn reduce(&self, t: [Number<L>; 2]) -> Number<L> {
        let mut halves = t;
        let t = halves.as_flattened_mut();
        let mut top = 0;
        for at in 0..L {
            let m = t[at].wrapping_mul(self.inverse);
            let mut carry = 0;
            for (limb, n) in t[at..].iter_mut().zip(&self.n) {
                (*limb, carry) = multiply_add(*n, m, *limb, carry);
            }
            let sum = u128::from(t[at + L]) + u128::from(carry) + u128::from(top);
            (t[at + L], top) = split(sum);
        }
        self.subtract_once(&halves[1], top)
    }

    /// a^2 / R mod n.
    pub(crate) fn square(&self, a: &Number<L>) -> Number<L> {
        let mut halves = [[0; L]; 2];
        let t = halves.as_flattened_mut();
        // Products of different limbs occur twice.
        for at in 0..L {
            let mut carry = 0;
            for other in at + 1..L {
                (t[at + other], carry) = multiply_add(a[at], a[other], t[at + other], carry);
            }
            t[at + L] = carry;
        }
        let (mut carry, mut shifted) = (0, 0);
        for (at, &limb) in a.iter().enumerate() {
            let (low, high) = split(u128::from(limb) * u128::from(limb));
            let (even, odd) = (t[2 * at], t[2 * at + 1]);
            let sum = u128::from(even << 1 | shifted) + u128::from(low) + u128::from(carry);
            (t[2 * at], carry) = split(sum);
            let sum = u128::from(odd << 1 | even >> 63) + u128::from(high) + u128::from(carry);
            (t[2 * at + 1], carry) = split(sum);
            shifted = odd >> 63;
        }
        self.reduce(halves)
    }

    /// The Montgomery form of `a`, any number of this width.
    pub(crate) fn to_form(&self, a: &Number<L>) -> Number<L> {
        self.multiply(a, &self.r2)
    }

    /// The number of a Montgomery form.
    pub(crate) fn of_form(&self, a: &Number<L>) -> Number<L> {
        self.multiply(a, &small(1))
    }

    /// base^exponent mod n of a secret exponent, all in numbers, not in Montgomery form. Time and
    /// memory accesses depend on the exponent's width alone.
    pub(crate) fn power(&self, base: &Number<L>, exponent: &[u64]) -> Number<L> {
        let base = Zeroizing::new(self.to_form(base));
        let mut table = Zeroizing::new([[0; L]; TABLE]);
        table[0] = self.to_form(&small(1));
        table[1] = *base;
        for at in 2..TABLE {
            table[at] = self.multiply(&table[at - 1], &base);
        }
        let mut power = Zeroizing::new(table[0]);
        for window in windows(exponent) {
            for _ in 0..WINDOW {
                *power = self.square(&power);
            }
            let factor = Zeroizing::new(look_up(&*table, window));
            *power = self.multiply(&power, &factor);
        }
        self.of_form(&power)
    }

    /// base^exponent mod n of a public exponent other than zero, in numbers.
    pub(crate) fn public_power(&self, base: &Number<L>, exponent: u64) -> Number<L> {
        let base = self.to_form(base);
        let mut power = base;
        for bit in (0..exponent.checked_ilog2().unwrap_or(0)).rev() {
            power = self.square(&power);
            if exponent >> bit & 1 == 1 {
                power = self.multiply(&power, &base);
            }
        }
        self.of_form(&power)
    }
}
/// The windows of an exponent, the highest first.
pub(crate) fn windows(exponent: &[u64]) -> impl Iterator<Item = u64> {
    let shifts = (0..64).step_by(WINDOW).rev();
    exponent
        .iter()
        .rev()
        .flat_map(move |limb| shifts.clone().map(move |shift| limb >> shift & 15))
}

#[cfg(test)]
#[path = "montgomery_tests.rs"]
pub(crate) mod tests;
