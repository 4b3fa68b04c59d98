//! Names to addresses, by the system's configuration.

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The addresses of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// In the order of the answer.
    pub addresses: Vec<IpAddr>,
    /// The answer's time to live.
    pub ttl: Duration,
}

/// Why a name has no addresses. Without text of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// `/etc/resolv.conf` cannot be used.
    #[error("/etc/resolv.conf cannot be read, or names no server that can be used")]
    Configuration,
    /// The name does not exist or has no addresses.
    #[error("the name has no addresses")]
    NoAddresses,
    /// No server answered in time.
    #[error("no server answered in time")]
    TimedOut,
    /// The servers refuse, fail or answer with garbage.
    #[error("the servers failed")]
    Failed,
    /// All addresses are of networks that are refused.
    #[error("all addresses are private or special; list their networks in allow_addresses")]
    Refused,
}

impl DnsError {
    /// The value of the label `reason`.
    pub fn label(self) -> &'static str {
        match self {
            DnsError::Configuration => "configuration",
            DnsError::NoAddresses => "no_addresses",
            DnsError::TimedOut => "timed_out",
            DnsError::Failed => "failed",
            DnsError::Refused => "refused_addresses",
        }
    }
}

/// Resolves names.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Looks a name up anew, without a cache. The caller bounds the time.
    async fn lookup(&self, host: &str) -> Result<Answer, DnsError>;
}

/// The system's `/etc/hosts` and the servers of `/etc/resolv.conf`, which are read for each lookup:
/// a change, such as by DHCP, counts at once.
#[derive(Debug, Default)]
pub struct SystemResolver {
    servers: Option<ResolverConfig>,
}

impl SystemResolver {
    /// Other servers than those of `/etc/resolv.conf`.
    pub fn with_servers(servers: ResolverConfig) -> Self {
        Self {
            servers: Some(servers),
        }
    }

    fn resolver(&self) -> Result<TokioResolver, DnsError> {
        let provider = TokioRuntimeProvider::default();
        let (builder, mut options) = match &self.servers {
            None => {
                let builder =
                    TokioResolver::builder_tokio().map_err(|_| DnsError::Configuration)?;
                let options = ResolverOpts::default();
                (builder, options)
            }
            Some(servers) => (
                TokioResolver::builder_with_config(servers.clone(), provider),
                ResolverOpts::default(),
            ),
        };
        options.cache_size = 0;
        options.timeout = Duration::from_secs(2);
        options.attempts = 2;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // Makes answers harder to forge than the 16 bits of an identifier and a port do.
        options.case_randomization = true;
        let resolver = builder.with_options(options).build();
        resolver.map_err(|_| DnsError::Configuration)
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn lookup(&self, host: &str) -> Result<Answer, DnsError> {
        // With the last dot the search list of resolv.conf is not used: the name is whole.
        let name = format!("{}.", host.trim_end_matches('.'));
        let found = self.resolver()?.lookup_ip(name).await.map_err(|error| {
            use hickory_resolver::net::NetError;
            match error {
                NetError::Timeout => DnsError::TimedOut,
                error if error.is_no_records_found() => DnsError::NoAddresses,
                _ => DnsError::Failed,
            }
        })?;
        Ok(Answer {
            addresses: found.iter().collect(),
            ttl: found
                .valid_until()
                .saturating_duration_since(Instant::now()),
        })
    }
}
