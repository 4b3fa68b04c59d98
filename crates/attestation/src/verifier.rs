//! Applies all rules in their order.

use crate::attested::{Document, Inspected, Recorded, Running};
use crate::cache::Cache;
use crate::chain;
use crate::document::{self, Parsed};
use crate::error::Error;
use crate::expected::{Expected, Standing};
use crate::question::Live;
use crate::root::Root;
use letsesign_pcr::Pcr;

/// Verifies documents under one root. A verifier remembers at most 256 certificates between root
/// and leaf whose signature it verified, so one verifier for many documents is faster than a new
/// one for each. Threads may share it.
#[derive(Debug)]
pub struct Verifier {
    root: Root,
    cache: Cache,
}

impl Verifier {
    /// A verifier that trusts this root and has an empty cache.
    pub fn new(root: Root) -> Self {
        Self {
            root,
            cache: Cache::default(),
        }
    }

    /// The root that this verifier trusts.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Decides whether an enclave of an expected image is running now. For documents of the past
    /// use [`Self::recorded`].
    ///
    /// # Errors
    /// The first rule that the document breaks, in the order of docs/attestation-verification.md.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a nonce is good for one verification"
    )]
    pub fn running(
        &self,
        document: &[u8],
        expected: &Expected,
        live: Live,
    ) -> Result<Running, Error> {
        let parsed = self.authentic_now(document, &live)?;
        let standing = compare(&parsed, expected)?.at(live.now);
        live.check_nonce(parsed.nonce)?;
        Ok(Running {
            document: Document::new(parsed),
            standing,
        })
    }

    /// Decides whether an enclave of an expected image made a document at the document's own time.
    /// The result says nothing about now.
    ///
    /// # Errors
    /// As [`Self::running`].
    pub fn recorded(&self, document: &[u8], expected: &Expected) -> Result<Recorded, Error> {
        let parsed = self.authentic_then(document)?;
        let standing = compare(&parsed, expected)?.at(parsed.timestamp);
        Ok(Recorded {
            document: Document::new(parsed),
            standing,
        })
    }

    /// As [`Self::running`], but for any image. Only for inspecting a document: the result proves
    /// nothing about what runs.
    ///
    /// # Errors
    /// As [`Self::running`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a nonce is good for one verification"
    )]
    pub fn inspect_running(&self, document: &[u8], live: Live) -> Result<Inspected, Error> {
        let parsed = self.authentic_now(document, &live)?;
        measured(&parsed)?;
        live.check_nonce(parsed.nonce)?;
        Ok(Inspected {
            document: Document::new(parsed),
        })
    }

    /// As [`Self::recorded`], but for any image. Only for inspecting a document: the result proves
    /// nothing about what ran.
    ///
    /// # Errors
    /// As [`Self::running`].
    pub fn inspect_recorded(&self, document: &[u8]) -> Result<Inspected, Error> {
        let parsed = self.authentic_then(document)?;
        measured(&parsed)?;
        Ok(Inspected {
            document: Document::new(parsed),
        })
    }

    fn authentic_now<'a>(&self, document: &'a [u8], live: &Live) -> Result<Parsed<'a>, Error> {
        let parsed = document::parse(document)?;
        // The time is checked before any signature, so that a stale document costs little. It
        // counts only once the signature has been verified.
        live.check_time(parsed.timestamp)?;
        self.authentic(parsed, live.now)
    }

    fn authentic_then<'a>(&self, document: &'a [u8]) -> Result<Parsed<'a>, Error> {
        let parsed = document::parse(document)?;
        let time = parsed.timestamp;
        self.authentic(parsed, time)
    }

    /// Checks rules 3 and 4 and the signature of rule 1.
    fn authentic<'a>(&self, parsed: Parsed<'a>, time: u64) -> Result<Parsed<'a>, Error> {
        // The pinned root must be the first certificate: a forged chain could be sound in itself.
        self.root
            .check(parsed.cabundle.first().copied().unwrap_or_default())?;
        let mut certificates = parsed.cabundle.clone();
        certificates.push(parsed.certificate);
        let key = chain::leaf_key(&certificates, time, &self.cache)?;
        if parsed.signed(|parts| key.verify(parts, &parsed.signature)) {
            Ok(parsed)
        } else {
            Err(Error::Signature)
        }
    }
}

/// PCR0, PCR1 and PCR2. The check for zeros comes first: an enclave in debug mode must never match
/// an expected image.
fn measured(parsed: &Parsed<'_>) -> Result<[Pcr; 3], Error> {
    // Debug mode is checked for all three registers before a missing one is reported.
    let register = |index: u8| parsed.pcrs.get(&index).copied();
    for index in 0..3 {
        if register(index).is_some_and(|pcr| pcr.is_zero()) {
            return Err(Error::Debug { index });
        }
    }
    let present = |index| register(index).ok_or(Error::MissingPcr { index });
    Ok([present(0)?, present(1)?, present(2)?])
}

fn compare(parsed: &Parsed<'_>, expected: &Expected) -> Result<Standing, Error> {
    let registers = measured(parsed)?;
    expected.find(&registers).ok_or_else(|| Error::Unexpected {
        pcrs: Box::new(registers),
    })
}
