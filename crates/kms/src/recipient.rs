//! The key pair that answers of KMS are encrypted for. It is made at start, serves many
//! decryptions, and is renewed by age and use; it never leaves memory.

use crate::cms::EnvelopedData;
use crate::envelope::decrypt;
use crate::error::{CmsError, Error, Result};
use letsesign_rsa_private::{Parts, PrivateKey};
use rand_core::CryptoRng;
use rsa::pkcs8::EncodePublicKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use zeroize::Zeroizing;

/// Limits that AWS documents for recipients.
const BITS: usize = 2048;

/// A key pair for answers of KMS. Its private half is zeroised when it is dropped.
#[derive(Debug)]
pub struct RecipientKey {
    private: PrivateKey,
    public_key: Vec<u8>,
    made: Duration,
    uses: AtomicU32,
}

impl RecipientKey {
    /// Makes a pair; this takes some tens to hundreds of milliseconds. `now` is a monotonic time.
    pub fn generate(random: &mut impl CryptoRng, now: Duration) -> Result<Self> {
        let made = rsa::PrivateKey::new(random, BITS).map_err(|_| Error::Key)?;
        let private = private(&made, random).ok_or(Error::Key)?;
        let public_key = made
            .to_public_key()
            .to_public_key_der()
            .map_err(|_| Error::Key)?
            .into_vec();
        Ok(Self {
            private,
            public_key,
            made: now,
            uses: AtomicU32::new(0),
        })
    }

    /// The public half as DER SubjectPublicKeyInfo (RFC 5280): the attestation document's
    /// `public_key`, 294 bytes.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Decrypts a `CiphertextForRecipient`. `random` blinds the private operation, so that its time
    /// says nothing about the key.
    pub fn open(&self, answer: &[u8], random: &mut impl CryptoRng) -> Result<Zeroizing<Vec<u8>>> {
        self.uses.fetch_add(1, Ordering::Relaxed);
        let data = EnvelopedData::parse(answer)?;
        let key = self
            .private
            .decrypt_oaep_sha256(&data.encrypted_key, random)
            .map_err(|_| CmsError::Decrypt)?;
        let key = <&[u8; 32]>::try_from(key.as_slice()).map_err(|_| CmsError::Decrypt)?;
        let clear = decrypt(key, &data.iv, data.content);
        if bool::from(clear.accepted) {
            Ok(clear.bytes)
        } else {
            Err(CmsError::Decrypt.into())
        }
    }
}

/// The private half, for decrypting: the crate `rsa` makes the key, and takes five times as long to
/// decrypt with it.
fn private(made: &rsa::PrivateKey, random: &mut impl CryptoRng) -> Option<PrivateKey> {
    let [p, q] = made.primes() else { return None };
    let secret = |part: Box<[u8]>| Zeroizing::new(part.into_vec());
    let parts = Parts {
        n: &made.n_bytes(),
        e: &made.e_bytes(),
        p: &secret(p.to_be_bytes()),
        q: &secret(q.to_be_bytes()),
        dp: &secret(made.dp()?.to_be_bytes()),
        dq: &secret(made.dq()?.to_be_bytes()),
        q_inverse: &secret(made.crt_coefficient()?.to_be_bytes()),
    };
    PrivateKey::new(&parts, random).ok()
}

/// Limits after which a key is due for renewal.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// The age of the key.
    pub age: Duration,
    /// The number of decryptions.
    pub uses: u32,
}

/// The key that is in use. A new one takes its place while jobs go on with the old one.
#[derive(Debug)]
pub struct Recipients {
    current: RwLock<Arc<RecipientKey>>,
    renewal: Renewal,
}

impl Recipients {
    /// Starts with this key.
    pub fn new(key: RecipientKey, renewal: Renewal) -> Self {
        Self {
            current: RwLock::new(Arc::new(key)),
            renewal,
        }
    }

    /// The key for a new job. A job may keep using it after a renewal.
    pub fn current(&self) -> Arc<RecipientKey> {
        // A writer only replaces the pointer, so a poisoned lock holds a whole key.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the key is due for renewal. A background task then calls [`Recipients::replace`], so
    /// that no job waits.
    pub fn is_due(&self, now: Duration) -> bool {
        let key = self.current();
        now.saturating_sub(key.made) >= self.renewal.age
            || key.uses.load(Ordering::Relaxed) >= self.renewal.uses
    }

    /// Puts a new key in place. The old one is zeroised when the last job that holds it ends.
    pub fn replace(&self, key: RecipientKey) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}
