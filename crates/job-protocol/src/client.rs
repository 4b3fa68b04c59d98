//! Fetching jobs and delivering results.

use crate::envelope::Envelope;
use crate::result::Delivery;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use letsesign_net::http::{self, Answer, Limits, Sender, Want};
use letsesign_net::{Backoff, Connect, HttpError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Time limits of the client, and the size limit of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Opening a connection.
    pub connect: Duration,
    /// From the request to the response's head.
    pub head: Duration,
    /// Between two pieces of the response.
    pub idle: Duration,
    /// One exchange altogether.
    pub exchange: Duration,
    /// Delivering one result, retries included.
    pub delivery: Duration,
    /// Telling the host that a job begins to have an effect, retries included.
    pub begin: Duration,
    /// Delay before the first retry; doubles up to `retry_most`.
    pub retry_first: Duration,
    /// Longest delay between retries.
    pub retry_most: Duration,
    /// Bytes of an answer with a job.
    pub body_bytes: usize,
}

impl Timing {
    fn limits(&self) -> Limits {
        Limits {
            connect: self.connect,
            head: self.head,
            idle: self.idle,
        }
    }
}

/// Why a job could not be fetched or a result not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The result was not taken in time.
    #[error("result not taken within {within:?} ({attempts} attempts; the last: {last})")]
    NotTaken {
        /// The time it had.
        within: Duration,
        /// Number of attempts.
        attempts: u32,
        /// Why the last attempt failed.
        last: HttpError,
    },
    /// The host did not acknowledge in time that the job begins.
    #[error("begin not answered within {within:?} ({attempts} attempts)")]
    NotBegun {
        /// The time it had.
        within: Duration,
        /// Number of attempts.
        attempts: u32,
    },
}

/// The host's answer to `begin-job`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It has noted it (any 2xx status).
    Noted,
    /// It does not know this call (status 404); the job goes on all the same.
    Unsupported,
}

/// A client of the host's job API. It keeps one connection open while the host does; each worker
/// has its own client.
#[derive(Debug)]
pub struct Client<C> {
    connect: C,
    timing: Timing,
    sender: Option<Sender>,
}

impl<C: Connect> Client<C> {
    /// Connects when it is first used.
    pub fn new(connect: C, timing: Timing) -> Self {
        Self {
            connect,
            timing,
            sender: None,
        }
    }

    /// Asks for a job, once.
    pub async fn get_job(&mut self) -> Result<Envelope, ClientError> {
        let request = request(Method::GET, "/api/get-job", Vec::new());
        let body = self
            .send(request, Want::Body(self.timing.body_bytes))
            .await?;
        Ok(Envelope::parse(body))
    }

    /// Notifies the host that a job is about to have its first effect: a mail or an SMS. Retries
    /// until the host answers with a 2xx status or 404, or the time limit has passed. A repeated
    /// notification does no harm.
    ///
    /// # Errors
    /// [`ClientError::NotBegun`]: the job must not have its effect.
    pub async fn begin(&mut self, session: &str) -> Result<Begun, ClientError> {
        let body = Bytes::from(crate::result::begin(session));
        let within = self.timing.begin;
        let deadline = Instant::now() + within;
        let mut backoff = Backoff::new(self.timing.retry_first, self.timing.retry_most);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let request = request(Method::POST, "/api/begin-job", body.clone());
            match timeout_at(deadline, self.send(request, Want::Receipt)).await {
                Ok(Ok(_)) => return Ok(Begun::Noted),
                Ok(Err(HttpError::Status(404))) => return Ok(Begun::Unsupported),
                Ok(Err(_)) | Err(_) => {}
            }
            let delay = backoff.delay();
            if Instant::now() + delay >= deadline {
                return Err(ClientError::NotBegun { within, attempts });
            }
            sleep(delay).await;
        }
    }

    /// Delivers a result: sends the same bytes until the host takes them (any 2xx status) or the
    /// time limit has passed.
    ///
    /// # Errors
    /// [`ClientError::NotTaken`].
    pub async fn put_result(&mut self, delivery: &Delivery) -> Result<(), ClientError> {
        let within = self.timing.delivery;
        let deadline = Instant::now() + within;
        let mut backoff = Backoff::new(self.timing.retry_first, self.timing.retry_most);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let request = request(Method::POST, "/api/put-job-result", delivery.body());
            let Err(last) = self.send(request, Want::Receipt).await else {
                return Ok(());
            };
            let delay = backoff.delay();
            if Instant::now() + delay >= deadline {
                return Err(ClientError::NotTaken {
                    within,
                    attempts,
                    last,
                });
            }
            sleep(delay).await;
        }
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        want: Want,
    ) -> Result<Vec<u8>, HttpError> {
        let total = self.timing.exchange;
        let limits = self.timing.limits();
        // Taken out while in use: if anything interrupts the exchange, a connection in an
        // unknown state is not kept.
        let kept = self.sender.take();
        let exchange = async {
            let mut usable = None;
            if let Some(mut sender) = kept
                && sender.ready().await.is_ok()
            {
                usable = Some(sender);
            }
            let mut sender = match usable {
                Some(sender) => sender,
                None => http::open(http::connect(&self.connect, &limits).await?).await?,
            };
            let body = http::exchange(&mut sender, request, &limits, want).await?;
            Ok((sender, body))
        };
        let result: Result<(Sender, Answer), HttpError> =
            timeout(total, exchange)
                .await
                .unwrap_or(Err(HttpError::Timeout {
                    step: "the exchange",
                    limit: total,
                }));
        let (sender, answer) = result?;
        if answer.whole {
            self.sender = Some(sender);
        }
        Ok(answer.body)
    }
}

fn request(method: Method, path: &'static str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let json = method == Method::POST;
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = method;
    *request.uri_mut() = hyper::Uri::from_static(path);
    let headers = request.headers_mut();
    // The Host header needs no name: the peer is an address. No Accept-Encoding: answers must not
    // be compressed.
    headers.insert(HOST, hyper::header::HeaderValue::from_static("localhost"));
    if json {
        headers.insert(
            CONTENT_TYPE,
            hyper::header::HeaderValue::from_static("application/json"),
        );
    }
    request
}
