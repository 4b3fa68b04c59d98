//! Certificates and configurations of TLS: one authority, a leaf for each service, and wrong ones.

use crate::fault::WrongCertificate;
use letsesign_test_authority::{Certificate, Extension, key, root};
use p384::pkcs8::EncodePrivateKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
/// Numbers of keys; those of attestation documents are 1 to 5.
const AUTHORITY: u8 = 101;
const OTHER_AUTHORITY: u8 = 102;
const LEAF: u8 = 103;

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

fn authority(number: u8) -> Certificate {
    Certificate {
        subject: format!("Test authority {number}"),
        issuer: format!("Test authority {number}"),
        from: now() - 30 * DAY,
        to: now() + 365 * DAY,
        key: number,
        signer: number,
        ..root()
    }
}

/// The certificate that clients trust, DER.
pub fn authority_der() -> &'static [u8] {
    static DER: OnceLock<Vec<u8>> = OnceLock::new();
    DER.get_or_init(|| authority(AUTHORITY).to_der())
}

fn leaf(name: &str, wrong: Option<WrongCertificate>) -> Vec<u8> {
    let signer = match wrong {
        Some(WrongCertificate::Authority) => OTHER_AUTHORITY,
        _ => AUTHORITY,
    };
    let name = match wrong {
        Some(WrongCertificate::Name) => "other.example",
        _ => name,
    };
    let (from, to) = match wrong {
        Some(WrongCertificate::Expired) => (now() - 20 * DAY, now() - DAY),
        Some(WrongCertificate::Future) => (now() + DAY, now() + 20 * DAY),
        // Longer than a request to sign is valid, so that tests can let one expire.
        _ => (now() - DAY, now() + 300 * DAY),
    };
    let short = |length: usize| u8::try_from(length).expect("a short name");
    // GeneralNames with one dNSName (RFC 5280, section 4.2.1.6).
    let mut names = vec![0x30, short(name.len() + 2), 0x82, short(name.len())];
    names.extend(name.as_bytes());
    // serverAuth.
    let usage = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
    let extension = |id, value: &[u8]| Extension {
        id,
        critical: false,
        value: value.to_vec(),
    };
    Certificate {
        subject: name.to_owned(),
        from,
        to,
        constraints: None,
        usage: Some(0x80),
        more: vec![extension(17, &names), extension(37, &usage)],
        key: LEAF,
        ..authority(signer)
    }
    .to_der()
}

fn config(name: &str, wrong: Option<WrongCertificate>) -> Arc<ServerConfig> {
    let private = key(LEAF).to_pkcs8_der().expect("a key");
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private.as_bytes().to_vec()));
    let mut config =
        ServerConfig::builder_with_provider(rustls_graviola::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions of the provider")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(leaf(name, wrong))], private)
            .expect("a certificate and its key");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// The configurations of one service.
pub(crate) struct Identity {
    right: Arc<ServerConfig>,
    name: String,
}

impl Identity {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            right: config(name, None),
            name: name.to_owned(),
        }
    }

    pub(crate) fn config(&self, wrong: Option<WrongCertificate>) -> Arc<ServerConfig> {
        match wrong {
            None => Arc::clone(&self.right),
            wrong => config(&self.name, wrong),
        }
    }
}

/// A client that trusts the testbed's authority and nothing else.
pub fn client() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority_der()))
        .expect("a certificate");
    let config = ClientConfig::builder_with_provider(rustls_graviola::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions of the provider")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// A certificate as PEM (RFC 7468).
pub fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
