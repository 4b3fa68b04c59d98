//! Mails sent by TCP and TLS to a server that shares no code with this project (aiosmtpd),
//! certificates made by openssl.

#![cfg(test)]

use bytes::Bytes;
use letsesign_mail::smtp::{Limits, Session, send};
use letsesign_mail::{Done, Locale, Mail, Origin, Person, SendError, Signers, Step, Task};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Debian's Python, because Debian packages aiosmtpd for it alone.
const PYTHON: &str = "/usr/bin/python3";

struct Server {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part of openssl's default configuration that the tests need. Some installations of openssl
/// lack the file.
const CONFIGURATION: &str = "[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always, issuer
";

fn openssl(directory: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A server, and a certificate authority beside it in `ca.pem`; `None` if something is not
/// installed.
fn server() -> Option<Server> {
    let has_module = Command::new(PYTHON)
        .args(["-c", "import aiosmtpd"])
        .output()
        .is_ok_and(|output| output.status.success());
    let has_openssl = Command::new("openssl").arg("version").output().is_ok();
    if !has_module || !has_openssl {
        letsesign_tests::skip("python3-aiosmtpd or openssl is not installed");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::write(path.join("openssl.cnf"), CONFIGURATION).unwrap();
    let new = [
        "req",
        "-config",
        "openssl.cnf",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ];
    for name in ["ca", "stranger"] {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = [
            "-subj",
            "/CN=test root",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        openssl(path, &[&new[..], &subject[..]].concat());
    }
    let leaf = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:smtp.example.com",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ];
    openssl(path, &[&new[..], &leaf[..]].concat());
    std::fs::create_dir(path.join("mails")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server.py");
    let mut child = Command::new(PYTHON)
        .arg(script)
        .args(["cert.pem", "key.pem", "mails"])
        .current_dir(path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let port = line.trim().parse().unwrap();
    Some(Server {
        child,
        port,
        directory,
    })
}

impl Server {
    async fn send(
        &self,
        root: &str,
        name: &str,
        password: &str,
        to: &str,
        message: &[u8],
    ) -> Result<(), SendError> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(self.directory.path().join(root)).unwrap();
        roots.add(root).unwrap();
        let config =
            ClientConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let session = Session {
            client: "mail.example.com",
            username: "user",
            password,
            limits: Limits::default(),
        };
        let tls = |stream| async move { connector.connect(name, stream).await };
        send(
            stream,
            tls,
            &session,
            "do-not-reply@mail.example.com",
            to,
            message,
        )
        .await
    }
}

fn mail() -> Mail {
    Done {
        task: Task {
            domain: "mail.example.com",
            task_id: "0123456789abcdef",
            file_name: "合約.pdf",
            locale: Locale::ZhTw,
        },
        signer: Person {
            name: "範例",
            address: "jane@example.com",
        },
        signers: Signers::One("jane@example.com"),
        protected: false,
        archive: Bytes::from(vec![0x2e; 1_400_000]),
    }
    .compose()
    .unwrap()
}

#[tokio::test]
async fn a_mail_reaches_a_real_server() {
    let Some(server) = server() else { return };
    let message = mail().to_mime(&Origin {
        time: 1_795_594_107,
        random: [1; 16],
    });
    let sent = server
        .send(
            "ca.pem",
            "smtp.example.com",
            "pässword",
            "jane@example.com",
            &message,
        )
        .await;
    assert_eq!(sent, Ok(()));
    let dotted = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n";
    let sent = server
        .send(
            "ca.pem",
            "smtp.example.com",
            "pässword",
            "joe@example.com",
            dotted,
        )
        .await;
    assert_eq!(sent, Ok(()));
    let mails = server.directory.path().join("mails");
    assert!(std::fs::read(mails.join("000.eml")).unwrap() == message);
    assert_eq!(std::fs::read(mails.join("001.eml")).unwrap(), dotted);
    let envelope: serde_json::Value =
        serde_json::from_slice(&std::fs::read(mails.join("000.json")).unwrap()).unwrap();
    assert_eq!(
        envelope,
        serde_json::json!([
            "do-not-reply@mail.example.com",
            ["jane@example.com"],
            true,
            true
        ])
    );
}

#[tokio::test]
async fn a_real_server_refuses() {
    let Some(server) = server() else { return };
    let message = b"a\r\n";
    for (root, name, password, to, error) in [
        (
            "ca.pem",
            "smtp.example.com",
            "wrong",
            "jane@example.com",
            SendError::Credentials,
        ),
        (
            "ca.pem",
            "smtp.example.com",
            "pässword",
            "nobody@example.com",
            SendError::Refused(Step::RcptTo, 550),
        ),
        (
            "ca.pem",
            "smtp.example.com",
            "pässword",
            "later@example.com",
            SendError::Temporary(Step::RcptTo, 451),
        ),
        // A certificate for another name, and one from an untrusted authority.
        (
            "ca.pem",
            "other.example.com",
            "pässword",
            "jane@example.com",
            SendError::Tls,
        ),
        (
            "stranger.pem",
            "smtp.example.com",
            "pässword",
            "jane@example.com",
            SendError::Tls,
        ),
    ] {
        let sent = server.send(root, name, password, to, message).await;
        assert_eq!(sent, Err(error), "{root} {name} {to}");
    }
    let mails = server.directory.path().join("mails");
    assert_eq!(std::fs::read_dir(mails).unwrap().count(), 0);
}
