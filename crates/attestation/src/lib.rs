//! Strict verification of AWS Nitro attestation documents, without I/O: no clock, no file, no network. Everything a verdict depends on is an
//! argument. docs/attestation-verification.md has the rules, by number.
//!
//! Two questions that must not be mixed have two calls and two types of answers: is an enclave of this image running now
//! ([`Verifier::running`]), and did one make this document back then ([`Verifier::recorded`]). Both need [`Expected`] measurements, and there is no
//! empty list of them. To look at a document of an unknown image there is [`Verifier::inspect_recorded`], whose answer is of a third type.
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

mod attested;
mod binding;
mod cache;
mod cbor;
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
pub use document::{CABUNDLE_MAX, DOCUMENT_MAX, FIELD_MAX, PCR_BYTES};
pub use error::{CborProblem, CertificateProblem, Error, Moment, Place};
pub use expected::{Expected, Image, Measurements, NoMeasurements, Standing, ZeroPcr};
pub use question::{CLOCK_TOLERANCE, Live, NONCE_MAX, NONCE_MIN, Nonce, NonceLength};
pub use root::Root;
pub use verifier::Verifier;
