//! The fields of an attestation document, read without verification.
//!
//! An attestation document is a COSE_Sign1 (RFC 9052, section 4.2), tagged 18 or not: an array of protected header, unprotected
//! header, payload and signature. The payload is a CBOR map; AWS's nsm-api documents its members
//! (docs/attestation_process.md, section 3.1).

use minicbor::data::{Tag, Type};
use minicbor::decode::{Decoder, Error};
use std::collections::BTreeMap;

/// CBOR tag of COSE_Sign1 (RFC 9052, table 1).
const COSE_SIGN1: u64 = 18;

/// Nesting that a document may have where we skip an unknown member. Real ones need 2.
const DEPTH_MAX: usize = 8;

/// Fields of a document whose signature nobody has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified<'a> {
    /// When the NSM made the document, in milliseconds since 1970 (UTC).
    pub timestamp: u64,
    /// The PCRs that are locked, by number; 48 bytes each with the digest SHA-384.
    pub pcrs: BTreeMap<u8, &'a [u8]>,
    /// The caller's nonce.
    pub nonce: Option<&'a [u8]>,
    /// The caller's data.
    pub user_data: Option<&'a [u8]>,
    /// The caller's public key.
    pub public_key: Option<&'a [u8]>,
}

/// Why bytes are not an attestation document.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not CBOR, or CBOR of another shape.
    #[error("not an attestation document: {0}")]
    Cbor(#[from] Error),
    /// A rule of the format is broken.
    #[error("not an attestation document: {0}")]
    Rule(&'static str),
}

impl<'a> Unverified<'a> {
    /// Reads the fields of a document as the NSM hands it over.
    ///
    /// # Errors
    /// [`ParseError`] when the bytes are not such a document: wrong shape, a member twice, bytes behind the end.
    pub fn parse(document: &'a [u8]) -> Result<Self, ParseError> {
        let mut outer = Decoder::new(document);
        if outer.datatype()? == Type::Tag && outer.tag()? != Tag::new(COSE_SIGN1) {
            return Err(ParseError::Rule("the tag is not 18 (COSE_Sign1)"));
        }
        if outer.array()? != Some(4) {
            return Err(ParseError::Rule("COSE_Sign1 is not an array of 4 items"));
        }
        outer.bytes()?;
        skip(&mut outer, 0)?;
        let payload = outer.bytes()?;
        outer.bytes()?;
        if outer.position() != document.len() {
            return Err(ParseError::Rule("there are bytes behind the COSE_Sign1"));
        }
        Self::parse_payload(payload)
    }

    fn parse_payload(payload: &'a [u8]) -> Result<Self, ParseError> {
        let mut decoder = Decoder::new(payload);
        let (mut timestamp, mut pcrs) = (None, None);
        let (mut nonce, mut user_data, mut public_key) = (None, None, None);
        let mut seen = Vec::new();
        let mut left = decoder.map()?;
        while more(&mut decoder, &mut left)? {
            let name = decoder.str()?;
            if seen.contains(&name) {
                return Err(ParseError::Rule("a member of the payload is there twice"));
            }
            seen.push(name);
            match name {
                "timestamp" => timestamp = Some(decoder.u64()?),
                "pcrs" => pcrs = Some(parse_pcrs(&mut decoder)?),
                "nonce" => nonce = optional_bytes(&mut decoder)?,
                "user_data" => user_data = optional_bytes(&mut decoder)?,
                "public_key" => public_key = optional_bytes(&mut decoder)?,
                _ => skip(&mut decoder, 0)?,
            }
        }
        if decoder.position() != payload.len() {
            return Err(ParseError::Rule("there are bytes behind the payload's map"));
        }
        Ok(Self {
            timestamp: timestamp.ok_or(ParseError::Rule("the payload has no timestamp"))?,
            pcrs: pcrs.ok_or(ParseError::Rule("the payload has no pcrs"))?,
            nonce,
            user_data,
            public_key,
        })
    }
}

fn parse_pcrs<'a>(decoder: &mut Decoder<'a>) -> Result<BTreeMap<u8, &'a [u8]>, ParseError> {
    let mut pcrs = BTreeMap::new();
    let mut left = decoder.map()?;
    while more(decoder, &mut left)? {
        let index = decoder.u8()?;
        if index > 31 {
            return Err(ParseError::Rule("a PCR has a number above 31"));
        }
        if pcrs.insert(index, decoder.bytes()?).is_some() {
            return Err(ParseError::Rule("a PCR is there twice"));
        }
    }
    Ok(pcrs)
}

fn optional_bytes<'a>(decoder: &mut Decoder<'a>) -> Result<Option<&'a [u8]>, ParseError> {
    match decoder.datatype()? {
        Type::Null => {
            decoder.null()?;
            Ok(None)
        }
        _ => Ok(Some(decoder.bytes()?)),
    }
}

/// Whether a map has a further pair; handles lengths that are given and those that are not (the NSM uses both).
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, ParseError> {
    match left {
        Some(0) => Ok(false),
        Some(count) => {
            *count -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => {
            decoder.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

/// Skips one item of bounded depth.
fn skip(decoder: &mut Decoder<'_>, depth: usize) -> Result<(), ParseError> {
    if depth > DEPTH_MAX {
        return Err(ParseError::Rule("nested too deeply"));
    }
    match decoder.datatype()? {
        Type::Array | Type::ArrayIndef => {
            let mut left = decoder.array()?;
            while more(decoder, &mut left)? {
                skip(decoder, depth + 1)?;
            }
        }
        Type::Map | Type::MapIndef => {
            let mut left = decoder.map()?;
            while more(decoder, &mut left)? {
                skip(decoder, depth + 1)?;
                skip(decoder, depth + 1)?;
            }
        }
        Type::Tag => {
            decoder.tag()?;
            skip(decoder, depth + 1)?;
        }
        _ => decoder.skip()?,
    }
    Ok(())
}
