//! One HTTP/1.1 exchange with a peer that may lie about everything.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Most header lines and header bytes of a response.
const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Why an exchange failed. The text holds nothing that the peer sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    /// No TLS: the peer is not who it should be, or does not speak it.
    #[error("no TLS: {0}")]
    Tls(&'static str),
    /// A step took too long.
    #[error("{step} took longer than {limit:?}")]
    Timeout {
        /// The step.
        step: &'static str,
        /// Its limit.
        limit: Duration,
    },
    /// A connection that was kept from an earlier exchange was closed before the request went out.
    #[error("the connection was closed before the request was sent")]
    Unsent,
    /// The response is not HTTP, or ended too early.
    #[error("malformed or incomplete response{0}")]
    Protocol(&'static str),
    /// A request that cannot be written: a character that no header or path may have.
    #[error("the request cannot be written")]
    Request,
    /// Another status than 200.
    #[error("response has status {0}")]
    Status(u16),
    /// A body that ends with the connection, so its completeness cannot be checked.
    #[error("response has neither Content-Length nor chunks, so it may be cut short")]
    Unbounded,
    /// A compressed body, which was not asked for.
    #[error("response is compressed, which was not asked for")]
    Encoded,
    /// More than the limit, by what it says or by what came.
    #[error("response is larger than {0} bytes")]
    TooLarge(usize),
}

/// Limits of the steps of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Opening a connection, TLS not counted.
    pub connect: Duration,
    /// From the request to the response's head.
    pub head: Duration,
    /// Between two pieces of the response.
    pub idle: Duration,
}

/// The step that opens a connection.
const CONNECTING: &str = "connecting";

impl HttpError {
    /// Whether the peer may have got the request, so that sending it again could do the same thing
    /// twice.
    pub fn may_have_arrived(&self) -> bool {
        !matches!(
            self,
            Self::Connect(_)
                | Self::Tls(_)
                | Self::Unsent
                | Self::Request
                | Self::Timeout {
                    step: CONNECTING,
                    ..
                }
        )
    }

    pub(crate) fn of(error: &hyper::Error) -> Self {
        if error.is_canceled() {
            return Self::Unsent;
        }
        Self::Protocol(if error.is_incomplete_message() {
            ": the connection ended in the middle of it"
        } else if error.is_parse() {
            ": it is not HTTP/1.1"
        } else {
            ""
        })
    }
}

/// A connection that may be used again.
pub type Sender = SendRequest<Full<Bytes>>;

/// A stream to the peer.
pub async fn connect<C: crate::Connect>(
    connect: &C,
    limits: &Limits,
) -> Result<C::Stream, HttpError> {
    bounded(CONNECTING, limits.connect, connect.connect())
        .await?
        .map_err(HttpError::Connect)
}

/// Prepares a stream for exchanges.
pub async fn open<S>(stream: S) -> Result<Sender, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| HttpError::of(&error))?;
    // Ends with the connection: when the sender is dropped or the peer hangs up. Errors reach the
    // sender.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// Requirements on a response.
#[derive(Debug, Clone, Copy)]
pub enum Want {
    /// A 200 with a whole body of at most so many bytes.
    Body(usize),
    /// Any status, and its whole body of at most so many bytes.
    Any(usize),
    /// Any 2xx; the body is ignored.
    Receipt,
    /// Any status; its body is not even waited for.
    Status,
}

/// A response that is what was wanted.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, as far as it was wanted.
    pub body: Vec<u8>,
    /// The body was read to its end, so the connection can carry another exchange.
    pub whole: bool,
}

/// Bytes that are made room for before they have come.
const ROOM: u64 = 4 << 20;

/// Bytes of a receipt's body that are read to keep its connection.
const RECEIPT_MAX: usize = 64 << 10;

/// Sends a request and checks the response.
pub async fn exchange(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
    limits: &Limits,
    want: Want,
) -> Result<Answer, HttpError> {
    let response = bounded(
        "waiting for the response's head",
        limits.head,
        sender.send_request(request),
    )
    .await?
    .map_err(|error| HttpError::of(&error))?;
    let status = response.status();
    match want {
        // Redirects are not followed: they are another status like any other.
        Want::Body(_) if status != StatusCode::OK => Err(HttpError::Status(status.as_u16())),
        Want::Any(_) if status == StatusCode::NO_CONTENT => Ok(Answer {
            status: status.as_u16(),
            body: Vec::new(),
            whole: true,
        }),
        Want::Body(limit) | Want::Any(limit) => Ok(Answer {
            status: status.as_u16(),
            body: read(response, limits, limit).await?,
            whole: true,
        }),
        Want::Status => Ok(Answer {
            status: status.as_u16(),
            body: Vec::new(),
            whole: response.body().is_end_stream(),
        }),
        Want::Receipt if !status.is_success() => Err(HttpError::Status(status.as_u16())),
        // The head says that it was taken; a body that does not come costs the connection, not a
        // second delivery.
        Want::Receipt => {
            let whole = status != StatusCode::NO_CONTENT
                && read(response, limits, RECEIPT_MAX).await.is_ok();
            Ok(Answer {
                status: status.as_u16(),
                body: Vec::new(),
                whole,
            })
        }
    }
}

async fn read(
    response: Response<Incoming>,
    limits: &Limits,
    limit: usize,
) -> Result<Vec<u8>, HttpError> {
    check(response.headers(), limit)?;
    // As much as is announced, but a peer that announces much must send much before it costs much.
    let room = content_length(response.headers()).unwrap_or(0).min(ROOM);
    let mut body = response.into_body();
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
    loop {
        let frame = bounded(
            "waiting for more of the response",
            limits.idle,
            body.frame(),
        )
        .await?;
        let Some(frame) = frame else { return Ok(bytes) };
        let frame = frame.map_err(|error| HttpError::of(&error))?;
        if let Ok(data) = frame.into_data() {
            if data.len() > limit.saturating_sub(bytes.len()) {
                return Err(HttpError::TooLarge(limit));
            }
            grow(&mut bytes, data.len(), limit);
            bytes.extend_from_slice(&data);
        }
    }
}

/// Makes room: twice as much as before, but not more than may come.
fn grow(bytes: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = bytes.len().saturating_add(more);
    if needed > bytes.capacity() {
        let room = bytes.capacity().saturating_mul(2).min(limit).max(needed);
        bytes.reserve_exact(room - bytes.len());
    }
}

fn check(headers: &HeaderMap, limit: usize) -> Result<(), HttpError> {
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(HttpError::Encoded);
    }
    let length = content_length(headers);
    if length.is_some_and(|length| length > limit as u64) {
        return Err(HttpError::TooLarge(limit));
    }
    if length.is_none() && !headers.contains_key(TRANSFER_ENCODING) {
        return Err(HttpError::Unbounded);
    }
    Ok(())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    // hyper has refused lengths that are not numbers or contradict each other.
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn bounded<T>(
    step: &'static str,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, HttpError> {
    timeout(limit, future)
        .await
        .map_err(|_| HttpError::Timeout { step, limit })
}
