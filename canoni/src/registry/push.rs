//! Pushes an OCI layout.

use super::RegistryOptions;
use super::client::{Call, Client, Payload};
use super::descriptor::{Descriptor, Document};
use super::fetch::Sum;
use super::place::encoded;
use super::retry::{ATTEMPTS, delay, is_transient, is_transient_error, wait};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::reference::RegistryName;
use crate::transport::manifest_type;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use ureq::http::{Method, Response};

/// Pushes the one image of an OCI layout, or the one index, under a name, and gives its digest.
///
/// Blobs that the registry has are not sent again. The tag comes last: where something fails before
/// it, the registry's old image keeps it.
///
/// # Errors
/// Where the folder is not a layout of one image, where the registry refuses or cannot be reached,
/// and where it says that it got something else.
pub fn push(name: &RegistryName, layout: &Path, options: &RegistryOptions) -> Result<String> {
    let client = Client::new(name, "pull,push", options)?;
    let Some(tag) = name.tag().filter(|_| name.digest().is_none()) else {
        let reason = "an image is pushed under a tag, and its digest follows; write NAME:TAG";
        return Err(Error::image(format!("docker://{name}"), reason));
    };
    let what = format!("{}: index.json", layout.display());
    let Document::Index(list) = Document::read(&read(&layout.join("index.json"))?, &what)? else {
        return Err(Error::image(what, "is not an index"));
    };
    // One image under several names stands there several times.
    let first = list
        .first()
        .filter(|one| list.iter().all(|all| all.digest == one.digest));
    let first = first.ok_or_else(|| Error::image(&*what, "does not list one image"))?;
    let push = Push {
        client,
        blobs: layout.join("blobs/sha256"),
    };
    let mut sum = Sum::default();
    sum.total = push.sum(first)?;
    push.image(first, tag, &mut sum)?;
    Ok(first.digest.clone())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    crate::blob::Blob::open(path)?
        .read_all(Limits::default().json_bytes, &path.display().to_string())
}

struct Push<'a> {
    client: Client<'a>,
    blobs: std::path::PathBuf,
}

impl Push<'_> {
    fn document(&self, descriptor: &Descriptor) -> Result<(Vec<u8>, Document)> {
        let bytes = read(&self.blobs.join(descriptor.hex()))?;
        let document = Document::read(&bytes, &descriptor.digest)?;
        Ok((bytes, document))
    }

    /// Bytes of all blobs.
    fn sum(&self, descriptor: &Descriptor) -> Result<u64> {
        match self.document(descriptor)?.1 {
            Document::Manifest(blobs) => Ok(blobs.iter().map(|one| one.size).sum()),
            Document::Index(list) => list.iter().map(|one| self.sum(one)).sum(),
        }
    }

    /// Pushes what a manifest or index needs, then itself.
    fn image(&self, descriptor: &Descriptor, tag_or_digest: &str, sum: &mut Sum) -> Result<()> {
        let (bytes, document) = self.document(descriptor)?;
        match document {
            Document::Manifest(blobs) => {
                for blob in &blobs {
                    self.blob(blob)?;
                    sum.done += blob.size;
                    sum.show(&self.client, "pushing")?;
                }
            }
            Document::Index(list) => {
                for one in &list {
                    self.image(one, &one.digest, sum)?;
                }
            }
        }
        self.manifest(&bytes, tag_or_digest)
    }

    fn manifest(&self, bytes: &[u8], tag_or_digest: &str) -> Result<()> {
        let what = format!("the manifest {tag_or_digest}");
        let kind = manifest_type(bytes, &what)?;
        let answer = self.client.call(&Call {
            method: Method::PUT,
            address: &self.client.address(&format!("manifests/{tag_or_digest}")),
            headers: &[("content-type", &kind)],
            payload: Payload::Bytes(bytes),
            what: &what,
        })?;
        if answer.status() != 201 {
            return Err(self.client.refused(&what, answer));
        }
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(bytes)));
        self.same(&what, &answer, &digest)
    }

    /// The registry's word on what it got, where it has one.
    fn same(&self, what: &str, answer: &Response<ureq::Body>, digest: &str) -> Result<()> {
        let header = answer.headers().get("docker-content-digest");
        let said = header.and_then(|value| value.to_str().ok());
        match said.filter(|said| *said != digest) {
            None => Ok(()),
            Some(said) => Err(Error::Digest {
                what: format!(
                    "docker://{}: {what}, as the registry has it,",
                    self.client.name
                ),
                expected: digest.to_owned(),
                actual: crate::printable(said.as_bytes()),
            }),
        }
    }

    fn blob(&self, blob: &Descriptor) -> Result<()> {
        let what = format!("the blob {}", blob.digest);
        let there = self.client.call(&Call {
            method: Method::HEAD,
            address: &self.client.address(&format!("blobs/{}", blob.digest)),
            headers: &[],
            payload: Payload::None,
            what: &what,
        })?;
        match there.status().as_u16() {
            200 => return Ok(()),
            404 => {}
            _ => return Err(self.client.refused(&what, there)),
        }
        // Registries differ on the worth of half an upload, so another try is another
        // upload.
        for number in 0.. {
            let last = number + 1 >= ATTEMPTS;
            let time = match self.upload(blob, &what)? {
                Ok(answer) => match answer.status().as_u16() {
                    201 => return self.same(&what, &answer, &blob.digest),
                    // 404 and 416: the registry has lost the upload.
                    status if !last && (is_transient(status) || matches!(status, 404 | 416)) => {
                        delay(number, Some(answer.headers()))
                    }
                    _ => return Err(self.client.refused(&what, answer)),
                },
                Err(error) if last || !is_transient_error(&error) => {
                    let what = format!("{what}, whose upload broke off; the tag is as it was");
                    return Err(self.client.trouble(&what, &error));
                }
                Err(_) => delay(number, None),
            };
            wait(time, self.client.options)?;
        }
        Ok(())
    }

    /// One upload, in one piece, tried once.
    fn upload(
        &self,
        blob: &Descriptor,
        what: &str,
    ) -> Result<Result<Response<ureq::Body>, ureq::Error>> {
        let start = self.client.address("blobs/uploads/");
        let begun = self.client.call(&Call {
            method: Method::POST,
            address: &start,
            headers: &[],
            payload: Payload::None,
            what,
        })?;
        if begun.status() != 202 {
            return Err(self.client.refused(what, begun));
        }
        let place = self.client.location(&begun, &start, what)?;
        let mark = if place.contains('?') { '&' } else { '?' };
        let path = self.blobs.join(blob.hex());
        let size = fs::metadata(&path)
            .map_err(|error| Error::file("open", &path, error))?
            .len();
        self.client.once(&Call {
            method: Method::PUT,
            address: &format!("{place}{mark}digest={}", encoded(&blob.digest)),
            headers: &[("content-type", "application/octet-stream")],
            payload: Payload::File(&path, size),
            what,
        })
    }
}
