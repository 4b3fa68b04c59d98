//! Two exponentiations at once, modulo the two primes, with AVX-512 IFMA: 52-bit limbs, four in a
//! vector of 256 bits. After Gueron and Krasnov, "Software Implementation of Modular
//! Exponentiation, Using Advanced Vector Instructions Architectures" (2012) and Drucker and Gueron,
//! "Fast Modular Squaring with AVX512IFMA" (2018). The two chains are independent, which hides the
//! latency of each.
//!
//! R is 2^1040 here. With factors below 2 p, a product a b / R + p is below 2 p again, because
//! R > 4 p by 14 bits; so there is no final subtraction until the end. Every instruction used has
//! a time that does not depend on its operands.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are loop counters below the length of arrays of constant size"
)]

use crate::montgomery::{Modulus, TABLE, WINDOW, negative_inverse, windows};
use crate::number::{Number, small, split};
use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_alignr_epi64, _mm256_and_si256, _mm256_blend_epi32,
    _mm256_cmpeq_epi64, _mm256_cmpeq_epu64_mask, _mm256_cmpgt_epu64_mask, _mm256_extract_epi64,
    _mm256_madd52hi_epu64, _mm256_madd52lo_epu64, _mm256_mask_add_epi64, _mm256_or_si256,
    _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_srli_epi64,
};
use std::array::from_fn;
use zeroize::{Zeroize, Zeroizing};

/// Limbs of a number.
const LIMBS: usize = 20;
/// Vectors of a number.
const VECTORS: usize = 5;
/// Bits of a limb.
const BITS: usize = 52;
const MASK: u64 = (1 << BITS) - 1;
/// `MASK`, as the intrinsics take numbers.
const MASK_I64: i64 = (1 << BITS) - 1;

/// A number in 20 limbs of 52 bits.
type Wide = [__m256i; VECTORS];

/// Two primes. A value exists only where the processor has the instructions: every `unsafe` call
/// below rests on that.
pub(crate) struct Primes {
    n: [Wide; 2],
    /// The lowest limbs.
    lowest: [u64; 2],
    /// -1/n mod 2^52.
    inverse: [u64; 2],
    /// R^2 mod n.
    r2: [Wide; 2],
}

impl Drop for Primes {
    fn drop(&mut self) {
        self.n.zeroize();
        self.lowest.zeroize();
        self.inverse.zeroize();
        self.r2.zeroize();
    }
}

impl Primes {
    /// `None` where the processor lacks AVX-512 F, VL or IFMA, or the system does not save their
    /// registers.
    pub(crate) fn new(p: &Modulus<16>, q: &Modulus<16>) -> Option<Self> {
        if !(is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma"))
        {
            return None;
        }
        let primes = [p, q];
        let lowest = primes.map(|prime| prime.n()[0] & MASK);
        Some(Self {
            n: primes.map(|prime| to_vectors(&to_limbs(prime.n()))),
            lowest,
            inverse: primes.map(|prime| negative_inverse(prime.n()[0]) & MASK),
            // 2^2080 is 2^2048, doubled 32 times.
            r2: primes.map(|prime| {
                let r2 = (0..2 * LIMBS * BITS - 2048).fold(*prime.r2(), |r2, _| prime.double(&r2));
                to_vectors(&to_limbs(&r2))
            }),
        })
    }

    /// bases[i]^exponents[i] mod the primes, in numbers below them. A result may be the prime
    /// itself in the place of 0.
    pub(crate) fn power(
        &self,
        bases: &[Number<16>; 2],
        exponents: &[Number<17>; 2],
    ) -> [Number<16>; 2] {
        let bases = bases.map(|base| to_vectors(&to_limbs(&base)));
        // SAFETY: the processor has the instructions, or there would be no `Primes`.
        #[expect(unsafe_code, reason = "instructions that not every processor has")]
        let powers = unsafe { power(self, &bases, exponents) };
        powers.map(|power| of_limbs(&of_vectors(&power)))
    }
}

/// 52-bit limbs of a number of 1024 bits.
fn to_limbs(number: &Number<16>) -> [u64; LIMBS] {
    let limb = |at: usize| u128::from(number.get(at).copied().unwrap_or(0));
    from_fn(|at| {
        let (word, bit) = (at * BITS / 64, at * BITS % 64);
        split((limb(word) | limb(word + 1) << 64) >> bit).0 & MASK
    })
}

/// The number of 52-bit limbs; bits from 1024 on are zero.
fn of_limbs(limbs: &[u64; LIMBS]) -> Number<16> {
    let mut number = [0; 17];
    for (at, limb) in limbs.iter().enumerate() {
        let (word, bit) = (at * BITS / 64, at * BITS % 64);
        let (low, high) = split(u128::from(*limb) << bit);
        number[word] |= low;
        if let Some(next) = number.get_mut(word + 1) {
            *next |= high;
        }
    }
    from_fn(|at| number[at])
}

fn to_vectors(limbs: &[u64; LIMBS]) -> Wide {
    // SAFETY: both are 160 bytes, and every pattern of bits is a value of either.
    #[expect(unsafe_code, reason = "vectors have no safe conversion from arrays")]
    unsafe {
        std::mem::transmute::<[u64; LIMBS], Wide>(*limbs)
    }
}

fn of_vectors(vectors: &Wide) -> [u64; LIMBS] {
    // SAFETY: both are 160 bytes, and every pattern of bits is a value of either.
    #[expect(unsafe_code, reason = "vectors have no safe conversion to arrays")]
    unsafe {
        std::mem::transmute::<Wide, [u64; LIMBS]>(*vectors)
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn power(primes: &Primes, bases: &[Wide; 2], exponents: &[Number<17>; 2]) -> [Wide; 2] {
    let one = to_vectors(&to_limbs(&small(1)));
    let bases = Zeroizing::new(multiply(primes, bases, &primes.r2));
    let mut table = Zeroizing::new([[[_mm256_setzero_si256(); VECTORS]; 2]; TABLE]);
    table[0] = multiply(primes, &[one, one], &primes.r2);
    table[1] = *bases;
    for at in 2..TABLE {
        table[at] = multiply(primes, &table[at - 1], &bases);
    }
    let mut power = Zeroizing::new(table[0]);
    for windows in windows(&exponents[0]).zip(windows(&exponents[1])) {
        for _ in 0..WINDOW {
            *power = multiply(primes, &power, &power);
        }
        let factor = Zeroizing::new(look_up(&table, [windows.0, windows.1]));
        *power = multiply(primes, &power, &factor);
    }
    multiply(primes, &power, &[one, one])
}

/// An entry of the table for each prime. It reads all entries.
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn look_up(table: &[[Wide; 2]; TABLE], index: [u64; 2]) -> [Wide; 2] {
    let wanted = index.map(|index| _mm256_set1_epi64x(index.cast_signed()));
    let mut found = [[_mm256_setzero_si256(); VECTORS]; 2];
    for (at, entry) in (0..).zip(table) {
        let at = _mm256_set1_epi64x(at);
        for which in 0..2 {
            let mask = _mm256_cmpeq_epi64(wanted[which], at);
            for (sum, limbs) in found[which].iter_mut().zip(&entry[which]) {
                *sum = _mm256_or_si256(*sum, _mm256_and_si256(mask, *limbs));
            }
        }
    }
    found
}

/// a b / R mod both primes, below twice the prime.
///
/// A round adds a limb of `b` times `a`, then the multiple of n that makes the lowest limb zero,
/// and shifts that limb out. The lowest limb lives in an ordinary register (`low`), where the
/// multiple is computed sooner; lane 0 of the vectors is not used until the end. A lane receives at
/// most 80 times 52 bits before it is shifted out, which is below 2^59.
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn multiply(primes: &Primes, a: &[Wide; 2], b: &[Wide; 2]) -> [Wide; 2] {
    let zero = _mm256_setzero_si256();
    let limbs = of_vectors(&b[0]).into_iter().zip(of_vectors(&b[1]));
    let lowest = a.map(|a| _mm256_extract_epi64::<0>(a[0]).cast_unsigned());
    let mut sums = [[zero; VECTORS]; 2];
    let mut low = [0; 2];
    for (first, second) in limbs {
        for (which, limb) in [first, second].into_iter().enumerate() {
            let (a, n) = (&a[which], &primes.n[which]);
            let sum = &mut sums[which];
            let t = u128::from(lowest[which]) * u128::from(limb) + u128::from(low[which]);
            let m = split(t).0.wrapping_mul(primes.inverse[which]) & MASK;
            let t = t + u128::from(primes.lowest[which]) * u128::from(m);
            let (limb, m) = (
                _mm256_set1_epi64x(limb.cast_signed()),
                _mm256_set1_epi64x(m.cast_signed()),
            );
            for at in 0..VECTORS {
                sum[at] = _mm256_madd52lo_epu64(sum[at], a[at], limb);
            }
            for at in 0..VECTORS {
                sum[at] = _mm256_madd52lo_epu64(sum[at], n[at], m);
            }
            *sum = next_limbs(sum);
            let next = _mm256_extract_epi64::<0>(sum[0]).cast_unsigned();
            low[which] = split(t >> BITS).0 + next;
            for at in 0..VECTORS {
                sum[at] = _mm256_madd52hi_epu64(sum[at], a[at], limb);
            }
            for at in 0..VECTORS {
                sum[at] = _mm256_madd52hi_epu64(sum[at], n[at], m);
            }
        }
    }
    for (sum, low) in sums.iter_mut().zip(low) {
        let low = _mm256_set_epi64x(0, 0, 0, low.cast_signed());
        sum[0] = _mm256_blend_epi32::<0b11>(sum[0], low);
        *sum = normalise(sum);
    }
    sums
}

/// All limbs one place down.
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn next_limbs(sum: &Wide) -> Wide {
    [
        _mm256_alignr_epi64::<1>(sum[1], sum[0]),
        _mm256_alignr_epi64::<1>(sum[2], sum[1]),
        _mm256_alignr_epi64::<1>(sum[3], sum[2]),
        _mm256_alignr_epi64::<1>(sum[4], sum[3]),
        _mm256_alignr_epi64::<1>(_mm256_setzero_si256(), sum[4]),
    ]
}

/// Carries what is beyond 52 bits to the next limb, for a number that fits in 1040 bits.
///
/// The first pass leaves limbs of at most 2^52 + 2^12, so that each may still carry 1. Which limbs
/// get that carry follows from one addition over a bit per limb: one that carries adds at the next,
/// and runs through limbs that are all ones.
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn normalise(sum: &Wide) -> Wide {
    let mask = _mm256_set1_epi64x(MASK_I64);
    let mut limbs = *sum;
    let mut below = _mm256_setzero_si256();
    let (mut carrying, mut full) = (0_u32, 0_u32);
    for (at, limb) in limbs.iter_mut().enumerate() {
        let carries = _mm256_srli_epi64::<52>(*limb);
        *limb = _mm256_add_epi64(
            _mm256_and_si256(*limb, mask),
            _mm256_alignr_epi64::<3>(carries, below),
        );
        below = carries;
        carrying |= u32::from(_mm256_cmpgt_epu64_mask(*limb, mask)) << (4 * at);
        full |= u32::from(_mm256_cmpeq_epu64_mask(*limb, mask)) << (4 * at);
    }
    let raised = ((carrying << 1) + full) ^ full;
    let one = _mm256_set1_epi64x(1);
    for (at, limb) in limbs.iter_mut().enumerate() {
        let [lanes, ..] = (raised >> (4 * at) & 15).to_le_bytes();
        let sum = _mm256_mask_add_epi64(*limb, lanes, *limb, one);
        *limb = _mm256_and_si256(sum, mask);
    }
    limbs
}

#[cfg(test)]
#[path = "ifma_tests.rs"]
mod tests;
