//! Payloads and results at rest: sealed, small ones in the database's row, larger ones as objects.

pub(crate) mod keys;
pub(crate) mod objects;
mod s3_crypto;
pub(crate) mod seal;

use super::error::Error;
use super::faults::point;
use super::store::{Body, Kind, Place};
use super::types::{BodyStream, JobId};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use keys::Keys;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use seal::{Opener, Sealer};
use tokio::sync::OwnedSemaphorePermit;

/// Bodies up to this length, in bytes, are in the database's row.
pub(crate) const INLINE: usize = 64 << 10;

/// Writes and reads bodies.
#[derive(Clone)]
pub(crate) struct Bodies {
    pub(crate) keys: Keys,
    pub(crate) objects: objects::Store,
}

impl Bodies {
    pub(crate) fn writer(&self, job: &JobId, kind: Kind) -> Result<Writer, Error> {
        Ok(Writer {
            bodies: self.clone(),
            sealer: Some(Sealer::new(&self.keys, job, kind)?),
            name: self.objects.name(job, kind),
            length: 0,
            upload: None,
            permit: None,
        })
    }

    /// The plain text of a body.
    pub(crate) fn read(&self, job: &JobId, kind: Kind, body: Body) -> BodyStream {
        let opener = Opener::new(self.keys.clone(), job.clone(), kind);
        let expected = u64::try_from(body.bytes).unwrap_or(0);
        let reading = Reading {
            source: Source::of(&self.objects, body.place),
            opener,
            expected,
        };
        stream::unfold(Some(reading), |reading| async {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(plain)) => Some((Ok(plain), Some(reading))),
                Ok(None) => reading.finish().map(|last| (last, None)),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

/// Where sealed bytes come from.
enum Source {
    Inline(Option<Vec<u8>>),
    Unopened(objects::Store, String),
    Open(stream::BoxStream<'static, object_store::Result<Bytes>>),
}

impl Source {
    fn of(objects: &objects::Store, place: Place) -> Self {
        match place {
            Place::Inline(bytes) => Source::Inline(Some(bytes)),
            Place::Object(name) => Source::Unopened(objects.clone(), name),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Source::Unopened(objects, name) = self {
            let got = objects.objects.get(&Path::from(name.as_str())).await?;
            *self = Source::Open(got.into_stream());
        }
        match self {
            Source::Inline(bytes) => Ok(bytes.take().map(Bytes::from)),
            Source::Open(stream) => Ok(stream.next().await.transpose()?),
            Source::Unopened(..) => Ok(None),
        }
    }
}

struct Reading {
    source: Source,
    opener: Opener,
    /// Plain bytes that are missing.
    expected: u64,
}

impl Reading {
    /// The next piece that is not empty.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(sealed) = self.source.next().await? {
            let plain = self.opener.push(&sealed)?;
            if !plain.is_empty() {
                self.expected = self.expected.wrapping_sub(len(&plain));
                return Ok(Some(plain.into()));
            }
        }
        Ok(None)
    }

    fn finish(self) -> Option<Result<Bytes, Error>> {
        let (kind, job) = self.opener.whose();
        match self.opener.finish() {
            Err(error) => Some(Err(error)),
            Ok(plain) if self.expected != len(&plain) => {
                let problem = "it has another length than its row says";
                Some(Err(Error::Damaged { kind, job, problem }))
            }
            Ok(plain) => (!plain.is_empty()).then(|| Ok(plain.into())),
        }
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Seals a body and stores it. Dropped before [`Writer::finish`], it stores nothing.
pub(crate) struct Writer {
    bodies: Bodies,
    sealer: Option<Sealer>,
    name: String,
    length: u64,
    upload: Option<Box<dyn MultipartUpload>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Writer {
    /// How many bytes of plain text it has got.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.length += len(bytes);
        if let Some(sealer) = &mut self.sealer {
            sealer.push(bytes);
            if sealer.ready() >= self.bodies.objects.part {
                let sealed = sealer.take();
                self.part(sealed).await?;
            }
        }
        Ok(())
    }

    async fn part(&mut self, sealed: Vec<u8>) -> Result<(), Error> {
        if self.upload.is_none() {
            let uploads = self.bodies.objects.uploads.clone();
            self.permit = uploads.acquire_owned().await.ok();
            point("upload");
            let path = Path::from(self.name.as_str());
            self.upload = Some(self.bodies.objects.objects.put_multipart(&path).await?);
        }
        if let Some(upload) = &mut self.upload {
            upload.put_part(PutPayload::from(sealed)).await?;
            point("part");
        }
        Ok(())
    }

    /// Durable when it returns.
    pub(crate) async fn finish(mut self) -> Result<Body, Error> {
        let bytes = i64::try_from(self.length).unwrap_or(i64::MAX);
        let sealed = self.sealer.take().ok_or(Error::Closed)?.finish();
        if self.upload.is_none() && self.length <= INLINE as u64 {
            return Ok(Body {
                bytes,
                place: Place::Inline(sealed),
            });
        }
        self.part(sealed).await?;
        if let Some(mut upload) = self.upload.take() {
            upload.complete().await?;
        }
        point("object");
        Ok(Body {
            bytes,
            place: Place::Object(self.name.clone()),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Parts that nobody completes cost room in S3 until somebody aborts them.
        if let (Some(mut upload), Ok(runtime)) =
            (self.upload.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}
