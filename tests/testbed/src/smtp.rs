//! SES by SMTP: STARTTLS, AUTH, one mail after the other.

use crate::fault::{Counters, Fault, Step};
use crate::mail::{Mail, Mailbox, Way};
use crate::net::{self, Accepted, Wire};
use crate::service::{Service, Shared};
use crate::tls::Identity;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// Its name.
pub const HOST: &str = "email-smtp.us-east-1.amazonaws.com";
/// The user that the testbed knows, and the password.
pub const USER: (&str, &str) = ("AKIATESTSMTP", "password/of+the+test+testbed");

const MAIL_MAX: usize = 40 << 20;

/// Who may send what.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// Users and passwords.
    pub users: Vec<(String, String)>,
    /// Domains that may send; empty for all.
    pub domains: Vec<String>,
}

/// Accounts, settings and memory of [`Ses`].
pub struct State {
    shared: Shared,
    accounts: RwLock<Accounts>,
    mailbox: Arc<Mailbox>,
    identity: Identity,
}

/// The emulated SES.
pub type Ses = Service<State>;

impl Service<State> {
    pub(crate) async fn start(mailbox: Arc<Mailbox>) -> io::Result<Self> {
        let state = |shared| State {
            shared,
            accounts: RwLock::new(Accounts {
                users: vec![(USER.0.to_owned(), USER.1.to_owned())],
                domains: Vec::new(),
            }),
            mailbox,
            identity: Identity::new(HOST),
        };
        Service::tcp(state, serve).await
    }

    /// Changes who may send what.
    pub fn change_accounts(&self, change: impl FnOnce(&mut Accounts)) {
        change(
            &mut self
                .state
                .accounts
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// How a session goes on after a reply.
enum Flow {
    On,
    /// The connection is lost on purpose.
    Lost,
}

/// One side of a session, before or inside TLS.
struct Session<W> {
    wire: W,
    buffer: Vec<u8>,
    state: Arc<State>,
    tls: bool,
    user: bool,
    /// STARTTLS is not offered.
    bare: bool,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl<W: Wire> Session<W> {
    fn new(wire: W, state: Arc<State>, tls: bool, bare: bool) -> Self {
        Self {
            wire,
            buffer: Vec::new(),
            state,
            tls,
            user: false,
            bare,
            sender: None,
            recipients: Vec::new(),
        }
    }

    /// Whether a fault replaces the reply of this step, so that it must have no effect.
    fn fault(&self, step: Step) -> Option<Fault> {
        self.state
            .shared
            .faults
            .take(|fault| fault.step() == Some(step))
    }

    /// Sends a reply, or what a fault wants instead.
    async fn say(&mut self, fault: Option<Fault>, right: &str) -> io::Result<Flow> {
        let mut line = format!("{right}\r\n");
        match fault {
            Some(Fault::Reply(_, other)) => line = format!("{other}\r\n"),
            Some(Fault::HangAt(_)) => {
                net::silence(&mut self.wire).await?;
                return Ok(Flow::Lost);
            }
            Some(Fault::CloseAt(_)) => {
                self.wire.shutdown().await?;
                return Ok(Flow::Lost);
            }
            Some(Fault::ResetAt(_)) => {
                let _ = self.wire.tcp().set_zero_linger();
                return Ok(Flow::Lost);
            }
            Some(Fault::DelayAt(_, time)) => tokio::time::sleep(time).await,
            Some(Fault::TrickleAt(_, pause)) => {
                net::trickle(&mut self.wire, line.as_bytes(), pause).await?;
                return Ok(Flow::On);
            }
            Some(Fault::EndlessAt(_, bytes)) => line = "2".repeat(bytes),
            _ => {}
        }
        self.wire.write_all(line.as_bytes()).await?;
        self.wire.flush().await?;
        Ok(Flow::On)
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n") {
                let rest = self.buffer.split_off(end + 2);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(end);
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.buffer.len() > 64 << 10 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.wire.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Until STARTTLS (then `true`), QUIT or the end.
    async fn converse(&mut self) -> io::Result<bool> {
        while let Some(line) = self.line().await? {
            Counters::count(&self.state.shared.counters.requests);
            let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let argument = argument.trim().to_owned();
            let flow = match command.to_ascii_uppercase().as_str() {
                "EHLO" => self.ehlo().await?,
                "HELO" | "NOOP" | "RSET" => {
                    self.sender = None;
                    self.recipients.clear();
                    self.say(None, "250 Ok").await?
                }
                "STARTTLS" if !self.tls && !self.bare => {
                    let fault = self.fault(Step::StartTls);
                    let refused = matches!(fault, Some(Fault::Reply(..)));
                    let flow = self.say(fault, "220 Ready to start TLS").await?;
                    if !refused && matches!(flow, Flow::On) {
                        return Ok(true);
                    }
                    flow
                }
                "AUTH" => self.auth(&argument).await?,
                "MAIL" => self.mail(&argument).await?,
                "RCPT" => self.rcpt(&argument).await?,
                "DATA" => self.data().await?,
                "QUIT" => {
                    let fault = self.fault(Step::Quit);
                    self.say(fault, "221 Bye").await?;
                    self.wire.shutdown().await?;
                    return Ok(false);
                }
                _ => self.say(None, "502 Command not implemented").await?,
            };
            if matches!(flow, Flow::Lost) {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn ehlo(&mut self) -> io::Result<Flow> {
        let mut lines = vec!["250-email-smtp.amazonaws.com", "250-8BITMIME"];
        if !self.tls && !self.bare {
            lines.push("250-STARTTLS");
        }
        lines.extend(["250-AUTH PLAIN LOGIN", "250 Ok"]);
        let step = if self.tls { Step::TlsEhlo } else { Step::Ehlo };
        let fault = self.fault(step);
        self.say(fault, &lines.join("\r\n")).await
    }

    async fn auth(&mut self, argument: &str) -> io::Result<Flow> {
        let fault = self.fault(Step::Auth);
        if fault.is_some() {
            return self.say(fault, "235 Authentication successful.").await;
        }
        // Refuse credentials in clear, so that a client that sends them fails its test.
        if !self.tls {
            return self
                .say(None, "530 Must issue a STARTTLS command first")
                .await;
        }
        let (mechanism, first) = argument.split_once(' ').unwrap_or((argument, ""));
        let decode = |text: &str| {
            let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        };
        let mut ask = first.to_owned();
        let (user, password) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                if ask.is_empty() {
                    self.say(None, "334 ").await?;
                    ask = self.line().await?.unwrap_or_default();
                }
                let text = decode(&ask);
                let mut parts = text.split('\0').skip(1).map(str::to_owned);
                (parts.next(), parts.next())
            }
            "LOGIN" => {
                if ask.is_empty() {
                    self.say(None, "334 VXNlcm5hbWU6").await?;
                    ask = self.line().await?.unwrap_or_default();
                }
                self.say(None, "334 UGFzc3dvcmQ6").await?;
                let password = self.line().await?.unwrap_or_default();
                (Some(decode(&ask)), Some(decode(&password)))
            }
            _ => return self.say(None, "504 Unrecognized authentication type").await,
        };
        let known = {
            let accounts = self.state.accounts.read();
            let accounts = accounts.unwrap_or_else(PoisonError::into_inner);
            let given = (user.unwrap_or_default(), password.unwrap_or_default());
            accounts.users.contains(&given)
        };
        self.user = known;
        if known {
            self.say(None, "235 Authentication successful.").await
        } else {
            self.say(None, "535 Authentication Credentials Invalid")
                .await
        }
    }

    async fn mail(&mut self, argument: &str) -> io::Result<Flow> {
        let fault = self.fault(Step::Mail);
        let refused = matches!(fault, Some(Fault::Reply(..)));
        if fault.is_none() && !self.user {
            return self.say(None, "530 Authentication required").await;
        }
        if !refused {
            self.sender = path(argument, "FROM:");
            self.recipients.clear();
            if self.sender.is_none() {
                return self
                    .say(fault, "501 Invalid MAIL FROM address provided")
                    .await;
            }
        }
        self.say(fault, "250 Ok").await
    }

    async fn rcpt(&mut self, argument: &str) -> io::Result<Flow> {
        let fault = self.fault(Step::Rcpt);
        let refused = matches!(fault, Some(Fault::Reply(..)));
        let Some(recipient) = path(argument, "TO:").filter(|path| path.contains('@')) else {
            return self
                .say(fault, "501 Invalid RCPT TO address provided")
                .await;
        };
        if self.sender.is_none() {
            return self.say(fault, "503 Error: need MAIL command").await;
        }
        if !refused {
            self.recipients.push(recipient);
        }
        self.say(fault, "250 Ok").await
    }

    async fn data(&mut self) -> io::Result<Flow> {
        let fault = self.fault(Step::Data);
        let refused = matches!(fault, Some(Fault::Reply(..)));
        if self.recipients.is_empty() {
            return self.say(fault, "503 Error: need RCPT command").await;
        }
        let flow = self
            .say(fault, "354 End data with <CR><LF>.<CR><LF>")
            .await?;
        if refused || matches!(flow, Flow::Lost) {
            return Ok(flow);
        }
        let Some(message) = self.message().await? else {
            return Ok(Flow::Lost);
        };
        let fault = self.fault(Step::Dot);
        if matches!(fault, Some(Fault::Reply(..))) {
            self.sender = None;
            return self.say(fault, "").await;
        }
        let sender = self.sender.take().unwrap_or_default();
        let verified = {
            let accounts = self.state.accounts.read();
            let accounts = accounts.unwrap_or_else(PoisonError::into_inner);
            let domain = sender.rsplit('@').next().unwrap_or_default();
            accounts.domains.is_empty() || accounts.domains.iter().any(|known| known == domain)
        };
        if !verified {
            let text = "554 Message rejected: Email address is not verified.";
            return self.say(fault, text).await;
        }
        self.state.mailbox.add(Mail {
            way: Way::Ses,
            sender,
            recipients: std::mem::take(&mut self.recipients),
            raw: Bytes::from(message),
        });
        Counters::count(&self.state.shared.counters.served);
        let number = self.state.shared.counters.served();
        self.say(fault, &format!("250 Ok {number:020}-000000"))
            .await
    }

    /// The mail up to its dot, dots unstuffed.
    async fn message(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut seen = 0;
        let end = loop {
            if self.buffer.starts_with(b".\r\n") {
                self.buffer.drain(..3);
                return Ok(Some(Vec::new()));
            }
            let from = seen_before(seen);
            if let Some(at) = memchr::memmem::find(&self.buffer[from..], b"\r\n.\r\n") {
                break from + at;
            }
            seen = self.buffer.len();
            if seen > MAIL_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.buffer.reserve(64 << 10);
            if self.wire.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        };
        let rest = self.buffer.split_off(end + 5);
        let mut message = std::mem::replace(&mut self.buffer, rest);
        message.truncate(end + 2);
        if message.starts_with(b"..") || memchr::memmem::find(&message, b"\r\n..").is_some() {
            message = unstuff(&message);
        }
        Ok(Some(message))
    }
}

/// Where a search goes on: the end may have come in two pieces.
fn seen_before(seen: usize) -> usize {
    seen.saturating_sub(4)
}

fn unstuff(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    out
}

/// The address of `FROM:<address>`.
fn path(argument: &str, name: &str) -> Option<String> {
    let start = argument.get(..name.len())?;
    if !start.eq_ignore_ascii_case(name) {
        return None;
    }
    let rest = argument.get(name.len()..)?.trim_start().strip_prefix('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

async fn serve(accepted: Accepted, state: Arc<State>) -> io::Result<()> {
    let bare = accepted.no_starttls;
    let mut session = Session::new(accepted.stream, Arc::clone(&state), false, bare);
    let fault = session.fault(Step::Greeting);
    let flow = session
        .say(fault, "220 email-smtp.amazonaws.com ESMTP")
        .await?;
    if matches!(flow, Flow::Lost) || !session.converse().await? {
        return Ok(());
    }
    // Discard bytes from before TLS: they must have no effect in it (CVE-2011-0411).
    let mut stream = session.wire;
    if accepted.silent_tls {
        return net::silence(&mut stream).await;
    }
    let acceptor = TlsAcceptor::from(state.identity.config(accepted.wrong));
    let stream = acceptor.accept(stream).await?;
    Counters::count(&state.shared.counters.handshakes);
    Session::new(stream, state, true, false).converse().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_dots() {
        assert_eq!(
            path("from:<a@b.c> SIZE=5", "FROM:").as_deref(),
            Some("a@b.c")
        );
        assert_eq!(path("FROM:a@b.c", "FROM:"), None);
        assert_eq!(path("TO:<a@b.c>", "FROM:"), None);
        assert_eq!(unstuff(b"..\r\n.x\r\na.\r\n"), b".\r\nx\r\na.\r\n");
    }
}
