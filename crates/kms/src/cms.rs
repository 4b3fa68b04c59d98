//! `CiphertextForRecipient`: CMS EnvelopedData (RFC 5652, section 6) with one recipient.
//!
//! ```text
//! ContentInfo { envelopedData, [0] EnvelopedData {
//!     version, [0] originatorInfo?,
//!     SET { KeyTransRecipientInfo {
//!         version, rid, RSAES-OAEP { sha256, mgf1 { sha256 } }, encryptedKey } },
//!     EncryptedContentInfo { data, aes256-CBC { iv }, [0] encryptedContent },
//!     [1] unprotectedAttrs? } }
//! ```

use crate::ber::{CONSTRUCTED, INTEGER, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE, SET};
use crate::error::{CmsError, Result};

/// Object identifiers as they are encoded.
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const AES256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];

/// The parts that decryption needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopedData {
    /// The content key, encrypted with RSAES-OAEP, SHA-256 and MGF1 with SHA-256.
    pub encrypted_key: Vec<u8>,
    /// Initialisation vector of AES-256-CBC.
    pub iv: [u8; 16],
    /// The content, padded as PKCS#7 says and encrypted with AES-256-CBC.
    pub content: Vec<u8>,
}

impl EnvelopedData {
    /// Reads it, in BER or DER. Other algorithms than those that AWS documents are refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, CmsError> {
        let mut outer = Reader::new(bytes);
        let mut info = outer.expect(SEQUENCE, "ContentInfo")?.inside();
        outer.end("the end of ContentInfo")?;
        oid(&mut info, ENVELOPED_DATA, "the content type")?;
        let mut explicit = info.expect(0xa0, "the content")?.inside();
        info.end("the end of ContentInfo's parts")?;
        let mut data = explicit.expect(SEQUENCE, "EnvelopedData")?.inside();
        explicit.end("the end of EnvelopedData")?;
        data.expect(INTEGER, "the version")?;
        data.optional(0xa0)?;
        let mut recipients = data.expect(SET, "the recipients")?.inside();
        let encrypted_key = recipient(&mut recipients)?;
        recipients.end("the one recipient")?;
        let (iv, content) = content(&mut data)?;
        data.optional(0xa1)?;
        data.end("the end of EnvelopedData's parts")?;
        Ok(Self {
            encrypted_key,
            iv,
            content,
        })
    }
}

fn oid(reader: &mut Reader<'_>, expected: &[u8], what: &'static str) -> Result<(), CmsError> {
    let found = reader.expect(OBJECT_ID, what)?;
    if found.contents == expected {
        Ok(())
    } else {
        Err(CmsError::Algorithm(what))
    }
}

fn recipient(recipients: &mut Reader<'_>) -> Result<Vec<u8>, CmsError> {
    let mut recipient = recipients.expect(SEQUENCE, "the recipient")?.inside();
    recipient.expect(INTEGER, "the recipient's version")?;
    // Who it is for: a key identifier, or issuer and serial number. There is one recipient, and one
    // key.
    let rid = recipient.next()?;
    if !matches!(rid.tag, 0x80 | 0xa0 | SEQUENCE) {
        return Err(CmsError::Unexpected("the recipient's name"));
    }
    let mut algorithm = recipient.expect(SEQUENCE, "the key's algorithm")?.inside();
    oid(&mut algorithm, RSAES_OAEP, "the key's algorithm")?;
    // RFC 4055, section 4.1. What is missing would be SHA-1.
    let mut parameters = algorithm
        .expect(SEQUENCE, "the parameters of OAEP")?
        .inside();
    let mut hash = parameters.expect(0xa0, "the hash of OAEP")?.inside();
    sha256(&mut hash)?;
    let mut mask = parameters.expect(0xa1, "the mask of OAEP")?.inside();
    let mut mask = mask.expect(SEQUENCE, "the mask of OAEP")?.inside();
    oid(&mut mask, MGF1, "the mask of OAEP")?;
    sha256(&mut mask)?;
    parameters.end("OAEP without a label")?;
    let key = recipient.next()?.octets(OCTET_STRING)?;
    recipient.end("the end of the recipient")?;
    Ok(key)
}

fn sha256(reader: &mut Reader<'_>) -> Result<(), CmsError> {
    let mut hash = reader.expect(SEQUENCE, "the hash of OAEP")?.inside();
    oid(&mut hash, SHA256, "the hash of OAEP")
}

fn content(data: &mut Reader<'_>) -> Result<([u8; 16], Vec<u8>), CmsError> {
    let mut info = data.expect(SEQUENCE, "the encrypted content")?.inside();
    oid(&mut info, DATA, "the type of the encrypted content")?;
    let mut algorithm = info.expect(SEQUENCE, "the content's algorithm")?.inside();
    oid(&mut algorithm, AES256_CBC, "the content's algorithm")?;
    let iv = algorithm.next()?.octets(OCTET_STRING)?;
    let iv = <[u8; 16]>::try_from(iv)
        .map_err(|_| CmsError::Unexpected("an initialisation vector of 16 octets"))?;
    let content = info.next()?;
    if content.tag & !CONSTRUCTED != 0x80 {
        return Err(CmsError::Unexpected("the content"));
    }
    let content = content.octets(0x80)?;
    info.end("the end of the encrypted content")?;
    Ok((iv, content))
}
