use super::*;
use crate::montgomery::tests::modulus;
use proptest::prelude::*;

/// Random limbs of 64 bits, some of which are at the edges.
fn number<const L: usize>() -> impl Strategy<Value = Number<L>> {
    let limb = prop_oneof![3 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)];
    proptest::collection::vec(limb, L).prop_map(|limbs| from_fn(|at| limbs[at]))
}

#[test]
fn limbs_are_the_number() {
    let number = from_fn(|at| 0x0123_4567_89ab_cdef_u64.rotate_left(u32::try_from(at).unwrap()));
    let limbs = to_limbs(&number);
    assert!(limbs.iter().all(|limb| *limb <= MASK));
    assert_eq!(of_limbs(&limbs), number);
    assert_eq!(of_limbs(&to_limbs(&[u64::MAX; 16])), [u64::MAX; 16]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn powers_are_those_of_the_portable_arithmetic(
        p in modulus::<16>(), q in modulus::<16>(), first in number(), second in number(),
        exponents: [[u64; 17]; 2],
    ) {
        let (p, q) = (Modulus::new(p).unwrap(), Modulus::new(q).unwrap());
        let Some(primes) = Primes::new(&p, &q) else {
            eprintln!("SKIPPED: this processor has no AVX-512 IFMA");
            return Ok(());
        };
        let bases = [p.reduce_once(&first), q.reduce_once(&second)];
        let [of_p, of_q] = primes.power(&bases, &exponents);
        prop_assert_eq!(p.reduce_once(&of_p), p.power(&bases[0], &exponents[0]));
        prop_assert_eq!(q.reduce_once(&of_q), q.power(&bases[1], &exponents[1]));
    }
}

proptest! {
    /// Limbs that are full let a carry run through all of them.
    #[test]
    fn carries_run_to_the_end(
        limbs in proptest::collection::vec(prop_oneof![
            3 => Just(MASK), 1 => Just(MASK + 1), 1 => Just(MASK - 1),
            1 => 0..1_u64 << 59, 1 => Just(0),
        ], LIMBS - 1),
    ) {
        if !is_x86_feature_detected!("avx512ifma") || !is_x86_feature_detected!("avx512vl") {
            eprintln!("SKIPPED: this processor has no AVX-512 IFMA");
            return Ok(());
        }
        let limbs: [u64; LIMBS] = from_fn(|at| limbs.get(at).copied().unwrap_or(0));
        let mut carry = 0;
        let expected = limbs.map(|limb| {
            let sum = limb + carry;
            carry = sum >> BITS;
            sum & MASK
        });
        // SAFETY: the processor has the instructions.
        #[expect(unsafe_code, reason = "instructions that not every processor has")]
        let normal = unsafe { normalise(&to_vectors(&limbs)) };
        prop_assert_eq!(of_vectors(&normal), expected);
    }
}
