//! TLS 1.2 and 1.3 by rustls with graviola: pure Rust and verified assembler, no C.

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Gives the time at which certificates must be valid. In an enclave that is the NSM's time, never
/// the host's.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Time since 1970 (UTC).
    fn now(&self) -> Duration;
}

#[derive(Debug)]
struct Time(Arc<dyn Clock>);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.now()))
    }
}

/// Why trust anchors cannot be used. An operator's mistake or ours, never a peer's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Not PEM (RFC 7468) with certificates, or a certificate that cannot be a trust anchor.
    #[error("{name}: certificate number {number} is unusable")]
    Anchor {
        /// Which anchors.
        name: String,
        /// Its number in the file, from 1.
        number: usize,
    },
    /// No trust anchors were given.
    #[error("{0} holds no certificate")]
    Empty(String),
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up")]
    Setup,
}

/// Why a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeError {
    /// The connection ended in the middle. A retry may succeed.
    Broken(io::ErrorKind),
    /// The peer or the host name is not acceptable, for this reason. The error is final.
    Refused(&'static str),
}

/// A client's side of TLS: TLS 1.2 and 1.3, trust in given anchors only, names always checked, no
/// revocation lists (they would come through the host). Cloning shares sessions, so that later
/// connections resume earlier ones.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}

/// Whether this processor can do it: graviola's assembler needs AVX2, ADX, BMI2 and AES, and the
/// process would abort without.
pub fn supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        [
            is_x86_feature_detected!("aes"),
            is_x86_feature_detected!("ssse3"),
            is_x86_feature_detected!("pclmulqdq"),
            is_x86_feature_detected!("bmi1"),
            is_x86_feature_detected!("bmi2"),
            is_x86_feature_detected!("adx"),
            is_x86_feature_detected!("avx2"),
        ]
        .iter()
        .all(|feature| *feature)
    }
    #[cfg(not(target_arch = "x86_64"))]
    true
}

impl Tls {
    /// Trusts the certificates of these PEM texts, each with a name for errors.
    ///
    /// # Errors
    /// [`TlsError`] when a text is unusable or holds nothing.
    pub fn new(anchors: &[(&str, &[u8])], clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for (name, pem) in anchors {
            let before = roots.len();
            for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
                let unusable = || TlsError::Anchor {
                    name: (*name).to_owned(),
                    number: index + 1,
                };
                let certificate = certificate.map_err(|_| unusable())?;
                roots.add(certificate).map_err(|_| unusable())?;
            }
            if roots.len() == before {
                return Err(TlsError::Empty((*name).to_owned()));
            }
        }
        let provider: Arc<CryptoProvider> = Arc::new(rustls_graviola::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|_| TlsError::Setup)?;
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock)))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|_| TlsError::Setup)?
            .with_webpki_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = Vec::new();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Makes TLS of a stream to this host. Callers bound the time.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub async fn connect<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| HandshakeError::Refused("the host's name is not a valid DNS name"))?;
        self.0
            .connect(name, stream)
            .await
            .map_err(|error| reason(&error))
    }
}

/// A fixed text for the log: rustls's own text may quote names from the peer's certificate.
fn reason(error: &io::Error) -> HandshakeError {
    let inner = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        return HandshakeError::Broken(error.kind());
    };
    HandshakeError::Refused(match inner {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::UnknownIssuer => "the certificate's issuer is not trusted",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name"
            }
            _ => "the certificate is not acceptable",
        },
        rustls::Error::AlertReceived(_) => "the peer refused",
        _ => "the peer's data are not acceptable TLS",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[derive(Debug)]
    struct Now;

    impl Clock for Now {
        fn now(&self) -> Duration {
            Duration::from_hours(500_000)
        }
    }

    /// The outcome of a handshake with a peer that takes the first bytes, says this and hangs up.
    async fn against(words: &[u8]) -> HandshakeError {
        let anchors = include_bytes!("../../../enclave/configs/amazon.pem");
        let tls = Tls::new(&[("anchors", anchors)], Arc::new(Now)).unwrap();
        let (near, mut far) = duplex(1 << 16);
        let peer = async {
            far.read_u8().await.unwrap();
            far.write_all(words).await.unwrap();
            drop(far);
        };
        let (outcome, ()) = tokio::join!(tls.connect("host.example", near), peer);
        outcome.err().unwrap()
    }

    #[tokio::test]
    async fn a_broken_connection_is_none_that_was_refused() {
        let end = HandshakeError::Broken(io::ErrorKind::UnexpectedEof);
        assert_eq!(against(b"").await, end);
        assert_eq!(against(&[0x16, 3, 3]).await, end);
        let garbage = against(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert_eq!(
            garbage,
            HandshakeError::Refused("the peer's data are not acceptable TLS")
        );
        // A fatal alert: handshake_failure (RFC 8446, section 6).
        let alert = against(&[0x15, 3, 3, 0, 2, 2, 40]).await;
        assert_eq!(alert, HandshakeError::Refused("the peer refused"));
    }
}
