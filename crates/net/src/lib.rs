//! How the enclave speaks to the outside. The peer may lie about everything, and what is between
//! may drop, delay and change bytes.
//!
//! * [`Connect`] opens byte streams: [`Vsock`] to the host, [`Tcp`] in tests. [`Dialer`] is any of
//!   them.
//! * [`http`] is one HTTP/1.1 exchange with limits on time and size.
//! * [`Tls`] makes TLS 1.2 and 1.3 of a stream, with trust anchors and a clock that the caller
//!   gives.
//! * [`Https`] is a client of one service that keeps its connections.
//! * [`Backoff`] are the pauses between attempts.
//!
//! docs/services.md has the rules. No error holds text of a peer.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
mod backoff;
mod connect;
pub mod http;
mod https;
mod tls;

pub use backoff::Backoff;
pub use connect::{Connect, Dialer, Stream, Tcp, Vsock};
pub use http::HttpError;
pub use https::{Https, Request, Service};
pub use tls::{Clock, HandshakeError, Tls, TlsError, supported};
