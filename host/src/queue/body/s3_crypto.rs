//! SHA-256 and HMAC for the signatures of S3 requests (AWS Signature Version 4).

use hmac::{Hmac, KeyInit as _, Mac as _};
use object_store::Error;
use object_store::client::{
    CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm,
};
use sha2::{Digest as _, Sha256};

fn unsupported(what: &str) -> Error {
    Error::NotSupported {
        source: format!("{what} is not among the primitives of S3").into(),
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Crypto;

impl CryptoProvider for Crypto {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, Error> {
        match algorithm {
            DigestAlgorithm::Sha256 => Ok(Box::new(Context(Some(Sha256::new()), [0; 32]))),
            _ => Err(unsupported("this digest")),
        }
    }

    fn hmac(&self, algorithm: DigestAlgorithm, key: &[u8]) -> Result<Box<dyn HmacContext>, Error> {
        match algorithm {
            DigestAlgorithm::Sha256 => {
                let hmac = Hmac::<Sha256>::new_from_slice(key);
                Ok(Box::new(Context(
                    Some(hmac.map_err(|_| unsupported("this key"))?),
                    [0; 32],
                )))
            }
            _ => Err(unsupported("this digest")),
        }
    }

    fn sign(&self, _algorithm: SigningAlgorithm, _key: &[u8]) -> Result<Box<dyn Signer>, Error> {
        Err(unsupported("RSA"))
    }
}

/// A computation, then its value.
struct Context<T>(Option<T>, [u8; 32]);

impl DigestContext for Context<Sha256> {
    fn update(&mut self, data: &[u8]) {
        if let Some(digest) = &mut self.0 {
            sha2::Digest::update(digest, data);
        }
    }

    fn finish(&mut self) -> Result<&[u8], Error> {
        if let Some(digest) = self.0.take() {
            self.1 = digest.finalize().into();
        }
        Ok(&self.1)
    }
}

impl HmacContext for Context<Hmac<Sha256>> {
    fn update(&mut self, data: &[u8]) {
        if let Some(hmac) = &mut self.0 {
            hmac::Mac::update(hmac, data);
        }
    }

    fn finish(&mut self) -> Result<&[u8], Error> {
        if let Some(hmac) = self.0.take() {
            self.1 = hmac.finalize().into_bytes().into();
        }
        Ok(&self.1)
    }
}
