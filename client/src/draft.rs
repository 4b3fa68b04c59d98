//! A task that is to be sent: who signs which document, and where.

use crate::document;
use crate::home::Home;
use crate::now;
use crate::record::Record;
use anyhow::{Context, Result, bail, ensure};
use letsesign_mail::is_address;
use letsesign_proof::{Hash, Object};
use letsesign_protocol2::{
    Configuration, DataKey, Field, FieldType, Header, Notificant, Purpose, SealedTask, SecretBytes,
    SecretText, SentHeader, Signer,
};
use letsesign_sms::{is_e164, is_valid};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest time for answers, in days: what the enclave accepts (`por-days` of limits.toml).
pub(crate) const DAYS_MAX: u32 = 180;

/// A document, its signers, and the sender's words to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// Its name for people.
    pub file_name: String,
    /// The sender's words, up to 2048 characters.
    pub message: String,
    /// Whether the signers sign in their order.
    pub in_order: bool,
    /// Days for answers.
    pub days: u32,
    /// Who hears about progress: an address and its language.
    pub notify: Option<(String, String)>,
    /// A password for the PDFs in mails, of 1 to 256 characters.
    pub password: Option<SecretText>,
    /// The signers.
    pub people: Vec<Person>,
}

/// A signer.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The name that is drawn.
    pub name: String,
    /// The address that gets the link.
    pub email: String,
    /// The number that gets a PIN, in E.164 form.
    pub phone: Option<String>,
    /// `en-US` or `zh-TW`.
    pub locale: String,
    /// Where the signature and other texts are drawn.
    pub fields: Vec<Place>,
}

/// The content of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Seal, name and magic number; the enclave draws it.
    Signature,
    /// The date of signing; the enclave draws it.
    Date,
    /// The signer's name; this program draws it before the document is sealed.
    Name,
    /// The signer's e-mail address; as `Name`.
    Email,
    /// The signer's phone number; as `Name`.
    Phone,
}

impl Kind {
    /// The words of all kinds.
    const WORDS: [(&'static str, Self); 5] = [
        ("signature", Self::Signature),
        ("date", Self::Date),
        ("name", Self::Name),
        ("email", Self::Email),
        ("phone", Self::Phone),
    ];

    fn parse(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, kind)| *kind)
    }

    /// The enclave's name of it; `None` when this program draws it.
    fn of_protocol(self) -> Option<FieldType> {
        match self {
            Self::Signature => Some(FieldType::Signature),
            Self::Date => Some(FieldType::Date),
            Self::Name | Self::Email | Self::Phone => None,
        }
    }
}

/// A place on a page as a reader displays it, from its top-left corner, in units of the page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The content.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// From 1.
    pub page: u32,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// The height.
    pub height: f64,
}

/// Reads `Ada Lovelace <ada@example.com>`, or an address alone, which is the name, too.
///
/// # Errors
/// When it is neither.
pub fn parse_person(text: &str) -> Result<(String, String)> {
    let (name, email) = match text
        .trim()
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once('<'))
    {
        Some((name, email)) => (name.trim().trim_matches('"'), email.trim()),
        None => (text.trim(), text.trim()),
    };
    ensure!(
        is_address(email),
        "{text:?}: must be an address, or a name and an address: \"Ada <ada@example.com>\""
    );
    let name = if name.is_empty() { email } else { name };
    Ok((name.to_owned(), email.to_owned()))
}

/// Reads `ADDRESS:TYPE@PAGE,X,Y[,HEIGHT]`, such as `ada@example.com:signature@1,72,600,40`.
///
/// # Errors
/// When it is not in this form.
pub fn parse_field(text: &str) -> Result<(String, Place)> {
    let (email, place) = text
        .split_once(':')
        .with_context(|| format!("{text:?}: must be ADDRESS:TYPE@PAGE,X,Y[,HEIGHT]"))?;
    Ok((email.to_owned(), parse_place(place)?))
}

/// Reads `TYPE@PAGE,X,Y[,HEIGHT]`. The height is 40 for a signature, otherwise 12, unless given.
///
/// # Errors
/// When it is not in this form.
pub fn parse_place(text: &str) -> Result<Place> {
    let form = || {
        let words = Kind::WORDS.map(|(word, _)| word).join(", ");
        format!("{text:?}: must be TYPE@PAGE,X,Y[,HEIGHT], and TYPE one of {words}")
    };
    let (kind, numbers) = text.split_once('@').with_context(form)?;
    let kind = Kind::parse(kind).with_context(form)?;
    let height = if kind == Kind::Signature { 40.0 } else { 12.0 };
    let numbers: Vec<&str> = numbers.split(',').collect();
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|one| one.is_finite())
    };
    let (page, x, y, height) = match numbers.as_slice() {
        [page, x, y] => (page, number(x), number(y), Some(height)),
        [page, x, y, height] => (page, number(x), number(y), number(height)),
        _ => bail!(form()),
    };
    let (Ok(page), Some(x), Some(y), Some(height)) = (page.trim().parse(), x, y, height) else {
        bail!(form());
    };
    Ok(Place {
        kind,
        page,
        x,
        y,
        height,
    })
}

impl Draft {
    /// Whether it can be sent.
    ///
    /// # Errors
    /// What is wrong first, and the way out.
    pub fn check(&self) -> Result<()> {
        self.checked().map(drop)
    }

    /// The document that is to be sealed, when everything is right.
    pub(crate) fn checked(&self) -> Result<Cow<'_, [u8]>> {
        ensure!(!self.people.is_empty(), "nobody signs: name a signer");
        ensure!(
            (1..=DAYS_MAX).contains(&self.days),
            "the time for answers is {} days; it must be 1 to {DAYS_MAX}",
            self.days
        );
        for person in &self.people {
            let email = &person.email;
            ensure!(is_address(email), "{email:?} is not an e-mail address");
            let mut kinds = person.fields.iter().map(|field| field.kind);
            ensure!(
                kinds.clone().any(|kind| kind == Kind::Signature),
                "{email} has no field for a signature: say where it goes"
            );
            ensure!(
                person.phone.is_some() || kinds.all(|kind| kind != Kind::Phone),
                "{email} has a field for a phone number, but no phone number"
            );
            if let Some(phone) = &person.phone {
                ensure!(
                    is_e164(phone) && is_valid(phone),
                    "{phone:?} of {email} is not a phone number with its country, such as \
                     +14155550123"
                );
            }
        }
        document::checked(self)
    }

    /// The fields that the enclave draws.
    pub(crate) fn stamped(person: &Person) -> Vec<Field> {
        let field = |place: &Place| {
            Some(Field {
                kind: place.kind.of_protocol()?,
                page: place.page,
                x: place.x,
                y: place.y,
                height: place.height,
            })
        };
        person.fields.iter().filter_map(field).collect()
    }

    /// Seals it: what the service gets, and what the sender keeps.
    /// `document` is that of [`Draft::checked`].
    pub(crate) fn seal(
        &self,
        home: &Home,
        document: &[u8],
    ) -> Result<(Record, SealedTask, Vec<u8>)> {
        let account = home.account()?;
        let created = now();
        let key = SecretBytes::generate()?;
        let data_key = DataKey::from_bytes(Purpose::Task, *key.as_bytes());
        let task = Hash(*SecretBytes::generate()?.as_bytes());
        let header = SentHeader::new(Header {
            protocol: 2,
            task,
            account: account.id(),
            kms_key_arn: account.kms_key_arn.clone(),
            signers: u16::try_from(self.people.len()).context("more than 1000 signers")?,
            in_order: self.in_order,
            // Clocks differ: an hour less than what the enclave accepts at most.
            expiry: created + u64::from(self.days) * 86_400_000 - 3_600_000,
        })?;
        let signer_page = account.signer_pages.first().cloned();
        let configuration = Configuration {
            lowest_protocol: 2,
            domain: account.domain.clone(),
            email_provider: account.email.provider(),
            signer_page: signer_page.context("the account names no signer's page")?,
            file_name: self.file_name.clone(),
            message: self.message.clone(),
            notificant: self.notify.as_ref().map(|(email, locale)| {
                Object(Notificant {
                    email: email.clone(),
                    locale: locale.clone(),
                })
            }),
            password: self.password.clone(),
            signers: self.people.iter().map(signer).collect(),
        };
        let sealed = SealedTask::seal(&account, &data_key, header, &configuration, document)?;
        let wrapped = home.key()?.wrap(&data_key)?;
        let text = String::from_utf8(sealed.header.as_bytes().to_vec());
        let record = Record {
            task: task.to_string(),
            binding: sealed.binding,
            header: text.ok().context("the header is not UTF-8")?,
            key,
            created,
            sent: false,
            configuration,
            statements: Vec::new(),
        };
        Ok((record, sealed, wrapped))
    }
}

fn signer(person: &Person) -> Object<Signer> {
    Object(Signer {
        name: person.name.clone(),
        email: person.email.clone(),
        phone: person.phone.clone(),
        locale: person.locale.clone(),
        fields: Draft::stamped(person).into_iter().map(Object).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_read_as_mail_programs_write_them() {
        let read = |text| parse_person(text).unwrap();
        let pair = |name: &str, email: &str| (name.to_owned(), email.to_owned());
        assert_eq!(
            read("Ada Lovelace <ada@example.com>"),
            pair("Ada Lovelace", "ada@example.com")
        );
        assert_eq!(
            read("\"王小明\" <ming@example.com>"),
            pair("王小明", "ming@example.com")
        );
        assert_eq!(
            read("ada@example.com"),
            pair("ada@example.com", "ada@example.com")
        );
        assert_eq!(
            read("<ada@example.com>"),
            pair("ada@example.com", "ada@example.com")
        );
        for wrong in [
            "",
            "Ada",
            "Ada <ada>",
            "ada@example.com, bob@example.com",
            "a b@c.d <>",
        ] {
            let error = parse_person(wrong).unwrap_err().to_string();
            assert!(error.contains("must be an address"), "{wrong:?}: {error}");
        }
    }

    #[test]
    fn fields_have_an_address_a_type_and_a_place() {
        let (email, place) = parse_field("ada@example.com:signature@2,72.5,600").unwrap();
        assert_eq!(email, "ada@example.com");
        assert_eq!(
            place,
            Place {
                kind: Kind::Signature,
                page: 2,
                x: 72.5,
                y: 600.0,
                height: 40.0
            }
        );
        let (_, place) = parse_field("a@b.de:date@1,0,0,9").unwrap();
        assert_eq!(
            (place.kind, place.height.to_bits()),
            (Kind::Date, 9.0_f64.to_bits())
        );
        let (_, place) = parse_field("a@b.de:email@1,0,0").unwrap();
        assert_eq!(place.kind, Kind::Email);
        for wrong in [
            "a@b.de:date",
            "a@b.de:seal@1,2,3",
            "a@b.de:date@1,2",
            "a@b.de:date@1,2,NaN",
            "a@b.de:date@-1,2,3",
            "a@b.de:date@1,2,3,4,5",
            "date@1,2,3",
        ] {
            assert!(parse_field(wrong).is_err(), "{wrong}");
        }
    }
}
