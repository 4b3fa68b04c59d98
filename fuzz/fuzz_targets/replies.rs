//! Arbitrary bytes from an SMTP server: bounded replies or an error, however the stream is divided.
//! A whole conversation ends, and succeeds only if the server said so.
#![no_main]

use letsesign_mail::smtp::{LINE_MAX, LINES_MAX, Limits, Replies, Session, send};
use libfuzzer_sys::fuzz_target;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Sends one line for each read and ignores what it receives.
struct Server<'a>(std::slice::SplitInclusive<'a, u8, fn(&u8) -> bool>);

impl AsyncRead for Server<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(line) = self.0.next() {
            let end = line.len().min(buffer.remaining());
            buffer.put_slice(&line[..end]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn read(bytes: &[u8], size: usize) -> Result<Vec<u16>, &'static str> {
    let mut replies = Replies::default();
    let mut codes = Vec::new();
    for chunk in bytes.chunks(size) {
        replies.push(chunk);
        while let Some(reply) = replies.take()? {
            assert!((200..560).contains(&reply.code()));
            assert!(reply.lines().count() <= LINES_MAX);
            assert!(reply.lines().all(|line| line.len() < LINE_MAX));
            codes.push(reply.code());
        }
    }
    Ok(codes)
}

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(read(bytes, 1), read(bytes, 4096));
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return;
    };
    let is_end: fn(&u8) -> bool = |byte| *byte == b'\n';
    let session = Session {
        client: "example.com",
        username: "u",
        password: "p",
        limits: Limits { step: Duration::from_secs(5), whole: Duration::from_secs(5) },
    };
    let server = Server(bytes.split_inclusive(is_end));
    let tls = |stream| async { Ok::<_, io::Error>(stream) };
    let result = runtime.block_on(send(server, tls, &session, "a@b.co", "c@d.co", b"x\r\n"));
    if result.is_ok() {
        let codes = read(bytes, 4096).unwrap_or_default();
        assert!(codes.is_empty() || codes.contains(&354));
    }
});
