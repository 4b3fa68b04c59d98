//! Where the database is, and connections to it.

use super::{Postgres, STATEMENT};
use crate::queue::error::Error;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// See the module.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
}

/// The connection of a [`Client`], which has to be driven.
pub(super) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Server {
    /// Reads a URL. A server on another machine is spoken to with TLS, unless the URL says
    /// `sslmode=disable`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let mut config: Config = url.parse().map_err(|_| {
            Error::Setting(
                "the database's URL is not acceptable: postgres://USER@HOST:PORT/NAME".into(),
            )
        })?;
        let is_far = config.get_hosts().iter().any(|host| match host {
            Host::Tcp(name) => !matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            Host::Unix(_) => false,
        });
        if is_far && config.get_ssl_mode() == SslMode::Prefer {
            // "Prefer" would let whoever is in between choose.
            return Err(Error::Setting(
                "the database is on another machine: say sslmode=require, or sslmode=disable \
                 for a network that nobody else reads"
                    .into(),
            ));
        }
        config
            .application_name("letsesign-host")
            .connect_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(30));
        let mut roots = RootCertStore::empty();
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One that rustls does not read is one that nothing descends from.
            let _ = roots.add(certificate);
        }
        let provider = Arc::new(rustls_graviola::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Setting(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
        })
    }

    fn runtime() -> Result<Runtime, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.map_err(|error| Error::Setting(format!("no runtime: {error}")))
    }

    /// A connection with the settings that the queue relies on, not driven yet.
    pub(super) async fn dial(&self) -> Result<(Client, Driver), String> {
        let dial = self.config.connect(self.tls.clone());
        match tokio::time::timeout(STATEMENT, dial).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) => Err(super::describe(&error)),
            Err(_) => Err("no connection in time".into()),
        }
    }

    pub(crate) async fn client(&self) -> Result<Client, String> {
        let (client, driver) = self.dial().await?;
        // It ends with the client, and its errors reach whoever uses the client.
        tokio::spawn(driver);
        let set = "SET synchronous_commit = on; SET statement_timeout = '20s'; \
             SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; \
             SET default_transaction_isolation = 'read committed'";
        match tokio::time::timeout(STATEMENT, client.batch_execute(set)).await {
            Ok(Ok(())) => Ok(client),
            Ok(Err(error)) => Err(super::describe(&error)),
            Err(_) => Err("no answer in time".into()),
        }
    }

    pub(in crate::queue) fn connect(&self) -> Result<Postgres, Error> {
        let mut postgres = Postgres {
            server: self.clone(),
            runtime: Self::runtime()?,
            session: None,
            is_passing: false,
        };
        postgres.reconnect()?;
        Ok(postgres)
    }

    /// Brings the schema up to date; refuses a newer one, and a server that is not durable.
    pub(in crate::queue) fn migrate(&self) -> Result<(), Error> {
        let runtime = Self::runtime()?;
        runtime.block_on(async {
            let mut client = self.client().await.map_err(Error::Database)?;
            super::schema::migrate(&mut client).await
        })
    }

    pub(in crate::queue) fn listen(
        &self,
        shared: &Arc<crate::queue::writer::Shared>,
    ) -> Result<(), Error> {
        super::listen::start(self.clone(), Self::runtime()?, shared)
    }
}
