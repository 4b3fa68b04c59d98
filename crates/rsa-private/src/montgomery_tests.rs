use super::*;
use crate::number::{equal, from_bytes, less, to_bytes};
use crypto_bigint::{BoxedUint, NonZero};
use proptest::prelude::*;
use std::array::from_fn;

/// The oracle is crypto-bigint, which the crate `rsa` computes with.
fn big<const L: usize>(number: &Number<L>) -> BoxedUint {
    let mut bytes = vec![0; 8 * L];
    to_bytes(number, &mut bytes);
    let precision = u32::try_from(64 * L).unwrap();
    BoxedUint::from_be_slice(&bytes, precision).unwrap()
}

fn of_big<const L: usize>(number: &BoxedUint) -> Number<L> {
    from_bytes(&number.to_be_bytes()).unwrap()
}

/// Random limbs, some of them all zeros or all ones, where carries run far.
fn number<const L: usize>() -> impl Strategy<Value = Number<L>> {
    let limb = prop_oneof![3 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX), 1 => Just(1)];
    proptest::collection::vec(limb, L).prop_map(|limbs| from_fn(|at| limbs[at]))
}

/// An odd number of full width.
pub(crate) fn modulus<const L: usize>() -> impl Strategy<Value = Number<L>> {
    number().prop_map(|mut n: Number<L>| {
        n[0] |= 1;
        n[L - 1] |= 1 << 63;
        n
    })
}

fn below<const L: usize>(a: &Number<L>, modulus: &Modulus<L>) -> Number<L> {
    modulus.reduce_once(a)
}

fn check<const L: usize>(n: Number<L>, a: Number<L>, b: Number<L>, high: Number<L>) {
    let modulus = &Modulus::new(n).unwrap();
    let n = NonZero::new(big(modulus.n())).unwrap();
    let times =
        |a: &Number<L>, b: &Number<L>| -> Number<L> { of_big(&big(a).mul_mod(&big(b), &n)) };
    let (a_below, b_below) = (below(&a, modulus), below(&b, modulus));
    assert!(less(&a_below, modulus.n()) == 1);
    // Forms and back.
    let form = modulus.to_form(&a);
    assert_eq!(modulus.of_form(&form), a_below);
    // a b / R, times R.
    let both = modulus.multiply(&modulus.to_form(&a_below), &b_below);
    assert_eq!(both, times(&a_below, &b_below));
    assert_eq!(modulus.square(&form), modulus.multiply(&form, &form));
    let squared = modulus.of_form(&modulus.square(&form));
    assert_eq!(squared, times(&a_below, &a_below));
    // t / R, times R: (high R + low) mod n.
    let high = below(&high, modulus);
    let reduced = modulus.to_form(&modulus.reduce([a, high]));
    let mut expected = modulus.to_form(&high);
    let top = add(&mut expected, &a_below);
    assert_eq!(reduced, modulus.subtract_once(&expected, top));
    // Differences.
    let mut sum = modulus.subtract(&a_below, &b_below);
    let top = add(&mut sum, &b_below);
    assert_eq!(modulus.subtract_once(&sum, top), a_below);
    assert!(less(&modulus.double(&a_below), modulus.n()) == 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn arithmetic_of_1024_bits_is_right(
        n in modulus::<16>(), a in number(), b in number(), high in number(),
    ) {
        check(n, a, b, high);
    }

    #[test]
    fn arithmetic_of_2048_bits_is_right(
        n in modulus::<32>(), a in number(), b in number(), high in number(),
    ) {
        check(n, a, b, high);
    }

    #[test]
    fn arithmetic_of_128_bits_is_right(
        n in modulus::<2>(), a in number(), b in number(), high in number(),
    ) {
        check(n, a, b, high);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn powers_are_right(
        n in modulus::<4>(), base in number(), exponent in number::<2>(), public: u64,
    ) {
        let n = Modulus::new(n).unwrap();
        let by_hand = |exponent: &[u64]| {
            let mut power = n.to_form(&small(1));
            let base = n.to_form(&base);
            for bit in (0..64 * exponent.len()).rev() {
                power = n.square(&power);
                if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
                    power = n.multiply(&power, &base);
                }
            }
            n.of_form(&power)
        };
        prop_assert_eq!(n.power(&base, &exponent), by_hand(&exponent));
        prop_assert_eq!(n.public_power(&base, public.max(1)), by_hand(&[public.max(1)]));
        for window in 0..16 {
            prop_assert_eq!(n.power(&base, &[window]), by_hand(&[window]));
        }
    }
}

#[test]
fn moduli_are_odd_and_of_full_width() {
    assert!(Modulus::new([2, 1 << 63]).is_none());
    assert!(Modulus::new([1, 1 << 62]).is_none());
    assert!(Modulus::new([1, 1 << 63]).is_some());
}

#[test]
fn products_of_the_largest_numbers_are_reduced() {
    let modulus = Modulus::new([u64::MAX; 16]).unwrap();
    let mut largest = [u64::MAX; 16];
    largest[0] -= 1;
    // (-1)(-1) = 1.
    let form = modulus.to_form(&largest);
    assert!(equal(&modulus.of_form(&modulus.square(&form)), &small(1)));
    // The modulus itself is 0.
    assert_eq!(modulus.to_form(modulus.n()), [0; 16]);
}
