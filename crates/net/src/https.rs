//! HTTPS to one service, with connections that are kept.

use crate::connect::{Dialer, Stream};
use crate::http::{self, Answer, HttpError, Limits, Sender, Want};
use crate::tls::{HandshakeError, Tls};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Method, Uri};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

/// A service: its name, route, trust anchors and time limits.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Opens connections to the service.
    pub dialer: Dialer,
    /// TLS with the service's trust anchors.
    pub tls: Tls,
    /// Limits of the steps.
    pub limits: Limits,
    /// The TLS handshake.
    pub handshake: Duration,
    /// One exchange altogether, waiting for a free connection included.
    pub total: Duration,
    /// How long a connection is kept without use. Shorter than what services allow, so that they
    /// seldom close first.
    pub keep: Duration,
    /// Most concurrent connections.
    pub connections: usize,
}

/// A request. Its headers are ours; `host`, which is always the service's, and `content-length` are
/// added.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// Path and query, already escaped.
    pub path: String,
    /// Headers: name and value.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// The request is idempotent, so it may be sent again when a kept connection turns out to be
    /// closed.
    pub idempotent: bool,
}

/// A client. It is shared by all jobs.
#[derive(Debug)]
pub struct Https {
    service: Service,
    kept: Mutex<Vec<(Sender, Instant)>>,
    turns: Semaphore,
}

impl Https {
    /// Connects when it is first used.
    pub fn new(service: Service) -> Self {
        Self {
            turns: Semaphore::new(service.connections),
            service,
            kept: Mutex::new(Vec::new()),
        }
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Sends a request and reads any answer, up to `most` bytes of body.
    ///
    /// # Errors
    /// [`HttpError`]; [`HttpError::may_have_arrived`] says whether the service may have acted on
    /// it.
    pub async fn send(&self, request: &Request, most: usize) -> Result<Answer, HttpError> {
        self.bounded(request, Want::Any(most)).await
    }

    /// Sends a request and gives the answer's status as soon as it is there: whatever becomes of
    /// the body, the service has decided.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn status(&self, request: &Request) -> Result<u16, HttpError> {
        Ok(self.bounded(request, Want::Status).await?.status)
    }

    async fn bounded(&self, request: &Request, want: Want) -> Result<Answer, HttpError> {
        let total = self.service.total;
        let turn = async {
            // Never closed, so never an error.
            let _turn = self.turns.acquire().await.map_err(|_| HttpError::Unsent)?;
            self.exchange(request, want).await
        };
        timeout(total, turn)
            .await
            .unwrap_or(Err(HttpError::Timeout {
                step: "the exchange",
                limit: total,
            }))
    }

    async fn exchange(&self, request: &Request, want: Want) -> Result<Answer, HttpError> {
        while let Some(mut sender) = self.take() {
            if sender.ready().await.is_err() {
                continue;
            }
            match self.once(sender, request, want).await {
                // The service closed an idle connection: that does not count as a failure.
                Err(HttpError::Unsent) => {}
                Err(HttpError::Protocol(_)) if request.idempotent => break,
                other => return other,
            }
        }
        let stream = self.connect().await?;
        let sender = http::open(stream).await?;
        self.once(sender, request, want).await
    }

    async fn once(
        &self,
        mut sender: Sender,
        request: &Request,
        want: Want,
    ) -> Result<Answer, HttpError> {
        let built = build(&self.service.host, request)?;
        let answer = http::exchange(&mut sender, built, &self.service.limits, want).await?;
        if answer.whole && !sender.is_closed() {
            self.keep(sender);
        }
        Ok(answer)
    }

    /// Closes idle connections. Every request does so too; call this periodically, because a kept
    /// connection holds the head of its last request, secrets included, in memory.
    pub fn close_idle(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_stale(&mut kept);
    }

    fn drop_stale(&self, kept: &mut Vec<(Sender, Instant)>) {
        kept.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < self.service.keep);
    }

    /// A new connection with TLS on it.
    pub async fn connect(&self) -> Result<TlsStream<Box<dyn Stream>>, HttpError> {
        let service = &self.service;
        let stream = http::connect(&service.dialer, &service.limits).await?;
        timeout(
            service.handshake,
            service.tls.connect(&service.host, stream),
        )
        .await
        .unwrap_or(Err(HandshakeError::Refused("the handshake took too long")))
        .map_err(|error| match error {
            HandshakeError::Broken(kind) => HttpError::Connect(kind.into()),
            HandshakeError::Refused(reason) => HttpError::Tls(reason),
        })
    }

    fn take(&self) -> Option<Sender> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_stale(&mut kept);
        // The one used last is the least likely to be closed.
        kept.pop().map(|(sender, _)| sender)
    }

    fn keep(&self, sender: Sender) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((sender, Instant::now()));
    }
}

fn build(host: &str, request: &Request) -> Result<hyper::Request<Full<Bytes>>, HttpError> {
    const UNUSABLE: HttpError = HttpError::Request;
    let mut built = hyper::Request::new(Full::new(request.body.clone()));
    *built.method_mut() = Method::from_bytes(request.method.as_bytes()).map_err(|_| UNUSABLE)?;
    *built.uri_mut() = request.path.parse::<Uri>().map_err(|_| UNUSABLE)?;
    let headers = built.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| UNUSABLE)?);
    for (name, value) in &request.headers {
        // Set above already; a caller that signs its request lists it too.
        if *name == "host" {
            continue;
        }
        // Values may be secrets (authorization): hyper must not show them.
        let mut value = HeaderValue::from_str(value).map_err(|_| UNUSABLE)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(built)
}
