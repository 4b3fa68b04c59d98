//! The message: checked, dot-stuffed and ended (RFC 5321, sections 4.1.1.4 and 4.5.2).

use super::Wire;
use crate::error::{SendError, Step};
use memchr::memchr_iter;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout_at;

/// Octets written at a time: each piece has its own time limit.
const PIECE: usize = 64 << 10;
/// Octets of a line without CRLF (RFC 5322, section 2.1.1).
const LINE: usize = 998;

/// Whether a message can be sent as it is. A bare CR or LF is not only ugly: servers disagree on
/// what ends the message then ("SMTP smuggling").
pub(super) fn check(message: &[u8]) -> Result<(), SendError> {
    if !message.is_ascii() {
        return Err(SendError::Message("octets that are not ASCII"));
    }
    let mut start = 0;
    for end in memchr_iter(b'\n', message) {
        let line = message.get(start..end).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\r") else {
            return Err(SendError::Message("a bare LF"));
        };
        if line.len() > LINE {
            return Err(SendError::Message("a line of more than 998 octets"));
        }
        if memchr::memchr2(b'\r', 0, line).is_some() {
            return Err(SendError::Message("a bare CR or a NUL"));
        }
        start = end + 1;
    }
    if start != message.len() || message.is_empty() {
        return Err(SendError::Message("a last line without CRLF"));
    }
    Ok(())
}

/// The pieces of a message with a dot doubled at the start of a line. Nothing is copied: a dot is
/// simply sent twice.
fn stuffed(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let first = message.starts_with(b".").then_some(0);
    let dots = first
        .into_iter()
        .chain(memmem::find_iter(message, b"\n.").map(|at| at + 1));
    let mut start = 0;
    let cuts: Vec<usize> = dots.collect();
    cuts.into_iter()
        .map(|dot| dot + 1)
        .chain(std::iter::once(message.len()))
        .map(move |end| {
            // The next piece starts with the dot this one ends with.
            let piece = message.get(start..end).unwrap_or_default();
            start = end.saturating_sub(1);
            piece
        })
}

/// Sends all but the final dot. An error here means that the server does not have the mail.
pub(super) async fn body<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    message: &[u8],
) -> Result<(), SendError> {
    for piece in stuffed(message).flat_map(|piece| piece.chunks(PIECE)) {
        let deadline = wire.deadline();
        match timeout_at(deadline, wire.stream.write_all(piece)).await {
            Ok(result) => result.map_err(|error| SendError::Io(Step::Data, error.kind()))?,
            Err(_) => return Err(SendError::Timeout(Step::Data)),
        }
    }
    Ok(())
}

/// Sends the final dot and waits for the answer, as long as the whole may take: a server that has
/// the mail decides now, and giving up early would leave it open. Without a definite answer the
/// mail may be on its way.
pub(super) async fn end<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
) -> Result<(), SendError> {
    wire.expect_silence(Step::Data)?;
    let deadline = wire.whole;
    let sent = wire.write_until(deadline, Step::Final, b".\r\n").await;
    if sent.is_err() {
        return Err(SendError::Uncertain);
    }
    let Ok(reply) = wire.reply_until(deadline, Step::Final).await else {
        return Err(SendError::Uncertain);
    };
    match reply.expect(Step::Final, 250) {
        Err(SendError::Protocol(..)) => Err(SendError::Uncertain),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_checked() {
        assert!(check(b"a\r\n").is_ok());
        assert!(check(b".\r\n\r\n").is_ok());
        assert!(check(&[&*b"x".repeat(998), b"\r\n"].concat()).is_ok());
        for message in [
            &b""[..],
            b"a",
            b"a\n",
            b"a\r\n.\n",
            b"a\rb\r\n",
            b"a\r",
            b"a\r\nb",
            b"\xc3\xa9\r\n",
            b"a\0\r\n",
            &[&*b"x".repeat(999), b"\r\n"].concat(),
        ] {
            assert!(check(message).is_err(), "{message:?}");
        }
    }

    proptest! {
        /// A server that takes away one dot of a line's start (RFC 5321, section 4.5.2) has the
        /// message, and finds its end only at the end.
        #[test]
        fn stuffing_is_undone_by_the_rule(lines in proptest::collection::vec("[.a\\n]{0,1}[.a]{0,3}", 1..20)) {
            let message = lines.iter().fold(String::new(), |text, line| text + &line.replace('\n', "") + "\r\n");
            let wire: Vec<u8> = stuffed(message.as_bytes()).flatten().copied().collect();
            let wire = String::from_utf8(wire).unwrap();
            let mut back = String::new();
            for line in wire.split_terminator("\r\n") {
                prop_assert_ne!(line, ".");
                back += line.strip_prefix('.').unwrap_or(line);
                back += "\r\n";
            }
            prop_assert_eq!(back, message);
        }
    }
}
