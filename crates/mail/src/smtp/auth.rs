//! AUTH (RFC 4954): PLAIN (RFC 4616), else LOGIN. Inside TLS alone: only
//! [`super::Connection::open`] calls this, after the handshake.

use super::{Session, Wire};
use crate::error::{SendError, Step};
use crate::smtp::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

/// Octets of a command line with CRLF (RFC 5321, section 4.5.3.1.4). A longer first response has to
/// wait for 334.
const COMMAND_MAX: usize = 512;

pub(super) async fn login<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    plain: bool,
    login: bool,
    session: &Session<'_>,
) -> Result<(), SendError> {
    // RFC 4616: NUL separates, so neither may hold it.
    if session.username.contains('\0') || session.password.contains('\0') {
        return Err(SendError::Credentials);
    }
    let reply = if plain {
        let text = join(&["\0", session.username, "\0", session.password]);
        let response = line("", &text);
        if response.len() + "AUTH PLAIN ".len() <= COMMAND_MAX {
            let command = line("AUTH PLAIN ", &text);
            wire.command(Step::Auth, &command).await?
        } else {
            let reply = wire.command(Step::Auth, b"AUTH PLAIN\r\n").await?;
            go_on(&reply)?;
            wire.command(Step::Auth, &response).await?
        }
    } else if login {
        let reply = wire.command(Step::Auth, b"AUTH LOGIN\r\n").await?;
        go_on(&reply)?;
        let username = line("", &join(&[session.username]));
        let reply = wire.command(Step::Auth, &username).await?;
        go_on(&reply)?;
        let password = line("", &join(&[session.password]));
        wire.command(Step::Auth, &password).await?
    } else {
        return Err(SendError::Protocol(
            Step::Auth,
            "neither AUTH PLAIN nor AUTH LOGIN is offered",
        ));
    };
    expect_code(&reply, 235)
}

fn go_on(reply: &Reply) -> Result<(), SendError> {
    expect_code(reply, 334)
}

/// 535 and 534 are about the credentials; 454 is a temporary failure, 530 and 538 are about the
/// session (RFC 4954, section 6).
fn expect_code(reply: &Reply, wanted: u16) -> Result<(), SendError> {
    match reply.code() {
        534 | 535 => Err(SendError::Credentials),
        _ => reply.expect(Step::Auth, wanted),
    }
}

/// One allocation of the right size: a vector that grows would leave copies of the secret behind.
fn join(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut joined = Zeroizing::new(Vec::with_capacity(
        parts.iter().map(|part| part.len()).sum(),
    ));
    for part in parts {
        joined.extend_from_slice(part.as_bytes());
    }
    joined
}

fn line(prefix: &str, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let encoded = secret.len().div_ceil(3) * 4;
    let mut line = Zeroizing::new(vec![0; prefix.len() + encoded + 2]);
    let (head, rest) = line.split_at_mut(prefix.len());
    head.copy_from_slice(prefix.as_bytes());
    let (text, end) = rest.split_at_mut(encoded);
    // The slice has the size that is needed, so this cannot fail.
    let _ = STANDARD.encode_slice(secret, text);
    end.copy_from_slice(b"\r\n");
    line
}
