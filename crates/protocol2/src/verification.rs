//! The verification that waits for a signer's PIN, as the host carries it.
//!
//! The host keeps the SID of the SMS service between two jobs. A bare SID could be given back with
//! another request, so that one person's PIN confirms for another. So the host gets `SID.MAC`.

use crate::Root;
use crate::kdf::expand;
use crate::list::list;
use letsesign_proof::Hash;
use subtle::ConstantTimeEq;

impl Root {
    fn verification_mac(&self, sid: &str, por: Hash) -> String {
        let key = self.derive("verification key", &[&por.0]);
        // The expansion of HKDF is HMAC of its info, so this is a MAC of the SID.
        let mac = expand::<32>(&key, &list("verification", &[sid.as_bytes()]));
        hex::encode(mac.as_slice())
    }

    /// The form in which the host gets a SID: `SID.MAC`, the MAC in hexadecimal.
    pub fn seal_verification(&self, sid: &str, por: Hash) -> String {
        format!("{sid}.{}", self.verification_mac(sid, por))
    }

    /// The SID in what the host gave back, if it was sealed for this PoR.
    pub fn open_verification<'a>(&self, sealed: &'a str, por: Hash) -> Option<&'a str> {
        let (sid, found) = sealed.rsplit_once('.')?;
        let expected = self.verification_mac(sid, por);
        bool::from(found.as_bytes().ct_eq(expected.as_bytes())).then_some(sid)
    }
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
