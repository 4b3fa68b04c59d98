//! Numbers of a fixed width and the constant-time operations on them.
//!
//! Every loop runs over the whole width, so neither time nor memory accesses depend on a value.

use std::hint::black_box;

/// A number of `L` limbs of 64 bits, the lowest limb first.
pub(crate) type Number<const L: usize> = [u64; L];

/// The number of one limb.
pub(crate) fn small<const L: usize>(limb: u64) -> Number<L> {
    std::array::from_fn(|at| if at == 0 { limb } else { 0 })
}

/// All bits one where `a` equals `b`, otherwise zero.
///
/// The barrier keeps the compiler from turning a later selection into a branch.
pub(crate) fn equal_mask(a: u64, b: u64) -> u64 {
    let difference = a ^ b;
    // The top bit of `x | -x` is zero for zero alone.
    let differs = (difference | difference.wrapping_neg()) >> 63;
    black_box(differs.wrapping_sub(1))
}

/// The product of two limbs plus two more; it always fits.
#[inline]
pub(crate) fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    split(u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d))
}

/// The low and the high limb.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves are wanted")]
pub(crate) fn split(wide: u128) -> (u64, u64) {
    (wide as u64, (wide >> 64) as u64)
}

/// `a` += `b`; the carry, 0 or 1.
pub(crate) fn add(a: &mut [u64], b: &[u64]) -> u64 {
    let mut carry = 0;
    for (limb, other) in a.iter_mut().zip(b) {
        (*limb, carry) = split(u128::from(*limb) + u128::from(*other) + u128::from(carry));
    }
    carry
}

/// `a` -= `b`; the borrow, 0 or 1.
pub(crate) fn subtract(a: &mut [u64], b: &[u64]) -> u64 {
    let mut borrow = 0;
    for (limb, other) in a.iter_mut().zip(b) {
        let (low, high) = split(
            u128::from(*limb)
                .wrapping_sub(u128::from(*other))
                .wrapping_sub(u128::from(borrow)),
        );
        (*limb, borrow) = (low, high & 1);
    }
    borrow
}

/// 1 where `a` is less than `b`, otherwise 0.
pub(crate) fn less<const L: usize>(a: &Number<L>, b: &Number<L>) -> u64 {
    subtract(&mut { *a }, b)
}

/// `a` where `mask` is all ones, `b` where it is zero.
pub(crate) fn select<const L: usize>(mask: u64, a: &Number<L>, b: &Number<L>) -> Number<L> {
    let mut out = *b;
    for (limb, other) in out.iter_mut().zip(a) {
        *limb ^= (*limb ^ *other) & mask;
    }
    out
}

/// The entry `index` of a table. It reads all of them: which cache lines are touched says nothing.
pub(crate) fn look_up<const L: usize>(table: &[Number<L>], index: u64) -> Number<L> {
    let mut found = [0; L];
    for (at, entry) in (0..).zip(table) {
        let mask = equal_mask(at, index);
        for (limb, other) in found.iter_mut().zip(entry) {
            *limb |= *other & mask;
        }
    }
    found
}

/// Whether two numbers are equal; the time does not depend on where they differ.
pub(crate) fn equal<const L: usize>(a: &Number<L>, b: &Number<L>) -> bool {
    let difference = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    equal_mask(difference, 0) != 0
}

/// The number that big-endian bytes stand for, leading zeros allowed; `None` if it is too wide.
/// The time depends on the count of bytes and on that of leading zeros beyond the width.
pub(crate) fn from_bytes<const L: usize>(bytes: &[u8]) -> Option<Number<L>> {
    let mut number = [0; L];
    let mut limbs = number.iter_mut();
    for chunk in bytes.rchunks(8) {
        let value = chunk
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        match limbs.next() {
            Some(limb) => *limb = value,
            None if value == 0 => {}
            None => return None,
        }
    }
    Some(number)
}

/// The number as big-endian bytes over its whole width, written to `out` of `8 * L` bytes.
pub(crate) fn to_bytes<const L: usize>(number: &Number<L>, out: &mut [u8]) {
    for (chunk, limb) in out.rchunks_mut(8).zip(number) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn two_limbs_behave_like_u128(a: u128, b: u128, index in 0_u64..5) {
            let number = |value: u128| { let (low, high) = split(value); [low, high] };
            let (wide_a, wide_b) = (number(a), number(b));
            let mut sum = wide_a;
            let carry = add(&mut sum, &wide_b);
            prop_assert_eq!(sum, number(a.wrapping_add(b)));
            prop_assert_eq!(carry == 1, a.checked_add(b).is_none());
            let mut difference = wide_a;
            let borrow = subtract(&mut difference, &wide_b);
            prop_assert_eq!((difference, borrow == 1), (number(a.wrapping_sub(b)), a < b));
            prop_assert_eq!(less(&wide_a, &wide_b) == 1, a < b);
            prop_assert_eq!(equal(&wide_a, &wide_b), a == b);
            prop_assert!(equal(&wide_a, &wide_a));
            prop_assert_eq!(select(0, &wide_a, &wide_b), wide_b);
            prop_assert_eq!(select(u64::MAX, &wide_a, &wide_b), wide_a);
            let table = [wide_a, wide_b, sum];
            let expected = table.get(usize::try_from(index).unwrap()).copied();
            prop_assert_eq!(look_up(&table, index), expected.unwrap_or_default());
            prop_assert_eq!(from_bytes(&a.to_be_bytes()), Some(wide_a));
            let mut bytes = [0; 16];
            to_bytes(&wide_a, &mut bytes);
            prop_assert_eq!(bytes, a.to_be_bytes());
        }
    }

    #[test]
    fn leading_zeros_are_no_width() {
        let mut bytes = [0; 17];
        bytes[16] = 7;
        assert_eq!(from_bytes(&bytes), Some([7, 0]));
        assert_eq!(from_bytes::<2>(&[]), Some([0, 0]));
        bytes[0] = 1;
        assert_eq!(from_bytes::<2>(&bytes), None);
    }

    #[test]
    fn masks_are_all_ones_or_zero() {
        for (a, b) in [
            (0, 0),
            (0, 1),
            (1 << 63, 0),
            (u64::MAX, 0),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(
                equal_mask(a, b),
                if a == b { u64::MAX } else { 0 },
                "{a} {b}"
            );
        }
    }
}
