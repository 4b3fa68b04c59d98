//! The CBOR of the signature section. AWS's structures are serialised by serde_cbor without byte string hints, so
//! certificate, signature and register value are *arrays of small integers*, not byte strings; COSE_Sign1 inside uses
//! byte strings as RFC 9052 demands.

use super::SIGNATURE_SIZE;
use crate::pcr::Pcr;
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};

/// Protected header `{1: -35}`: the algorithm is ES384.
const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];
/// Tag of COSE_Sign1; AWS's writer leaves it out, its reader takes both.
const SIGN1_TAG: Tag = Tag::new(18);

type Out = Encoder<Vec<u8>>;

/// Encoding into memory has no way to fail, which minicbor's types cannot say.
fn encode(
    write: impl FnOnce(&mut Out) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    match write(&mut out) {
        Ok(()) => out.into_writer(),
        Err(_) => Vec::new(),
    }
}

fn integers(
    out: &mut Out,
    bytes: &[u8],
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    out.array(bytes.len() as u64)?;
    for byte in bytes {
        out.u8(*byte)?;
    }
    Ok(())
}

/// `PcrInfo`: {"register_index": 0, "register_value": [48 integers]}.
pub(super) fn payload(pcr0: &Pcr) -> Vec<u8> {
    encode(|out| {
        out.map(2)?
            .str("register_index")?
            .u8(0)?
            .str("register_value")?;
        integers(out, &pcr0.0)
    })
}

/// `Sig_structure`: ["Signature1", protected, external_aad (empty), payload].
pub(super) fn sig_structure(payload: &[u8]) -> Vec<u8> {
    encode(|out| {
        out.array(4)?
            .str("Signature1")?
            .bytes(&PROTECTED)?
            .bytes(&[])?
            .bytes(payload)?;
        Ok(())
    })
}

/// `COSE_Sign1`, untagged: [protected, unprotected {}, payload, signature].
pub(super) fn sign1(payload: &[u8], signature: &[u8]) -> Vec<u8> {
    encode(|out| {
        out.array(4)?
            .bytes(&PROTECTED)?
            .map(0)?
            .bytes(payload)?
            .bytes(signature)?;
        Ok(())
    })
}

/// The section: [{"signing_certificate": [integers], "signature": [integers]}].
pub(super) fn section(pem: &[u8], sign1: &[u8]) -> Vec<u8> {
    encode(|out| {
        out.array(1)?.map(2)?.str("signing_certificate")?;
        integers(out, pem)?;
        out.str("signature")?;
        integers(out, sign1)
    })
}

/// Returns certificate (PEM) and COSE_Sign1.
pub(super) fn parse_section(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut input = Decoder::new(bytes);
    match length(input.array())? {
        1 => {}
        count => return Err(format!("{count} PCR signatures where one is expected")),
    }
    expect(length(input.map())? == 2, "a PCR signature has two members")?;
    key(&mut input, "signing_certificate")?;
    let certificate = byte_list(&mut input)?;
    key(&mut input, "signature")?;
    let signature = byte_list(&mut input)?;
    expect(input.position() == bytes.len(), "bytes follow the CBOR")?;
    Ok((certificate, signature))
}

/// Returns payload and signature.
pub(super) fn parse_sign1(bytes: &[u8]) -> Result<(Vec<u8>, [u8; SIGNATURE_SIZE]), String> {
    let mut input = Decoder::new(bytes);
    if text(input.datatype())? == Type::Tag {
        expect(text(input.tag())? == SIGN1_TAG, "the tag is not 18")?;
    }
    expect(length(input.array())? == 4, "it has four items")?;
    expect(
        text(input.bytes())? == PROTECTED,
        "the protected header is not {1: -35} (ES384)",
    )?;
    expect(
        length(input.map())? == 0,
        "the unprotected header is not empty",
    )?;
    let payload = text(input.bytes())?.to_vec();
    let signature = text(input.bytes())?
        .try_into()
        .map_err(|_| "the signature does not have 96 bytes")?;
    expect(input.position() == bytes.len(), "bytes follow the CBOR")?;
    Ok((payload, signature))
}

fn text<T>(result: Result<T, minicbor::decode::Error>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn length(result: Result<Option<u64>, minicbor::decode::Error>) -> Result<u64, String> {
    text(result)?.ok_or_else(|| "indefinite lengths are not allowed".to_owned())
}

fn key(input: &mut Decoder<'_>, name: &str) -> Result<(), String> {
    let found = text(input.str())?;
    expect(
        found == name,
        &format!("member {found:?} where {name:?} is expected"),
    )
}

/// An array of integers below 256. The array's claimed length is not trusted: it grows with the input.
fn byte_list(input: &mut Decoder<'_>) -> Result<Vec<u8>, String> {
    let count = length(input.array())?;
    let mut bytes = Vec::new();
    for _ in 0..count {
        bytes.push(text(input.u8())?);
    }
    Ok(bytes)
}
