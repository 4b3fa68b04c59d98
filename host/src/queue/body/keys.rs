//! Master keys of the bodies at rest.

use crate::queue::error::Error;
use hkdf::Hkdf;
use sha2::Sha256;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The id of a master key in the header of what is sealed with it.
pub(crate) type KeyId = [u8; 8];

/// Where master keys come from.
pub trait MasterKey: Send + Sync {
    /// The 32 bytes of the key.
    fn load(&self) -> Result<Zeroizing<[u8; 32]>, Error>;
}

/// A master key in a file: 32 bytes, readable by this program's user alone. Whoever can read both
/// this file and the queue's database reads the jobs' secrets, so it does not belong into the same
/// backup.
#[derive(Debug, Clone)]
pub struct KeyFile(pub PathBuf);

impl KeyFile {
    /// Writes a new random key. The file must not exist.
    pub fn create(path: &Path) -> Result<Self, Error> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let problem = |error: std::io::Error| key_error(path, error.to_string());
        let mut key = Zeroizing::new([0u8; 32]);
        crate::queue::types::fill(key.as_mut_slice());
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(path)
            .map_err(problem)?;
        file.write_all(key.as_slice())
            .and_then(|()| file.sync_all())
            .map_err(problem)?;
        Ok(Self(path.to_owned()))
    }
}

fn key_error(path: &Path, problem: impl Into<String>) -> Error {
    Error::Key {
        path: path.display().to_string(),
        problem: problem.into(),
    }
}

impl MasterKey for KeyFile {
    fn load(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let problem = |problem: String| key_error(&self.0, problem);
        let mut file = std::fs::File::open(&self.0).map_err(|error| problem(error.to_string()))?;
        let meta = file
            .metadata()
            .map_err(|error| problem(error.to_string()))?;
        if !meta.is_file() || meta.len() != 32 {
            return Err(problem(
                "a master key is a file of exactly 32 random bytes; \
                 `head -c 32 /dev/urandom` makes one"
                    .into(),
            ));
        }
        if meta.mode() & 0o077 != 0 {
            let mode = meta.mode() & 0o7777;
            return Err(problem(format!(
                "mode {mode:04o} lets others read the key: chmod 0400 it"
            )));
        }
        let me = rustix::process::geteuid().as_raw();
        if meta.uid() != me {
            let owner = meta.uid();
            return Err(problem(format!(
                "it belongs to user {owner}, not to {me}: chown it"
            )));
        }
        let mut key = Zeroizing::new([0u8; 32]);
        file.read_exact(key.as_mut_slice())
            .map_err(|error| problem(error.to_string()))?;
        Ok(key)
    }
}

struct Key {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

/// The master keys: the first one seals, any of them opens.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Vec<Key>>);

impl Keys {
    pub(crate) fn load(sources: &[Arc<dyn MasterKey>]) -> Result<Self, Error> {
        if sources.is_empty() {
            return Err(Error::Setting(
                "the queue needs a master key: `keys` is empty".into(),
            ));
        }
        let mut keys = Vec::new();
        for source in sources {
            let secret = source.load()?;
            let mut id = KeyId::default();
            derive(&secret, &[], b"letsesign-host queue: key id", &mut id);
            keys.push(Key { id, secret });
        }
        Ok(Self(Arc::new(keys)))
    }

    /// The key that seals: its id, and what it derives for `salt`.
    pub(crate) fn seal(&self, salt: &[u8; 32]) -> Option<(KeyId, Zeroizing<[u8; 32]>)> {
        self.0
            .first()
            .map(|key| (key.id, body_key(&key.secret, salt)))
    }

    /// The key that the master key with this id derives for `salt`.
    pub(crate) fn open(&self, id: KeyId, salt: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, Error> {
        let key = self.0.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| Error::KeyMissing(hex::encode(id)))?;
        Ok(body_key(&key.secret, salt))
    }
}

fn body_key(secret: &[u8; 32], salt: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0u8; 32]);
    derive(
        secret,
        salt,
        b"letsesign-host queue: body",
        key.as_mut_slice(),
    );
    key
}

/// HKDF-SHA256 (RFC 5869).
#[expect(
    clippy::expect_used,
    reason = "HKDF-SHA256 fails only beyond 8,160 bytes"
)]
fn derive(secret: &[u8; 32], salt: &[u8], info: &[u8], out: &mut [u8]) {
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, out)
        .expect("at most 32 bytes");
}
