//! The summary: who signed, when, from where.

use crate::protocol2::{self, TaskFacts};
use crate::{Error, Hash, Result, json};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

const FORMAT: &str = "summary";

/// The most signers: their indices end at 999.
const SIGNERS_MAX: usize = 1000;

/// The longest mail domain in characters, as in the sender's mail configuration.
const DOMAIN_MAX: usize = 256;

/// The largest integer that JavaScript represents exactly.
const TIME_MAX: u64 = (1 << 53) - 1;

/// The number that the enclave generates for each signed document and prints on its pages: 32
/// random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MagicNumber(pub [u8; 32]);

impl MagicNumber {
    /// The text on the pages: the first 32 hexadecimal digits.
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

/// How the enclave checked that a signer is the person whom the sender meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedBy {
    /// Someone with access to the mailbox confirmed: `["mail"]`.
    Mail,
    /// The same person also proved control of the phone number: `["mail","sms"]`.
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

/// The service that delivered the sender's mails.
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

/// The task of a signed document and the mail account that sent the requests. Version 2 of the
/// summary adds them at its top level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// SHA-256 of the task payload's compact JSON.
    pub payload_hash: Hash,
    /// The service, from the decrypted mail configuration.
    pub email_provider: EmailProvider,
    /// The domain of the sender's address, 1 to 256 characters, spelt as in the decrypted mail
    /// configuration.
    pub email_domain: String,
}

/// The members that version 2 of the summary adds to a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// SHA-256 of the PoI's CBOR.
    pub poi_hash: Hash,
    /// How the signer was checked; with SMS exactly if there is a phone number.
    pub checked_by: CheckedBy,
}

/// One signer and the circumstances of the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "SignerMembers")]
pub struct Signer {
    /// The name as the sender wrote it: foreign text, so escape it before display.
    pub name: String,
    /// The address that received the request.
    pub email_addr: String,
    /// The address of the confirmation, as reported by the sender's server. Protocol 1 knows IPv4
    /// alone.
    pub ip_address: IpAddr,
    /// When the signer confirmed, in seconds since 1970 (UTC); at most 2^53 - 1.
    pub signing_time: u64,
    /// The verified phone number, if one was required.
    pub phone_number: Option<String>,
    /// How the signer was checked. `None` in a version 1 summary.
    pub evidence: Option<Evidence>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignerMembers {
    name: String,
    email_addr: String,
    #[serde(deserialize_with = "ipv4")]
    ip_address: IpAddr,
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

fn ipv4<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<IpAddr, D::Error> {
    Ipv4Addr::deserialize(deserializer).map(IpAddr::V4)
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

/// A summary together with the exact text that was hashed.
///
/// Version 2 has an [`Origin`], and an [`Evidence`] for every signer. Version 1, from earlier
/// releases, has neither. A mixture of both is refused. Version 3 is the summary of protocol 2: it
/// has both, and [`TaskFacts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The signers, in signing order.
    pub signers: Vec<Signer>,
    /// The number printed on the pages.
    pub magic_number: MagicNumber,
    /// The hash that binds the signed document to the sender's task; in version 3 the binding.
    pub binding_data_hash: Hash,
    /// The task and the mail account. `None` in a version 1 summary.
    pub origin: Option<Origin>,
    /// Facts of protocol 2. `None` in versions 1 and 2.
    pub facts: Option<TaskFacts>,
    text: String,
}

impl Summary {
    /// Builds a summary and its text: version 2 with an origin, version 1 without.
    ///
    /// # Errors
    /// [`Error::Member`] for no signers or more than 1000, for an incomplete set of version 2
    /// members, for a phone number without an SMS check or the reverse, and for a time or a domain
    /// beyond its limit.
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
            facts: None,
            text,
        })
    }

    /// Puts a summary of protocol 2 together and checks the rules that all versions share.
    pub(crate) fn assemble(
        signers: Vec<Signer>,
        magic_number: MagicNumber,
        binding: Hash,
        origin: Origin,
        facts: TaskFacts,
        text: String,
    ) -> Result<Self> {
        let origin = Some(origin);
        check(&signers, origin.as_ref())?;
        Ok(Self {
            signers,
            magic_number,
            binding_data_hash: binding,
            origin,
            facts: Some(facts),
            text,
        })
    }

    /// The version: 1, 2, or 3 for a task of protocol 2.
    pub fn version(&self) -> u8 {
        match (&self.origin, &self.facts) {
            (_, Some(_)) => 3,
            (Some(_), None) => 2,
            (None, None) => 1,
        }
    }

    /// Reads a summary of any version. The hashed text is the one that `JSON.stringify` prints,
    /// whatever white space is in `text`; it keeps unknown members.
    ///
    /// # Errors
    /// [`Error`] when the text is not strict JSON, a member is missing or has a bad value, or only
    /// some members of version 2 are present.
    pub fn parse(text: &str) -> Result<Self> {
        if protocol2::summary::is_protocol2(text) {
            return protocol2::summary::parse(text);
        }
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
            facts: None,
            text,
        })
    }

    /// The compact text, which `attachEsig` returns as the result `summary`.
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

/// A summary with half of version 2 is ambiguous: one reader would take it for version 1, another
/// for version 2.
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
