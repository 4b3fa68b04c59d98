//! HMAC-SHA-256 (RFC 2104), for request signatures and for data that the server authenticates.

use ::hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// The HMAC of the concatenated parts. The key may have any length. It has no separators: callers
/// whose parts vary in length write the lengths down themselves.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // RFC 2104, section 2: a key that is longer than a block is replaced by its hash, a shorter one
    // is padded with zeros. The fixed-size constructor leaves no error to handle.
    let mut block = Zeroizing::new([0; BLOCK]);
    let hash;
    let short = if key.len() > BLOCK {
        hash = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key)));
        hash.as_slice()
    } else {
        key
    };
    for (to, from) in block.iter_mut().zip(short) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2, 4, 6 and 7: keys shorter and longer than a block.
    #[test]
    fn vectors_of_rfc_4231() {
        let counting: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 5] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &counting,
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size \
                  data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, data, expected) in cases {
            assert_eq!(hex::encode(*hmac_sha256(key, &[data])), expected);
            let (one, two) = data.split_at(data.len() / 2);
            assert_eq!(hex::encode(*hmac_sha256(key, &[one, b"", two])), expected);
        }
    }
}
