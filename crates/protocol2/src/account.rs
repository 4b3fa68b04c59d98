//! A sender's account: how mails and SMS go out, and what tasks may say
//! (docs/protocol-2.md, "The account").

use crate::error::{Error, Result, member};
use crate::header::PROTOCOL_VERSION;
use crate::kdf::expand;
use crate::list::list;
use crate::text::{SecretBytes, SecretText, check_length};
use crate::{DataKey, EmailProvider, Part, Purpose, link, sealed_box};
use letsesign_mail::{Scheme, is_domain};
use letsesign_proof::{Hash, Object, present, read_object};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: &str = "account";

/// The longest account in bytes, before it is sealed.
pub const ACCOUNT_BYTES_MAX: usize = 64 << 10;

/// The most signer's pages of an account.
const PAGES_MAX: usize = 16;

/// The mail service of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "camelCase", deny_unknown_fields)]
pub enum EmailAccount {
    /// Amazon SES by SMTP.
    Ses {
        /// The SMTP user name.
        username: SecretText,
        /// The SMTP password.
        password: SecretText,
    },
    /// SendGrid.
    Sendgrid {
        /// The API key.
        key: SecretText,
    },
}

impl EmailAccount {
    /// The service.
    pub fn provider(&self) -> EmailProvider {
        match self {
            Self::Ses { .. } => EmailProvider::Ses,
            Self::Sendgrid { .. } => EmailProvider::Sendgrid,
        }
    }
}

/// The SMS service of an account: Twilio Verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsAccount {
    /// The API key's SID.
    #[serde(rename = "apiSID")]
    pub api_sid: SecretText,
    /// The API key's secret.
    #[serde(rename = "apiSecret")]
    pub api_secret: SecretText,
    /// The SID of the Verify service.
    #[serde(rename = "serviceSID")]
    pub service_sid: String,
}

/// A sender's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// 32 random bytes. Whoever knows them and a task's data key has the task; nobody makes a task
    /// for this account without them.
    pub account_secret: SecretBytes,
    /// The lowest version of the protocol that may use this account, 2 or more.
    pub lowest_protocol: u32,
    /// The only KMS key of this account.
    #[serde(rename = "kmsKeyARN")]
    pub kms_key_arn: String,
    /// The domain of the sender's address, 1 to 256 characters.
    pub domain: String,
    /// The mail service.
    pub email: Object<EmailAccount>,
    /// The SMS service, if phone numbers are checked.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub sms: Option<Object<SmsAccount>>,
    /// The signer's pages that tasks may name, 1 to 16 URLs.
    pub signer_pages: Vec<String>,
}

impl Account {
    /// The account's identity. It follows from the secret alone, so new credentials do not change
    /// it, and nobody can make another account with it.
    pub fn id(&self) -> Hash {
        Hash(*expand(
            self.account_secret.as_bytes(),
            &list("account id", &[]),
        ))
    }

    /// Checks all limits. `scheme` says which URLs a signer's page may have.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Page`].
    pub fn check(&self, scheme: Scheme) -> Result<()> {
        if self.lowest_protocol < PROTOCOL_VERSION {
            return Err(member(FORMAT, "lowestProtocol", "is below 2"));
        }
        check_length(FORMAT, "kmsKeyARN", &self.kms_key_arn, 1..=256)?;
        check_length(FORMAT, "domain", &self.domain, 1..=256)?;
        if !is_domain(&self.domain) {
            return Err(member(FORMAT, "domain", "is not a domain"));
        }
        let secret = |name, text: &SecretText| check_length(FORMAT, name, text.as_str(), 1..=256);
        match &*self.email {
            EmailAccount::Ses { username, password } => {
                secret("username", username)?;
                secret("password", password)?;
            }
            EmailAccount::Sendgrid { key } => secret("key", key)?,
        }
        if let Some(sms) = &self.sms {
            secret("apiSID", &sms.api_sid)?;
            secret("apiSecret", &sms.api_secret)?;
            check_length(FORMAT, "serviceSID", &sms.service_sid, 1..=256)?;
        }
        if !(1..=PAGES_MAX).contains(&self.signer_pages.len()) {
            return Err(member(FORMAT, "signerPages", "does not have 1 to 16 URLs"));
        }
        self.signer_pages
            .iter()
            .try_for_each(|page| link::check_page(page, scheme))
    }

    /// Seals the account with its data key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn seal(&self, key: &DataKey) -> Result<Vec<u8>> {
        slot(key)?.seal(&self.to_json()?)
    }

    /// Seals with given random bytes, which must never be used again: for vectors.
    ///
    /// # Errors
    /// [`Error::DataKey`] for the key of a task.
    pub fn seal_with(&self, key: &DataKey, random: &[u8; 32]) -> Result<Vec<u8>> {
        Ok(slot(key)?.seal_with(random, &self.to_json()?))
    }

    fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(self)
            .map(Zeroizing::new)
            .map_err(|_| member(FORMAT, "domain", "cannot be written"))
    }

    /// Opens and checks an account.
    ///
    /// # Errors
    /// [`Error::Box`], or the errors of [`check`](Self::check). Who shows them to a host tells the
    /// host about the content: answer one code for all.
    pub fn open(sealed: Vec<u8>, key: &DataKey, scheme: Scheme) -> Result<Self> {
        Self::parse(&slot(key)?.open(sealed)?, scheme)
    }

    /// Reads the JSON that a box holds, and checks all limits.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Page`].
    pub fn parse(text: &[u8], scheme: Scheme) -> Result<Self> {
        let account: Self = read_object(FORMAT, text, ACCOUNT_BYTES_MAX)?;
        account.check(scheme)?;
        Ok(account)
    }
}

fn slot(key: &DataKey) -> Result<sealed_box::Slot<'_>> {
    if key.purpose() != Purpose::Account {
        return Err(Error::DataKey);
    }
    Ok(sealed_box::Slot {
        part: Part::Account,
        secret: key.secret(),
        task: &[],
        context: &[],
    })
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
