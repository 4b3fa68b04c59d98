//! Senders: accounts, API keys and registrations.
//!
//! A key is 32 random bytes, so its plain SHA-256 is stored: there is nothing to guess.

use super::engine::task::base64_bytes;
use super::records::{Filter, Kind, Record, Records};
use super::{now, random_text};
use crate::queue::{Error, Millis};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use letsesign_mail::is_domain;
use letsesign_proof::Hash;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a registration waits for its DNS record.
pub(crate) const REGISTRATION: Millis = 7 * 86_400_000;
/// The most API keys of a sender.
pub(crate) const KEYS: u32 = 100;
/// `lastUsed` is this exact.
const USED: Millis = 3_600_000;
/// The longest answer of DNS.
const DNS: Duration = Duration::from_secs(10);

/// A sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    pub(crate) domain: String,
    pub(crate) kms_key_arn: String,
    /// The account's data key, wrapped.
    #[serde(with = "base64_bytes")]
    pub(crate) wrapped_key: Vec<u8>,
    /// The account box.
    #[serde(with = "base64_bytes")]
    pub(crate) sealed: Vec<u8>,
    pub(crate) created: Millis,
}

impl Account {
    pub(crate) fn read(record: &Record) -> Option<Self> {
        serde_json::from_slice(&record.body).ok()
    }

    fn record(&self, version: i64) -> Result<Record, Error> {
        Ok(Record {
            kind: Kind::Account,
            id: self.domain.clone(),
            owner: self.domain.clone(),
            state: String::new(),
            due: None,
            created: self.created,
            version,
            body: to_json(self)?,
        })
    }
}

/// A right of an API key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Submit tasks, and change them.
    Send,
    /// Read tasks and results.
    Read,
    /// Change the account, keys and webhooks.
    Admin,
}

impl Scope {
    pub(crate) const ALL: [Self; 3] = [Self::Send, Self::Read, Self::Admin];
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    /// Names it.
    pub(crate) id: String,
    /// For people.
    pub(crate) name: String,
    /// Its rights.
    pub(crate) scopes: Vec<Scope>,
    /// When it was made.
    pub(crate) created: Millis,
    /// When it was used last, to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_used: Option<Millis>,
}

/// Whoever called with a key.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) sender: String,
    pub(crate) key: Key,
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Database(error.to_string()))
}

fn hash(key: &str) -> String {
    Hash::of(key.as_bytes()).to_string()
}

/// Makes a key of a sender: the key's text, and what is stored about it.
pub(crate) async fn make_key(
    records: &Records,
    sender: &str,
    name: &str,
    scopes: Vec<Scope>,
) -> Result<(String, Key), Error> {
    let text = format!("lsk_{}@{sender}", random_text());
    let key = Key {
        id: crate::queue::random_hex(),
        name: name.to_owned(),
        scopes,
        created: now(),
        last_used: None,
    };
    let record = key_record(sender, &hash(&text), &key, 1)?;
    records.insert(&record).await?;
    Ok((text, key))
}

fn key_record(sender: &str, id: &str, key: &Key, version: i64) -> Result<Record, Error> {
    Ok(Record {
        kind: Kind::Key,
        id: id.to_owned(),
        owner: sender.to_owned(),
        state: String::new(),
        due: None,
        created: key.created,
        version,
        body: to_json(key)?,
    })
}

/// Finds out who calls.
pub(crate) async fn authenticate(records: &Records, text: &str) -> Result<Option<Caller>, Error> {
    // Anything else was never one: no question to the database.
    if !text.starts_with("lsk_") || text.len() > 400 {
        return Ok(None);
    }
    let Some(record) = records.get(Kind::Key, &hash(text)).await? else {
        return Ok(None);
    };
    let Ok(mut key) = serde_json::from_slice::<Key>(&record.body) else {
        return Ok(None);
    };
    let time = now();
    if key.last_used.is_none_or(|used| time - used > USED) {
        key.last_used = Some(time);
        let used = key_record(&record.owner, &record.id, &key, record.version)?;
        // Another request may have noted the same.
        records.update(&used).await?;
    }
    Ok(Some(Caller {
        sender: record.owner,
        key,
    }))
}

/// The keys of a sender, the newest first, each with the id of its record.
pub(crate) async fn keys(records: &Records, sender: &str) -> Result<Vec<(String, Key)>, Error> {
    let filter = Filter {
        kind: Kind::Key,
        owner: sender.to_owned(),
        state: None,
        after: None,
        limit: KEYS,
    };
    let found = records.list(filter).await?;
    Ok(found
        .into_iter()
        .filter_map(|record| Some((record.id, serde_json::from_slice(&record.body).ok()?)))
        .collect())
}

/// A registration that waits for its DNS record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) account: Account,
    pub(crate) txt_name: String,
    pub(crate) txt_value: String,
    pub(crate) expires: Millis,
}

/// Stores a registration; gives its id.
pub(crate) async fn register(
    records: &Records,
    account: Account,
) -> Result<(String, Registration), Error> {
    let created = now();
    let registration = Registration {
        txt_name: format!("_letsesign-challenge.{}", account.domain),
        txt_value: format!("letsesign={}", random_text()),
        expires: created + REGISTRATION,
        account,
    };
    let id = crate::queue::random_hex();
    let record = Record {
        kind: Kind::Registration,
        id: id.clone(),
        owner: String::new(),
        state: String::new(),
        due: Some(registration.expires),
        created,
        version: 1,
        body: to_json(&registration)?,
    };
    records.insert(&record).await?;
    Ok((id, registration))
}

/// Stores an account, new or in the place of its older one.
pub(crate) async fn put_account(records: &Records, account: &Account) -> Result<(), Error> {
    for _ in 0..10 {
        let stored = records.get(Kind::Account, &account.domain).await?;
        let old = stored.as_ref().and_then(Account::read);
        let mut account = account.clone();
        if let Some(old) = &old {
            account.created = old.created;
        }
        let record = account.record(stored.as_ref().map_or(1, |record| record.version))?;
        let written = match &stored {
            Some(_) => records.update(&record).await?,
            None => records.insert(&record).await?,
        };
        if written {
            return Ok(());
        }
    }
    Err(Error::Database("the account is changed too often".into()))
}

/// Makes an account without DNS, if there is none, and a key of all scopes.
pub(crate) async fn add(records: &Records, domain: &str) -> Result<String, String> {
    let domain = domain.to_ascii_lowercase();
    if !is_domain(&domain) {
        return Err(format!("{domain:?} is not a domain, such as example.com"));
    }
    let text = |error: Error| error.to_string();
    if records
        .get(Kind::Account, &domain)
        .await
        .map_err(text)?
        .is_none()
    {
        let empty = Account {
            domain: domain.clone(),
            kms_key_arn: String::new(),
            wrapped_key: Vec::new(),
            sealed: Vec::new(),
            created: now(),
        };
        put_account(records, &empty).await.map_err(text)?;
    }
    let scopes = Scope::ALL.to_vec();
    let made = make_key(records, &domain, "made by the operator", scopes).await;
    made.map(|(key, _)| key).map_err(text)
}

/// Whether DNS has this text at this name. `None`: no server answers.
pub(crate) async fn has_txt(server: Option<SocketAddr>, name: &str, value: &str) -> Option<bool> {
    let provider = TokioRuntimeProvider::default();
    let builder = match server {
        None => TokioResolver::builder(provider).ok()?,
        Some(server) => {
            let mut near = NameServerConfig::udp_and_tcp(server.ip());
            for connection in &mut near.connections {
                connection.port = server.port();
            }
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![near]);
            TokioResolver::builder_with_config(config, provider)
        }
    };
    let resolver = builder.build().ok()?;
    // Absolute: a search list of this machine must not answer.
    let asked = resolver.txt_lookup(format!("{name}."));
    match tokio::time::timeout(DNS, asked).await {
        Ok(Ok(found)) => Some(found.answers().iter().any(|record| {
            let RData::TXT(txt) = &record.data else {
                return false;
            };
            // One text comes in parts of up to 255 bytes.
            txt.txt_data.concat() == value.as_bytes()
        })),
        Ok(Err(error)) if error.is_no_records_found() => Some(false),
        Ok(Err(_)) | Err(_) => None,
    }
}
