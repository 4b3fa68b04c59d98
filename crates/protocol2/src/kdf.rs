//! HKDF-SHA-256 (RFC 5869) with labels.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret of 32 bytes, zeroed when dropped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// HKDF-Extract: a pseudorandom key from a salt and a secret.
pub(crate) fn extract(salt: &[u8], secret: &[u8]) -> Secret {
    let (key, _) = Hkdf::<Sha256>::extract(Some(salt), secret);
    Zeroizing::new(key.into())
}

/// HKDF-Expand to `N` bytes, at most 8160 (255 hashes).
pub(crate) fn expand<const N: usize>(key: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "RFC 5869, section 2.3") };
    let mut out = Zeroizing::new([0; N]);
    // Both errors depend on lengths alone, and both lengths are constants that fit.
    if let Ok(hkdf) = Hkdf::<Sha256>::from_prk(key) {
        let _ = hkdf.expand(info, out.as_mut_slice());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, test case 1.
    #[test]
    fn it_is_hkdf_sha_256() {
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let key = extract(&salt, &[0x0b; 22]);
        assert_eq!(
            hex::encode(*key),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
        );
        assert_eq!(
            hex::encode(*expand::<42>(&key, &info)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }
}
