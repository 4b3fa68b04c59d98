//! The summary: who signed, when, from where.

use crate::{Error, Hash, Result, json};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::net::Ipv4Addr;

const FORMAT: &str = "summary";

/// Signers at most: their indices go to 999.
const SIGNERS_MAX: usize = 1000;

/// Characters of the mail domain at most, as in the sender's mail configuration.
const DOMAIN_MAX: usize = 256;

/// What a reader in JavaScript counts to.
const TIME_MAX: u64 = (1 << 53) - 1;

/// The number that the enclave draws for each signed document and prints on its pages: 32 random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MagicNumber(pub [u8; 32]);

impl MagicNumber {
    /// What is printed on the page: the first 32 hexadecimal digits.
    pub fn on_page(&self) -> String {
        hex::encode(self.0.get(..16).unwrap_or_default())
    }
}

impl fmt::Display for MagicNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MagicNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MagicNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MagicNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Hash::parse(&text)
            .map(|Hash(bytes)| Self(bytes))
            .map_err(|_| D::Error::custom("a magic number is 64 lower-case hexadecimal digits"))
    }
}

/// How it was checked that a signer is who the sender meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedBy {
    /// Whoever reads the mailbox confirmed: `["mail"]`.
    Mail,
    /// The same person also proved to hold the phone number: `["mail","sms"]`.
    MailAndSms,
}

impl CheckedBy {
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Mail => &["mail"],
            Self::MailAndSms => &["mail", "sms"],
        }
    }
}

impl fmt::Display for CheckedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mail => "mail",
            Self::MailAndSms => "mail and SMS",
        })
    }
}

impl Serialize for CheckedBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.names().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CheckedBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        [Self::Mail, Self::MailAndSms]
            .into_iter()
            .find(|checked| names == checked.names())
            .ok_or_else(|| D::Error::custom("checkedBy is neither [mail] nor [mail, sms]"))
    }
}

/// The service that the sender's mails went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmailProvider {
    /// Amazon SES.
    #[serde(rename = "ses")]
    Ses,
    /// SendGrid.
    #[serde(rename = "sg")]
    SendGrid,
}

impl fmt::Display for EmailProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ses => "Amazon SES",
            Self::SendGrid => "SendGrid",
        })
    }
}

/// Which task a document was signed for, and whose mail account asked: what version 2 of the
/// summary adds at its top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Hash of the task payload's compact JSON.
    pub payload_hash: Hash,
    /// From the decrypted mail configuration.
    pub email_provider: EmailProvider,
    /// The domain that mails came from, 1 to 256 characters, as the decrypted mail configuration
    /// spells it.
    pub email_domain: String,
}

/// What version 2 of the summary adds for a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Hash of the PoI's CBOR.
    pub poi_hash: Hash,
    /// How the signer was checked. With SMS exactly where there is a phone number.
    pub checked_by: CheckedBy,
}

/// One signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "SignerMembers")]
pub struct Signer {
    /// As the sender wrote it. A person typed it: show it with care.
    pub name: String,
    /// Where the request was mailed to.
    pub email_addr: String,
    /// Where the confirmation came from, as the sender's server told.
    pub ip_address: Ipv4Addr,
    /// When the signer confirmed, in seconds since 1970 (UTC); at most 2^53 - 1.
    pub signing_time: u64,
    /// The verified phone number, when there was one.
    pub phone_number: Option<String>,
    /// How the signer was checked. `None` in a version 1 summary.
    pub evidence: Option<Evidence>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignerMembers {
    name: String,
    email_addr: String,
    ip_address: Ipv4Addr,
    signing_time: u64,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    phone_number: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    poi_hash: Option<Hash>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    checked_by: Option<CheckedBy>,
}

impl From<Signer> for SignerMembers {
    fn from(signer: Signer) -> Self {
        Self {
            name: signer.name,
            email_addr: signer.email_addr,
            ip_address: signer.ip_address,
            signing_time: signer.signing_time,
            phone_number: signer.phone_number,
            poi_hash: signer.evidence.map(|evidence| evidence.poi_hash),
            checked_by: signer.evidence.map(|evidence| evidence.checked_by),
        }
    }
}

impl TryFrom<SignerMembers> for Signer {
    type Error = Error;

    fn try_from(members: SignerMembers) -> Result<Self> {
        let evidence = match (members.poi_hash, members.checked_by) {
            (Some(poi_hash), Some(checked_by)) => Some(Evidence {
                poi_hash,
                checked_by,
            }),
            (None, None) => None,
            (None, Some(_)) => return Err(mixed("poiHash")),
            (Some(_), None) => return Err(mixed("checkedBy")),
        };
        Ok(Self {
            name: members.name,
            email_addr: members.email_addr,
            ip_address: members.ip_address,
            signing_time: members.signing_time,
            phone_number: members.phone_number,
            evidence,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<S> {
    signer_list: Vec<S>,
    magic_number: MagicNumber,
    binding_data_hash: Hash,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    payload_hash: Option<Hash>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    email_service_provider: Option<EmailProvider>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    email_service_domain: Option<String>,
}

/// A summary with the very text that was hashed.
///
/// Version 2 has an [`Origin`] and an [`Evidence`] for every signer; version 1, which earlier
/// releases wrote, has none of them. A mixture is neither, and refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// In signing order.
    pub signers: Vec<Signer>,
    /// Printed on the pages.
    pub magic_number: MagicNumber,
    /// Binds the signed document to the sender's task.
    pub binding_data_hash: Hash,
    /// Task and mail account. `None` in a version 1 summary.
    pub origin: Option<Origin>,
    text: String,
}

impl Summary {
    /// Makes a summary and its text: version 2 with an origin, version 1 without.
    ///
    /// # Errors
    /// [`Error::Member`] without signers or with more than 1000, when some members of version 2 are there and others are
    /// not, when a signer has a phone number that was not checked or the other way round, and for a time or a domain out
    /// of its range.
    pub fn new(
        signers: Vec<Signer>,
        magic_number: MagicNumber,
        binding_data_hash: Hash,
        origin: Option<Origin>,
    ) -> Result<Self> {
        check(&signers, origin.as_ref())?;
        let content = Content {
            signer_list: signers.iter().cloned().map(SignerMembers::from).collect(),
            magic_number,
            binding_data_hash,
            payload_hash: origin.as_ref().map(|origin| origin.payload_hash),
            email_service_provider: origin.as_ref().map(|origin| origin.email_provider),
            email_service_domain: origin.as_ref().map(|origin| origin.email_domain.clone()),
        };
        let text = serde_json::to_string(&content).map_err(|error| Error::Json {
            format: FORMAT,
            problem: error.to_string(),
        })?;
        Ok(Self {
            signers,
            magic_number,
            binding_data_hash,
            origin,
            text,
        })
    }

    /// Reads a summary of either version. The hashed text is that of `JSON.stringify`, whatever
    /// white space is in `text`; members that this reader does not know stay in it.
    ///
    /// # Errors
    /// [`Error`] when the text is not strict JSON, a member is missing or is not what it should be, and when members of
    /// version 2 are there in part.
    pub fn parse(text: &str) -> Result<Self> {
        let json::Object(content): json::Object<Content<json::Object<SignerMembers>>> =
            json::read(FORMAT, text.as_bytes(), crate::SPF_BYTES_MAX)?;
        let origin = match (
            content.payload_hash,
            content.email_service_provider,
            content.email_service_domain,
        ) {
            (Some(payload_hash), Some(email_provider), Some(email_domain)) => Some(Origin {
                payload_hash,
                email_provider,
                email_domain,
            }),
            (None, None, None) => None,
            (None, _, _) => return Err(mixed("payloadHash")),
            (_, None, _) => return Err(mixed("emailServiceProvider")),
            (_, _, None) => return Err(mixed("emailServiceDomain")),
        };
        let signers = content
            .signer_list
            .into_iter()
            .map(|json::Object(members)| Signer::try_from(members))
            .collect::<Result<Vec<_>>>()?;
        check(&signers, origin.as_ref())?;
        let text = json::compact(text).ok_or_else(|| Error::Json {
            format: FORMAT,
            problem: "no JSON".to_owned(),
        })?;
        Ok(Self {
            signers,
            magic_number: content.magic_number,
            binding_data_hash: content.binding_data_hash,
            origin,
            text,
        })
    }

    /// The compact text, the result `summary` of `attachEsig`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash that is attested under the name `summary`.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }
}

fn error(member: &'static str, problem: &'static str) -> Error {
    Error::Member {
        format: FORMAT,
        member,
        problem,
    }
}

/// A document with half of what version 2 says would be taken for either version, by one reader or
/// another.
fn mixed(member: &'static str) -> Error {
    error(
        member,
        "is missing, but others of version 2 are there: all of them or none",
    )
}

fn check(signers: &[Signer], origin: Option<&Origin>) -> Result<()> {
    if !(1..=SIGNERS_MAX).contains(&signers.len()) {
        return Err(error("signerList", "has not between 1 and 1000 signers"));
    }
    let domain = origin.map(|origin| origin.email_domain.chars().count());
    if domain.is_some_and(|length| !(1..=DOMAIN_MAX).contains(&length)) {
        return Err(error(
            "emailServiceDomain",
            "has not between 1 and 256 characters",
        ));
    }
    for signer in signers {
        if signer.signing_time > TIME_MAX {
            return Err(error("signingTime", "is greater than 2^53 - 1"));
        }
        match (&signer.evidence, origin) {
            (Some(evidence), Some(_)) => {
                let sms = evidence.checked_by == CheckedBy::MailAndSms;
                if sms != signer.phone_number.is_some() {
                    return Err(error(
                        "checkedBy",
                        "names sms without a phoneNumber, or not sms with one",
                    ));
                }
            }
            (None, None) => {}
            (None, Some(_)) => return Err(mixed("poiHash")),
            (Some(_), None) => return Err(mixed("payloadHash")),
        }
    }
    Ok(())
}
