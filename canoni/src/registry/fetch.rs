//! Fetches manifests into memory and blobs into files, checked by size and sha256.

use super::client::{Call, Client, Payload};
use super::descriptor::{ACCEPT, Descriptor};
use super::retry::{ATTEMPTS, delay, is_transient_error, wait};
use crate::error::{Error, Result};
use crate::progress::Event;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use ureq::http::{Method, Response};

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;

/// How far all blobs of an image have come.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) total: u64,
    pub(super) done: u64,
}

impl Sum {
    /// Shows the bar, after something else was shown.
    pub(super) fn show(&self, client: &Client<'_>, what: &'static str) -> Result<()> {
        let progress = &client.options.progress;
        progress.send(Event::Begin {
            what,
            bytes: self.total,
        })?;
        progress.send(Event::Advance(self.done))
    }
}

/// A manifest or index by tag or digest, of at most `limit` bytes.
pub(super) fn manifest(client: &Client<'_>, tag_or_digest: &str, limit: u64) -> Result<Vec<u8>> {
    let what = format!("the manifest {tag_or_digest}");
    let address = client.address(&format!("manifests/{tag_or_digest}"));
    let call = Call {
        method: Method::GET,
        address: &address,
        headers: &[("accept", ACCEPT)],
        payload: Payload::None,
        what: &what,
    };
    for number in 0.. {
        let mut answer = client.call(&call)?;
        if answer.status() != 200 {
            return Err(client.refused(&what, answer));
        }
        let mut bytes = Vec::new();
        let body = answer.body_mut().as_reader();
        match body.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > limit => {
                return Err(Error::Limit {
                    what: format!("docker://{}: {what}", client.name),
                    limit,
                    unit: "bytes",
                    option: "--max-json-bytes",
                });
            }
            Ok(_) => {
                check_digest(client, &what, tag_or_digest, &answer, &bytes)?;
                return Ok(bytes);
            }
            Err(error) if number + 1 >= ATTEMPTS => return Err(client.trouble(&what, &error)),
            Err(_) => wait(delay(number, None), client.options)?,
        }
    }
    Err(client.fail(&what, "was tried in vain"))
}

/// The bytes are what was asked for, and what the registry says they are.
fn check_digest(
    client: &Client<'_>,
    what: &str,
    asked: &str,
    answer: &Response<ureq::Body>,
    bytes: &[u8],
) -> Result<()> {
    let actual = format!("sha256:{}", hex::encode(Sha256::digest(bytes)));
    let header = answer.headers().get("docker-content-digest");
    let said = header.and_then(|value| value.to_str().ok());
    let promised = [
        Some(asked).filter(|asked| asked.starts_with("sha256:")),
        said.filter(|said| said.starts_with("sha256:")),
    ];
    match promised
        .into_iter()
        .flatten()
        .find(|promised| **promised != actual)
    {
        None => Ok(()),
        Some(expected) => Err(Error::Digest {
            what: format!("docker://{}: {what}", client.name),
            actual,
            expected: crate::printable(expected.as_bytes()),
        }),
    }
}

/// A blob, into a new file. What was cut is asked for again from where it ended.
pub(super) fn blob(
    client: &Client<'_>,
    descriptor: &Descriptor,
    path: &Path,
    sum: &mut Sum,
) -> Result<()> {
    let what = format!("the blob {}", descriptor.digest);
    let address = client.address(&format!("blobs/{}", descriptor.digest));
    let local = |error| Error::file("write", path, error);
    let mut part = Part {
        file: File::create_new(path).map_err(local)?,
        hasher: Sha256::new(),
        got: 0,
    };
    let before = sum.done;
    let mut number = 0;
    loop {
        let range = format!("bytes={}-", part.got);
        let headers = [("range", range.as_str())];
        let answer = client.call(&Call {
            method: Method::GET,
            address: &address,
            headers: if part.got == 0 { &[] } else { &headers },
            payload: Payload::None,
            what: &what,
        })?;
        let fits = |answer: &Response<ureq::Body>| {
            let range = answer
                .headers()
                .get("content-range")
                .and_then(|r| r.to_str().ok());
            range.is_some_and(|range| range.starts_with(&format!("bytes {}-", part.got)))
        };
        match answer.status().as_u16() {
            206 if part.got > 0 && fits(&answer) => {}
            // The registry has no ranges, or gives another one: from the start.
            200 => {
                // All of it, and yet too short: to ask again would not help.
                let whole = answer.body().content_length();
                if let Some(length) = whole.filter(|length| *length < descriptor.size) {
                    return Err(other_size(client, &what, length, descriptor.size));
                }
                part.restart().map_err(local)?;
            }
            206 | 416 if part.got > 0 => {
                part.restart().map_err(local)?;
                number = next(client, &what, number, "another range than was asked for")?;
                continue;
            }
            _ => return Err(client.refused(&what, answer)),
        }
        sum.done = before + part.got;
        sum.show(client, "fetching")?;
        let start = part.got;
        let end = part.read(client, &what, answer, descriptor.size, sum)?;
        if part.got == descriptor.size {
            break;
        }
        // Something came: the next try is not for the same bytes.
        if part.got > start + PIECE as u64 {
            number = 0;
        }
        let reason = match end {
            Some(error) => error.to_string(),
            None => format!("it has {} bytes instead of {}", part.got, descriptor.size),
        };
        number = next(client, &what, number, &reason)?;
    }
    let actual = format!("sha256:{}", hex::encode(part.hasher.finalize()));
    if actual != descriptor.digest {
        return Err(Error::Digest {
            what: format!("docker://{}: {what}", client.name),
            expected: descriptor.digest.clone(),
            actual,
        });
    }
    sum.done = before + descriptor.size;
    Ok(())
}

/// The refusal of a blob or manifest that has another size than its descriptor promises.
pub(super) fn other_size(client: &Client<'_>, what: &str, size: u64, promised: u64) -> Error {
    let reason = format!(
        "has {size} bytes, but its descriptor says {promised}: the registry is damaged or was \
         tampered with"
    );
    client.fail(what, reason)
}

/// Waits, if there is another try.
fn next(client: &Client<'_>, what: &str, number: u32, reason: &str) -> Result<u32> {
    if number + 1 >= ATTEMPTS {
        return Err(client.trouble(what, &reason));
    }
    wait(delay(number, None), client.options)?;
    Ok(number + 1)
}

/// As much of a blob as has come.
struct Part {
    file: File,
    hasher: Sha256,
    got: u64,
}

impl Part {
    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Sha256::new();
        self.got = 0;
        Ok(())
    }

    /// Reads to the end of an answer. An early end is not an error yet; the value is its cause.
    fn read(
        &mut self,
        client: &Client<'_>,
        what: &str,
        mut answer: Response<ureq::Body>,
        size: u64,
        sum: &mut Sum,
    ) -> Result<Option<io::Error>> {
        let mut body = answer.body_mut().as_reader();
        let mut buffer = vec![0; PIECE];
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let error = ureq::Error::from(error);
                    if !is_transient_error(&error) {
                        return Err(client.trouble(what, &error));
                    }
                    return Ok(Some(io::Error::other(error)));
                }
            };
            let piece = buffer.get(..count).unwrap_or_default();
            self.got += count as u64;
            if self.got > size {
                let reason = format!("is larger than the {size} bytes that the manifest promises");
                return Err(client.fail(what, reason));
            }
            self.file
                .write_all(piece)
                .map_err(|error| Error::io("write", "a temporary file", error))?;
            self.hasher.update(piece);
            sum.done += count as u64;
            client.options.progress.send(Event::Advance(count as u64))?;
        }
    }
}
