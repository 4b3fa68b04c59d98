//! EME-OAEP decoding (RFC 8017, section 7.1.2, step 3) in constant time.

use crate::{Error, SIZE};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// Bytes of a hash.
const HASH: usize = 32;

/// The hash of the empty label.
const LABEL: [u8; HASH] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The message of an encoded one.
///
/// The first byte, the label's hash and the separator are one condition, and there is one branch,
/// on all of it. What a right message reveals by its length is its length.
pub(crate) fn decode(encoded: &[u8; SIZE]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut encoded = Zeroizing::new(*encoded);
    let [first, rest @ ..] = &mut *encoded;
    let (seed, data) = rest.split_at_mut(HASH);
    mask(seed, data);
    mask(data, seed);
    let (label, padded) = data.split_at(HASH);

    let mut accepted = first.ct_eq(&0) & label.ct_eq(&LABEL);
    // The padding is zeros, then a 1; the message follows. `searching` until that 1.
    let mut searching = Choice::from(1);
    let mut start = 0_u16;
    for (after, byte) in (1_u16..).zip(padded) {
        let separator = searching & byte.ct_eq(&1);
        accepted &= !searching | byte.ct_eq(&0) | separator;
        start.conditional_assign(&after, separator);
        searching &= !separator;
    }
    accepted &= !searching;
    if bool::from(accepted) {
        let message = padded.get(usize::from(start)..).unwrap_or_default();
        Ok(Zeroizing::new(message.to_vec()))
    } else {
        Err(Error::Decrypt)
    }
}

/// Xors MGF1 of `seed` over `data` (RFC 8017, appendix B.2.1).
fn mask(data: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(data.chunks_mut(HASH)) {
        let hash = Sha256::new()
            .chain_update(seed)
            .chain_update(counter.to_be_bytes());
        let hash = Zeroizing::new(<[u8; HASH]>::from(hash.finalize()));
        for (byte, mask) in chunk.iter_mut().zip(&*hash) {
            *byte ^= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Encodes `first`, `label`, then `padded`, which fills the rest.
    fn encode(first: u8, label: [u8; HASH], padded: &[u8], seed: [u8; HASH]) -> [u8; SIZE] {
        let mut encoded = [0; SIZE];
        encoded[0] = first;
        let (masked_seed, data) = encoded[1..].split_at_mut(HASH);
        data[..HASH].copy_from_slice(&label);
        data[HASH..].copy_from_slice(padded);
        mask(data, &seed);
        masked_seed.copy_from_slice(&seed);
        mask(masked_seed, data);
        encoded
    }

    const ROOM: usize = SIZE - 1 - 2 * HASH;

    fn padded(message: &[u8]) -> Vec<u8> {
        let zeros = vec![0; ROOM - 1 - message.len()];
        [&zeros[..], &[1], message].concat()
    }

    #[test]
    fn the_label_is_empty() {
        assert_eq!(LABEL, <[u8; HASH]>::from(Sha256::digest([])));
    }

    proptest! {
        #[test]
        fn messages_of_every_length_decode(
            message in proptest::collection::vec(any::<u8>(), 0..ROOM), seed: [u8; HASH],
        ) {
            let decoded = decode(&encode(0, LABEL, &padded(&message), seed));
            prop_assert_eq!(decoded.map(|message| message.to_vec()), Ok(message));
        }

        /// RFC 8017 in its own words, with branches, is the oracle.
        #[test]
        fn what_is_padded_otherwise_is_refused(
            first in 0_u8..3, at in 0..HASH, flip in 0_u8..2,
            zeros in 0..ROOM, rest: [u8; 4], seed: [u8; HASH],
        ) {
            let mut label = LABEL;
            label[at] ^= flip;
            let mut block = vec![0; zeros];
            block.extend(rest.iter().map(|byte| byte % 3).cycle().take(ROOM - zeros));
            let separator = block.iter().position(|byte| *byte != 0);
            let expected = match separator {
                Some(at) if first == 0 && flip == 0 && block[at] == 1 => {
                    Ok(block[at + 1..].to_vec())
                }
                _ => Err(Error::Decrypt),
            };
            let decoded = decode(&encode(first, label, &block, seed));
            prop_assert_eq!(decoded.map(|message| message.to_vec()), expected);
        }
    }
}
