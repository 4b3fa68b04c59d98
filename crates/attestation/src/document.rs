//! The parts of an attestation document: COSE_Sign1 (RFC 9052, section 4.2) around a CBOR map (AWS
//! nsm-api, docs/attestation_process.md, section 3.1). Rules 1 and 2.

use crate::error::{Error, Fault, Place};
use letsesign_cbor::{Decoder, Encoder, Rules};
use letsesign_pcr::Pcr;
use std::collections::{BTreeMap, BTreeSet};

/// The longest document, in bytes. The NSM's buffer has 12 KiB; real documents have 4 to 6 KB.
pub const DOCUMENT_MAX: usize = 16 << 10;
/// The most certificates in a bundle. AWS's bundles have 4.
pub const CABUNDLE_MAX: usize = 16;
/// The longest certificate, public key, user data or nonce, in bytes. AWS's specification says 512
/// for user data and nonce in its text, and 1024 in its CDDL.
pub const FIELD_MAX: usize = 1024;
/// The highest register number.
const PCR_LAST: u8 = 31;
/// Bytes of an ES384 signature: r and s, 48 bytes each.
pub(crate) const SIGNATURE_BYTES: usize = 96;
/// COSE numbers (RFC 9052 and 9053): the tag of COSE_Sign1, the label `alg`, ES384.
const COSE_SIGN1: u64 = 18;
const ALG: i128 = 1;
const ES384: i128 = -35;

/// Deviations of real documents: NSMs do not sort their members, and newer ones leave the lengths
/// of maps open. Heads must have their shortest form; otherwise one meaning would have many
/// encodings, some of them outside the signed bytes. Real documents have 2 levels in a member.
const RULES: Rules = Rules::DETERMINISTIC
    .long_floats()
    .indefinite_lists()
    .any_order()
    .depth_max(8);

type Result<T> = core::result::Result<T, Fault>;

/// A document whose signature is not verified yet.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    pub(crate) module_id: &'a str,
    /// Milliseconds since 1970.
    pub(crate) timestamp: u64,
    pub(crate) pcrs: BTreeMap<u8, Pcr>,
    pub(crate) certificate: &'a [u8],
    pub(crate) cabundle: Vec<&'a [u8]>,
    pub(crate) public_key: Option<&'a [u8]>,
    pub(crate) user_data: Option<&'a [u8]>,
    pub(crate) nonce: Option<&'a [u8]>,
    pub(crate) signature: [u8; SIGNATURE_BYTES],
    pub(crate) protected: &'a [u8],
    pub(crate) payload: &'a [u8],
}

pub(crate) fn parse(bytes: &[u8]) -> core::result::Result<Parsed<'_>, Error> {
    // The limit comes first, so that hostile input costs little.
    if bytes.len() > DOCUMENT_MAX {
        return Err(Error::TooLarge {
            length: bytes.len(),
            limit: DOCUMENT_MAX,
        });
    }
    parse_envelope(Decoder::with_rules(bytes, RULES)).map_err(|fault| fault.at(Place::Envelope))
}

fn parse_envelope(mut reader: Decoder<'_>) -> Result<Parsed<'_>> {
    if let Some(tag) = reader.tag()?.filter(|tag| *tag != COSE_SIGN1) {
        return Err(Error::Tag { tag }.into());
    }
    if !reader.array()?.is(4) {
        return Err(Error::Items.into());
    }
    let protected = reader.bytes()?;
    check_protected(reader.inside(protected)).map_err(|fault| fault.at(Place::Header))?;
    if !reader.map()?.is(0) {
        return Err(Error::UnprotectedHeader.into());
    }
    let payload = reader.bytes()?;
    let inside = reader.inside(payload);
    let signature = reader.bytes()?;
    let signature =
        <[u8; SIGNATURE_BYTES]>::try_from(signature).map_err(|_| Error::SignatureLength {
            length: signature.len(),
        })?;
    reader.end()?;
    let members = Members::read(inside).map_err(|fault| fault.at(Place::Payload))?;
    Ok(members.check(protected, payload, signature)?)
}

/// Checks that the protected header is `{1: -35}`: ES384 and nothing else, `crit` included.
fn check_protected(mut reader: Decoder<'_>) -> Result<()> {
    let mut left = reader.map()?;
    let mut named = false;
    while reader.more(&mut left)? {
        let label = reader.integer()?;
        // A second `alg`, or any other label, could make another verifier use another algorithm.
        if label != ALG || named {
            return Err(Error::ProtectedHeader { label }.into());
        }
        let algorithm = reader.integer()?;
        if algorithm != ES384 {
            return Err(Error::Algorithm { algorithm }.into());
        }
        named = true;
    }
    reader.end()?;
    if named {
        Ok(())
    } else {
        Err(Error::NoAlgorithm.into())
    }
}

/// The members of the payload, collected in the order of the document.
#[derive(Default)]
struct Members<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp: Option<u64>,
    pcrs: Option<BTreeMap<u8, Pcr>>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Vec<&'a [u8]>>,
    public_key: Option<&'a [u8]>,
    user_data: Option<&'a [u8]>,
    nonce: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    fn read(mut reader: Decoder<'a>) -> Result<Self> {
        let mut members = Self::default();
        let mut seen = BTreeSet::new();
        let mut left = reader.map()?;
        while reader.more(&mut left)? {
            let name = reader.text()?;
            // Which of two equal members counts would depend on the reader.
            if !seen.insert(name) {
                return Err(Error::Duplicate {
                    name: name.to_owned(),
                }
                .into());
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
                // A later NSM may add members.
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
    ) -> core::result::Result<Parsed<'a>, Error> {
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

fn registers(reader: &mut Decoder<'_>) -> Result<BTreeMap<u8, Pcr>> {
    let mut registers = BTreeMap::new();
    let mut left = reader.map()?;
    while reader.more(&mut left)? {
        let number = reader.unsigned()?;
        let value = reader.bytes()?;
        let index = u8::try_from(number)
            .ok()
            .filter(|index| *index <= PCR_LAST)
            .ok_or(Error::PcrIndex { index: number })?;
        let value = Pcr::try_from(value).map_err(|_| Error::PcrLength {
            index,
            length: value.len(),
        })?;
        if registers.insert(index, value).is_some() {
            return Err(Error::PcrDuplicate { index }.into());
        }
    }
    if registers.is_empty() {
        return Err(Error::NoPcrs.into());
    }
    Ok(registers)
}

fn bundle<'a>(reader: &mut Decoder<'a>) -> Result<Vec<&'a [u8]>> {
    let mut bundle = Vec::new();
    let mut left = reader.array()?;
    while reader.more(&mut left)? {
        if bundle.len() == CABUNDLE_MAX {
            return Err(Error::BundleLength {
                limit: CABUNDLE_MAX,
            }
            .into());
        }
        bundle.push(field(reader, "a certificate of cabundle", 1)?);
    }
    if bundle.is_empty() {
        return Err(Error::NoBundle.into());
    }
    Ok(bundle)
}

fn field<'a>(reader: &mut Decoder<'a>, name: &'static str, least: usize) -> Result<&'a [u8]> {
    let bytes = reader.bytes()?;
    if (least..=FIELD_MAX).contains(&bytes.len()) {
        return Ok(bytes);
    }
    Err(Error::FieldLength {
        name,
        length: bytes.len(),
        least,
        most: FIELD_MAX,
    }
    .into())
}

fn optional<'a>(
    reader: &mut Decoder<'a>,
    name: &'static str,
    least: usize,
) -> Result<Option<&'a [u8]>> {
    if reader.null()? {
        return Ok(None);
    }
    field(reader, name, least).map(Some)
}

impl Parsed<'_> {
    /// Calls `then` with the parts of the Sig_structure (RFC 9052, section 4.4) over the bytes as
    /// received.
    pub(crate) fn signed<T>(&self, then: impl FnOnce(&[&[u8]]) -> T) -> T {
        let head = |content: &[u8]| Encoder::new().bytes_head(content.len()).to_bytes();
        then(&[
            b"\x84\x6aSignature1",
            &head(self.protected),
            self.protected,
            // No external data (external_aad).
            b"\x40",
            &head(self.payload),
            self.payload,
        ])
    }
}
