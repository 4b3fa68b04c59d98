//! An HTTP/1.1 server that can violate the protocol in every way. Written by hand, because a
//! library would refuse to.

pub use crate::answer::Answer;
use crate::fault::{Counters, Fault, Faults};
use crate::net::{self, Guard, Wire};
use crate::tls::Identity;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const HEAD_MAX: usize = 64 << 10;
const BODY_MAX: usize = 128 << 20;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(other, _)| other == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// A service: answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> Answer;
    /// Which faults apply to this request.
    fn faults(&self, request: &Request) -> &Faults;
}

/// A service that listens.
pub(crate) async fn serve<H: Handler>(
    handler: Arc<H>,
    identity: Option<Identity>,
    faults: Arc<Faults>,
    counters: Arc<Counters>,
) -> io::Result<(SocketAddr, Guard)> {
    let shared = Arc::new((handler, identity, Arc::clone(&counters)));
    net::listen(faults, counters, move |accepted| {
        let shared = Arc::clone(&shared);
        async move {
            let (handler, identity, counters) = &*shared;
            let Some(identity) = identity else {
                return converse(accepted.stream, &**handler, counters).await;
            };
            let acceptor = TlsAcceptor::from(identity.config(accepted.wrong));
            let stream = acceptor.accept(accepted.stream).await?;
            Counters::count(&counters.handshakes);
            converse(stream, &**handler, counters).await
        }
    })
    .await
}

async fn converse<H: Handler>(
    mut wire: impl Wire,
    handler: &H,
    counters: &Counters,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut wire, &mut buffer).await? {
        Counters::count(&counters.requests);
        let fault = handler.faults(&request).take(Fault::is_of_answers);
        let close = request.header("connection") == Some("close");
        match fault {
            None => {
                let answer = handler.answer(&request);
                counters.answer();
                write(&mut wire, &answer).await?;
            }
            Some(Fault::Answer(answer)) => write(&mut wire, &answer).await?,
            Some(fault) => {
                let Some(same) = misbehave(wire, handler, &request, fault).await? else {
                    return Ok(());
                };
                wire = same;
            }
        }
        if close {
            break;
        }
    }
    wire.shutdown().await
}

async fn write(wire: &mut impl Wire, answer: &Answer) -> io::Result<()> {
    let mut bytes = answer.head().into_bytes();
    // Small answers in one write; large ones are not copied.
    if answer.body.len() <= 16 << 10 {
        bytes.extend_from_slice(&answer.body);
        wire.write_all(&bytes).await?;
    } else {
        wire.write_all(&bytes).await?;
        wire.write_all(&answer.body).await?;
    }
    wire.flush().await
}

/// Gives the connection back when it can go on.
async fn misbehave<W: Wire, H: Handler>(
    mut wire: W,
    handler: &H,
    request: &Request,
    fault: Fault,
) -> io::Result<Option<W>> {
    let right = || {
        let answer = handler.answer(request);
        [answer.head().into_bytes(), answer.body.to_vec()].concat()
    };
    match fault {
        Fault::HangAtRequest => net::silence(&mut wire).await?,
        Fault::HangAfterHead => {
            wire.write_all(handler.answer(request).head().as_bytes())
                .await?;
            wire.flush().await?;
            net::silence(&mut wire).await?;
        }
        Fault::Delay(time) => {
            let bytes = right();
            tokio::time::sleep(time).await;
            wire.write_all(&bytes).await?;
            wire.flush().await?;
            return Ok(Some(wire));
        }
        Fault::Trickle(pause) => {
            net::trickle(&mut wire, &right(), pause).await?;
            return Ok(Some(wire));
        }
        Fault::ResetAfter(count) | Fault::CloseAfter(count) => {
            let bytes = right();
            wire.write_all(&bytes[..count.min(bytes.len())]).await?;
            wire.flush().await?;
            if matches!(fault, Fault::CloseAfter(_)) {
                wire.shutdown().await?;
            } else {
                // The bytes written so far should arrive before the reset.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                net::reset(wire);
            }
        }
        Fault::Raw(bytes, close) => {
            wire.write_all(&bytes).await?;
            wire.flush().await?;
            if !close {
                return Ok(Some(wire));
            }
            wire.shutdown().await?;
        }
        Fault::Oversize { bytes, chunked } => {
            oversize(&mut wire, bytes, chunked).await?;
            return Ok(Some(wire));
        }
        _ => {}
    }
    Ok(None)
}

async fn oversize(wire: &mut impl Wire, bytes: u64, chunked: bool) -> io::Result<()> {
    let head = if chunked {
        "transfer-encoding: chunked".to_owned()
    } else {
        format!("content-length: {bytes}")
    };
    wire.write_all(format!("HTTP/1.1 200 -\r\n{head}\r\n\r\n").as_bytes())
        .await?;
    let spaces = vec![b' '; 64 << 10];
    let mut rest = bytes;
    while rest > 0 {
        let count = spaces
            .len()
            .min(usize::try_from(rest).unwrap_or(usize::MAX));
        if chunked {
            wire.write_all(format!("{count:x}\r\n").as_bytes()).await?;
        }
        wire.write_all(&spaces[..count]).await?;
        if chunked {
            wire.write_all(b"\r\n").await?;
        }
        rest -= count as u64;
    }
    if chunked {
        wire.write_all(b"0\r\n\r\n").await?;
    }
    wire.flush().await
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

async fn more(wire: &mut impl Wire, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.reserve(16 << 10);
    if wire.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// The next request; `None` when the peer has closed between two of them.
async fn read(wire: &mut impl Wire, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let head = loop {
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec());
            buffer.drain(..end + 4);
            break head.map_err(|_| malformed("the head is not UTF-8"))?;
        }
        if buffer.len() > HEAD_MAX {
            return Err(malformed("the head is too long"));
        }
        match more(wire, buffer).await {
            // The end between two requests is regular; within a request it is an error.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && buffer.is_empty() => {
                return Ok(None);
            }
            other => other?,
        }
    };
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(malformed("no request line of HTTP/1.1"));
    };
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(malformed("no header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: Vec::new(),
    };
    if request.header("transfer-encoding").is_some() {
        request.body = chunks(wire, buffer).await?;
        return Ok(Some(request));
    }
    let length = request.header("content-length").unwrap_or("0");
    let length: usize = length.parse().map_err(|_| malformed("no length"))?;
    if length > BODY_MAX {
        return Err(malformed("the body is too long"));
    }
    buffer.reserve(length.saturating_sub(buffer.len()));
    while buffer.len() < length {
        more(wire, buffer).await?;
    }
    // Keep pipelined bytes for the next request.
    let rest = buffer.split_off(length);
    request.body = std::mem::replace(buffer, rest);
    Ok(Some(request))
}

async fn chunks(wire: &mut impl Wire, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = memchr::memmem::find(buffer, b"\r\n") {
                break end;
            }
            more(wire, buffer).await?;
        };
        let size = std::str::from_utf8(&buffer[..end]).unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed("no chunk"))?;
        if size > BODY_MAX - body.len() {
            return Err(malformed("the body is too long"));
        }
        let whole = end + 2 + size + 2;
        while buffer.len() < whole {
            more(wire, buffer).await?;
        }
        body.extend_from_slice(&buffer[end + 2..end + 2 + size]);
        buffer.drain(..whole);
        if size == 0 {
            return Ok(body);
        }
    }
}
