//! The host's API (docs/service-api.md). Nothing of its answers is believed that is not verified
//! elsewhere; here they are bounded.

use crate::home::Settings;
use anyhow::{Context, Result, bail, ensure};
use letsesign_escape as escape;
use rustls_native_certs::load_native_certs;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::http::{Method, Request, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, SendBody};

/// A connection, and each piece of an exchange.
const PIECE: Duration = Duration::from_mins(1);
/// An exchange as a whole: 80 MiB on a slow line.
const WHOLE: Duration = Duration::from_mins(15);
/// The longest JSON answer.
const JSON: u64 = 64 << 20;
/// The longest result: a job's result has at most 80 MiB, in base64.
const RESULT: u64 = 80 << 20;
/// The most releases that a service runs at a time.
const RELEASES_MAX: usize = 64;
/// Attempts at what can be repeated, with pauses between them.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// The service refused, or is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It refused: status, code and reason of docs/service-api.md.
    #[error("the service refused ({status} {code}): {detail}")]
    Refused {
        /// Status of HTTP.
        status: u16,
        /// The word for programs.
        code: String,
        /// The reason, and the way out.
        detail: String,
    },
    /// It does not answer, or not in its format.
    #[error("{url}: {reason}")]
    Unusable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
}

impl ServiceError {
    /// Whether the service has certainly not done what was asked, and will not.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                (400..500).contains(status) && ![408, 425, 429].contains(status)
            }
            Self::Unusable { .. } => false,
        }
    }
}

/// The API, for one sender.
pub struct Service {
    agent: Agent,
    base: String,
    key: String,
    deadline: Option<Instant>,
}

impl Service {
    /// The service of the settings. `http` is for loopback alone.
    ///
    /// # Errors
    /// When the address is not one of a service.
    pub fn new(settings: &Settings) -> Result<Self> {
        let base = settings.service.trim_end_matches('/');
        let host = base
            .split_once("://")
            .map(|(_, host)| host)
            .unwrap_or_default();
        let local = host == "localhost"
            || host.starts_with("localhost:")
            || host.starts_with("127.0.0.1:")
            || host == "127.0.0.1";
        let is_https = base.starts_with("https://");
        if !(is_https || (local && base.starts_with("http://"))) {
            bail!("{base:?}: a service has an https address, such as https://sign.example.com");
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(WHOLE))
            .timeout_connect(Some(PIECE))
            .timeout_per_read(Some(PIECE))
            .timeout_per_write(Some(PIECE))
            .timeout_recv_response(Some(PIECE))
            .user_agent(concat!("letsesign/", env!("CARGO_PKG_VERSION")));
        if local {
            config = config.proxy(None);
        }
        let found = load_native_certs();
        if is_https && found.certs.is_empty() {
            bail!(
                "no certificate authorities; install the system's (ca-certificates), or set \
                 SSL_CERT_FILE"
            );
        }
        let roots = found.certs.iter();
        let roots = roots.map(|one| Certificate::from_der(one).to_owned());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots.collect())))
            .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()))
            .build();
        Ok(Self {
            agent: config.tls_config(tls).build().new_agent(),
            base: base.to_owned(),
            key: settings.api_key.clone(),
            deadline: None,
        })
    }

    /// The moment at which calls give up, whatever the service does.
    pub fn give_up_at(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// The service's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    fn unusable(&self, path: &str, reason: &impl ToString) -> ServiceError {
        ServiceError::Unusable {
            url: format!("{}{path}", self.base),
            reason: escape::line(&reason.to_string()),
        }
    }

    /// One exchange, which ends in time: status and body.
    fn once(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: &[u8],
        (most, end): (u64, Instant),
    ) -> Result<(StatusCode, Vec<u8>), ServiceError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.key))
            .header("Content-Type", kind)
            .body(SendBody::from_owned_reader(std::io::Cursor::new(
                body.to_vec(),
            )))
            .map_err(|error| self.unusable(path, &error))?;
        // Zero would mean without a limit.
        let left = end.saturating_duration_since(Instant::now());
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(left.max(Duration::from_millis(1))))
            .build();
        let mut answer = self
            .agent
            .run(request)
            .map_err(|error| self.unusable(path, &error))?;
        let status = answer.status();
        let bytes = answer.body_mut().with_config().limit(most).read_to_vec();
        let bytes = bytes.map_err(|error| self.unusable(path, &error))?;
        if status.is_success() {
            return Ok((status, bytes));
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = |name: &str, otherwise: &str| {
            let text = problem.get(name).and_then(Value::as_str);
            let text: String = text.unwrap_or(otherwise).chars().take(500).collect();
            // It becomes a part of our own errors, which may have several lines.
            escape::line(&text)
        };
        let otherwise = if status.is_redirection() {
            "it leads to another address, which gets neither your key nor your documents"
        } else {
            "it gives no reason"
        };
        Err(ServiceError::Refused {
            status: status.as_u16(),
            code: text("code", "unknown"),
            detail: text("detail", otherwise),
        })
    }

    /// The end of a call that begins now.
    fn end(&self) -> Instant {
        let end = Instant::now() + WHOLE;
        self.deadline.map_or(end, |deadline| deadline.min(end))
    }

    /// The same, again while the service is away: for calls that can be repeated.
    fn patient(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: &[u8],
        most: u64,
    ) -> Result<(StatusCode, Vec<u8>), ServiceError> {
        let end = self.end();
        for pause in PAUSES {
            let done = self.once(method, path, kind, body, (most, end));
            let is_away = matches!(
                done,
                Err(ServiceError::Unusable { .. } | ServiceError::Refused { status: 503, .. })
            );
            if !is_away || Instant::now() + pause >= end {
                return done;
            }
            std::thread::sleep(pause);
        }
        self.once(method, path, kind, body, (most, end))
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn get(&self, path: &str) -> Result<Value, ServiceError> {
        let (_, bytes) = self.patient(&Method::GET, path, "application/json", b"", JSON)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.unusable(path, &format!("its answer is not JSON: {error}")))
    }

    /// Sends JSON, again while the service is away: for calls that do the same when they are
    /// repeated.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn send(&self, method: &Method, path: &str, body: &Value) -> Result<Value, ServiceError> {
        let text = body.to_string().into_bytes();
        let (_, bytes) = self.patient(method, path, "application/json", &text, JSON)?;
        self.answer(path, &bytes)
    }

    /// Sends JSON once.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn send_once(
        &self,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, ServiceError> {
        let text = body.to_string().into_bytes();
        let (_, bytes) = self.once(method, path, "application/json", &text, (JSON, self.end()))?;
        self.answer(path, &bytes)
    }

    fn answer(&self, path: &str, bytes: &[u8]) -> Result<Value, ServiceError> {
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(bytes)
            .map_err(|error| self.unusable(path, &format!("its answer is not JSON: {error}")))
    }

    /// Puts bytes.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn put_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), ServiceError> {
        let kind = "application/octet-stream";
        let (status, _) = self.patient(&Method::PUT, path, kind, bytes, JSON)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        // A page of something in between, such as a login, has another one.
        Err(self.unusable(path, &format!("its status is {}, not 204", status.as_u16())))
    }

    /// Gets bytes.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ServiceError> {
        let (_, bytes) = self.patient(&Method::GET, path, "application/json", b"", RESULT)?;
        Ok(bytes)
    }

    /// PCR0s of the releases that run there.
    ///
    /// # Errors
    /// [`ServiceError`], or an answer in another form.
    pub fn releases(&self) -> Result<Vec<String>> {
        let account = self.get("/api/v2/account")?;
        let releases = account.get("releases").and_then(Value::as_array);
        let releases = releases.context("the service names no releases")?;
        let pcr0 = |release: &Value| {
            let pcr0 = release.get("pcr0").and_then(Value::as_str);
            let pcr0 = pcr0.unwrap_or_default();
            let is_one = pcr0.len() == 96 && pcr0.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(is_one, "the service names a release without its PCR0");
            Ok(pcr0.to_owned())
        };
        ensure!(
            releases.len() <= RELEASES_MAX,
            "the service names {} releases",
            releases.len()
        );
        releases.iter().map(pcr0).collect()
    }
}
