//! The proof file (.spf), which a relying party gets with the signed document.

use crate::{Error, Result, SPF_BYTES_MAX, Summary, json};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

const FORMAT: &str = ".spf file";

/// The largest attestation document, in bytes; real ones have 4 to 6 KB.
pub const ATTESTATION_BYTES_MAX: usize = 16 << 10;

/// A proof file: a summary, and the attestation document that covers the summary and the PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spf {
    /// Who signed, when and from where.
    pub summary: Summary,
    /// The attestation document of `attachEsig`, unverified.
    pub attestation: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Content<S, D> {
    summary: S,
    #[serde(rename = "attestDoc")]
    attest_doc: D,
}

impl Spf {
    /// The compact JSON for delivery. It contains the summary's text unchanged.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the attestation document exceeds [`ATTESTATION_BYTES_MAX`].
    pub fn to_json(&self) -> Result<String> {
        check_document(&self.attestation)?;
        let problem = |error: serde_json::Error| Error::Json {
            format: FORMAT,
            problem: error.to_string(),
        };
        let summary: &json::Raw = serde_json::from_str(self.summary.text()).map_err(problem)?;
        let content = Content {
            summary,
            attest_doc: BASE64_STANDARD.encode(&self.attestation),
        };
        serde_json::to_string(&content).map_err(problem)
    }

    /// Reads a proof file. Ignores unknown members, because nothing attests them.
    ///
    /// # Errors
    /// [`Error`] when the file is not strict JSON, or a member is missing or has a bad value,
    /// base64 included.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let json::Object(content): json::Object<Content<&json::Raw, String>> =
            json::read(FORMAT, text, SPF_BYTES_MAX)?;
        let attestation =
            BASE64_STANDARD
                .decode(content.attest_doc)
                .map_err(|_| Error::Member {
                    format: FORMAT,
                    member: "attestDoc",
                    problem: "is not base64 (standard alphabet, with padding)",
                })?;
        check_document(&attestation)?;
        Ok(Self {
            summary: Summary::parse(content.summary.get())?,
            attestation,
        })
    }
}

fn check_document(document: &[u8]) -> Result<()> {
    if document.len() <= ATTESTATION_BYTES_MAX {
        return Ok(());
    }
    Err(Error::TooLong {
        format: "attestation document",
        size: document.len(),
        limit: ATTESTATION_BYTES_MAX,
    })
}
