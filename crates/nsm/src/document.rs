//! The fields of an attestation document, read without verification.
//!
//! An attestation document is a COSE_Sign1 (RFC 9052, section 4.2), tagged 18 or not: an array of
//! protected header, unprotected header, payload and signature. The payload is a CBOR map; AWS's
//! nsm-api documents its members (docs/attestation_process.md, section 3.1).

use letsesign_cbor::{Decoder, Error, Rules};
use std::collections::BTreeMap;

/// CBOR tag of COSE_Sign1 (RFC 9052, table 1).
const COSE_SIGN1: u64 = 18;

/// NSMs do not sort their members, and some leave the lengths of maps open. Real documents have 2
/// levels in a member.
const RULES: Rules = Rules::DETERMINISTIC
    .long_heads()
    .long_floats()
    .indefinite_lists()
    .any_order()
    .depth_max(8);

/// Fields of a document whose signature was not verified.
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
    /// [`ParseError`] when the bytes are not such a document: wrong shape, a member twice, trailing
    /// bytes.
    pub fn parse(document: &'a [u8]) -> Result<Self, ParseError> {
        let mut outer = Decoder::with_rules(document, RULES);
        if outer.tag()?.is_some_and(|tag| tag != COSE_SIGN1) {
            return Err(ParseError::Rule("the tag is not 18 (COSE_Sign1)"));
        }
        if !outer.array()?.is(4) {
            return Err(ParseError::Rule("COSE_Sign1 is not an array of 4 items"));
        }
        outer.bytes()?;
        outer.skip()?;
        let payload = outer.bytes()?;
        let inside = outer.inside(payload);
        outer.bytes()?;
        outer
            .end()
            .map_err(|_| ParseError::Rule("there are bytes behind the COSE_Sign1"))?;
        Self::parse_payload(inside)
    }

    fn parse_payload(mut decoder: Decoder<'a>) -> Result<Self, ParseError> {
        let (mut timestamp, mut pcrs) = (None, None);
        let (mut nonce, mut user_data, mut public_key) = (None, None, None);
        let mut seen = Vec::new();
        let mut left = decoder.map()?;
        while decoder.more(&mut left)? {
            let name = decoder.text()?;
            if seen.contains(&name) {
                return Err(ParseError::Rule("a member of the payload is there twice"));
            }
            seen.push(name);
            match name {
                "timestamp" => timestamp = Some(decoder.unsigned()?),
                "pcrs" => pcrs = Some(parse_pcrs(&mut decoder)?),
                "nonce" => nonce = optional_bytes(&mut decoder)?,
                "user_data" => user_data = optional_bytes(&mut decoder)?,
                "public_key" => public_key = optional_bytes(&mut decoder)?,
                _ => decoder.skip()?,
            }
        }
        decoder
            .end()
            .map_err(|_| ParseError::Rule("there are bytes behind the payload's map"))?;
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
    while decoder.more(&mut left)? {
        let index = u8::try_from(decoder.unsigned()?).ok();
        let Some(index) = index.filter(|index| *index <= 31) else {
            return Err(ParseError::Rule("a PCR has a number above 31"));
        };
        if pcrs.insert(index, decoder.bytes()?).is_some() {
            return Err(ParseError::Rule("a PCR is there twice"));
        }
    }
    Ok(pcrs)
}

fn optional_bytes<'a>(decoder: &mut Decoder<'a>) -> Result<Option<&'a [u8]>, ParseError> {
    if decoder.null()? {
        return Ok(None);
    }
    Ok(Some(decoder.bytes()?))
}
