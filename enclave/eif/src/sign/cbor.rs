//! The CBOR of the signature section. AWS's structures are serialised by serde_cbor without byte
//! string hints, so certificate, signature and register value are *arrays of small integers*, not
//! byte strings; COSE_Sign1 inside uses byte strings as RFC 9052 demands.

use super::Algorithm;
use letsesign_cbor::{Decoder, Encoder, Rules};
use letsesign_pcr::Pcr;

/// Tag of COSE_Sign1; AWS's writer leaves it out, its reader takes both.
const SIGN1_TAG: u64 = 18;

/// AWS's writer orders members as its structures do, and nothing says that lengths are the
/// shortest. What is signed is compared with our own encoding.
const RULES: Rules = Rules::DETERMINISTIC.long_heads().any_order();

fn integers(out: &mut Encoder, bytes: &[u8]) {
    out.array(bytes.len() as u64);
    for byte in bytes {
        out.unsigned((*byte).into());
    }
}

/// `PcrInfo`: {"register_index": 0, "register_value": [48 integers]}.
pub(super) fn payload(pcr0: &Pcr) -> Vec<u8> {
    let mut out = Encoder::new();
    out.map_head(2).text("register_index").unsigned(0);
    out.text("register_value");
    integers(&mut out, pcr0.as_bytes());
    out.to_bytes()
}

/// Protected header: `{1: algorithm}` in the shortest encoding, as AWS's writer makes it.
fn protected(algorithm: Algorithm) -> Vec<u8> {
    let mut out = Encoder::new();
    out.map_head(1).unsigned(1).integer(algorithm.number());
    out.to_bytes()
}

/// `Sig_structure`: ["Signature1", protected, external_aad (empty), payload].
pub(super) fn sig_structure(payload: &[u8], algorithm: Algorithm) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(4).text("Signature1");
    out.bytes(&protected(algorithm)).bytes(&[]).bytes(payload);
    out.to_bytes()
}

/// `COSE_Sign1`, untagged: [protected, unprotected {}, payload, signature].
pub(super) fn sign1(payload: &[u8], algorithm: Algorithm, signature: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(4).bytes(&protected(algorithm)).map_head(0);
    out.bytes(payload).bytes(signature);
    out.to_bytes()
}

/// The section: [{"signing_certificate": [integers], "signature": [integers]}].
pub(super) fn section(pem: &[u8], sign1: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(1).map_head(2).text("signing_certificate");
    integers(&mut out, pem);
    out.text("signature");
    integers(&mut out, sign1);
    out.to_bytes()
}

/// Returns certificate (PEM) and COSE_Sign1.
pub(super) fn parse_section(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut input = Decoder::with_rules(bytes, RULES);
    let signatures = text(input.array())?;
    if let Some(count) = signatures.left().filter(|count| *count != 1) {
        return Err(format!("{count} PCR signatures where one is expected"));
    }
    let members = text(input.map())?;
    expect(members.is(2), "a PCR signature has two members")?;
    key(&mut input, "signing_certificate")?;
    let certificate = byte_list(&mut input)?;
    key(&mut input, "signature")?;
    let signature = byte_list(&mut input)?;
    expect(input.end().is_ok(), "bytes follow the CBOR")?;
    Ok((certificate, signature))
}

/// Parts of a `COSE_Sign1`.
pub(super) struct Sign1 {
    pub(super) algorithm: Algorithm,
    pub(super) payload: Vec<u8>,
    /// r and s, of the algorithm's length.
    pub(super) signature: Vec<u8>,
}

pub(super) fn parse_sign1(bytes: &[u8]) -> Result<Sign1, String> {
    let mut input = Decoder::with_rules(bytes, RULES);
    if let Some(tag) = text(input.tag())? {
        expect(tag == SIGN1_TAG, "the tag is not 18")?;
    }
    let items = text(input.array())?;
    expect(items.is(4), "it does not have four items")?;
    let algorithm = parse_protected(text(input.bytes())?)?;
    let unprotected = text(input.map())?;
    expect(unprotected.is(0), "the unprotected header is not empty")?;
    let payload = text(input.bytes())?.to_vec();
    let signature = text(input.bytes())?.to_vec();
    let (has, needs) = (signature.len(), algorithm.signature_size());
    expect(
        has == needs,
        &format!(
            "the signature has {has} bytes; {} has {needs}",
            algorithm.name()
        ),
    )?;
    expect(input.end().is_ok(), "bytes follow the CBOR")?;
    Ok(Sign1 {
        algorithm,
        payload,
        signature,
    })
}

/// The signature covers the header's bytes, so only the encoding that is signed again is taken.
fn parse_protected(bytes: &[u8]) -> Result<Algorithm, String> {
    const EXPECTED: &str = "{1: -7} (ES256), {1: -35} (ES384) or {1: -36} (ES512)";
    let mut input = Decoder::with_rules(bytes, RULES);
    let entries = input.map().ok().filter(|entries| entries.is(1));
    let key = entries.and_then(|_| input.unsigned().ok());
    let number = key.filter(|key| *key == 1);
    let number = number.and_then(|_| i64::try_from(input.integer().ok()?).ok());
    let Some(number) = number else {
        return Err(format!("the protected header is not {EXPECTED}"));
    };
    match Algorithm::from_number(number) {
        Some(algorithm) if bytes == protected(algorithm) => Ok(algorithm),
        Some(_) => Err(format!("the protected header is not exactly {EXPECTED}")),
        None => Err(format!(
            "the protected header names the algorithm {number}; expected {EXPECTED}"
        )),
    }
}

fn text<T>(result: letsesign_cbor::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn key(input: &mut Decoder<'_>, name: &str) -> Result<(), String> {
    let found = text(input.text())?;
    expect(
        found == name,
        &format!("member {found:?} where {name:?} is expected"),
    )
}

/// An array of integers below 256. The array's claimed length is not trusted: it grows with the
/// input.
fn byte_list(input: &mut Decoder<'_>) -> Result<Vec<u8>, String> {
    let mut items = text(input.array())?;
    let mut bytes = Vec::new();
    while text(input.more(&mut items))? {
        let value = text(input.unsigned())?;
        let byte = u8::try_from(value);
        bytes.push(byte.map_err(|_| format!("{value} where a byte, 0 to 255, is expected"))?);
    }
    Ok(bytes)
}
