//! The verification that waits for a signer's PIN, as the host carries it (docs/sms.md, "The SID").
//!
//! The host keeps the SID between the two jobs of a phone check. A bare SID could be given back
//! with another request, so that one person's PIN confirms for another. What the host gets is
//! therefore `SID.MAC`: the MAC binds the SID to the PoR, and its key follows from secrets of the
//! sender's configuration, so that any enclave of this image can check it, also after a restart.

use crate::task::Opened;
use letsesign_kms::hmac_sha256;
use letsesign_proof::Hash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Separates this use of the secrets from others.
const LABEL: &[u8] = b"letsesign verification 1\0";

/// HMAC-SHA-256 of PoR hash and SID. Its key is an HMAC over Twilio's secret under the bearer
/// secret: the bearer secret may be a password, and alone it could be guessed from the MAC.
fn mac(sid: &str, por: Hash, task: &Opened) -> Option<Zeroizing<[u8; 32]>> {
    let twilio = task.twilio.as_ref()?;
    let bearer = task.binding.bearer_secret.as_bytes();
    let key = hmac_sha256(bearer, &[LABEL, twilio.api_secret.as_bytes()]);
    Some(hmac_sha256(&*key, &[&por.0, sid.as_bytes()]))
}

/// The form in which the host gets a SID: `SID.MAC`, the MAC in hexadecimal. `None` without a
/// Twilio configuration.
pub(super) fn seal(sid: &str, por: Hash, task: &Opened) -> Option<String> {
    let mac = mac(sid, por, task)?;
    Some(format!("{sid}.{}", hex::encode(mac.as_slice())))
}

/// The SID in what the host gave back, if it was sealed for this PoR.
pub(super) fn open<'a>(sealed: &'a str, por: Hash, task: &Opened) -> Option<&'a str> {
    let (sid, found) = sealed.rsplit_once('.')?;
    let expected = hex::encode(mac(sid, por, task)?.as_slice());
    bool::from(found.as_bytes().ct_eq(expected.as_bytes())).then_some(sid)
}
