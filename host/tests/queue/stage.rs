//! Queues to test.

use crate::cluster;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use letsesign_host::queue::{
    Allowances, Asker, BodyStream, Engine, Error, Finished, JobId, KeyFile, NewJob, Objects, Offer,
    Queue, Settings, StartId, Timing,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A folder with a queue's files, and how to open it.
pub struct Stage {
    pub folder: TempDir,
    pub engine: Engine,
}

impl Stage {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::Sqlite {
            path: folder.path().join("queue.db"),
        };
        KeyFile::create(&folder.path().join("key")).unwrap();
        Self { folder, engine }
    }

    /// `None` where there is no PostgreSQL.
    pub fn postgres() -> Option<Self> {
        let url = cluster::shared().ok()?.database();
        Some(Self {
            engine: Engine::Postgres { url },
            ..Self::sqlite()
        })
    }

    /// One of each engine.
    pub fn all() -> Vec<Self> {
        [Some(Self::sqlite()), Self::postgres()]
            .into_iter()
            .flatten()
            .collect()
    }

    pub fn settings(&self) -> Settings {
        settings(self.folder.path(), self.engine.clone())
    }

    pub async fn open(&self) -> Queue {
        Queue::open(self.settings()).await.unwrap()
    }

    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }
}

pub fn settings(folder: &Path, engine: Engine) -> Settings {
    Settings {
        engine,
        objects: Objects::Folder {
            path: folder.join("objects"),
        },
        keys: vec![Arc::new(KeyFile(folder.join("key")))],
        timing: Timing::default(),
        quotas: Allowances::default(),
        host: "host-1".into(),
    }
}

pub fn asker() -> Asker {
    Asker {
        start: StartId::new(),
        release: 1,
        pcr0: "a".repeat(96),
        draining: false,
    }
}

pub fn new_job(sender: &str) -> NewJob {
    NewJob {
        sender: sender.into(),
        task: None,
        name: "sendReq".into(),
        accepts: Vec::new(),
    }
}

/// A text in pieces as they come from a network.
pub fn pieces(
    text: impl Into<Vec<u8>>,
) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    let text: Vec<u8> = text.into();
    let pieces: Vec<_> = text
        .chunks(30_000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    stream::iter(pieces)
}

/// A payload with this number, of about this length.
pub fn payload(number: u64, length: usize) -> String {
    let fill: String = "abcdefghijklmnopqrstuvw"
        .chars()
        .cycle()
        .take(length)
        .collect();
    format!(r#"{{"number":{number},"fill":"{fill}"}}"#)
}

/// The body of put-job-result.
pub fn result(session: &str, code: u16, fill: &str) -> String {
    format!(r#"{{"session":"{session}","jobResult":{{"code":{code},"fill":"{fill}"}}}}"#)
}

pub async fn read(stream: BodyStream) -> Result<Vec<u8>, Error> {
    let pieces: Vec<Bytes> = stream.try_collect().await?;
    Ok(pieces.concat())
}

pub async fn submit(queue: &Queue, sender: &str) -> JobId {
    queue.submit(new_job(sender), pieces("{}")).await.unwrap()
}

pub async fn offer(queue: &Queue, asker: &Asker) -> Offer {
    queue.offer(asker).await.unwrap().expect("a job waits")
}

pub async fn none(queue: &Queue, asker: &Asker) {
    assert!(
        queue.offer(asker).await.unwrap().is_none(),
        "a job was offered"
    );
}

pub async fn finish(queue: &Queue, start: &StartId, session: &str, code: u16) -> Finished {
    queue
        .finish(start, pieces(result(session, code, "")))
        .await
        .unwrap()
}

pub async fn events(queue: &Queue, job: &JobId) -> Vec<String> {
    let history = queue.history(job).await.unwrap();
    history.into_iter().map(|entry| entry.event).collect()
}

/// Everything of a stream, or its error.
pub async fn drain(mut stream: BodyStream) -> Result<(), Error> {
    while let Some(piece) = stream.next().await {
        piece?;
    }
    Ok(())
}
