//! Where bodies beyond [`INLINE`](super::INLINE) are: a folder, or S3-compatible storage.

use crate::queue::error::Error;
use crate::queue::store::Kind;
use crate::queue::types::{JobId, random_hex};
use futures_util::StreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, RetryConfig};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// Where the objects of the queue are.
#[derive(Debug, Clone)]
pub enum Objects {
    /// Files in a folder, which is made when it is missing.
    Folder {
        /// The folder. Nothing else belongs into it.
        path: PathBuf,
    },
    /// A bucket.
    S3(S3),
}

/// A bucket of S3-compatible storage.
#[derive(Clone)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Names of objects start with this folder, if it is not empty.
    pub prefix: String,
    /// Another place than AWS: `https://ADDRESS:PORT`.
    pub endpoint: Option<String>,
    /// Access key id and secret. Otherwise those of `AWS_*` variables or of the instance's role.
    pub credentials: Option<(String, String)>,
    /// Allows an endpoint without TLS: for tests.
    pub allow_http: bool,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// S3 takes no smaller parts, except the last one.
const S3_PART: usize = 5 << 20;
/// Uploads to S3 at a time: each holds a part in memory.
const S3_UPLOADS: usize = 16;
/// An object without a row that is younger may be of an upload that goes on.
const ORPHAN: Duration = Duration::from_hours(1);

/// See the module.
#[derive(Clone)]
pub(crate) struct Store {
    pub(super) objects: Arc<dyn ObjectStore>,
    prefix: String,
    folder: Option<PathBuf>,
    /// How much is written at once.
    pub(super) part: usize,
    pub(super) uploads: Arc<Semaphore>,
}

impl Store {
    pub(crate) fn open(objects: &Objects) -> Result<Self, Error> {
        match objects {
            Objects::Folder { path } => {
                let problem =
                    |error: String| Error::Objects(format!("folder {}: {error}", path.display()));
                std::fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(path)
                    .map_err(|error| problem(error.to_string()))?;
                let store = LocalFileSystem::new_with_prefix(path)
                    .map_err(|error| problem(error.to_string()))?
                    .with_fsync(true);
                Ok(Self {
                    objects: Arc::new(store),
                    prefix: String::new(),
                    folder: Some(path.clone()),
                    part: super::seal::CHUNK,
                    uploads: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
                })
            }
            Objects::S3(s3) => Self::s3(s3),
        }
    }

    fn s3(s3: &S3) -> Result<Self, Error> {
        // reqwest takes the process's provider. Whoever has set one already has chosen it.
        let _ = rustls_graviola::default_provider().install_default();
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&s3.bucket)
            .with_region(&s3.region)
            .with_crypto_provider(Arc::new(super::s3_crypto::Crypto))
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: Duration::from_secs(20),
                ..RetryConfig::default()
            })
            .with_allow_http(s3.allow_http);
        if let Some(endpoint) = &s3.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some((id, secret)) = &s3.credentials {
            builder = builder
                .with_access_key_id(id)
                .with_secret_access_key(secret);
        }
        Ok(Self {
            objects: Arc::new(builder.build()?),
            prefix: s3.prefix.trim_matches('/').to_owned(),
            folder: None,
            part: S3_PART,
            uploads: Arc::new(Semaphore::new(S3_UPLOADS)),
        })
    }

    /// A new name. It holds nothing secret.
    pub(super) fn name(&self, job: &JobId, kind: Kind) -> String {
        let shard = job.as_str().get(..2).unwrap_or_default();
        let name = format!("{shard}/{job}-{}-{}", kind.word(), random_hex());
        if self.prefix.is_empty() {
            name
        } else {
            format!("{}/{name}", self.prefix)
        }
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.objects.delete(&Path::from(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an object, reads it and deletes it.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let name = self.name(&JobId::new(), Kind::Payload);
        let path = Path::from(name.as_str());
        self.objects.put(&path, name.clone().into()).await?;
        let read = self.objects.get(&path).await?.bytes().await;
        self.delete(&name).await?;
        if read? == name.as_bytes() {
            Ok(())
        } else {
            Err(Error::Objects(
                "an object came back with other bytes".into(),
            ))
        }
    }

    /// Names of objects that are older than an hour, in pieces of at most 500.
    pub(crate) fn old(&self) -> impl futures_util::Stream<Item = Result<Vec<String>, Error>> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let newest = SystemTime::now()
            .checked_sub(ORPHAN)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        self.objects
            .list(prefix.as_ref())
            .chunks(500)
            .map(move |metas| {
                let mut names = Vec::new();
                for meta in metas {
                    let meta = meta?;
                    if SystemTime::from(meta.last_modified) < newest {
                        names.push(meta.location.to_string());
                    }
                }
                Ok(names)
            })
    }

    /// Removes the temporary files of uploads that a kill cut: object_store writes `NAME#NUMBER`
    /// and renames it, and does not list such files.
    pub(crate) fn sweep_cut_uploads(&self) -> std::io::Result<u64> {
        let Some(folder) = &self.folder else {
            return Ok(0);
        };
        let mut removed = 0;
        for shard in std::fs::read_dir(folder)? {
            let shard = shard?;
            if !shard.file_type()?.is_dir() {
                continue;
            }
            for file in std::fs::read_dir(shard.path())? {
                let file = file?;
                let is_cut = file.file_name().to_string_lossy().contains('#');
                let age = file.metadata().and_then(|meta| meta.modified()).ok();
                let age = age.and_then(|at| at.elapsed().ok()).unwrap_or_default();
                if is_cut && age > ORPHAN {
                    std::fs::remove_file(file.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}
