//! An NSM behind a unix stream socket, for tests on machines without the device.
//!
//! Wire format: each message is its length as an unsigned 32-bit big-endian number, then that many
//! bytes of CBOR: the very requests and answers that the NSM driver exchanges (`Request` and
//! `Response` of `aws-nitro-enclaves-nsm-api`). One connection carries any number of request-answer
//! pairs; this client opens one per request.

use crate::{Error, Transport};
use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// The driver's buffer for answers is 12 KiB; nothing longer can come from a real NSM.
const ANSWER_MAX: u32 = 0x3000;
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
}

impl Socket {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn failed(&self, reason: &impl ToString) -> Error {
        Error::Exchange {
            path: self.path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

impl Transport for Socket {
    fn exchange(&self, request: Request) -> Result<Response, Error> {
        let mut stream = UnixStream::connect(&self.path).map_err(|cause| Error::Open {
            path: self.path.display().to_string(),
            cause,
        })?;
        let request = serde_cbor::to_vec(&request).map_err(|error| self.failed(&error))?;
        let answer = exchange(&mut stream, &request).map_err(|error| self.failed(&error))?;
        serde_cbor::from_slice(&answer).map_err(|error| self.failed(&error))
    }
}

fn exchange(stream: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write_message(stream, request)?;
    read_message(stream, ANSWER_MAX)
}

/// Writes one message: its length, then its bytes.
///
/// # Errors
/// Errors of the stream, and `InvalidInput` beyond 4 GiB.
pub fn write_message(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length =
        u32::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)?;
    stream.flush()
}

/// Reads one message of at most `limit` bytes.
///
/// # Errors
/// Errors of the stream, and `InvalidData` when the announced length is beyond the limit.
pub fn read_message(stream: &mut impl Read, limit: u32) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {length} bytes is announced; at most {limit} are taken"),
        ));
    }
    let mut message = vec![0; length as usize];
    stream.read_exact(&mut message)?;
    Ok(message)
}
