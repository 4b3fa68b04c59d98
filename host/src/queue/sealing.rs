//! Records of the service, sealed with the queue's master keys.

use super::Keys;
use super::body::seal::{Opener, Sealer};
use super::error::Error;
use super::store::Kind;
use super::types::JobId;

/// Seals a record; `identity` is bound to it.
pub(crate) fn seal_record(keys: &Keys, identity: &JobId, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let mut sealer = Sealer::new(keys, identity, Kind::Record)?;
    sealer.push(plain);
    Ok(sealer.finish())
}

/// Opens what [`seal_record`] has sealed for the same identity.
pub(crate) fn open_record(keys: &Keys, identity: &JobId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let mut opener = Opener::new(keys.clone(), identity.clone(), Kind::Record);
    let mut plain = opener.push(sealed)?;
    plain.extend(opener.finish()?);
    Ok(plain)
}
