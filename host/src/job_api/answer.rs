//! Answers: JSON with a `Content-Length`, small ones from memory and jobs as a stream.

use crate::queue::{Error, Offer};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body of known length. When the stream under it fails, the connection breaks: an answer that is
/// not whole must not look complete.
pub(super) struct Answer {
    parts: BoxStream<'static, Result<Bytes, Error>>,
    left: u64,
}

impl Answer {
    fn of(bytes: Bytes) -> Self {
        let left = bytes.len() as u64;
        let parts = stream::iter((left > 0).then_some(Ok(bytes))).boxed();
        Self { parts, left }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.parts).poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
            Poll::Ready(Some(Ok(bytes))) => {
                // `exactly` has checked the sum.
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An answer from memory.
pub(super) fn json(status: StatusCode, body: &Value) -> Response<Answer> {
    respond(status, Answer::of(Bytes::from(body.to_string())))
}

/// `{}`: no job, or thank you.
pub(super) fn empty() -> Response<Answer> {
    json(StatusCode::OK, &json!({}))
}

/// A refusal with its reason, which holds nothing of the request.
pub(super) fn refusal(status: StatusCode, reason: &str) -> Response<Answer> {
    json(status, &json!({"error": reason}))
}

/// A job out of the queue: `{"session": S, "jobName": N, "jobData": D}`, where D streams.
pub(super) fn job(offer: Offer) -> Response<Answer> {
    let head = format!(
        r#"{{"session":{},"jobName":{},"jobData":"#,
        Value::from(offer.session),
        Value::from(offer.name)
    );
    let left = (head.len() as u64)
        .saturating_add(offer.bytes)
        .saturating_add(1);
    let parts = stream::iter([Ok(Bytes::from(head))])
        .chain(exactly(offer.bytes, offer.payload))
        .chain(stream::iter([Ok(Bytes::from_static(b"}"))]))
        .boxed();
    respond(StatusCode::OK, Answer { parts, left })
}

/// The stream, with an error in the place of what is more or less than `bytes`.
fn exactly(
    bytes: u64,
    parts: BoxStream<'static, Result<Bytes, Error>>,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let wrong = || Error::Objects("a stored payload has another length than its row says".into());
    stream::unfold(Some((parts, bytes)), move |state| async move {
        let (mut parts, left) = state?;
        match parts.next().await {
            None if left == 0 => None,
            None => Some((Err(wrong()), None)),
            Some(Err(error)) => Some((Err(error), None)),
            Some(Ok(part)) => match left.checked_sub(part.len() as u64) {
                None => Some((Err(wrong()), None)),
                Some(left) => Some((Ok(part), Some((parts, left)))),
            },
        }
    })
}

fn respond(status: StatusCode, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
