//! The parts of an attestation document: COSE_Sign1 (RFC 9052, section 4.2) around a CBOR map.

use letsesign_measurements::{PCR_BYTES, Pcr, Pcrs};
use minicbor::data::{Tag, Type};
use minicbor::decode::{Decoder, Error};
use std::collections::{BTreeMap, BTreeSet};

/// Real documents have 4 to 6 KB.
const DOCUMENT_MAX: usize = 16 << 10;
/// Certificates in a bundle: AWS's have 4.
const CABUNDLE_MAX: usize = 16;
/// Bytes of a certificate, a public key, user data or a nonce.
const FIELD_MAX: usize = 1024;
/// r and s of ES384.
const SIGNATURE_BYTES: usize = 96;

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attested {
    /// The enclave's identifier, with that of its instance.
    pub(crate) module_id: String,
    /// When it was made, in milliseconds since 1970 (UTC).
    pub(crate) time: u64,
    /// PCR0, PCR1 and PCR2. There once the document is verified.
    pub(crate) pcrs: Option<Pcrs>,
    /// What the enclave had attested.
    pub(crate) user_data: Option<Vec<u8>>,
    /// The asker's nonce.
    pub(crate) nonce: Option<Vec<u8>>,
    /// The enclave's public key.
    pub(crate) public_key: Option<Vec<u8>>,
}

/// A document whose signature nobody has looked at.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) attested: Attested,
    registers: BTreeMap<u8, &'a [u8]>,
    pub(super) certificate: &'a [u8],
    pub(super) cabundle: Vec<&'a [u8]>,
    pub(super) signature: &'a [u8],
    protected: &'a [u8],
    payload: &'a [u8],
}

type Decoded<T> = std::result::Result<T, Error>;

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed<'_>, String> {
    if bytes.len() > DOCUMENT_MAX {
        return Err(format!(
            "{} bytes are too many for an attestation document",
            bytes.len()
        ));
    }
    read(bytes).map_err(|error| format!("no attestation document: {error}"))
}

fn read(bytes: &[u8]) -> Decoded<Parsed<'_>> {
    let mut outer = Decoder::new(bytes);
    if outer.datatype()? == Type::Tag && outer.tag()? != Tag::new(18) {
        return Err(Error::message("the tag is not 18 (COSE_Sign1)"));
    }
    if outer.array()? != Some(4) {
        return Err(Error::message("COSE_Sign1 is not an array of 4 items"));
    }
    let protected = outer.bytes()?;
    check_protected(protected)?;
    if outer.map()? != Some(0) {
        return Err(Error::message("the unprotected header is not empty"));
    }
    let payload = outer.bytes()?;
    let signature = outer.bytes()?;
    if signature.len() != SIGNATURE_BYTES {
        return Err(Error::message("the signature has not 96 bytes"));
    }
    end(&outer, bytes, "bytes behind the COSE_Sign1")?;
    read_payload(payload, protected, signature)
}

fn end(decoder: &Decoder<'_>, bytes: &[u8], problem: &'static str) -> Decoded<()> {
    if decoder.position() == bytes.len() {
        Ok(())
    } else {
        Err(Error::message(problem))
    }
}

/// `{1: -35}`: ES384 and nothing else (`crit` neither).
fn check_protected(header: &[u8]) -> Decoded<()> {
    let mut decoder = Decoder::new(header);
    if decoder.map()? != Some(1) || decoder.i64()? != 1 || decoder.i64()? != -35 {
        return Err(Error::message(
            "the protected header is not {alg: ES384} alone",
        ));
    }
    end(&decoder, header, "bytes behind the protected header")
}

fn read_payload<'a>(
    payload: &'a [u8],
    protected: &'a [u8],
    signature: &'a [u8],
) -> Decoded<Parsed<'a>> {
    let mut decoder = Decoder::new(payload);
    let mut left = decoder.map()?;
    let mut seen = BTreeSet::new();
    let (mut module_id, mut digest, mut time, mut registers) = (None, None, None, None);
    let (mut certificate, mut cabundle) = (None, None);
    let (mut public_key, mut user_data, mut nonce) = (None, None, None);
    while more(&mut decoder, &mut left)? {
        let name = decoder.str()?;
        if !seen.insert(name) {
            return Err(Error::message("a member is there twice"));
        }
        match name {
            "module_id" => module_id = Some(decoder.str()?).filter(|text| !text.is_empty()),
            "digest" => digest = Some(decoder.str()?),
            "timestamp" => time = Some(decoder.u64()?).filter(|time| *time > 0),
            "pcrs" => registers = Some(read_registers(&mut decoder)?),
            "certificate" => certificate = Some(field(&mut decoder, 1)?),
            "cabundle" => cabundle = Some(read_bundle(&mut decoder)?),
            "public_key" => public_key = optional(&mut decoder, 1)?,
            "user_data" => user_data = optional(&mut decoder, 0)?,
            "nonce" => nonce = optional(&mut decoder, 0)?,
            _ => decoder.skip()?,
        }
    }
    end(&decoder, payload, "bytes behind the payload")?;
    if digest != Some("SHA384") {
        return Err(Error::message("the digest is not SHA384"));
    }
    let missing = |name| Error::message(format!("{name} is missing or empty"));
    Ok(Parsed {
        attested: Attested {
            module_id: module_id.ok_or_else(|| missing("module_id"))?.to_owned(),
            time: time.ok_or_else(|| missing("timestamp"))?,
            pcrs: None,
            user_data,
            nonce,
            public_key,
        },
        registers: registers.ok_or_else(|| missing("pcrs"))?,
        certificate: certificate.ok_or_else(|| missing("certificate"))?,
        cabundle: cabundle.ok_or_else(|| missing("cabundle"))?,
        signature,
        protected,
        payload,
    })
}

/// Whether a list has a further item; the NSM writes lengths, and none.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Decoded<bool> {
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

fn read_registers<'a>(decoder: &mut Decoder<'a>) -> Decoded<BTreeMap<u8, &'a [u8]>> {
    let mut registers = BTreeMap::new();
    let mut left = decoder.map()?;
    while more(decoder, &mut left)? {
        let (number, value) = (decoder.u8()?, decoder.bytes()?);
        if number > 31 || value.len() != PCR_BYTES || registers.insert(number, value).is_some() {
            return Err(Error::message(
                "a PCR is there twice, has a number above 31 or not 48 bytes",
            ));
        }
    }
    if registers.is_empty() {
        return Err(Error::message("there are no PCRs"));
    }
    Ok(registers)
}

fn read_bundle<'a>(decoder: &mut Decoder<'a>) -> Decoded<Vec<&'a [u8]>> {
    let mut bundle = Vec::new();
    let mut left = decoder.array()?;
    while more(decoder, &mut left)? {
        bundle.push(field(decoder, 1)?);
        if bundle.len() > CABUNDLE_MAX {
            return Err(Error::message("too many certificates"));
        }
    }
    if bundle.is_empty() {
        return Err(Error::message("the cabundle is empty"));
    }
    Ok(bundle)
}

fn field<'a>(decoder: &mut Decoder<'a>, least: usize) -> Decoded<&'a [u8]> {
    let bytes = decoder.bytes()?;
    if (least..=FIELD_MAX).contains(&bytes.len()) {
        return Ok(bytes);
    }
    Err(Error::message(
        "a member is empty or has more than 1024 bytes",
    ))
}

fn optional(decoder: &mut Decoder<'_>, least: usize) -> Decoded<Option<Vec<u8>>> {
    if decoder.datatype()? == Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    field(decoder, least).map(|bytes| Some(bytes.to_vec()))
}

impl Parsed<'_> {
    /// The Sig_structure of RFC 9052, section 4.4, over the bytes as received.
    pub(super) fn to_be_signed(&self) -> Vec<u8> {
        let mut out = b"\x84\x6aSignature1".to_vec();
        byte_string(self.protected, &mut out);
        byte_string(&[], &mut out);
        byte_string(self.payload, &mut out);
        out
    }

    /// PCR0, PCR1 and PCR2.
    pub(super) fn pcrs(&self) -> Result<Pcrs, String> {
        let register = |number: u8| {
            let value = self
                .registers
                .get(&number)
                .ok_or_else(|| format!("it has no PCR{number}"))?;
            let value = <[u8; PCR_BYTES]>::try_from(*value)
                .map_err(|_| "a PCR has not 48 bytes".to_owned())?;
            Pcr::new(value).ok_or_else(|| {
                format!("PCR{number} is all zeros: the enclave ran in debug mode, where its operator reads its memory")
            })
        };
        Ok(Pcrs {
            pcr0: register(0)?,
            pcr1: register(1)?,
            pcr2: register(2)?,
        })
    }
}

/// A definite byte string; lengths here are below 2^16 (DOCUMENT_MAX).
fn byte_string(bytes: &[u8], out: &mut Vec<u8>) {
    let length = bytes.len().to_be_bytes();
    let [.., high, low] = length;
    match bytes.len() {
        0..=23 => out.push(0x40 | low),
        24..=0xff => out.extend([0x58, low]),
        _ => out.extend([0x59, high, low]),
    }
    out.extend_from_slice(bytes);
}
