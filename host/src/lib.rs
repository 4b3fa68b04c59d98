//! The parent instance of the signing enclave.
//!
//! It starts the enclave and watches it ([`supervisor`]), forwards the enclave's connections to the
//! services of the measured `egress.toml` ([`relay`]), and hands it jobs ([`job_api`]) out of a
//! queue that loses none and runs none twice ([`queue`]). The host is trusted for availability and
//! for nothing else (docs/security.md): jobs and results are ciphertext or attested.

pub mod backlog;
pub mod check;
pub mod config;
pub mod control;
pub mod images;
pub mod job_api;
pub mod network;
pub mod operations;
pub mod queue;
pub mod relay;
pub mod run;
pub mod service;
pub mod supervisor;
pub mod transport;
