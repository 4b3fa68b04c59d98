//! A task as its sender made it: the payload that all three functions get, and what its encrypted parts hold.

mod config;
mod judge;
mod open;
mod payload;

pub(crate) use config::{Binding, EmailConfig, SignerInfo, TwilioConfig};
pub(crate) use open::{Access, Document, Opened, open};
pub(crate) use payload::{Parts, Payload, Provider};
