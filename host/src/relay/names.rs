//! The current addresses of one destination: resolved ahead of connections, again when their time
//! to live is over, and kept while DNS fails.

use super::address::is_allowed;
use super::dns::{Answer, DnsError, Resolve};
use super::options::NameOptions;
use futures_util::FutureExt;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Most addresses that are kept of an answer.
pub(super) const ADDRESSES: usize = 16;

/// The addresses of one host, kept up to date until it is dropped.
#[derive(Debug)]
pub(super) struct Names {
    current: watch::Receiver<Vec<IpAddr>>,
    task: JoinHandle<()>,
}

/// Everything about the name of one destination.
pub(super) struct NameSettings {
    /// The name.
    pub(super) host: String,
    /// For metrics: `host:port`.
    pub(super) label: String,
    pub(super) allowed: Vec<IpNet>,
    pub(super) options: NameOptions,
}

impl Names {
    pub(super) fn start(settings: NameSettings, resolver: Arc<dyn Resolve>) -> Self {
        let (sender, current) = watch::channel(Vec::new());
        Self {
            current,
            task: tokio::spawn(keep(settings, resolver, sender)),
        }
    }

    /// The current addresses. Before the first answer it waits for one; the caller bounds the time.
    pub(super) async fn addresses(&self) -> Vec<IpAddr> {
        let mut current = self.current.clone();
        match current.wait_for(|addresses| !addresses.is_empty()).await {
            Ok(addresses) => addresses.clone(),
            // The task is gone: the relay ends.
            Err(_) => Vec::new(),
        }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Resolves again and again, until nobody wants to know.
async fn keep(
    settings: NameSettings,
    resolver: Arc<dyn Resolve>,
    current: watch::Sender<Vec<IpAddr>>,
) {
    let (options, label) = (&settings.options, &settings.label);
    let mut pause = options.retry_first;
    let mut good = Instant::now();
    loop {
        let answer = lookup(&settings, &*resolver).await;
        let wait = match answer {
            Ok(answer) => {
                pause = options.retry_first;
                good = Instant::now();
                let ttl = answer.ttl.clamp(options.ttl_least, options.ttl_most);
                let before: BTreeSet<IpAddr> = current.borrow().iter().copied().collect();
                if before != answer.addresses.iter().copied().collect() {
                    let addresses = &answer.addresses;
                    tracing::info!(destination = label, ?addresses, ?ttl, "resolved");
                }
                // The order as well: servers rotate it to spread connections.
                current.send_replace(answer.addresses);
                ttl
            }
            Err(error) => {
                let kept = current.borrow().len();
                let age = good.elapsed();
                tracing::warn!(
                    destination = label, %error, kept, ?age, retry = ?pause, "cannot resolve"
                );
                metrics::counter!(
                    "letsesign_host_relay_dns_errors_total",
                    "destination" => label.clone(), "reason" => error.label()
                )
                .increment(1);
                let wait = pause;
                pause = (pause * 2).min(options.retry_most);
                wait
            }
        };
        // The age is that of the addresses in use, whether DNS fails or not.
        wait_with_age(wait, good, label).await;
    }
}

/// Waits, and shows the age of the addresses while it does.
async fn wait_with_age(wait: Duration, good: Instant, label: &str) {
    let until = Instant::now() + wait;
    let gauge = metrics::gauge!(
        "letsesign_host_relay_dns_age_seconds", "destination" => label.to_owned()
    );
    loop {
        gauge.set(good.elapsed().as_secs_f64());
        let now = Instant::now();
        if now >= until {
            return;
        }
        tokio::time::sleep((until - now).min(Duration::from_secs(5))).await;
    }
}

/// One lookup, with the addresses that may be used, those of IPv6 and IPv4 in turn (RFC 8305,
/// section 4).
async fn lookup(settings: &NameSettings, resolver: &dyn Resolve) -> Result<Answer, DnsError> {
    // A defect of a resolver must not end the relay.
    let lookup = AssertUnwindSafe(resolver.lookup(&settings.host)).catch_unwind();
    let answer = match tokio::time::timeout(settings.options.lookup, lookup).await {
        Ok(Ok(answer)) => answer?,
        Ok(Err(_panic)) => return Err(DnsError::Failed),
        Err(_) => return Err(DnsError::TimedOut),
    };
    if answer.addresses.is_empty() {
        return Err(DnsError::NoAddresses);
    }
    let mut usable: Vec<IpAddr> = Vec::new();
    for address in answer.addresses {
        if is_allowed(address, &settings.allowed) {
            usable.push(address);
        } else {
            tracing::warn!(
                destination = settings.label, %address,
                "DNS gives a private or special address; it is not used (allow_addresses)"
            );
        }
    }
    if usable.is_empty() {
        return Err(DnsError::Refused);
    }
    Ok(Answer {
        addresses: in_turn(usable),
        ttl: answer.ttl,
    })
}

/// Families in turn, IPv6 first, each in the order of the answer and each address once.
fn in_turn(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut seen = BTreeSet::new();
    let addresses = addresses
        .into_iter()
        .filter(|address| seen.insert(*address));
    let (six, four): (Vec<_>, Vec<_>) = addresses.partition(IpAddr::is_ipv6);
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut mixed = Vec::new();
    loop {
        let (a, b) = (six.next(), four.next());
        if a.is_none() && b.is_none() {
            break;
        }
        mixed.extend(a);
        mixed.extend(b);
    }
    mixed.truncate(ADDRESSES);
    mixed
}

#[cfg(test)]
mod tests;
