//! Verification of attestation documents for this program's commands. letsesign-attestation
//! implements the rules.

use anyhow::{Context, Result};
use letsesign_attestation::{Document, Expected, Image, Live, Measurements, Standing, Verifier};
use letsesign_measurements::{History, State, Status};
use std::path::Path;

/// The trusted root certificate and a verifier under it.
#[derive(Debug)]
pub(crate) struct Root {
    verifier: Verifier,
    /// The file of a test root; `None` for AWS's root.
    pub(crate) test: Option<String>,
}

impl Root {
    /// AWS's root, or a certificate from a file (PEM or DER).
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self {
                verifier: Verifier::new(letsesign_attestation::Root::aws()),
                test: None,
            });
        };
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let der = if bytes.starts_with(b"-----BEGIN") {
            let text = std::str::from_utf8(&bytes)
                .with_context(|| format!("{name} is not a PEM certificate"))?;
            let (_, document) = x509_cert::der::Document::from_pem(text.trim_end())
                .map_err(|error| anyhow::anyhow!("{name} is not a PEM certificate: {error}"))?;
            document.as_bytes().to_vec()
        } else {
            bytes
        };
        let root = letsesign_attestation::Root::for_tests(&der).with_context(|| name.clone())?;
        Ok(Self {
            verifier: Verifier::new(root),
            test: Some(name),
        })
    }

    /// SHA-256 of the certificate's DER, in hexadecimal.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(self.verifier.root().fingerprint())
    }

    /// Verifies a document as of its own time.
    pub(crate) fn recorded(&self, document: &[u8], demand: &Demand) -> Result<Attested, String> {
        let attested = match demand {
            Demand::Any => {
                let inspected = self.verifier.inspect_recorded(document);
                inspected.map(|it| Attested::new(it.document, Standing::Current))
            }
            Demand::OneOf(images) => {
                let recorded = self.verifier.recorded(document, &expected(images)?);
                recorded.map(|it| Attested::new(it.document, it.standing))
            }
        };
        attested.map_err(|error| error.to_string())?
    }

    /// Verifies a document of an enclave that should be running now.
    pub(crate) fn running(
        &self,
        document: &[u8],
        demand: &Demand,
        live: Live,
    ) -> Result<Attested, String> {
        let attested = match demand {
            Demand::Any => {
                let inspected = self.verifier.inspect_running(document, live);
                inspected.map(|it| Attested::new(it.document, Standing::Current))
            }
            Demand::OneOf(images) => {
                let running = self.verifier.running(document, &expected(images)?, live);
                running.map(|it| Attested::new(it.document, it.standing))
            }
        };
        attested.map_err(|error| error.to_string())?
    }
}

/// The measurements that a document must have.
pub(crate) enum Demand {
    /// Those of one of these images. An empty list is an error.
    OneOf(Vec<Image>),
    /// Any: the document is only inspected, and proves nothing about an image.
    Any,
}

fn expected(images: &[Image]) -> Result<Expected, String> {
    Expected::any_of(images.iter().copied()).map_err(|error| error.to_string())
}

/// The expected image, with its standing, for a release's registers and status.
pub(crate) fn image(pcrs: &Measurements, status: &Status) -> Image {
    Image {
        measurements: *pcrs,
        standing: match status.state {
            State::Current => Standing::Current,
            State::EndOfLife => Standing::EndOfLife(status.since.unwrap_or(0)),
            State::Revoked => Standing::Revoked,
        },
    }
}

/// The images of all releases, each with its standing.
pub(crate) fn images(history: &History) -> Vec<Image> {
    let releases = history.releases.iter();
    releases
        .map(|entry| image(&entry.release.pcrs, &entry.status))
        .collect()
}

/// The content of a genuine document.
#[derive(Debug)]
pub(crate) struct Attested {
    pub(crate) document: Document,
    /// PCR0, PCR1 and PCR2.
    pub(crate) pcrs: Measurements,
    /// Whether the image may be used, at the time of the question.
    pub(crate) state: State,
}

impl Attested {
    fn new(document: Document, standing: Standing) -> Result<Self, String> {
        let register = |number| {
            let value = document.pcrs.get(number).copied();
            value.ok_or_else(|| format!("it lacks PCR{number}"))
        };
        Ok(Self {
            pcrs: Measurements::new(register(0)?, register(1)?, register(2)?)
                .map_err(|error| error.to_string())?,
            document,
            state: match standing {
                Standing::Current => State::Current,
                Standing::EndOfLife(_) => State::EndOfLife,
                Standing::Revoked => State::Revoked,
            },
        })
    }

    /// When the document was made, in seconds since 1970 (UTC).
    pub(crate) fn made(&self) -> u64 {
        self.document.timestamp / 1000
    }
}
