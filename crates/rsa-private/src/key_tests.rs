use super::*;
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::BoxedMontyForm;
use rand_core::{Rng, UnwrapErr};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use std::array::from_fn;
use std::sync::OnceLock;

fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn reference() -> &'static rsa::PrivateKey {
    static KEY: OnceLock<rsa::PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| rsa::PrivateKey::new(&mut random(), 2048).unwrap())
}

/// The parts of the reference's key: n, e, p, q, dp, dq, 1/q.
fn parts() -> [Vec<u8>; 7] {
    let key = reference();
    let (dp, dq) = (key.dp().unwrap(), key.dq().unwrap());
    let q_inverse = key.qinv().unwrap().retrieve();
    [
        key.n_bytes().into_vec(),
        key.e_bytes().into_vec(),
        key.primes()[0].to_be_bytes().into_vec(),
        key.primes()[1].to_be_bytes().into_vec(),
        dp.to_be_bytes().into_vec(),
        dq.to_be_bytes().into_vec(),
        q_inverse.to_be_bytes().into_vec(),
    ]
}

fn key_of(parts: &[Vec<u8>; 7]) -> Result<PrivateKey, Error> {
    let [n, e, p, q, dp, dq, q_inverse] = parts;
    let parts = Parts {
        n,
        e,
        p,
        q,
        dp,
        dq,
        q_inverse,
    };
    PrivateKey::new(&parts, &mut random())
}

/// With either arithmetic; the same one twice where the processor has one.
fn keys() -> [PrivateKey; 2] {
    [
        key_of(&parts()).unwrap(),
        key_of(&parts()).unwrap().portable(),
    ]
}

/// number^d mod n, without the primes.
fn reference_power(number: &Number<32>) -> Number<32> {
    let mut bytes = [0; SIZE];
    to_bytes(number, &mut bytes);
    let number = BoxedUint::from_be_slice(&bytes, 2048).unwrap();
    let params = reference().n_params().clone();
    let power = BoxedMontyForm::new(number, &params).pow(reference().d());
    from_bytes(&power.retrieve().to_be_bytes()).unwrap()
}

#[test]
fn the_operation_is_that_of_the_reference() {
    for key in keys() {
        let n = *key.n.n();
        let minus = |less: u64| {
            let mut number = n;
            subtract(&mut number, &small::<32>(less));
            number
        };
        let mut numbers = vec![small(0), small(1), small(2), minus(1), minus(2)];
        // Multiples of a prime: 0 in one of the two exponentiations.
        for prime in [key.p.n(), key.q.n()] {
            let mut number = [0; 32];
            number[..16].copy_from_slice(prime);
            numbers.push(number);
        }
        for _ in 0..2 * crate::blinding::USES {
            let mut bytes = [0; SIZE];
            random().fill_bytes(&mut bytes);
            let number: Number<32> = from_bytes(&bytes).unwrap();
            numbers.push(key.n.reduce_once(&number));
        }
        for number in numbers {
            let power = key.operate(&number, &mut random()).unwrap();
            assert_eq!(*power, reference_power(&number), "{number:x?}");
        }
        // n - 1 is its own power, because the exponent is odd.
        assert_eq!(*key.operate(&minus(1), &mut random()).unwrap(), minus(1));
        for too_large in [n, from_fn(|_| u64::MAX)] {
            let refused = key.operate(&too_large, &mut random());
            assert_eq!(refused.unwrap_err(), Error::Decrypt);
        }
    }
}

/// Boneh, DeMillo, Lipton: a right half and a wrong half reveal a prime.
#[test]
fn a_faulty_half_is_not_released() {
    for mut key in keys() {
        key.dp[0] ^= 2;
        let refused = key.operate(&small(2), &mut random());
        assert_eq!(refused.unwrap_err(), Error::Decrypt);
        key.dp[0] ^= 2;
        key.q_inverse[3] ^= 1;
        let refused = key.operate(&small(2), &mut random());
        assert_eq!(refused.unwrap_err(), Error::Decrypt);
        key.q_inverse[3] ^= 1;
        assert!(key.operate(&small(2), &mut random()).is_ok());
    }
}

#[test]
fn pairs_are_made_anew_and_cancel_out() {
    let [key, _] = keys();
    let mut seen = Vec::new();
    for _ in 0..3 * crate::blinding::USES {
        let pair = key.pair(&mut random()).unwrap();
        let r = key.n.of_form(&pair.unblind);
        // r^e of the inverse, times r^e, is 1.
        let inverse = key.n.public_power(&r, key.e);
        assert_eq!(key.n.multiply(&inverse, &pair.blind), small(1));
        seen.push(pair.blind);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 96);
}

#[test]
fn blinded_exponents_are_congruent() {
    let [key, _] = keys();
    let base = key.p.reduce_once(&[7; 16]);
    let plain = key.p.power(&base, &*key.dp);
    for factor in [0, 1, u64::MAX] {
        let exponent = blinded(&key.dp, &key.p, factor);
        assert_eq!(exponent == blinded(&key.dp, &key.p, 0), factor == 0);
        assert_eq!(key.p.power(&base, &exponent), plain, "{factor}");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let good = parts();
    assert!(key_of(&good).is_ok());
    for part in 0..good.len() {
        for change in 0..4 {
            let mut bad = good.clone();
            match change {
                0 => bad[part].clear(),
                1 => bad[part].insert(0, 1),
                2 => *bad[part].last_mut().unwrap() ^= 2,
                _ => *bad[part].last_mut().unwrap() ^= 1,
            }
            assert_eq!(key_of(&bad).unwrap_err(), Error::Key, "{part} {change}");
        }
        // Leading zeros change nothing.
        let mut same = good.clone();
        same[part].insert(0, 0);
        assert!(key_of(&same).is_ok(), "{part}");
    }
    let mut swapped = good.clone();
    swapped.swap(2, 3);
    assert_eq!(key_of(&swapped).unwrap_err(), Error::Key);
}

#[test]
fn nothing_secret_is_printed() {
    let [key, _] = keys();
    assert_eq!(format!("{key:?}"), "PrivateKey { .. }");
}
