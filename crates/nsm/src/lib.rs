//! Access to the Nitro Security Module (NSM), the device that measures an enclave and signs
//! attestation documents.
//!
//! [`Nsm`] speaks to `/dev/nsm` through AWS's own crate, `aws-nitro-enclaves-nsm-api`. With the
//! feature `emulation` it can speak to a unix socket instead, for tests; that code is in no
//! measured build.
//!
//! [`document`] reads the fields of an attestation document *without verifying it*. That is right
//! for exactly one purpose: a program inside the enclave reads the time or its PCRs from a document
//! that its own NSM has just made. Documents from anywhere else need a verifier.
//!
//! ```no_run
//! let nsm = letsesign_nsm::Nsm::open()?;
//! let document = nsm.attest(None, Some(b"a nonce of 16 b."), None)?;
//! let fields = letsesign_nsm::document::Unverified::parse(&document)?;
//! println!("{} ms since 1970", fields.timestamp);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod device;
pub mod document;
#[cfg(feature = "emulation")]
pub mod emulation;

use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use serde_bytes::ByteBuf;

/// Longest `user_data` that an NSM accepts, in bytes (AWS nsm-api, docs/attestation_process.md,
/// section 3.1).
pub const USER_DATA_MAX: usize = 512;
/// Longest `nonce` that an NSM accepts, in bytes (same source).
pub const NONCE_MAX: usize = 512;
/// Longest `public_key` that an NSM accepts, in bytes (same source).
pub const PUBLIC_KEY_MAX: usize = 1024;

/// Why a request to the NSM failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device could not be opened.
    #[error("cannot open the NSM at {path}: {cause}")]
    Open {
        /// The device or socket.
        path: String,
        /// The operating system's error.
        cause: std::io::Error,
    },
    /// The exchange with an emulated NSM broke.
    #[error("the NSM at {path} did not answer: {reason}")]
    Exchange {
        /// The socket.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A field is longer than the NSM allows. Nothing was sent.
    #[error("{field} is {length} bytes long; the NSM takes at most {limit}")]
    TooLong {
        /// Name of the field.
        field: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The NSM refused the request.
    #[error("the NSM refused {request}: {code}")]
    Refused {
        /// The request's name in the NSM API.
        request: &'static str,
        /// The NSM's error code.
        code: String,
    },
    /// The NSM's answer belongs to another kind of request.
    #[error("the NSM gave an answer that does not belong to {request}")]
    WrongAnswer {
        /// The request's name in the NSM API.
        request: &'static str,
    },
}

/// Carries a request to an NSM and brings the answer back.
trait Transport: Send + Sync + std::fmt::Debug {
    fn exchange(&self, request: Request) -> Result<Response, Error>;
}

/// An NSM. Calls block for some milliseconds; the device serves one at a time.
#[derive(Debug)]
pub struct Nsm {
    transport: Box<dyn Transport>,
}

/// The part of the NSM's description that callers need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Identifier of this NSM, which names the instance and the enclave.
    pub module_id: String,
    /// Version of the NSM's interface: major, minor, patch.
    pub version: (u16, u16, u16),
    /// How many PCRs the NSM has; 32 today.
    pub max_pcrs: u16,
}

impl Nsm {
    /// Opens `/dev/nsm`.
    ///
    /// # Errors
    /// [`Error::Open`] when the device is absent or may not be opened by this user.
    pub fn open() -> Result<Self, Error> {
        Ok(Self {
            transport: Box::new(device::Device::open()?),
        })
    }

    /// Uses the emulated NSM that listens on a unix socket; see [`emulation`].
    #[cfg(feature = "emulation")]
    pub fn emulated(socket: impl Into<std::path::PathBuf>) -> Self {
        Self {
            transport: Box::new(emulation::Socket::new(socket.into())),
        }
    }

    /// Asks for an attestation document: a tagged or untagged COSE_Sign1 in CBOR, at most 16 KiB.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a field beyond [`USER_DATA_MAX`], [`NONCE_MAX`] or
    /// [`PUBLIC_KEY_MAX`]; otherwise what the device says.
    pub fn attest(
        &self,
        user_data: Option<&[u8]>,
        nonce: Option<&[u8]>,
        public_key: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let request = Request::Attestation {
            user_data: bounded("user_data", user_data, USER_DATA_MAX)?,
            nonce: bounded("nonce", nonce, NONCE_MAX)?,
            public_key: bounded("public_key", public_key, PUBLIC_KEY_MAX)?,
        };
        match self.exchange("Attestation", request)? {
            Response::Attestation { document } => Ok(document),
            _ => Err(Error::WrongAnswer {
                request: "Attestation",
            }),
        }
    }

    /// Asks the NSM for its description.
    ///
    /// # Errors
    /// [`Error::Refused`] with the NSM's code, or a fault of the exchange.
    pub fn describe(&self) -> Result<Description, Error> {
        match self.exchange("DescribeNSM", Request::DescribeNSM)? {
            Response::DescribeNSM {
                version_major,
                version_minor,
                version_patch,
                module_id,
                max_pcrs,
                ..
            } => Ok(Description {
                module_id,
                version: (version_major, version_minor, version_patch),
                max_pcrs,
            }),
            _ => Err(Error::WrongAnswer {
                request: "DescribeNSM",
            }),
        }
    }

    /// Bytes from the NSM's random number generator; at most 256, however many the device chooses
    /// to give.
    ///
    /// # Errors
    /// [`Error::Refused`] with the NSM's code, or a fault of the exchange.
    pub fn random(&self) -> Result<Vec<u8>, Error> {
        match self.exchange("GetRandom", Request::GetRandom)? {
            Response::GetRandom { random } => Ok(random),
            _ => Err(Error::WrongAnswer {
                request: "GetRandom",
            }),
        }
    }

    fn exchange(&self, name: &'static str, request: Request) -> Result<Response, Error> {
        match self.transport.exchange(request)? {
            Response::Error(code) => Err(Error::Refused {
                request: name,
                code: describe_code(&code),
            }),
            response => Ok(response),
        }
    }
}

fn bounded(
    field: &'static str,
    value: Option<&[u8]>,
    limit: usize,
) -> Result<Option<ByteBuf>, Error> {
    match value {
        Some(bytes) if bytes.len() > limit => Err(Error::TooLong {
            field,
            length: bytes.len(),
            limit,
        }),
        other => Ok(other.map(|bytes| ByteBuf::from(bytes.to_vec()))),
    }
}

/// AWS's enumeration does not implement `Display`; its `Debug` names are the documented ones.
fn describe_code(code: &ErrorCode) -> String {
    format!("{code:?}")
}
