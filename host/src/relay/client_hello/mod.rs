//! The server name in the first records of a TLS connection.
//!
//! Reads TLSPlaintext records (RFC 8446, section 5.1) until they hold a ClientHello (section 4.1.2;
//! RFC 5246, section 7.4.1.2 is alike) and yields the one host name of its extension `server_name`
//! (RFC 6066, section 3). Anything else is refused: the peer's bytes may be made so that this
//! parser and the service read different names.

mod cursor;

use cursor::Cursor;
use std::collections::HashSet;

/// Most bytes of records that are read for a ClientHello. Those of browsers with keys of
/// post-quantum schemes have about 2 KiB.
pub const MAX_BYTES: usize = 16 << 10;

/// ContentType `handshake` (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// HandshakeType `client_hello`.
const CLIENT_HELLO: u8 = 1;
/// Header of a record: type, version, length.
const RECORD_HEADER: usize = 5;
/// Header of a handshake message: type, length.
const MESSAGE_HEADER: usize = 4;
/// ExtensionType `server_name`.
const SERVER_NAME: u16 = 0;
/// ExtensionType `encrypted_client_hello` (RFC 9849).
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// Why a connection is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The first bytes are not records of a handshake.
    #[error("the connection does not begin with a TLS handshake")]
    NotTls,
    /// The first message is not a well-formed ClientHello, or more follows it in its record.
    #[error("the ClientHello is malformed")]
    Malformed,
    /// The ClientHello does not fit into [`MAX_BYTES`].
    #[error("the ClientHello is too long")]
    TooLong,
    /// It has no extension `server_name`.
    #[error("the ClientHello names no server")]
    NoName,
    /// It has an encrypted inner ClientHello, whose name nobody here can read.
    #[error("the ClientHello is encrypted")]
    Encrypted,
    /// It names another server.
    #[error("the ClientHello names another server")]
    OtherName,
}

impl Refusal {
    /// The value of the label `reason`.
    pub fn label(self) -> &'static str {
        match self {
            Refusal::NotTls => "not_tls",
            Refusal::Malformed => "malformed_hello",
            Refusal::TooLong => "long_hello",
            Refusal::NoName => "no_sni",
            Refusal::Encrypted => "encrypted_hello",
            Refusal::OtherName => "wrong_sni",
        }
    }
}

/// Collects the bytes of a connection until they hold a ClientHello.
#[derive(Debug, Default)]
pub struct HelloReader {
    /// All bytes, to be forwarded.
    bytes: Vec<u8>,
    /// Where the next record begins.
    next: usize,
    /// The contents of the records before it.
    message: Vec<u8>,
}

impl HelloReader {
    /// Adds bytes of the peer. Yields the server's name, in lower case, as soon as the ClientHello
    /// is whole, and `None` before. However the bytes are divided, the outcome is the same; the
    /// work is linear in their number.
    ///
    /// # Errors
    /// What is wrong with the bytes; the connection must be closed then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<String>, Refusal> {
        self.bytes.extend_from_slice(bytes);
        loop {
            let name = self.name()?;
            if name.is_some() {
                return Ok(name);
            }
            if !self.take_record()? {
                return Ok(None);
            }
        }
    }

    /// The bytes so far, to be sent to the service.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Moves the next record's contents to the message. False when the record is not whole.
    fn take_record(&mut self) -> Result<bool, Refusal> {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        // Other protocols are refused by their first byte, without waiting for a header.
        match rest {
            [kind, ..] if *kind != HANDSHAKE => return Err(Refusal::NotTls),
            // The minor version says nothing (RFC 8446, section 5.1); the major one is always 3.
            [_, major, ..] if *major != 3 => return Err(Refusal::NotTls),
            _ => {}
        }
        let [_, _, _, high, low, contents @ ..] = rest else {
            return Ok(false);
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length == 0 {
            // Empty fragments of a handshake are forbidden (RFC 8446, section 5.1).
            return Err(Refusal::Malformed);
        }
        if self.next + RECORD_HEADER + length > MAX_BYTES {
            return Err(Refusal::TooLong);
        }
        let Some(contents) = contents.get(..length) else {
            return Ok(false);
        };
        self.message.extend_from_slice(contents);
        self.next += RECORD_HEADER + length;
        Ok(true)
    }

    /// The name, once the message is whole.
    fn name(&self) -> Result<Option<String>, Refusal> {
        match self.message.first() {
            None => return Ok(None),
            Some(&CLIENT_HELLO) => {}
            Some(_) => return Err(Refusal::Malformed),
        }
        let [_, a, b, c, body @ ..] = self.message.as_slice() else {
            return Ok(None);
        };
        let length =
            usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).map_err(|_| Refusal::TooLong)?;
        if length > MAX_BYTES - MESSAGE_HEADER {
            return Err(Refusal::TooLong);
        }
        match body.len() {
            have if have < length => Ok(None),
            have if have == length => server_name(body).map(Some),
            // Nothing can follow before the server has answered.
            _ => Err(Refusal::Malformed),
        }
    }
}

/// The host name of a ClientHello's body.
fn server_name(body: &[u8]) -> Result<String, Refusal> {
    let mut hello = Cursor::new(body);
    let fields = (|| {
        hello.take(2)?; // legacy_version
        hello.take(32)?; // random
        let session = hello.vector8()?;
        let suites = hello.vector16()?;
        let compressions = hello.vector8()?;
        (session.len() <= 32
            && !suites.is_empty()
            && suites.len().is_multiple_of(2)
            && !compressions.is_empty())
        .then_some(())
    })();
    fields.ok_or(Refusal::Malformed)?;
    if hello.is_empty() {
        // Without extensions, as TLS 1.2 allows.
        return Err(Refusal::NoName);
    }
    let extensions = hello.vector16().ok_or(Refusal::Malformed)?;
    if !hello.is_empty() {
        return Err(Refusal::Malformed);
    }
    let (mut extensions, mut seen) = (Cursor::new(extensions), HashSet::new());
    let mut name = None;
    while !extensions.is_empty() {
        let (kind, data) = extensions.extension().ok_or(Refusal::Malformed)?;
        // Of two names, the service may take the other (RFC 8446, section 4.2 forbids them).
        if !seen.insert(kind) {
            return Err(Refusal::Malformed);
        }
        match kind {
            SERVER_NAME => name = Some(host_name(data).ok_or(Refusal::Malformed)?),
            ENCRYPTED_CLIENT_HELLO => return Err(Refusal::Encrypted),
            _ => {}
        }
    }
    name.ok_or(Refusal::NoName)
}

/// The one name of an extension `server_name`.
fn host_name(data: &[u8]) -> Option<String> {
    let mut extension = Cursor::new(data);
    let mut list = Cursor::new(extension.vector16()?);
    // NameType `host_name`; no other was ever defined.
    if list.take(1)? != [0] {
        return None;
    }
    let name = list.vector16()?;
    if !list.is_empty() || !extension.is_empty() {
        return None;
    }
    // Printable ASCII, as names of hosts are: neither NUL nor anything that a log could show as
    // something else.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > 255 || !name.iter().all(is_name) {
        return None;
    }
    Some(std::str::from_utf8(name).ok()?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
