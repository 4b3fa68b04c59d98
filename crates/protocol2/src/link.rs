//! The link to the signer's page (docs/protocol-2.md, "The link").

use crate::error::{Error, Result};
use crate::key_pair::KeyPair;
use crate::{Configuration, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use letsesign_mail::{Scheme, is_plain_url};
use letsesign_proof::Hash;
use serde::Serialize;
use zeroize::Zeroizing;

/// The name in front of a fragment's content.
const NAME: &str = "letsesign2=";

/// Checks the URL of a signer's page: absolute, `https`, a domain as host, at most 1024 characters,
/// without user name, query and fragment.
///
/// # Errors
/// [`Error::Page`].
pub(crate) fn check_page(page: &str, scheme: Scheme) -> Result<()> {
    let plain = page.len() <= 1024 && !page.contains(['?', '#']) && is_plain_url(page, scheme);
    if plain { Ok(()) } else { Err(Error::Page) }
}

/// The content of the fragment, for the page. Browsers do not send fragments, so no web server and
/// no log gets the key. The members are written in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fragment<'a> {
    protocol: u32,
    task: Hash,
    binding: Hash,
    signer: u16,
    round: u32,
    por: Hash,
    expiry: u64,
    /// The private key of the link, and its public key.
    key: &'a str,
    public_key: String,
    answer_key: String,
    domain: &'a str,
    file_name: &'a str,
    locale: &'a str,
    /// Whether a PIN will be asked for.
    pin: bool,
}

/// Everything that a link is made of.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The task's configuration.
    pub configuration: &'a Configuration,
    /// The name of the task.
    pub task: Hash,
    /// Task, signer and round.
    pub request: Request,
    /// SHA-256 of the PoR.
    pub por: Hash,
    /// Until when answers are accepted, in milliseconds since 1970.
    pub expiry: u64,
    /// The key pair of the link.
    pub keys: &'a KeyPair,
    /// The public key that answers are encrypted to.
    pub answer_key: &'a [u8],
}

impl Link<'_> {
    /// The URL: the signer's page, `#letsesign2=`, and base64url of the content's JSON.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a signer that the configuration lacks; [`Error::Page`].
    pub fn to_url(&self, scheme: Scheme) -> Result<letsesign_mail::Link> {
        let page = &self.configuration.signer_page;
        check_page(page, scheme)?;
        let signer = self
            .configuration
            .signers
            .get(usize::from(self.request.signer))
            .ok_or(Error::Mismatch("the task has fewer signers"))?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = Zeroizing::new(encode(self.keys.scalar().as_slice()));
        let fragment = Fragment {
            protocol: crate::PROTOCOL_VERSION,
            task: self.task,
            binding: self.request.binding,
            signer: self.request.signer,
            round: self.request.round,
            por: self.por,
            expiry: self.expiry,
            key: &key,
            public_key: encode(&self.keys.public),
            answer_key: encode(self.answer_key),
            domain: &self.configuration.domain,
            file_name: &self.configuration.file_name,
            locale: &signer.locale,
            pin: signer.phone.is_some(),
        };
        let json = Zeroizing::new(serde_json::to_vec(&fragment).map_err(|_| Error::Page)?);
        let content = Zeroizing::new(encode(&json));
        letsesign_mail::fragment_link(page, NAME, &content, scheme).map_err(|_| Error::Page)
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
