//! Protocol 2 of Let's eSign, without I/O: keys, boxes, binding, statements, answers and links.
//! docs/protocol-2.md is its page.
//!
//! The host between sender and enclave is hostile. Boxes are authenticated and commit to their key,
//! one [`binding`] covers everything that a person sees, and a signer's [`Answer`] is signed with a
//! key that is in the mailed link alone.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod account;
mod answer;
mod configuration;
mod data_key;
mod error;
mod header;
mod hpke;
mod kdf;
mod key_pair;
mod link;
mod list;
#[cfg(test)]
mod samples;
mod sealed_box;
mod statement;
mod task;
mod text;
mod verification;

pub use account::{ACCOUNT_BYTES_MAX, Account, EmailAccount, SmsAccount};
pub use answer::{ANSWER_BYTES_MAX, Action, Answer, LaunchSecret, Opened};
pub use configuration::{
    CONFIGURATION_BYTES_MAX, Configuration, EmailProvider, Field, FieldType, Notificant, Signer,
};
pub use data_key::{DataKey, Purpose, WRAPPED_TEXT_BYTES};
pub use error::{Error, Result};
pub use header::{HEADER_BYTES_MAX, Header, PROTOCOL_VERSION, SIGNERS_MAX, SentHeader};
pub use key_pair::{KeyPair, PUBLIC_KEY_BYTES, PublicKey};
pub use letsesign_proof::protocol2::{ROUND_MAX, Request};
pub use link::Link;
pub use sealed_box::{BOX_OVERHEAD, Part};
pub use statement::{STATEMENT_BYTES_MAX, STATEMENTS_MAX, SentStatement, Statement, Statements};
pub use task::{Root, SealedTask, binding};
pub use text::{SecretBytes, SecretText};

use zeroize::Zeroizing;

/// 32 random bytes of the system.
fn random() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::Random)?;
    Ok(bytes)
}
