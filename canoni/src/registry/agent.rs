//! The HTTP client: its timeouts and whom it trusts.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long a connection, and each read and write, may take.
const TIMEOUT: Duration = Duration::from_mins(1);
/// A client that follows no redirects and leaves all statuses to the caller. `https` says that the
/// registry itself needs TLS, so certificate authorities must be there.
pub(super) fn agent(https: bool) -> Result<Agent> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(TIMEOUT))
        .timeout_per_read(Some(TIMEOUT))
        .timeout_per_write(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .user_agent(concat!("canoni/", env!("CARGO_PKG_VERSION")));
    // A redirect or token server may still want TLS where the registry does without.
    let found = rustls_native_certs::load_native_certs();
    if https && found.certs.is_empty() {
        let reason = "found no certificate authorities; install the system's (ca-certificates), or \
                      set SSL_CERT_FILE";
        return Err(Error::image("HTTPS", reason));
    }
    let roots = found
        .certs
        .iter()
        .map(|cert| Certificate::from_der(cert).to_owned());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots.collect())))
        .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()))
        .build();
    config = config.tls_config(tls);
    Ok(config.build().new_agent())
}
