//! Strict verification of AWS Nitro attestation documents, without I/O: no clock, no file, no
//! network. The result depends on the arguments alone. docs/attestation-verification.md numbers the
//! rules.
//!
//! Two questions that must not be mixed have two calls and two result types: is an enclave of this
//! image running now ([`Verifier::running`]), and did one make this document back then
//! ([`Verifier::recorded`]). Both need [`Expected`] measurements, whose list cannot be empty.
//! [`Verifier::inspect_recorded`] reads a document of an unknown image; its result has a third
//! type.
//!
//! ```
//! use letsesign_attestation::{Expected, Measurements, Root, Verifier};
//! let document = include_bytes!("../../../tests/vectors/attestation/production-2022-10-13.cbor");
//! let verifier = Verifier::new(Root::aws());
//! let expected = Expected::current(Measurements::new([1; 48], [2; 48], [3; 48])?);
//! let refused = verifier.recorded(document, &expected).unwrap_err();
//! assert_eq!((refused.rule(), refused.kind()), (8, "unexpected"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod attested;
mod binding;
mod cache;
mod certificate;
mod chain;
mod document;
mod error;
mod expected;
mod p384;
mod question;
mod root;
mod verifier;

pub use attested::{Document, Inspected, Recorded, Registers, Running};
pub use binding::Purpose;
pub use document::{CABUNDLE_MAX, DOCUMENT_MAX, FIELD_MAX};
pub use error::{CborProblem, CertificateProblem, Error, Moment, Place};
pub use expected::{Expected, Image, NoMeasurements, Standing};
pub use letsesign_pcr::{Measurements, PCR_BYTES, Pcr, ZeroPcr};
pub use question::{CLOCK_TOLERANCE, Live, NONCE_MAX, NONCE_MIN, Nonce, NonceLength};
pub use root::Root;
pub use verifier::Verifier;
