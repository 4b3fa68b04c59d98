//! HTTPS clients for the services of the egress map, each with its route, trust anchors and limits.

use crate::clock::Clock;
use crate::config::{Config, Service as Entry};
use anyhow::{Context, Result};
use letsesign_net::{Dialer, Https, Service, Tls};
use std::collections::BTreeMap;
use std::sync::Arc;

const KMS: (&str, u16) = ("kms.us-east-1.amazonaws.com", 443);
const SES: (&str, u16) = ("email-smtp.us-east-1.amazonaws.com", 587);
const SENDGRID: (&str, u16) = ("api.sendgrid.com", 443);
const TWILIO: (&str, u16) = ("verify.twilio.com", 443);

/// A client for each service that functions use.
pub(crate) struct ServiceClients {
    pub(crate) kms: Https,
    pub(crate) ses: Https,
    pub(crate) sendgrid: Https,
    pub(crate) twilio: Https,
}

/// Makes the clients. `extra` holds the trust anchors of a test, as PEM.
pub(crate) fn service_clients(
    config: &Config,
    dial: &dyn Fn(&Entry) -> Dialer,
    extra: Option<&[u8]>,
    clock: &Clock,
) -> Result<ServiceClients> {
    // Check this first: on an unsupported processor the TLS library aborts the process.
    anyhow::ensure!(
        letsesign_net::supported(),
        "this processor lacks instructions that TLS needs: AES, PCLMULQDQ, BMI1, BMI2, ADX and AVX2"
    );
    // Services with the same anchors share one `Tls`, and with it its sessions.
    let mut anchors = BTreeMap::new();
    for (name, pem) in &config.anchors {
        let mut texts = vec![(name.as_str(), pem.as_slice())];
        texts.extend(extra.map(|pem| ("the test's anchors", pem)));
        let tls = Tls::new(&texts, Arc::new(clock.clone()))?;
        anchors.insert(name.as_str(), tls);
    }
    let find = |(host, port): (&str, u16)| -> Result<Https> {
        let entry = config
            .egress
            .tls
            .iter()
            .find(|entry| entry.host == host && entry.port == port)
            .with_context(|| format!("egress.toml lacks {host}:{port}"))?;
        let tls = anchors
            .get(entry.anchors.as_str())
            .with_context(|| format!("{} was not read", entry.anchors))?;
        let limits = &config.limits;
        Ok(Https::new(Service {
            host: entry.host.clone(),
            dialer: dial(entry),
            tls: tls.clone(),
            limits: limits.steps(),
            handshake: limits.tls(),
            total: limits.service(),
            keep: limits.keep(),
            connections: limits.service_connections,
        }))
    };
    Ok(ServiceClients {
        kms: find(KMS)?,
        ses: find(SES)?,
        sendgrid: find(SENDGRID)?,
        twilio: find(TWILIO)?,
    })
}
