//! Derives the key of a document that opens with the empty password.

use crate::blocks::cbc_decrypt;
use crate::error::Error;
use crate::object::{Dict, Object};
use crate::revision6;
use md5::Md5;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The padding of passwords in algorithm 2.
const PAD: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08,
    0x2E, 0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];

/// Revisions 2 to 4 with the empty password: the key (algorithm 2), and whether the owner password
/// is empty, too.
pub(crate) fn legacy(
    dict: &Dict,
    id: &[u8],
    revision: i64,
    permissions: u32,
    metadata: bool,
    length: usize,
) -> Result<(Zeroizing<Vec<u8>>, bool), Error> {
    let entry = |key: &[u8]| {
        dict.get(key)
            .and_then(Object::string)
            .and_then(|text| text.get(..32))
            .ok_or(Error::Encryption)
    };
    let (owner, user) = (entry(b"O")?, entry(b"U")?);
    let key_for = |password: &[u8; 32]| {
        let mut hash = Md5::new();
        hash.update(password);
        hash.update(owner);
        hash.update(permissions.to_le_bytes());
        hash.update(id);
        if revision >= 4 && !metadata {
            hash.update([0xff; 4]);
        }
        let mut key = Zeroizing::new(hash.finalize().to_vec());
        if revision >= 3 {
            for _ in 0..50 {
                *key = Md5::digest(key.get(..length).unwrap_or_default()).to_vec();
            }
        }
        key.truncate(length);
        key
    };
    let fits = |key: &[u8]| {
        if revision == 2 {
            rc4(key, &PAD) == user
        } else {
            let mut hash = Md5::new();
            hash.update(PAD);
            hash.update(id);
            let check = rounds(key, &hash.finalize(), 0..20);
            user.get(..16) == Some(check.as_slice())
        }
    };
    let key = key_for(&PAD);
    if !fits(&key) {
        return Err(Error::Password);
    }
    // Algorithm 7 with the empty owner password must yield the user password, which is empty.
    let mut hash = Md5::digest(PAD).to_vec();
    if revision >= 3 {
        for _ in 0..50 {
            hash = Md5::digest(&hash).to_vec();
        }
    }
    hash.truncate(if revision == 2 { 5 } else { length });
    let password = if revision == 2 {
        rc4(&hash, owner)
    } else {
        rounds(&hash, owner, (0..20).rev())
    };
    Ok((key, password == PAD))
}

/// Applies RC4 once per round, with the key's bytes XORed with the round number.
fn rounds(key: &[u8], data: &[u8], rounds: impl Iterator<Item = u8>) -> Vec<u8> {
    rounds.fold(data.to_vec(), |data, round| {
        let key: Zeroizing<Vec<u8>> = Zeroizing::new(key.iter().map(|byte| byte ^ round).collect());
        rc4(&key, &data)
    })
}

/// Revisions 5 and 6 with the empty password (algorithm 2.A).
pub(crate) fn modern(dict: &Dict, revision: i64) -> Result<(Zeroizing<Vec<u8>>, bool), Error> {
    let entry = |key: &[u8], length: usize| {
        dict.get(key)
            .and_then(Object::string)
            .and_then(|text| text.get(..length))
            .ok_or(Error::Encryption)
    };
    let (owner, user) = (entry(b"O", 48)?, entry(b"U", 48)?);
    let hash = |salt: &[u8], more: &[u8]| {
        if revision == 5 {
            Zeroizing::new(<[u8; 32]>::from(
                Sha256::new()
                    .chain_update(salt)
                    .chain_update(more)
                    .finalize(),
            ))
        } else {
            revision6::hash(b"", salt, more)
        }
    };
    let part = |text: &'_ [u8], from: usize| -> Result<[u8; 8], Error> {
        text.get(from..from + 8)
            .and_then(|part| part.try_into().ok())
            .ok_or(Error::Encryption)
    };
    let (key, encrypted, is_owner) =
        if owner.get(..32) == Some(hash(&part(owner, 32)?, user).as_slice()) {
            (hash(&part(owner, 40)?, user), entry(b"OE", 32)?, true)
        } else if user.get(..32) == Some(hash(&part(user, 32)?, b"").as_slice()) {
            (hash(&part(user, 40)?, b""), entry(b"UE", 32)?, false)
        } else {
            return Err(Error::Password);
        };
    Ok((
        Zeroizing::new(cbc_decrypt(&*key, &[0; 16], encrypted)),
        is_owner,
    ))
}

/// Encrypts or decrypts with RC4, which is its own inverse.
pub(crate) fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = core::array::from_fn(|at| at.to_le_bytes()[0]);
    let mut j = 0_u8;
    if key.is_empty() {
        return data.to_vec();
    }
    let at = |state: &[u8; 256], index: u8| state.get(usize::from(index)).copied().unwrap_or(0);
    for (i, k) in (0..=255_u8).zip(key.iter().cycle()) {
        j = j.wrapping_add(at(&state, i)).wrapping_add(*k);
        state.swap(usize::from(i), usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    data.iter()
        .map(|byte| {
            i = i.wrapping_add(1);
            j = j.wrapping_add(at(&state, i));
            state.swap(usize::from(i), usize::from(j));
            byte ^ at(&state, at(&state, i).wrapping_add(at(&state, j)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_vectors() {
        // The well-known test vectors of RC4.
        assert_eq!(
            rc4(b"Key", b"Plaintext"),
            [0xBB, 0xF3, 0x16, 0xE8, 0xD9, 0x40, 0xAF, 0x0A, 0xD3]
        );
        assert_eq!(rc4(b"Wiki", b"pedia"), [0x10, 0x21, 0xBF, 0x04, 0x20]);
    }
}
