//! The service API (docs/service-api.md): what senders and the pages of signers speak to.
//!
//! `records` keeps, `engine` drives tasks over the queue, `accounts` knows senders and their
//! keys, `webhooks` tells them, and `http` is the interface to all of it.

mod access;
mod accounts;
mod engine;
mod http;
mod records;
mod webhooks;

pub use http::openapi;

use crate::config;
use crate::queue::{self, Queue};
use access::Access;
use engine::Engine;
use http::rate::Rates;
use records::{Kind, Records};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The service of a host. Clones are the same one.
#[derive(Clone)]
pub struct Service {
    pub(crate) engine: Engine,
    pub(crate) settings: Arc<Settings>,
    pub(crate) rates: Arc<Rates>,
}

/// How the service is set up.
pub(crate) struct Settings {
    pub(crate) config: config::Service,
    /// Whether nothing protects anything: private webhooks are allowed then.
    pub(crate) emulation: bool,
    /// PCR0s of the releases that run here.
    pub(crate) releases: Box<dyn Fn() -> Vec<String> + Send + Sync>,
}

impl Service {
    /// Opens the service beside a queue.
    ///
    /// `keep`: how long ended tasks are kept.
    ///
    /// # Errors
    /// When its database cannot be used.
    pub async fn open(
        config: config::Service,
        engine: &queue::Engine,
        queue: Queue,
        keep: Duration,
        emulation: bool,
        releases: impl Fn() -> Vec<String> + Send + Sync + 'static,
    ) -> Result<Self, queue::Error> {
        // reqwest takes the process's provider. Whoever has set one already has chosen it.
        let _ = rustls_graviola::default_provider().install_default();
        let records = Records::open(engine, queue.keys()).await?;
        let access = Access::new(&config.aws)?;
        Ok(Self {
            engine: Engine::new(records, queue, access, keep),
            rates: Arc::new(Rates::new(config.rate)),
            settings: Arc::new(Settings {
                config,
                emulation,
                releases: Box::new(releases),
            }),
        })
    }

    /// Serves until it is dropped.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let engine = tokio::spawn(self.engine.clone().run());
        let deliveries = tokio::spawn(webhooks::run(
            self.engine.records().clone(),
            self.settings.emulation,
        ));
        let upkeep = tokio::spawn(upkeep(self.engine.records().clone()));
        let _ends = (Ends(engine), Ends(deliveries), Ends(upkeep));
        http::serve(listener, self).await
    }

    /// Makes an account without DNS, for the operator, and a key of all scopes. An account that is
    /// there gets another key.
    ///
    /// # Errors
    /// When the domain is not one, or the database does not answer.
    pub async fn add_account(&self, domain: &str) -> Result<String, String> {
        accounts::add(self.engine.records(), domain).await
    }
}

/// Removes registrations that are over, until it is dropped.
async fn upkeep(records: Records) {
    loop {
        let due = records.due(Kind::Registration, now(), 1000).await;
        for record in due.unwrap_or_default() {
            if let Err(error) = records.remove(Kind::Registration, &record.id).await {
                tracing::warn!(%error, "cannot remove what is over; trying again");
            }
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
}

/// A task that ends with its owner.
struct Ends(tokio::task::JoinHandle<()>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> queue::Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        queue::Millis::try_from(since.as_millis()).unwrap_or(queue::Millis::MAX)
    })
}

/// 32 random bytes in base64url.
pub(crate) fn random_text() -> String {
    use base64::Engine as _;
    let mut bytes = [0u8; 32];
    queue::fill(&mut bytes);
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
