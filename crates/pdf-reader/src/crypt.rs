//! The standard security handler, revisions 2 to 6 (ISO 32000-1 7.6, ISO 32000-2 7.6.4), for
//! documents that open without a password.

use crate::blocks;
use crate::error::Error;
use crate::key::{legacy, modern, rc4};
use crate::object::{Dict, Object};
use aes::{Aes128, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

/// Bit 4 of the permissions: the content may be modified.
const MODIFY: u32 = 1 << 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Identity,
    Rc4,
    AesV2,
    AesV3,
}

/// Encryption of a document's strings and streams.
pub struct Crypt {
    key: Zeroizing<Vec<u8>>,
    strings: Method,
    streams: Method,
    /// Method for embedded files.
    files: Method,
    metadata: bool,
    /// Whether the permissions allow changing the content.
    pub modifiable: bool,
}

impl Crypt {
    /// Reads the `Encrypt` dictionary; `id` is the first part of the trailer's `ID`.
    pub fn open(dict: &Dict, id: &[u8]) -> Result<Self, Error> {
        if !dict.is(b"Filter", b"Standard") {
            return Err(Error::Encryption);
        }
        let int = |key: &[u8]| dict.get(key).and_then(Object::as_int);
        let version = int(b"V").unwrap_or(0);
        let revision = int(b"R").ok_or(Error::Encryption)?;
        let permissions = permission_bits(int(b"P").unwrap_or(0));
        let metadata = dict.get(b"EncryptMetadata") != Some(&Object::Bool(false));
        let methods = methods(dict, version)?;
        let Methods {
            strings,
            streams,
            mut files,
            ..
        } = methods;
        let found = match revision {
            2..=4 => {
                let mut tried = Err(Error::Encryption);
                for length in methods.lengths {
                    tried = legacy(dict, id, revision, permissions, metadata, length);
                    if tried != Err(Error::Password) {
                        break;
                    }
                }
                tried
            }
            5 | 6 => modern(dict, revision),
            _ => return Err(Error::Encryption),
        };
        let (key, owner) = match found {
            // Only attachments are encrypted, so the pages are readable without a password. The
            // attachments stay unchanged.
            Err(Error::Password) if [strings, streams] == [Method::Identity; 2] => {
                files = Method::Identity;
                (Zeroizing::new(Vec::new()), false)
            }
            found => found?,
        };
        Ok(Self {
            key,
            strings,
            streams,
            files,
            metadata,
            modifiable: owner || permissions & MODIFY != 0,
        })
    }

    /// The encryption of our own documents: AES-256 with this key for all strings and streams.
    pub fn with_key(key: &[u8; 32]) -> Self {
        Self {
            key: Zeroizing::new(key.to_vec()),
            strings: Method::AesV3,
            streams: Method::AesV3,
            files: Method::AesV3,
            metadata: true,
            modifiable: true,
        }
    }

    /// Decrypts a string of an object. Damaged data give what can be read of them.
    pub fn decrypt_string(&self, number: u32, generation: u16, data: &[u8]) -> Vec<u8> {
        self.decrypt(self.strings, number, generation, data)
    }

    /// Decrypts the data of a stream. Cross-reference streams and unencrypted metadata are returned
    /// unchanged.
    pub fn decrypt_stream(
        &self,
        number: u32,
        generation: u16,
        dict: &Dict,
        data: &[u8],
    ) -> Vec<u8> {
        self.decrypt(self.stream_method(dict), number, generation, data)
    }

    /// Encrypts a string of an object. `iv` is the initialisation vector of AES; RC4 has none.
    pub fn encrypt_string(
        &self,
        number: u32,
        generation: u16,
        data: &[u8],
        iv: [u8; 16],
    ) -> Vec<u8> {
        self.encrypt(self.strings, number, generation, data, iv)
    }

    /// Encrypts the data of a stream; like [`Crypt::encrypt_string`].
    pub fn encrypt_stream(
        &self,
        number: u32,
        generation: u16,
        dict: &Dict,
        data: &[u8],
        iv: [u8; 16],
    ) -> Vec<u8> {
        self.encrypt(self.stream_method(dict), number, generation, data, iv)
    }

    fn stream_method(&self, dict: &Dict) -> Method {
        let crypt_filter = match dict.get(b"Filter") {
            Some(Object::Array(filters)) => {
                filters.first().and_then(Object::name) == Some(b"Crypt")
            }
            Some(Object::Name(name)) => name == b"Crypt",
            _ => false,
        };
        // A crypt filter of the stream itself is Identity in practice (unencrypted metadata).
        if dict.is(b"Type", b"XRef")
            || crypt_filter
            || (!self.metadata && dict.is(b"Type", b"Metadata"))
        {
            Method::Identity
        } else if dict.is(b"Type", b"EmbeddedFile") {
            self.files
        } else {
            self.streams
        }
    }

    fn object_key(&self, method: Method, number: u32, generation: u16) -> Zeroizing<Vec<u8>> {
        if method == Method::AesV3 {
            return self.key.clone();
        }
        let mut hash = Md5::new();
        hash.update(&*self.key);
        hash.update(number.to_le_bytes().get(..3).unwrap_or_default());
        hash.update(generation.to_le_bytes());
        if method == Method::AesV2 {
            hash.update(b"sAlT");
        }
        let mut key = Zeroizing::new(hash.finalize().to_vec());
        key.truncate((self.key.len() + 5).min(16));
        key
    }

    fn decrypt(&self, method: Method, number: u32, generation: u16, data: &[u8]) -> Vec<u8> {
        let key = self.object_key(method, number, generation);
        match method {
            Method::Identity => data.to_vec(),
            Method::Rc4 => rc4(&key, data),
            Method::AesV2 | Method::AesV3 => {
                let Some((iv, body)) = data.split_first_chunk::<16>() else {
                    return Vec::new();
                };
                // Whole blocks only, so that a truncated stream still yields its beginning.
                let body = body.get(..body.len() / 16 * 16).unwrap_or_default();
                let mut plain = blocks::cbc_decrypt(&key, iv, body);
                if let Some(pad @ 1..=16) = plain.last().copied() {
                    plain.truncate(plain.len() - usize::from(pad));
                }
                plain
            }
        }
    }

    fn encrypt(
        &self,
        method: Method,
        number: u32,
        generation: u16,
        data: &[u8],
        iv: [u8; 16],
    ) -> Vec<u8> {
        let key = self.object_key(method, number, generation);
        match method {
            Method::Identity => data.to_vec(),
            Method::Rc4 => rc4(&key, data),
            Method::AesV2 | Method::AesV3 => {
                let mut out = iv.to_vec();
                let mut short = Zeroizing::new([0; 16]);
                blocks::copy(&mut *short, &key);
                out.extend(if let Ok(key) = <&[u8; 32]>::try_from(key.as_slice()) {
                    cbc::Encryptor::<Aes256>::new(key.into(), &iv.into())
                        .encrypt_padded_vec::<Pkcs7>(data)
                } else {
                    cbc::Encryptor::<Aes128>::new((&*short).into(), &iv.into())
                        .encrypt_padded_vec::<Pkcs7>(data)
                });
                out
            }
        }
    }
}

/// The 32 bits of `P`; files store it signed, unsigned, or as a real.
fn permission_bits(value: i64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

struct Methods {
    strings: Method,
    streams: Method,
    files: Method,
    /// Possible lengths of the key in bytes, the likely one first: writers disagree for version 4.
    lengths: Vec<usize>,
}

impl Methods {
    fn rc4(length: usize) -> Self {
        Self {
            strings: Method::Rc4,
            streams: Method::Rc4,
            files: Method::Rc4,
            lengths: vec![length],
        }
    }
}

/// Methods of strings and streams, and the possible lengths of the key.
fn methods(dict: &Dict, version: i64) -> Result<Methods, Error> {
    let bits = |dict: &Dict, default| {
        dict.get(b"Length")
            .and_then(Object::as_int)
            .and_then(|bits| usize::try_from(bits).ok())
            .unwrap_or(default)
    };
    match version {
        1 => Ok(Methods::rc4(5)),
        2 | 3 => {
            let length = bits(dict, 40) / 8;
            (5..=16)
                .contains(&length)
                .then(|| Methods::rc4(length))
                .ok_or(Error::Encryption)
        }
        4 | 5 => {
            let filters = dict.get(b"CF").and_then(Object::dict);
            let method = |which: &[u8]| {
                let name = dict
                    .get(which)
                    .and_then(Object::name)
                    .unwrap_or(b"Identity");
                if name == b"Identity" {
                    return Ok(Method::Identity);
                }
                let filter = filters
                    .and_then(|filters| filters.get(name))
                    .and_then(Object::dict)
                    .ok_or(Error::Encryption)?;
                match filter.get(b"CFM").and_then(Object::name) {
                    Some(b"V2") => Ok(Method::Rc4),
                    Some(b"AESV2") => Ok(Method::AesV2),
                    Some(b"AESV3") => Ok(Method::AesV3),
                    Some(b"None") | None => Ok(Method::Identity),
                    Some(_) => Err(Error::Encryption),
                }
            };
            let (strings, streams) = (method(b"StrF")?, method(b"StmF")?);
            let files = match dict.get(b"EFF") {
                Some(_) => method(b"EFF")?,
                None => streams,
            };
            let strong = [strings, streams].contains(&Method::AesV3);
            if strong != (version == 5) && [strings, streams] != [Method::Identity; 2] {
                return Err(Error::Encryption);
            }
            // AES always has 128 bits, whatever Length says. For RC4, Length counts in bits or in
            // bytes, and the crypt filter may override it.
            let mut lengths = vec![16];
            if ![strings, streams].contains(&Method::AesV2) {
                let filter = dict.get(b"StmF").and_then(Object::name);
                let filter = filter.and_then(|name| filters?.get(name)?.dict());
                for dict in [filter, Some(dict)].into_iter().flatten() {
                    let length = bits(dict, 0);
                    lengths.extend([length, length / 8]);
                }
                lengths.retain(|length| (5..=16).contains(length));
                lengths.reverse();
                let mut seen = Vec::new();
                lengths.retain(|length| {
                    let new = !seen.contains(length);
                    seen.push(*length);
                    new
                });
            }
            Ok(Methods {
                strings,
                streams,
                files,
                lengths,
            })
        }
        _ => Err(Error::Encryption),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aes_round_trip() {
        let crypt = Crypt::with_key(&[7; 32]);
        let sealed = crypt.encrypt_string(1, 0, b"some text", [9; 16]);
        assert_eq!(sealed.len(), 32);
        assert_eq!(crypt.decrypt_string(1, 0, &sealed), b"some text");
        assert_eq!(crypt.decrypt_string(1, 0, b"short"), b"");
    }

    #[test]
    fn unknown_handlers_are_refused() {
        let dict = Dict::default().with("Filter", Object::named("Adobe.PubSec"));
        assert_eq!(Crypt::open(&dict, b"").err(), Some(Error::Encryption));
    }
}
