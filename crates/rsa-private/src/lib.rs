//! RSAES-OAEP decryption (RFC 8017, section 7.1) with a key of 2048 bits: SHA-256, MGF1 with
//! SHA-256, an empty label. That is what AWS KMS encrypts answers for an enclave with.
//!
//! A number has a fixed width, so the compiler knows every loop's length. The two exponentiations
//! modulo the primes run with AVX-512 IFMA, both at once, or in portable Rust where the processor
//! lacks it; the results are the same.
//!
//! # Side channels
//! * Loops run over the whole width; windows of an exponent are looked up by reading the whole
//!   table; selections are masks. No branch and no address depends on a secret.
//! * The base is blinded: c r^e is decrypted in the place of c, with a random r that neither the
//!   sender nor the host knows, so what the arithmetic works on is unrelated to the ciphertext.
//!   The pair (r^e, 1/r) is squared for each use and made anew after 32.
//! * The exponents are blinded: a random 64-bit multiple of p - 1 is added each time.
//! * The result is encrypted again and compared before anything is done with it. A fault in one of
//!   the two exponentiations would otherwise reveal the primes (Boneh, DeMillo, Lipton, "On the
//!   Importance of Checking Cryptographic Protocols for Faults", 1997).
//! * The padding is checked without a branch, and every failure is one error (Manger, "A Chosen
//!   Ciphertext Attack on RSA Optimal Asymmetric Encryption Padding", 2001).
//! * Key, tables, exponents and results are zeroised. Copies that the compiler keeps on the stack
//!   or in registers are beyond its reach.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod blinding;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod key;
mod montgomery;
mod number;
mod oaep;

pub use key::{Parts, PrivateKey};

/// Bytes of the modulus and of a ciphertext.
pub const SIZE: usize = 256;

/// Why a key is refused, or that a ciphertext does not decrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The parts are not those of one key with a modulus of 2048 bits and two primes of 1024 bits.
    #[error("not the parts of an RSA key of 2048 bits with two primes of 1024 bits")]
    Key,
    /// The ciphertext has another length, is not below the modulus, was not made for this key or
    /// is not padded as OAEP says; or the processor made a mistake. One error for all, so that a
    /// difference between them serves nobody as an oracle.
    #[error("the ciphertext does not decrypt with this RSA key")]
    Decrypt,
}
