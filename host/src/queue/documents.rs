//! Documents of tasks: sealed bodies without a job, which jobs are made of.

use super::error::{Error, SubmitError};
use super::handle::Queue;
use super::store::Kind;
use super::types::{BodyStream, JobId};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest, Sha256};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

impl Queue {
    /// Stores a document of at most `most` bytes, if its SHA-256 is `expected`. One that is stored
    /// already stays. Durable when it returns; gives the length.
    pub(crate) async fn store_document(
        &self,
        id: &JobId,
        most: u64,
        expected: [u8; 32],
        document: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
    ) -> Result<u64, SubmitError> {
        let mut writer = self.bodies().writer(id, Kind::Document)?;
        let mut hash = Sha256::new();
        let mut document = pin!(document);
        while let Some(piece) = document.next().await {
            let piece = piece.map_err(|error| SubmitError::Upload(error.kind().to_string()))?;
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if writer.length().saturating_add(length) > most {
                return Err(SubmitError::TooLarge(most));
            }
            hash.update(&piece);
            writer.push(&piece).await?;
        }
        let found: [u8; 32] = hash.finalize().into();
        if found != expected {
            return Err(SubmitError::Payload(format!(
                "its SHA-256 is {}, not {}",
                hex::encode(found),
                hex::encode(expected)
            )));
        }
        let length = writer.length();
        let row = (id.clone(), Kind::Document, writer.finish().await?);
        self.alone(Box::new(move |engine| engine.add_bodies(&[row])))
            .await?;
        Ok(length)
    }

    /// A document: its length and its bytes.
    pub(crate) async fn document(&self, id: &JobId) -> Result<Option<(u64, BodyStream)>, Error> {
        let asked = id.clone();
        let body = self
            .threads()
            .ask(move |engine| engine.body(&asked, Kind::Document))
            .await?;
        Ok(body.map(|body| {
            let length = u64::try_from(body.bytes).unwrap_or(0);
            (length, self.bodies().read(id, Kind::Document, body))
        }))
    }

    /// Removes a document.
    pub(crate) async fn drop_document(&self, id: &JobId) -> Result<(), Error> {
        let objects = Arc::new(Mutex::new(Vec::new()));
        let (row, found) = ((id.clone(), Kind::Document), Arc::clone(&objects));
        self.alone(Box::new(move |engine| {
            *found.lock().unwrap_or_else(PoisonError::into_inner) = engine.drop_bodies(&[row])?;
            Ok(())
        }))
        .await?;
        let names = std::mem::take(&mut *objects.lock().unwrap_or_else(PoisonError::into_inner));
        for name in names {
            self.bodies().objects.delete(&name).await?;
        }
        Ok(())
    }
}
