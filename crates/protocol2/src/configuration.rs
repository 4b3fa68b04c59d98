//! The configuration of a task: all that people see, and where mails go
//! (docs/protocol-2.md, "The configuration").

use crate::error::{Error, Result, member};
use crate::text::{SecretText, check_length, check_line, word};
use crate::{Account, Header, PROTOCOL_VERSION};
use letsesign_mail::is_address;
use letsesign_proof::{Object, present, read_object};
use letsesign_sms::is_e164;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: &str = "configuration";

/// The longest configuration in bytes, before it is sealed.
pub const CONFIGURATION_BYTES_MAX: usize = 4 << 20;

/// The most fields of a task, all signers together.
const FIELDS_MAX: usize = 10_000;

/// The content of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Seal, name and magic number.
    Signature,
    /// The date of signing.
    Date,
}

/// The service that delivers the mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EmailProvider {
    /// Amazon SES.
    Ses,
    /// SendGrid.
    Sendgrid,
}

/// A place on a page, as a reader displays the page: after its rotation, from the top-left corner
/// of its visible area (the crop box), in points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The content.
    #[serde(rename = "type", deserialize_with = "word")]
    pub kind: FieldType,
    /// The page, from 1 to 9999.
    pub page: u32,
    /// Distance of the left edges, 0 to 9999.
    pub x: f64,
    /// Distance of the top edges, 0 to 9999.
    pub y: f64,
    /// Height, 2 to 9999.
    pub height: f64,
}

/// A person who is asked to sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// The name that is stamped: one line of 1 to 256 characters.
    pub name: String,
    /// The address that gets the link.
    pub email: String,
    /// The phone number that gets a PIN, in E.164 form.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub phone: Option<String>,
    /// The language of mails and page, such as `en-US` or `zh-TW`.
    pub locale: String,
    /// Where the signature goes, one field or more.
    pub fields: Vec<Object<Field>>,
}

/// Who hears about the task's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notificant {
    /// The address.
    pub email: String,
    /// The language of the mails.
    pub locale: String,
}

/// The configuration of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configuration {
    /// The lowest version of the protocol that may read this task, 2 or more.
    pub lowest_protocol: u32,
    /// The sender's domain, equal to the account's.
    pub domain: String,
    /// The mail service, that of the account: the summary names it.
    #[serde(deserialize_with = "word")]
    pub email_provider: EmailProvider,
    /// The page that the links open, one of the account's.
    pub signer_page: String,
    /// The document's name: one line of 1 to 256 characters.
    pub file_name: String,
    /// The sender's words to the signers, up to 2048 characters.
    pub message: String,
    /// Who hears about progress, if anybody.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub notificant: Option<Object<Notificant>>,
    /// The password of enhanced privacy: mailed documents are encrypted with it. Without it they
    /// are not encrypted.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub password: Option<SecretText>,
    /// The signers, in their order: as many as the header says.
    pub signers: Vec<Object<Signer>>,
}

impl Configuration {
    /// Reads a configuration and checks its own limits.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        let configuration: Self = read_object(FORMAT, text, CONFIGURATION_BYTES_MAX)?;
        configuration.check()?;
        Ok(configuration)
    }

    /// The JSON that is sealed.
    pub(crate) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        self.check()?;
        serde_json::to_vec(self)
            .map(Zeroizing::new)
            .map_err(|_| member(FORMAT, "signers", "cannot be written"))
    }

    /// Checks limits and forms.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn check(&self) -> Result<()> {
        if self.lowest_protocol < PROTOCOL_VERSION {
            return Err(member(FORMAT, "lowestProtocol", "is below 2"));
        }
        check_line(FORMAT, "fileName", &self.file_name, 1..=256)?;
        check_length(FORMAT, "message", &self.message, 0..=2048)?;
        if let Some(password) = &self.password {
            check_length(FORMAT, "password", password.as_str(), 1..=256)?;
        }
        if let Some(notificant) = &self.notificant {
            check_address(&notificant.email)?;
            check_locale(&notificant.locale)?;
        }
        let mut fields = 0;
        for signer in &self.signers {
            signer.check()?;
            fields += signer.fields.len();
        }
        if fields > FIELDS_MAX {
            return Err(member(FORMAT, "fields", "are more than 10000"));
        }
        Ok(())
    }

    /// Checks that header, account and configuration belong together.
    ///
    /// # Errors
    /// [`Error::Mismatch`].
    pub fn fits(&self, header: &Header, account: &Account) -> Result<()> {
        let rules = [
            (
                account.id() == header.account,
                "the header names another account",
            ),
            (
                account.kms_key_arn == header.kms_key_arn,
                "the account has another KMS key",
            ),
            (
                account.lowest_protocol <= header.protocol
                    && self.lowest_protocol <= header.protocol,
                "the account or the task demands a later protocol",
            ),
            (
                self.domain == account.domain,
                "the account has another domain",
            ),
            (
                self.email_provider == account.email.provider(),
                "the account has another mail service",
            ),
            (
                account.signer_pages.contains(&self.signer_page),
                "the account does not allow this signer's page",
            ),
            (
                self.signers.len() == usize::from(header.signers),
                "the header has another number of signers",
            ),
            (
                account.sms.is_some() || self.signers.iter().all(|signer| signer.phone.is_none()),
                "a signer has a phone number, but the account lacks an SMS service",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, problem)) => Err(Error::Mismatch(problem)),
            None => Ok(()),
        }
    }
}

fn check_address(address: &str) -> Result<()> {
    check_length(FORMAT, "email", address, 1..=256)?;
    if !is_address(address) {
        return Err(member(FORMAT, "email", "is not an address"));
    }
    Ok(())
}

fn check_locale(locale: &str) -> Result<()> {
    check_line(FORMAT, "locale", locale, 1..=256)
}

impl Signer {
    fn check(&self) -> Result<()> {
        check_line(FORMAT, "name", &self.name, 1..=256)?;
        check_address(&self.email)?;
        check_locale(&self.locale)?;
        if self.phone.as_ref().is_some_and(|phone| !is_e164(phone)) {
            return Err(member(FORMAT, "phone", "is not in E.164 form"));
        }
        if self.fields.is_empty() {
            return Err(member(FORMAT, "fields", "are missing"));
        }
        self.fields.iter().try_for_each(|field| field.check())
    }
}

impl Field {
    fn check(&self) -> Result<()> {
        // Ranges do not contain NaN and infinity.
        let place = 0.0..=9999.0;
        if !(1..=9999).contains(&self.page) {
            return Err(member(FORMAT, "page", "is not within 1 to 9999"));
        }
        if !place.contains(&self.x) || !place.contains(&self.y) {
            return Err(member(FORMAT, "x or y", "is not within 0 to 9999"));
        }
        if !(2.0..=9999.0).contains(&self.height) {
            return Err(member(FORMAT, "height", "is not within 2 to 9999"));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
