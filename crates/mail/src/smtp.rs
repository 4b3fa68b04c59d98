//! SMTP submission (RFC 5321, 3207, 4954, 6409) over any stream.
//!
//! The client is our own because the stream is vsock and TLS is the server's: libraries for mail
//! bring sockets, resolvers and TLS of their own. It does what sending one mail needs:
//!
//! * STARTTLS is required. A server that does not offer it, refuses it, or sends anything in clear
//!   after agreeing to it gets nothing from us: neither credentials nor mail.
//! * AUTH PLAIN, else LOGIN, after TLS alone.
//! * Replies are bounded (lines of [`LINE_MAX`] octets, [`LINES_MAX`] lines) and malformed ones are
//!   errors; each step and the whole have time limits, which a server that trickles cannot stretch.
//! * After the final dot only a definite answer counts; without one the error is
//!   [`SendError::Uncertain`], and the mail is not sent again.
//!
//! Mails of this crate are ASCII ([`crate::Mail::to_mime`], [`crate::is_address`]), so neither
//! 8BITMIME nor SMTPUTF8 is needed; other messages are refused.

mod auth;
mod data;
mod reply;

pub use reply::{LINE_MAX, LINES_MAX, Replies, Reply};

use crate::address::{is_address, is_domain};
use crate::error::{SendError, Step};
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// The client's identity, credentials and time limits.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// Our name in EHLO: a domain ([`is_domain`]), such as the one mails come from.
    pub client: &'a str,
    /// SMTP user name.
    pub username: &'a str,
    /// SMTP password.
    pub password: &'a str,
    /// Time limits.
    pub limits: Limits,
}

/// Time limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a command and its whole answer, for the TLS handshake, and for each 64 KiB of a message.
    pub step: Duration,
    /// For everything, from the greeting to the answer after the final dot.
    pub whole: Duration,
}

impl Default for Limits {
    /// 10 s and 60 s.
    fn default() -> Self {
        Self {
            step: Duration::from_secs(10),
            whole: Duration::from_mins(1),
        }
    }
}

/// Time limit of QUIT. Short, because its answer changes nothing.
const QUIT: Duration = Duration::from_secs(1);

/// Sends one message over a connected `stream` and ends the session.
///
/// `tls` makes TLS out of the plain stream, and checks the server's certificate. An error of kind
/// `InvalidData`, `InvalidInput` or `Other` from it is [`SendError::Tls`] (rustls reports alerts
/// and certificates so), another one [`SendError::Io`].
pub async fn send<S, T, U, F>(
    stream: S,
    tls: U,
    session: &Session<'_>,
    from: &str,
    to: &str,
    message: &[u8],
) -> Result<(), SendError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
    U: FnOnce(S) -> F,
    F: Future<Output = io::Result<T>>,
{
    data::check(message)?;
    let mut connection = Connection::open(stream, tls, session).await?;
    connection.send(from, to, message).await?;
    connection.quit().await;
    Ok(())
}

/// The extensions that the server offers in its answer to EHLO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Offer {
    starttls: bool,
    plain: bool,
    login: bool,
    /// SIZE (RFC 1870) is offered; 0 means unlimited.
    size: Option<u64>,
}

impl Offer {
    fn read(reply: &Reply) -> Self {
        let mut offer = Self::default();
        // The first line greets.
        for line in reply.lines().skip(1) {
            let mut words = line.split(|&byte| byte == b' ');
            let keyword = words.next().unwrap_or_default();
            if keyword.eq_ignore_ascii_case(b"STARTTLS") {
                offer.starttls = true;
            } else if keyword.eq_ignore_ascii_case(b"AUTH") {
                for mechanism in words {
                    offer.plain |= mechanism.eq_ignore_ascii_case(b"PLAIN");
                    offer.login |= mechanism.eq_ignore_ascii_case(b"LOGIN");
                }
            } else if keyword.eq_ignore_ascii_case(b"SIZE") {
                let limit = words
                    .next()
                    .and_then(|word| std::str::from_utf8(word).ok())
                    .and_then(|word| word.parse().ok());
                offer.size = Some(limit.unwrap_or(0));
            }
        }
        offer
    }
}

/// A session inside TLS, authenticated: for one mail after the other.
pub struct Connection<T> {
    wire: Wire<T>,
    offer: Offer,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// Greeting, EHLO, STARTTLS, EHLO, AUTH. `session.limits.whole` counts from here.
    pub async fn open<S, U, F>(stream: S, tls: U, session: &Session<'_>) -> Result<Self, SendError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        U: FnOnce(S) -> F,
        F: Future<Output = io::Result<T>>,
    {
        if !is_domain(session.client) {
            return Err(SendError::Message("our name for EHLO"));
        }
        let hello = format!("EHLO {}\r\n", session.client);
        let mut plain = Wire::new(stream, session.limits);
        let greeting = plain.reply(Step::Greeting).await?;
        greeting.expect(Step::Greeting, 220)?;
        let offer = plain.hello(&hello).await?;
        if !offer.starttls {
            return Err(SendError::Tls);
        }
        let reply = plain.command(Step::StartTls, b"STARTTLS\r\n").await?;
        match reply.code() {
            220 => {}
            // "TLS not available due to temporary reason" (RFC 3207).
            400..=499 => return Err(SendError::Temporary(Step::StartTls, reply.code())),
            _ => return Err(SendError::Tls),
        }
        let mut wire = plain.upgrade(tls).await?;
        // Discard everything from before TLS (RFC 3207, section 4.2).
        let offer = wire.hello(&hello).await?;
        auth::login(&mut wire, offer.plain, offer.login, session).await?;
        Ok(Self { wire, offer })
    }

    /// Sends one message: ASCII, lines of at most 998 octets, each ended by CRLF. Within the time
    /// that [`Limits::whole`] left.
    ///
    /// After an error, do not use the connection again.
    pub async fn send(&mut self, from: &str, to: &str, message: &[u8]) -> Result<(), SendError> {
        if !is_address(from) || !is_address(to) {
            return Err(SendError::Message("an address of the envelope"));
        }
        data::check(message)?;
        let size = match self.offer.size {
            Some(limit)
                if limit != 0 && u64::try_from(message.len()).unwrap_or(u64::MAX) > limit =>
            {
                return Err(SendError::Refused(Step::MailFrom, 552));
            }
            Some(_) => format!(" SIZE={}", message.len()),
            None => String::new(),
        };
        let command = format!("MAIL FROM:<{from}>{size}\r\n");
        let reply = self
            .wire
            .command(Step::MailFrom, command.as_bytes())
            .await?;
        reply.expect(Step::MailFrom, 250)?;
        let command = format!("RCPT TO:<{to}>\r\n");
        let reply = self.wire.command(Step::RcptTo, command.as_bytes()).await?;
        // 251: the server forwards.
        if reply.code() != 251 {
            reply.expect(Step::RcptTo, 250)?;
        }
        let reply = self.wire.command(Step::Data, b"DATA\r\n").await?;
        reply.expect(Step::Data, 354)?;
        data::body(&mut self.wire, message).await?;
        data::end(&mut self.wire).await
    }

    /// Sends QUIT and ignores errors: the mail's outcome is already decided.
    pub async fn quit(mut self) {
        let until = Instant::now() + QUIT;
        self.wire.whole = self.wire.whole.min(until);
        let _ = self.wire.command(Step::Final, b"QUIT\r\n").await;
        let _ = timeout_at(until, self.wire.stream.shutdown()).await;
    }
}

/// A stream, what was read from it too early, and its time limits.
struct Wire<S> {
    stream: S,
    replies: Replies,
    step: Duration,
    whole: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn new(stream: S, limits: Limits) -> Self {
        Self {
            stream,
            replies: Replies::default(),
            step: limits.step,
            whole: Instant::now() + limits.whole,
        }
    }

    fn deadline(&self) -> Instant {
        self.whole.min(Instant::now() + self.step)
    }

    async fn hello(&mut self, command: &str) -> Result<Offer, SendError> {
        let reply = self.command(Step::Ehlo, command.as_bytes()).await?;
        reply.expect(Step::Ehlo, 250)?;
        Ok(Offer::read(&reply))
    }

    async fn command(&mut self, step: Step, command: &[u8]) -> Result<Reply, SendError> {
        self.expect_silence(step)?;
        let deadline = self.deadline();
        self.write_until(deadline, step, command).await?;
        self.reply_until(deadline, step).await
    }

    /// An answer that came before its question would be taken for the answer to the next one, and
    /// count a mail as sent.
    fn expect_silence(&self, step: Step) -> Result<(), SendError> {
        if self.replies.is_empty() {
            Ok(())
        } else {
            Err(SendError::Protocol(step, "a reply before the command"))
        }
    }

    async fn reply(&mut self, step: Step) -> Result<Reply, SendError> {
        self.reply_until(self.deadline(), step).await
    }

    async fn write_until(
        &mut self,
        deadline: Instant,
        step: Step,
        bytes: &[u8],
    ) -> Result<(), SendError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(deadline, write).await {
            Ok(result) => result.map_err(|error| SendError::Io(step, error.kind())),
            Err(_) => Err(SendError::Timeout(step)),
        }
    }

    async fn reply_until(&mut self, deadline: Instant, step: Step) -> Result<Reply, SendError> {
        let read = async {
            let mut chunk = [0; 2048];
            loop {
                match self.replies.take() {
                    Ok(Some(reply)) => return Ok(reply),
                    Ok(None) => {}
                    Err(problem) => return Err(SendError::Protocol(step, problem)),
                }
                let count = self
                    .stream
                    .read(&mut chunk)
                    .await
                    .map_err(|error| SendError::Io(step, error.kind()))?;
                if count == 0 {
                    return Err(SendError::Io(step, io::ErrorKind::UnexpectedEof));
                }
                self.replies.push(chunk.get(..count).unwrap_or_default());
            }
        };
        match timeout_at(deadline, read).await {
            Ok(result) => result,
            Err(_) => Err(SendError::Timeout(step)),
        }
    }

    /// TLS. Bytes that were already read in clear would be taken for the first ones inside TLS:
    /// somebody put them there.
    async fn upgrade<T, U, F>(self, tls: U) -> Result<Wire<T>, SendError>
    where
        U: FnOnce(S) -> F,
        F: Future<Output = io::Result<T>>,
    {
        if !self.replies.is_empty() {
            return Err(SendError::Tls);
        }
        let deadline = self.deadline();
        match timeout_at(deadline, tls(self.stream)).await {
            Ok(Ok(stream)) => Ok(Wire {
                stream,
                replies: Replies::default(),
                step: self.step,
                whole: self.whole,
            }),
            Ok(Err(error)) => Err(match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                    SendError::Tls
                }
                kind => SendError::Io(Step::Tls, kind),
            }),
            Err(_) => Err(SendError::Timeout(Step::Tls)),
        }
    }
}
