use super::*;
use proptest::prelude::*;

const INFO: &[u8] = b"info";
const AAD: &[u8] = b"aad";

fn pair(byte: u8) -> KeyPair {
    KeyPair::from_scalar(&[byte; 32]).unwrap()
}

proptest! {
    #[test]
    fn what_is_sealed_opens(text: Vec<u8>) {
        let sealed = seal(&pair(1).public, INFO, AAD, &text).unwrap();
        prop_assert_eq!(&*open(&pair(1), INFO, AAD, &sealed).unwrap(), &text);
    }

    #[test]
    fn every_changed_bit_is_refused(
        text in prop::collection::vec(any::<u8>(), 0..32), at: prop::sample::Index, bit in 0..8,
    ) {
        let mut sealed = seal(&pair(1).public, INFO, AAD, &text).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= 1_u8 << bit;
        prop_assert_eq!(open(&pair(1), INFO, AAD, &sealed), Err(Error::Answer));
    }
}

#[test]
fn key_info_and_associated_data_must_be_the_same() {
    let sealed = seal(&pair(1).public, INFO, AAD, b"text").unwrap();
    assert_eq!(open(&pair(2), INFO, AAD, &sealed), Err(Error::Answer));
    assert_eq!(open(&pair(1), b"", AAD, &sealed), Err(Error::Answer));
    assert_eq!(open(&pair(1), INFO, b"", &sealed), Err(Error::Answer));
    for end in 0..sealed.len() {
        assert_eq!(
            open(&pair(1), INFO, AAD, &sealed[..end]),
            Err(Error::Answer)
        );
    }
}

/// A point that is not on the curve makes ECDH leak the key; the point at infinity makes it
/// constant.
#[test]
fn invalid_public_keys_are_refused() {
    let mut off_curve = pair(1).public;
    off_curve[64] ^= 1;
    let mut compressed = pair(1).public;
    compressed[0] = 2;
    let infinity = [0; 65];
    for bad in [off_curve, compressed, infinity] {
        assert_eq!(seal(&bad, INFO, AAD, b"text"), Err(Error::Answer));
        let sealed = [&bad[..], &[0; 40]].concat();
        assert_eq!(open(&pair(1), INFO, AAD, &sealed), Err(Error::Answer));
    }
}

/// Made by pyhpke 0.6.5, an independent implementation of RFC 9180, with the ephemeral key
/// `pair(2)`. (The RFC's own vectors for this KEM have AES-128.)
#[test]
fn another_library_makes_the_same_message() {
    let expected = "04550f471003f3df97c3df506ac797f6721fb1a1fb7b8f6f83d224498a65c88e24136093d7012e509a\
                    73715cbd0b00a3cc0ff4b5c01b3ffa196ab1fb327036b8e6e7ad00b1e44197a0c1e3935f5d6fecdef0\
                    7e7d2e";
    let sealed = seal_with(&pair(2), &pair(1).public, INFO, AAD, b"text").unwrap();
    assert_eq!(hex::encode(&sealed), expected);
    assert_eq!(&*open(&pair(1), INFO, AAD, &sealed).unwrap(), b"text");
}
