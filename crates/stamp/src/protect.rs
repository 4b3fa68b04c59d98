//! Rewrites a document with a password: AES-256, revision 6 (ISO 32000-2, 7.6.4).

use crate::error::Error;
use crate::update::{Changed, Update, Vectors, table, write_object};
use letsesign_pdf_reader::blocks::seal_blocks;
use letsesign_pdf_reader::crypt::Crypt;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object};
use letsesign_pdf_reader::revision6;
use letsesign_pdf_reader::table::Entry;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Passwords are cut to this many bytes of UTF-8 (7.6.4.3.2).
const MAX_PASSWORD: usize = 127;
/// The largest rewritten document, in bytes.
const MAX_SIZE: usize = 512 << 20;
/// The permissions of whoever has the password: everything. Bits 1 and 2 are always 0.
const PERMISSIONS: i32 = -4;

pub(crate) fn rewrite(
    document: &Document<'_>,
    update: &Update,
    password: &str,
) -> Result<Vec<u8>, Error> {
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(random()?);
    let crypt = Crypt::with_key(&key);
    let mut vectors = Vectors::new(random()?);
    // Overlapping objects could be written many times. Compressed objects take more room outside of
    // their object streams.
    let limit = document
        .data
        .len()
        .saturating_mul(8)
        .saturating_add(64 << 20)
        .min(MAX_SIZE);
    let mut out = Vec::with_capacity(document.data.len() + document.data.len() / 8 + 65536);
    out.extend_from_slice(if document.header_version() >= Some((2, 0)) {
        b"%PDF-2.0\n"
    } else {
        b"%PDF-1.7\n"
    });
    out.extend_from_slice(b"%\xe2\xe3\xcf\xd3\n");
    let mut entries = vec![(0, Entry::Free)];
    let changed: HashMap<u32, &Changed> = update
        .objects
        .iter()
        .map(|changed| (changed.number, changed))
        .collect();
    let encrypt = match document.trailer.get(b"Encrypt") {
        Some(Object::Ref(number, _)) => *number,
        _ => 0,
    };
    let mut write = |changed: &Changed, out: &mut Vec<u8>| {
        entries.push((changed.number, Entry::At(out.len(), changed.generation)));
        let before = out.len();
        write_object(changed, Some(&crypt), &mut vectors, out);
        // Charged for encryption and for copying.
        document.spend(2 * out.len().saturating_sub(before))?;
        if out.len() > limit {
            Err(Error::Limit("size of the rewritten document"))
        } else {
            Ok(())
        }
    };
    for (number, entry) in &document.table.entries {
        if *number == 0
            // The old encryption dictionary must not stay: the new one replaces it.
            || *number == encrypt
            || *entry == Entry::Free
            || changed.contains_key(number)
        {
            continue;
        }
        if let Some(object) = read(document, *number)? {
            write(&object, &mut out)?;
        }
    }
    for object in &update.objects {
        write(object, &mut out)?;
    }
    let number = update.end();
    let dict = dictionary(&key, password)?;
    entries.push((number, Entry::At(out.len(), 0)));
    out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    dict.write(&mut out, &mut |text| text.to_vec());
    out.extend_from_slice(b"\nendobj\n");
    entries.sort_by_key(|(number, _)| *number);
    let start = out.len();
    table(&entries, &trailer(document, number)?, &mut out);
    out.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
    Ok(out)
}

/// An object with its stream decrypted; `None` for an object that does not belong in a rewritten
/// file.
fn read(document: &Document<'_>, number: u32) -> Result<Option<Changed>, Error> {
    let Some(loaded) = document.load(number)? else {
        return Ok(None);
    };
    let mut stream = None;
    if let Object::Dict(dict) = &loaded.object {
        let is_stream = loaded.stream.is_some();
        if is_stream && (dict.is(b"Type", b"XRef") || dict.is(b"Type", b"ObjStm")) {
            return Ok(None);
        }
        if !is_stream && dict.get(b"Linearized").is_some() {
            return Ok(None);
        }
        if let Some(extent) = loaded.stream {
            let generation = loaded.generation;
            stream = Some(document.plain_stream(number, generation, dict, extent.range)?);
        }
    }
    Ok(Some(Changed {
        number,
        generation: loaded.generation,
        object: loaded.object,
        stream,
    }))
}

fn trailer(document: &Document<'_>, encrypt: u32) -> Result<Dict, Error> {
    let mut trailer = Dict::default();
    for key in [&b"Root"[..], b"Info"] {
        // This part is not encrypted, so direct values must not contain strings. Readers expect
        // references anyway.
        if let Some(value @ Object::Ref(..)) = document.trailer.get(key) {
            trailer.set(key, value.clone());
        }
    }
    let id = Object::String(random::<16>()?.to_vec());
    trailer.set(b"ID", Object::Array(vec![id.clone(), id]));
    trailer.set(b"Encrypt", Object::Ref(encrypt, 0));
    trailer.set(b"Size", Object::Int(i64::from(encrypt) + 1));
    Ok(trailer)
}

/// The `Encrypt` dictionary, by algorithms 8 and 10.
fn dictionary(key: &[u8; 32], password: &str) -> Result<Dict, Error> {
    let user_password = prepare(password)?;
    let (user, user_key) = entry(key, &user_password)?;
    // The entries of a random owner password that nobody keeps would be indistinguishable from
    // random bytes, so random bytes are written.
    let (owner, owner_key) = (random::<48>()?.to_vec(), random::<32>()?.to_vec());
    let mut permissions = [0; 16];
    let mut parts = PERMISSIONS.to_le_bytes().to_vec();
    parts.extend_from_slice(b"\xff\xff\xff\xffTadb");
    parts.extend_from_slice(&random::<4>()?);
    for (to, from) in permissions.iter_mut().zip(&parts) {
        *to = *from;
    }
    let filter = Dict::default()
        .with("AuthEvent", Object::named("DocOpen"))
        .with("CFM", Object::named("AESV3"))
        .with("Length", Object::Int(32));
    Ok(Dict::default()
        .with("Filter", Object::named("Standard"))
        .with("V", Object::Int(5))
        .with("R", Object::Int(6))
        .with("Length", Object::Int(256))
        .with("P", Object::Int(i64::from(PERMISSIONS)))
        .with("EncryptMetadata", Object::Bool(true))
        .with(
            "CF",
            Object::Dict(Dict::default().with("StdCF", Object::Dict(filter))),
        )
        .with("StmF", Object::named("StdCF"))
        .with("StrF", Object::named("StdCF"))
        .with("U", Object::String(user))
        .with("UE", Object::String(user_key))
        .with("O", Object::String(owner))
        .with("OE", Object::String(owner_key))
        .with("Perms", Object::String(seal_blocks(key, &permissions))))
}

/// The check value of a password with its two salts, and the file key encrypted under it.
fn entry(key: &[u8; 32], password: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (check_salt, key_salt) = (random::<8>()?, random::<8>()?);
    let mut check = revision6::hash(password, &check_salt, b"").to_vec();
    check.extend_from_slice(&check_salt);
    check.extend_from_slice(&key_salt);
    let sealed = seal_blocks(&revision6::hash(password, &key_salt, b""), key);
    Ok((check, sealed))
}

/// SASLprep (RFC 4013) for the characters that occur in passwords: other spaces become spaces,
/// invisible characters are removed, then NFKC. Control characters are prohibited (C.2), because
/// nobody could type them.
fn prepare(password: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    if password.chars().any(char::is_control) {
        return Err(Error::PasswordText);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD + 4));
    let mapped = password
        .chars()
        .filter(|character| {
            !matches!(character, '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        })
        .map(|character| {
            if matches!(character, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}') {
                ' '
            } else {
                character
            }
        });
    for character in mapped.nfkc() {
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        if bytes.len() >= MAX_PASSWORD {
            break;
        }
    }
    bytes.truncate(MAX_PASSWORD);
    Ok(bytes)
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_prepared() {
        let prepare = |password: &str| super::prepare(password).map(|bytes| bytes.to_vec());
        assert_eq!(prepare("secret").unwrap(), b"secret");
        assert_eq!(prepare("a\u{a0}b\u{200b}c").unwrap(), b"a bc");
        assert_eq!(prepare("\u{ff21}").unwrap(), b"A");
        assert_eq!(prepare(&"\u{e9}".repeat(100)).unwrap().len(), MAX_PASSWORD);
        assert_eq!(prepare("bell\u{7}"), Err(Error::PasswordText));
    }

    #[test]
    fn the_empty_password_opens_its_own_documents() {
        let dict = dictionary(&[7; 32], "").unwrap();
        assert!(Crypt::open(&dict, b"").is_ok());
        let dict = dictionary(&[7; 32], "secret").unwrap();
        assert_eq!(
            Crypt::open(&dict, b"").err(),
            Some(letsesign_pdf_reader::Error::Password)
        );
    }
}
