//! Webhooks: a sender hears of the events of its tasks by signed POST requests.
//!
//! Deliveries are stored in the transaction of their event, so none is lost; each is claimed by
//! changing its record, so of several hosts one delivers it, unless that one dies in between.

use super::accounts::to_json;
use super::engine::task::Task;
use super::now;
use super::records::{Event, Filter, Kind, Record, Records};
use crate::queue::{Error, Millis, random_hex};
use crate::relay::is_global;
use futures_util::StreamExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;
use utoipa::ToSchema;

/// The most webhooks of a sender.
pub(crate) const MOST: u32 = 16;
/// Deliveries that a list shows.
pub(crate) const SHOWN: u32 = 100;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// Pauses before each further attempt.
const PAUSES: [Millis; 6] = [
    10_000,
    60_000,
    600_000,
    3_600_000,
    6 * 3_600_000,
    24 * 3_600_000,
];
/// A claim holds so long: longer than an answer takes.
const CLAIM: Millis = 60_000;
/// How long deliveries that have ended are kept.
const KEPT: Millis = 30 * 86_400_000;
/// Deliveries at a time.
const AT_A_TIME: usize = 16;

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) secret: String,
}

/// A delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) webhook: String,
    pub(crate) event: String,
    pub(crate) task: String,
    pub(crate) at: Millis,
    pub(crate) signer: Option<u16>,
    pub(crate) attempts: usize,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fate {
    Waiting,
    Delivered,
    Failed,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// Checks the address of a webhook. Which addresses its name has is checked at each delivery.
pub(crate) fn check_url(url: &str, emulation: bool) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("url: {error}"))?;
    let is_allowed = parsed.scheme() == "https" || (emulation && parsed.scheme() == "http");
    if !is_allowed {
        return Err("url: must begin with https://".into());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("url: must not hold a user name or a password".into());
    }
    if parsed.fragment().is_some() || url.len() > 1024 {
        return Err("url: must have at most 1024 characters and no fragment".into());
    }
    if let (Some(host), false) = (parsed.host_str(), emulation)
        && let Ok(address) = host.trim_matches(['[', ']']).parse()
        && !is_global(address)
    {
        return Err("url: a private or special address".into());
    }
    Ok(())
}

/// The deliveries of events, for the webhooks that want them.
pub(crate) async fn deliveries(
    records: &Records,
    task: &Task,
    events: &[Event],
    now: Millis,
) -> Result<Vec<Record>, Error> {
    let hooks = records.list(hooks_of(&task.sender)).await?;
    let mut made = Vec::new();
    for hook in hooks {
        let Ok(webhook) = serde_json::from_slice::<Webhook>(&hook.body) else {
            continue;
        };
        for event in events {
            let wanted = |word: &String| word == "*" || *word == event.word;
            if !webhook.events.iter().any(wanted) {
                continue;
            }
            let delivery = Delivery {
                webhook: hook.id.clone(),
                event: event.word.clone(),
                task: task.name.clone(),
                at: event.at,
                signer: event.signer,
                attempts: 0,
                status: None,
                error: None,
            };
            made.push(Record {
                kind: Kind::Delivery,
                id: random_hex(),
                owner: hook.id.clone(),
                state: Fate::Waiting.word().to_owned(),
                due: Some(now),
                created: now,
                version: 1,
                body: to_json(&delivery)?,
            });
        }
    }
    Ok(made)
}

/// The webhooks of a sender.
pub(crate) fn hooks_of(sender: &str) -> Filter {
    Filter {
        kind: Kind::Webhook,
        owner: sender.to_owned(),
        state: None,
        after: None,
        limit: MOST,
    }
}

/// Delivers until it is dropped.
pub(crate) async fn run(records: Records, emulation: bool) {
    let client = reqwest::Client::builder()
        .timeout(ANSWER)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("letsesign-host")
        .dns_resolver(Arc::new(PublicNames { emulation }))
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            warn!(%error, "no HTTP client: webhooks are not delivered");
            return;
        }
    };
    let mut look = tokio::time::interval(Duration::from_millis(500));
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        match records.due(Kind::Delivery, now(), 128).await {
            Ok(due) => {
                futures_util::stream::iter(due)
                    .for_each_concurrent(AT_A_TIME, |record| deliver(&records, &client, record))
                    .await;
            }
            Err(error) => warn!(%error, "cannot look for webhooks to deliver"),
        }
    }
}

async fn deliver(records: &Records, client: &reqwest::Client, record: Record) {
    if let Err(error) = try_deliver(records, client, record).await {
        warn!(%error, "a webhook's delivery cannot be stored; trying again");
    }
}

async fn try_deliver(
    records: &Records,
    client: &reqwest::Client,
    mut record: Record,
) -> Result<(), Error> {
    if record.state != Fate::Waiting.word() {
        records.remove(Kind::Delivery, &record.id).await?;
        return Ok(());
    }
    let (Ok(mut delivery), Some(hook)) = (
        serde_json::from_slice::<Delivery>(&record.body),
        records.get(Kind::Webhook, &record.owner).await?,
    ) else {
        // The webhook was removed.
        records.remove(Kind::Delivery, &record.id).await?;
        return Ok(());
    };
    let Ok(webhook) = serde_json::from_slice::<Webhook>(&hook.body) else {
        return Ok(());
    };
    delivery.attempts += 1;
    record.due = Some(now() + CLAIM);
    record.body = to_json(&delivery)?;
    if !records.update(&record).await? {
        return Ok(());
    }
    record.version += 1;
    let (status, error) = post(client, &webhook, &record.id, &delivery).await;
    delivery.status = status;
    delivery.error = error;
    let fate = if status.is_some_and(|status| (200..300).contains(&status)) {
        Fate::Delivered
    } else if delivery.attempts > PAUSES.len() {
        Fate::Failed
    } else {
        Fate::Waiting
    };
    let pause = PAUSES.get(delivery.attempts - 1).copied();
    record.due = Some(now() + pause.filter(|_| fate == Fate::Waiting).unwrap_or(KEPT));
    fate.word().clone_into(&mut record.state);
    record.body = to_json(&delivery)?;
    metrics::counter!("letsesign_host_webhooks_total", "fate" => fate.word()).increment(1);
    records.update(&record).await.map(drop)
}

/// The body that is sent.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    event: &'a str,
    task: &'a str,
    at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<u16>,
}

/// The header's value: HMAC-SHA-256 over the time and the body.
pub(crate) fn signature(secret: &str, seconds: i64, body: &str) -> String {
    // A key of any length is one for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{seconds}.{body}").as_bytes());
    let code = hex::encode(mac.finalize().into_bytes());
    format!("t={seconds},v1={code}")
}

async fn post(
    client: &reqwest::Client,
    webhook: &Webhook,
    id: &str,
    delivery: &Delivery,
) -> (Option<u16>, Option<String>) {
    let body = Body {
        id,
        event: &delivery.event,
        task: &delivery.task,
        at: delivery.at,
        signer: delivery.signer,
    };
    let Ok(body) = serde_json::to_string(&body) else {
        return (None, Some("it cannot be written".into()));
    };
    let sent = client
        .post(&webhook.url)
        .header("Content-Type", "application/json")
        .header(
            "Letsesign-Signature",
            signature(&webhook.secret, now() / 1000, &body),
        )
        .body(body)
        .send()
        .await;
    match sent {
        // The answer's body is not read.
        Ok(answer) => (Some(answer.status().as_u16()), None),
        Err(error) if error.is_timeout() => (None, Some("no answer in time".into())),
        Err(error) => {
            let text = match std::error::Error::source(&error) {
                Some(source) => source.to_string(),
                None => "the connection failed".into(),
            };
            (None, Some(text.chars().take(200).collect()))
        }
    }
}

/// Resolves names to public addresses alone, so that a name cannot lead into the operator's
/// network, whatever it led to when the webhook was made.
struct PublicNames {
    emulation: bool,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let emulation = self.emulation;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found
                .filter(|address| emulation || is_global(address.ip()))
                .collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
