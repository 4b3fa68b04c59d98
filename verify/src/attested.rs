//! Attestation documents as this program's commands ask about them; the rules are in letsesign-attestation.

use anyhow::{Context, Result};
use letsesign_attestation::{Document, Expected, Image, Live, Measurements, Standing, Verifier};
use letsesign_measurements::{Pcr, Pcrs, State, Status};
use std::path::Path;

/// The certificate that everything hangs on, and what verifies under it.
#[derive(Debug)]
pub(crate) struct Root {
    verifier: Verifier,
    /// The file that a root for tests is from. None: AWS's own, by its fingerprint.
    pub(crate) test: Option<String>,
}

impl Root {
    /// AWS's root, or a certificate in a file (PEM or DER).
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
                .with_context(|| format!("{name} is no PEM certificate"))?;
            let (_, document) = x509_cert::der::Document::from_pem(text.trim_end())
                .map_err(|error| anyhow::anyhow!("{name} is no PEM certificate: {error}"))?;
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

    /// SHA-256 of its DER form, hexadecimal.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(self.verifier.root().fingerprint())
    }

    /// Verifies a document as of the time that it was made at.
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

/// What measurements a document must have.
pub(crate) enum Demand {
    /// Those of one of these images. None at all is an error.
    OneOf(Vec<Image>),
    /// Any: the document is inspected, and proves nothing about an image.
    Any,
}

fn expected(images: &[Image]) -> Result<Expected, String> {
    Expected::any_of(images.iter().copied()).map_err(|error| error.to_string())
}

/// What a document is compared with.
pub(crate) fn image(pcrs: &Pcrs, status: &Status) -> Result<Image> {
    let [(_, pcr0), (_, pcr1), (_, pcr2)] = pcrs.numbered();
    let [pcr0, pcr1, pcr2] = [pcr0, pcr1, pcr2].map(|pcr| *pcr.as_bytes());
    Ok(Image {
        measurements: Measurements::new(pcr0, pcr1, pcr2)?,
        standing: match status.state {
            State::Current => Standing::Current,
            State::EndOfLife => Standing::EndOfLife(status.since.unwrap_or(0)),
            State::Revoked => Standing::Revoked,
        },
    })
}

/// What a genuine document says.
#[derive(Debug)]
pub(crate) struct Attested {
    pub(crate) document: Document,
    /// PCR0, PCR1 and PCR2.
    pub(crate) pcrs: Pcrs,
    /// Whether the image may be used, at the time that was asked about.
    pub(crate) state: State,
}

impl Attested {
    fn new(document: Document, standing: Standing) -> Result<Self, String> {
        let register = |number| {
            let value = document.pcrs.get(number).copied().and_then(Pcr::new);
            value.ok_or_else(|| format!("it has no PCR{number}"))
        };
        Ok(Self {
            pcrs: Pcrs {
                pcr0: register(0)?,
                pcr1: register(1)?,
                pcr2: register(2)?,
            },
            document,
            state: match standing {
                Standing::Current => State::Current,
                Standing::EndOfLife(_) => State::EndOfLife,
                Standing::Revoked => State::Revoked,
            },
        })
    }

    /// When it was made, in seconds since 1970.
    pub(crate) fn made(&self) -> u64 {
        self.document.timestamp / 1000
    }
}
