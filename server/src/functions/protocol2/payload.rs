//! The form of a job of protocol 2 (docs/protocol-2.md, "Jobs").

use crate::functions::Data;
use crate::functions::input::access;
use crate::kms::Access;
use letsesign_job_protocol::fields::{FieldError, Fields};
use letsesign_kms::from_base64;
use letsesign_proof::Hash;
use letsesign_protocol2::{STATEMENT_BYTES_MAX, STATEMENTS_MAX, SentHeader, SentStatement};
use serde_json::value::RawValue;
use std::net::IpAddr;

/// The longest wrapped data key in bytes.
const WRAPPED_MAX: usize = 1024;

/// The most bytes of a box in a job: the job itself is bounded.
const BOX_MAX: usize = 64 << 20;

/// A task's document in a job.
pub(super) enum DocumentPart {
    /// The box.
    Box(Vec<u8>),
    /// The box's SHA-256, for functions that do not read the document.
    Hash(Hash),
}

impl DocumentPart {
    /// SHA-256 of the box.
    pub(super) fn hash(&self) -> Hash {
        match self {
            Self::Box(sealed) => Hash::of(sealed),
            Self::Hash(hash) => *hash,
        }
    }
}

/// A task and the credentials to open it.
pub(super) struct Payload {
    pub(super) header: SentHeader,
    pub(super) account_key: Vec<u8>,
    pub(super) account: Vec<u8>,
    pub(super) task_key: Vec<u8>,
    pub(super) configuration: Vec<u8>,
    pub(super) document: DocumentPart,
    pub(super) statements: Vec<SentStatement>,
    pub(super) access: Access,
}

fn error(member: &'static str, problem: &'static str) -> FieldError {
    FieldError { member, problem }
}

/// Base64 of at most `limit` bytes.
fn bytes(fields: &Fields<'_>, member: &'static str, limit: usize) -> Result<Vec<u8>, FieldError> {
    let text = fields.long_text(member, 1..=limit.saturating_mul(4) / 3 + 4)?;
    let bytes = from_base64(&text, member).map_err(|_| error(member, "is not base64"))?;
    if bytes.len() > limit {
        return Err(error(member, "is too long"));
    }
    Ok(bytes)
}

impl Payload {
    /// Reads what all jobs of protocol 2 have.
    pub(super) fn parse(job: &Data<'_>) -> Result<Self, FieldError> {
        let (data, payload) = (&job.fields, job.payload()?);
        let account = payload.object("account")?;
        let header = bytes(payload, "header", letsesign_protocol2::HEADER_BYTES_MAX)?;
        let document = match (payload.has("document"), payload.has("documentHash")) {
            (true, false) => DocumentPart::Box(bytes(payload, "document", BOX_MAX)?),
            (false, true) => {
                let text = payload.text("documentHash", 64..=64)?;
                let hash = Hash::parse(&text);
                DocumentPart::Hash(hash.map_err(|_| {
                    error("documentHash", "is not 64 lower-case hexadecimal digits")
                })?)
            }
            _ => return Err(error("document", "or documentHash must be there, not both")),
        };
        Ok(Self {
            header: SentHeader::parse(header)
                .map_err(|_| error("header", "is not a header of protocol 2"))?,
            account_key: bytes(&account, "wrappedKey", WRAPPED_MAX)?,
            account: bytes(&account, "box", BOX_MAX)?,
            task_key: bytes(payload, "wrappedKey", WRAPPED_MAX)?,
            configuration: bytes(payload, "configuration", BOX_MAX)?,
            document,
            statements: statements(data)?,
            access: access(&data.object("access")?)?,
        })
    }

    /// As [`parse`](Self::parse), with the document itself.
    pub(super) fn parse_with_document(job: &Data<'_>) -> Result<Self, FieldError> {
        let payload = Self::parse(job)?;
        match payload.document {
            DocumentPart::Box(_) => Ok(payload),
            DocumentPart::Hash(_) => Err(error("document", "is missing")),
        }
    }
}

fn statements(data: &Fields<'_>) -> Result<Vec<SentStatement>, FieldError> {
    const MEMBER: &str = "statements";
    if !data.has(MEMBER) {
        return Ok(Vec::new());
    }
    let list: Vec<&RawValue> = serde_json::from_str(data.raw(MEMBER)?.get())
        .map_err(|_| error(MEMBER, "is not an array"))?;
    if list.len() > STATEMENTS_MAX {
        return Err(error(MEMBER, "has more than 10000 elements"));
    }
    let statement = |raw: &&RawValue| {
        let fields = Fields::of(raw)?;
        let mac = bytes(&fields, "mac", 32)?;
        Ok(SentStatement {
            text: bytes(&fields, "statement", STATEMENT_BYTES_MAX)?,
            mac: <[u8; 32]>::try_from(mac).map_err(|_| error("mac", "does not have 32 bytes"))?,
        })
    };
    list.iter().map(statement).collect()
}

/// A proof that comes back, with its attestation document.
pub(super) struct SentProof {
    pub(super) proof: Vec<u8>,
    pub(super) document: Vec<u8>,
}

impl SentProof {
    /// Reads `proof` and `document` by the names that a function gives them.
    pub(super) fn parse(
        data: &Fields<'_>,
        proof: &'static str,
        document: &'static str,
    ) -> Result<Self, FieldError> {
        Ok(Self {
            proof: bytes(data, proof, letsesign_proof::protocol2::BYTES_MAX)?,
            document: bytes(data, document, letsesign_proof::ATTESTATION_BYTES_MAX)?,
        })
    }
}

/// An answer of a signer, and what it answers.
pub(super) struct SentAnswer {
    pub(super) por: SentProof,
    /// Encrypted.
    pub(super) answer: Vec<u8>,
    /// The signer's address as the host reports it.
    pub(super) ip_address: IpAddr,
}

impl SentAnswer {
    pub(super) fn parse(data: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            por: SentProof::parse(data, "por", "porDocument")?,
            answer: bytes(data, "answer", letsesign_protocol2::ANSWER_BYTES_MAX)?,
            ip_address: data
                .text("ipAddress", 2..=45)?
                .parse()
                .map_err(|_| error("ipAddress", "is not an IP address"))?,
        })
    }
}
