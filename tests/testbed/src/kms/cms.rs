//! Writing `CiphertextForRecipient`: CMS EnvelopedData in the spellings that readers must take.

use crate::customer::{encrypt, random, random_bytes};
use rsa::{Oaep, PublicKey};
use sha2::{Digest, Sha256};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CmsStyle {
    /// As AWS writes it: outer parts of indefinite length, content constructed of one piece.
    Aws,
    /// Everything of indefinite length that may be, content and key in pieces.
    Pieces,
    /// Definite lengths, one piece.
    Der,
    /// One after the other.
    Alternating,
}

/// How one element's length is written.
fn definite(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut out = match content.len() {
        0..=127 => vec![tag, low],
        128..=255 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(content);
    out
}

fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const AES256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];

/// Encrypts for a public key. `style` is not [`CmsStyle::Alternating`].
pub(super) fn envelop(key: &PublicKey, spki: &[u8], data: &[u8], style: CmsStyle) -> Vec<u8> {
    let content_key: [u8; 32] = random_bytes();
    let iv: [u8; 16] = random_bytes();
    let content = encrypt(&content_key, &iv, data);
    let encrypted_key = key
        .encrypt(&mut random(), Oaep::<Sha256>::new(), &content_key)
        .expect("a key of 2048 bits");
    write(&Sha256::digest(spki), &encrypted_key, &iv, &content, style)
}

fn write(identifier: &[u8], key: &[u8], iv: &[u8], content: &[u8], style: CmsStyle) -> Vec<u8> {
    let outer = match style {
        CmsStyle::Der => definite,
        _ => indefinite,
    };
    let inner = match style {
        CmsStyle::Pieces => indefinite,
        _ => definite,
    };
    let hash = inner(0x30, &[definite(6, SHA256), vec![5, 0]].concat());
    let mask = inner(0x30, &[definite(6, MGF1), hash.clone()].concat());
    let parameters = inner(0x30, &[inner(0xa0, &hash), inner(0xa1, &mask)].concat());
    let algorithm = inner(0x30, &[definite(6, OAEP), parameters].concat());
    let key = match style {
        CmsStyle::Pieces => {
            let pieces: Vec<u8> = key
                .chunks(100)
                .flat_map(|piece| definite(4, piece))
                .collect();
            indefinite(0x24, &pieces)
        }
        _ => definite(4, key),
    };
    let recipient = [vec![2, 1, 2], definite(0x80, identifier), algorithm, key].concat();
    let recipients = inner(0x31, &inner(0x30, &recipient));
    let content = match style {
        CmsStyle::Der => definite(0x80, content),
        CmsStyle::Pieces => {
            // A piece may itself be in pieces.
            let pieces: Vec<u8> = content
                .chunks(7)
                .enumerate()
                .flat_map(|(at, piece)| match at {
                    1 => indefinite(0x24, &definite(4, piece)),
                    _ => definite(4, piece),
                })
                .collect();
            indefinite(0xa0, &pieces)
        }
        _ => indefinite(0xa0, &definite(4, content)),
    };
    let cipher = definite(0x30, &[definite(6, AES256_CBC), definite(4, iv)].concat());
    let content = outer(0x30, &[definite(6, DATA), cipher, content].concat());
    let data = outer(0x30, &[vec![2, 1, 2], recipients, content].concat());
    outer(
        0x30,
        &[definite(6, ENVELOPED_DATA), outer(0xa0, &data)].concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tests/vectors/kms holds a real answer.
    #[test]
    fn the_style_of_aws_is_that_of_a_real_answer() {
        let real = include_bytes!("../../../vectors/kms/ciphertext-for-recipient.ber");
        let find = |needle: &[u8], skip: usize, length: usize| {
            let at = memchr::memmem::find(real, needle).unwrap() + needle.len() + skip;
            &real[at..at + length]
        };
        let identifier = find(&[2, 1, 2, 0x80, 0x20], 0, 32);
        let key = find(&[4, 0x82, 1, 0], 0, 256);
        let iv = find(AES256_CBC, 2, 16);
        let content = find(&[0xa0, 0x80, 4, 0x10], 0, 16);
        assert_eq!(write(identifier, key, iv, content, CmsStyle::Aws), real);
    }
}
