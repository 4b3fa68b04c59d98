//! The key and its private operation.

use crate::blinding::{Blinding, Pair};
#[cfg(target_arch = "x86_64")]
use crate::ifma;
use crate::montgomery::Modulus;
use crate::number::{
    Number, add, equal, from_bytes, less, multiply_add, small, subtract, to_bytes,
};
use crate::{Error, SIZE, oaep};
use rand_core::CryptoRng;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The parts of a private key (RFC 8017, section 3.2, second representation), big-endian.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// The modulus.
    pub n: &'a [u8],
    /// The public exponent; it fits in 64 bits.
    pub e: &'a [u8],
    /// The first prime.
    pub p: &'a [u8],
    /// The second prime.
    pub q: &'a [u8],
    /// e^-1 mod p - 1.
    pub dp: &'a [u8],
    /// e^-1 mod q - 1.
    pub dq: &'a [u8],
    /// q^-1 mod p.
    pub q_inverse: &'a [u8],
}

/// A private key of 2048 bits. It is zeroised when it is dropped.
pub struct PrivateKey {
    n: Modulus<32>,
    e: u64,
    p: Modulus<16>,
    q: Modulus<16>,
    dp: Zeroizing<Number<16>>,
    dq: Zeroizing<Number<16>>,
    /// 1/q mod p, in Montgomery form.
    q_inverse: Zeroizing<Number<16>>,
    /// The primes where the processor has AVX-512 IFMA.
    #[cfg(target_arch = "x86_64")]
    vectors: Option<ifma::Primes>,
    blinding: Mutex<Option<Blinding>>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Takes the key over and decrypts once with it, so that parts which do not belong together are
    /// noticed here.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn new(parts: &Parts<'_>, random: &mut impl CryptoRng) -> Result<Self, Error> {
        let number = |bytes| {
            from_bytes::<16>(bytes)
                .map(Zeroizing::new)
                .ok_or(Error::Key)
        };
        let [e] = from_bytes(parts.e).ok_or(Error::Key)?;
        let n = from_bytes(parts.n).ok_or(Error::Key)?;
        let (p, q) = (number(parts.p)?, number(parts.q)?);
        let q_inverse = number(parts.q_inverse)?;
        if !equal(&product(&p, &q), &n) || e & 1 == 0 || e == 1 {
            return Err(Error::Key);
        }
        let modulus = |prime: &Number<16>| Modulus::new(*prime).ok_or(Error::Key);
        let (p, q) = (modulus(&p)?, modulus(&q)?);
        let key = Self {
            #[cfg(target_arch = "x86_64")]
            vectors: ifma::Primes::new(&p, &q),
            n: Modulus::new(n).ok_or(Error::Key)?,
            e,
            q_inverse: Zeroizing::new(p.to_form(&q_inverse)),
            p,
            q,
            dp: number(parts.dp)?,
            dq: number(parts.dq)?,
            blinding: Mutex::new(None),
        };
        key.operate(&small(2), random).map_err(|_| Error::Key)?;
        Ok(key)
    }

    /// The same key with portable arithmetic, whatever the processor has. For tests and benchmarks.
    #[must_use]
    pub fn portable(mut self) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            self.vectors = None;
        }
        self
    }

    /// Whether the arithmetic uses AVX-512 IFMA.
    pub fn is_vectorised(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.vectors.is_some();
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Decrypts a message of at most 190 bytes that was encrypted with RSAES-OAEP, SHA-256 in both
    /// places and an empty label.
    ///
    /// # Errors
    /// [`Error::Decrypt`].
    pub fn decrypt_oaep_sha256(
        &self,
        ciphertext: &[u8],
        random: &mut impl CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let ciphertext = <&[u8; SIZE]>::try_from(ciphertext).map_err(|_| Error::Decrypt)?;
        let number = from_bytes(ciphertext).ok_or(Error::Decrypt)?;
        let message = self.operate(&number, random)?;
        let mut encoded = Zeroizing::new([0; SIZE]);
        to_bytes(&message, &mut *encoded);
        oaep::decode(&encoded)
    }

    /// RSADP (RFC 8017, section 5.1.2), blinded and checked. [`Error::Decrypt`] for a number that
    /// is not below the modulus, and after a fault.
    pub(crate) fn operate(
        &self,
        ciphertext: &Number<32>,
        random: &mut impl CryptoRng,
    ) -> Result<Zeroizing<Number<32>>, Error> {
        if less(ciphertext, self.n.n()) == 0 {
            return Err(Error::Decrypt);
        }
        let pair = self.pair(random)?;
        // A product of a number and a Montgomery form is a number.
        let blinded = Zeroizing::new(self.n.multiply(ciphertext, &pair.blind));
        let message = self.power(&blinded, [&self.dp, &self.dq], random);
        let message = Zeroizing::new(self.n.multiply(&message, &pair.unblind));
        if equal(&self.n.public_power(&message, self.e), ciphertext) {
            Ok(message)
        } else {
            Err(Error::Decrypt)
        }
    }

    /// A blinding pair that nobody else has.
    fn pair(&self, random: &mut impl CryptoRng) -> Result<Pair, Error> {
        // A thread that panicked left a whole pair or none.
        let mut blinding = self.blinding.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = blinding.as_mut().and_then(|left| left.take(&self.n)) {
            return Ok(pair);
        }
        let mut fresh = Blinding::new(self.fresh_pair(random)?);
        let pair = fresh.take(&self.n).ok_or(Error::Decrypt)?;
        *blinding = Some(fresh);
        Ok(pair)
    }

    fn fresh_pair(&self, random: &mut impl CryptoRng) -> Result<Pair, Error> {
        let mut r = Zeroizing::new([0; 32]);
        // At least every other number is below n. That others were not says nothing about it.
        loop {
            let mut bytes = Zeroizing::new([0; SIZE]);
            random.fill_bytes(&mut *bytes);
            *r = from_bytes(&*bytes).ok_or(Error::Decrypt)?;
            if less(&r, self.n.n()) == 1 {
                break;
            }
        }
        // 1/r is r^(p - 2) mod p, and so for q (Fermat).
        let less_two = |prime: &Modulus<16>| {
            let mut exponent = Zeroizing::new(*prime.n());
            subtract(&mut *exponent, &small::<16>(2));
            exponent
        };
        let exponents = (less_two(&self.p), less_two(&self.q));
        let inverse = self.power(&r, [&exponents.0, &exponents.1], random);
        let pair = Pair {
            blind: self.n.to_form(&self.n.public_power(&r, self.e)),
            unblind: self.n.to_form(&inverse),
        };
        // After a fault, or where a prime divides r, all uses of the pair would fail.
        if equal(&self.n.multiply(&r, &pair.unblind), &small(1)) {
            Ok(pair)
        } else {
            Err(Error::Decrypt)
        }
    }

    /// The number below n that is base^exponents[i] modulo the primes (RFC 8017, section 5.1.2,
    /// step 2b). The base is below n.
    fn power(
        &self,
        base: &Number<32>,
        exponents: [&Number<16>; 2],
        random: &mut impl CryptoRng,
    ) -> Zeroizing<Number<32>> {
        let halves = Zeroizing::new(halves(base));
        // `reduce` divides by R, `to_form` multiplies by it.
        let modulo = |prime: &Modulus<16>| prime.to_form(&prime.reduce(*halves));
        let bases = Zeroizing::new([modulo(&self.p), modulo(&self.q)]);
        let [for_p, for_q] = exponents;
        let exponents = Zeroizing::new([
            blinded(for_p, &self.p, random.next_u64()),
            blinded(for_q, &self.q, random.next_u64()),
        ]);
        let powers = Zeroizing::new(self.powers(&bases, &exponents));
        let [of_p, of_q] = &*powers;
        // h = (m1 - m2) / q mod p; m = m2 + h q.
        let difference = Zeroizing::new(self.p.subtract(of_p, &self.p.reduce_once(of_q)));
        let h = Zeroizing::new(self.p.multiply(&difference, &self.q_inverse));
        let mut message = Zeroizing::new(product(&h, self.q.n()));
        let (low, high) = message.split_at_mut(16);
        let carry = add(low, of_q);
        add(high, &small::<16>(carry));
        message
    }

    /// bases[i]^exponents[i] mod the primes.
    fn powers(&self, bases: &[Number<16>; 2], exponents: &[Number<17>; 2]) -> [Number<16>; 2] {
        #[cfg(target_arch = "x86_64")]
        if let Some(vectors) = &self.vectors {
            let [of_p, of_q] = vectors.power(bases, exponents);
            return [self.p.reduce_once(&of_p), self.q.reduce_once(&of_q)];
        }
        [
            self.p.power(&bases[0], &exponents[0]),
            self.q.power(&bases[1], &exponents[1]),
        ]
    }
}

/// exponent + factor (prime - 1): the same power of every base.
fn blinded(exponent: &Number<16>, prime: &Modulus<16>, factor: u64) -> Number<17> {
    let mut sum = [0; 17];
    let mut carry = 0;
    // The prime is odd, so the lowest limb takes the 1.
    for (at, (limb, (prime, exponent))) in
        (0..).zip(sum.iter_mut().zip(prime.n().iter().zip(exponent)))
    {
        let prime = if at == 0 { prime ^ 1 } else { *prime };
        (*limb, carry) = multiply_add(prime, factor, *exponent, carry);
    }
    if let Some(top) = sum.last_mut() {
        *top = carry;
    }
    sum
}

/// The lower and the upper half.
fn halves(number: &Number<32>) -> [Number<16>; 2] {
    let mut halves = [[0; 16]; 2];
    halves.as_flattened_mut().copy_from_slice(number);
    halves
}

fn product(a: &Number<16>, b: &Number<16>) -> Number<32> {
    let mut product = [0; 32];
    for (at, limb) in b.iter().enumerate() {
        let mut carry = 0;
        let mut sums = product.iter_mut().skip(at);
        for (other, sum) in a.iter().zip(&mut sums) {
            (*sum, carry) = multiply_add(*limb, *other, *sum, carry);
        }
        if let Some(next) = sums.next() {
            *next = carry;
        }
    }
    product
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
