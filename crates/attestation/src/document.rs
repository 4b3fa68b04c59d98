//! The parts of an attestation document: COSE_Sign1 (RFC 9052, section 4.2) around a CBOR map (AWS nsm-api,
//! docs/attestation_process.md, section 3.1). Rules 1 and 2.

use crate::cbor::Reader;
use crate::error::{Error, Place};
use std::collections::{BTreeMap, BTreeSet};

/// Longest document, in bytes. The NSM's buffer has 12 KiB; real documents have 4 to 6 KB.
pub const DOCUMENT_MAX: usize = 16 << 10;
/// Most certificates in a bundle. AWS's have 4.
pub const CABUNDLE_MAX: usize = 16;
/// Longest certificate, public key, user data or nonce, in bytes. The specification's text says 512 for user data and nonce, its CDDL 1024.
pub const FIELD_MAX: usize = 1024;
/// Bytes of a register: a SHA-384.
pub const PCR_BYTES: usize = 48;
/// Highest number of a register.
const PCR_LAST: u8 = 31;
/// r and s of ES384.
pub(crate) const SIGNATURE_BYTES: usize = 96;
/// COSE's numbers: the tag of COSE_Sign1, the label alg, ES384.
const COSE_SIGN1: u64 = 18;
const ALG: i128 = 1;
const ES384: i128 = -35;

type Result<T> = core::result::Result<T, Error>;

/// A document whose signature nobody has looked at.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    pub(crate) module_id: &'a str,
    /// Milliseconds since 1970.
    pub(crate) timestamp: u64,
    pub(crate) pcrs: BTreeMap<u8, [u8; PCR_BYTES]>,
    pub(crate) certificate: &'a [u8],
    pub(crate) cabundle: Vec<&'a [u8]>,
    pub(crate) public_key: Option<&'a [u8]>,
    pub(crate) user_data: Option<&'a [u8]>,
    pub(crate) nonce: Option<&'a [u8]>,
    pub(crate) signature: [u8; SIGNATURE_BYTES],
    pub(crate) protected: &'a [u8],
    pub(crate) payload: &'a [u8],
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed<'_>> {
    if bytes.len() > DOCUMENT_MAX {
        return Err(Error::TooLarge {
            length: bytes.len(),
            limit: DOCUMENT_MAX,
        });
    }
    let mut reader = Reader::new(bytes, Place::Envelope);
    if let Some(tag) = reader.tag()?.filter(|tag| *tag != COSE_SIGN1) {
        return Err(Error::Tag { tag });
    }
    if !reader.array()?.is(4) {
        return Err(Error::Items);
    }
    let protected = reader.bytes()?;
    check_protected(reader.inside(protected, Place::Header))?;
    if !reader.map()?.is(0) {
        return Err(Error::UnprotectedHeader);
    }
    let payload = reader.bytes()?;
    let inside = reader.inside(payload, Place::Payload);
    let signature = reader.bytes()?;
    let signature =
        <[u8; SIGNATURE_BYTES]>::try_from(signature).map_err(|_| Error::SignatureLength {
            length: signature.len(),
        })?;
    reader.end()?;
    let members = Members::read(inside)?;
    members.check(protected, payload, signature)
}

/// `{1: -35}`: ES384 and nothing else (`crit` neither).
fn check_protected(mut reader: Reader<'_>) -> Result<()> {
    let mut left = reader.map()?;
    let mut named = false;
    while reader.more(&mut left)? {
        let label = reader.integer()?;
        if label != ALG || named {
            return Err(Error::ProtectedHeader { label });
        }
        let algorithm = reader.integer()?;
        if algorithm != ES384 {
            return Err(Error::Algorithm { algorithm });
        }
        named = true;
    }
    reader.end()?;
    if named {
        Ok(())
    } else {
        Err(Error::NoAlgorithm)
    }
}

/// Members of the payload as they come.
#[derive(Default)]
struct Members<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp: Option<u64>,
    pcrs: Option<BTreeMap<u8, [u8; PCR_BYTES]>>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Vec<&'a [u8]>>,
    public_key: Option<&'a [u8]>,
    user_data: Option<&'a [u8]>,
    nonce: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Self> {
        let mut members = Self::default();
        let mut seen = BTreeSet::new();
        let mut left = reader.map()?;
        while reader.more(&mut left)? {
            let name = reader.text()?;
            if !seen.insert(name) {
                return Err(Error::Duplicate {
                    name: name.to_owned(),
                });
            }
            match name {
                "module_id" => members.module_id = Some(reader.text()?),
                "digest" => members.digest = Some(reader.text()?),
                "timestamp" => members.timestamp = Some(reader.unsigned()?),
                "pcrs" => members.pcrs = Some(registers(&mut reader)?),
                "certificate" => {
                    members.certificate = Some(field(&mut reader, "certificate", 1)?);
                }
                "cabundle" => members.cabundle = Some(bundle(&mut reader)?),
                "public_key" => members.public_key = optional(&mut reader, "public_key", 1)?,
                "user_data" => members.user_data = optional(&mut reader, "user_data", 0)?,
                "nonce" => members.nonce = optional(&mut reader, "nonce", 0)?,
                // A later NSM may say more.
                _ => reader.skip()?,
            }
        }
        reader.end()?;
        Ok(members)
    }

    fn check(
        self,
        protected: &'a [u8],
        payload: &'a [u8],
        signature: [u8; SIGNATURE_BYTES],
    ) -> Result<Parsed<'a>> {
        let missing = |name| Error::Missing { name };
        let module_id = self.module_id.ok_or_else(|| missing("module_id"))?;
        if module_id.is_empty() {
            return Err(Error::ModuleId);
        }
        let digest = self.digest.ok_or_else(|| missing("digest"))?;
        if digest != "SHA384" {
            return Err(Error::Digest {
                digest: digest.to_owned(),
            });
        }
        let timestamp = self.timestamp.ok_or_else(|| missing("timestamp"))?;
        if timestamp == 0 {
            return Err(Error::Timestamp);
        }
        Ok(Parsed {
            module_id,
            timestamp,
            pcrs: self.pcrs.ok_or_else(|| missing("pcrs"))?,
            certificate: self.certificate.ok_or_else(|| missing("certificate"))?,
            cabundle: self.cabundle.ok_or_else(|| missing("cabundle"))?,
            public_key: self.public_key,
            user_data: self.user_data,
            nonce: self.nonce,
            signature,
            protected,
            payload,
        })
    }
}

fn registers(reader: &mut Reader<'_>) -> Result<BTreeMap<u8, [u8; PCR_BYTES]>> {
    let mut registers = BTreeMap::new();
    let mut left = reader.map()?;
    while reader.more(&mut left)? {
        let number = reader.unsigned()?;
        let value = reader.bytes()?;
        let index = u8::try_from(number)
            .ok()
            .filter(|index| *index <= PCR_LAST)
            .ok_or(Error::PcrIndex { index: number })?;
        let value = <[u8; PCR_BYTES]>::try_from(value).map_err(|_| Error::PcrLength {
            index,
            length: value.len(),
        })?;
        if registers.insert(index, value).is_some() {
            return Err(Error::PcrDuplicate { index });
        }
    }
    if registers.is_empty() {
        return Err(Error::NoPcrs);
    }
    Ok(registers)
}

fn bundle<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>> {
    let mut bundle = Vec::new();
    let mut left = reader.array()?;
    while reader.more(&mut left)? {
        if bundle.len() == CABUNDLE_MAX {
            return Err(Error::BundleLength {
                limit: CABUNDLE_MAX,
            });
        }
        bundle.push(field(reader, "a certificate of cabundle", 1)?);
    }
    if bundle.is_empty() {
        return Err(Error::NoBundle);
    }
    Ok(bundle)
}

fn field<'a>(reader: &mut Reader<'a>, name: &'static str, least: usize) -> Result<&'a [u8]> {
    let bytes = reader.bytes()?;
    if (least..=FIELD_MAX).contains(&bytes.len()) {
        return Ok(bytes);
    }
    Err(Error::FieldLength {
        name,
        length: bytes.len(),
        least,
        most: FIELD_MAX,
    })
}

fn optional<'a>(
    reader: &mut Reader<'a>,
    name: &'static str,
    least: usize,
) -> Result<Option<&'a [u8]>> {
    if reader.null()? {
        return Ok(None);
    }
    field(reader, name, least).map(Some)
}

/// Head of a definite byte string, and how much of it counts. Lengths here are below 2^16 ([`DOCUMENT_MAX`]).
fn string_head(length: usize) -> ([u8; 3], usize) {
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=23 => ([0x40 | low, 0, 0], 1),
        24..=0xff => ([0x58, low, 0], 2),
        _ => ([0x59, high, low], 3),
    }
}

impl Parsed<'_> {
    /// Calls back with the parts of the Sig_structure of RFC 9052, section 4.4, over the bytes as received.
    pub(crate) fn signed<T>(&self, then: impl FnOnce(&[&[u8]]) -> T) -> T {
        let (header, header_bytes) = string_head(self.protected.len());
        let (payload, payload_bytes) = string_head(self.payload.len());
        then(&[
            b"\x84\x6aSignature1",
            header.get(..header_bytes).unwrap_or_default(),
            self.protected,
            // No external data.
            b"\x40",
            payload.get(..payload_bytes).unwrap_or_default(),
            self.payload,
        ])
    }
}
