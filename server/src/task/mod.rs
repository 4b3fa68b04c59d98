//! A task as its sender made it: the payload that all three functions get, and what its encrypted
//! parts hold.

mod accept;
mod config;
mod open;
mod opened;
mod payload;

pub(crate) use config::{Binding, EmailConfig, SignerInfo, TwilioConfig};
pub(crate) use open::{answer_time, open};
pub(crate) use opened::{Document, Opened};
pub(crate) use payload::{Parts, Payload, Provider};
