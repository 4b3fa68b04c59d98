//! Answers of Twilio Verify v2: status and body, read strictly. Members that are not named here may
//! be anything.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Bytes of an answer: real ones have less than 2 KiB.
pub const ANSWER_MAX: usize = 64 << 10;

/// The name that a service must have.
pub const FRIENDLY_NAME: &str = "Let's eSign";
/// Digits of a PIN.
pub const CODE_LENGTH: u64 = 6;
/// Bytes of a verification's SID: clients give it back in `twilioVerificationSID`.
const SID_MAX: usize = 191;
/// Twilio's error 60202, "Max check attempts reached", comes with status 429, but waiting does not
/// help.
const TOO_MANY_CHECKS: u64 = 60_202;

#[derive(Deserialize)]
struct Service {
    friendly_name: String,
    code_length: u64,
}

#[derive(Deserialize)]
struct Verification {
    sid: String,
}

#[derive(Deserialize)]
struct Check {
    status: String,
    channel: String,
    to: String,
}

#[derive(Deserialize)]
struct Failure {
    code: u64,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if body.len() > ANSWER_MAX {
        return Err(Error::Answer);
    }
    strict_json::check(body, strict_json::Limits::default()).map_err(|_| Error::Answer)?;
    serde_json::from_slice(body).map_err(|_| Error::Answer)
}

fn failure(status: u16) -> Error {
    match status {
        // 404 when a service is not that account's.
        401 | 404 => Error::Credentials,
        429 | 500..=599 => Error::Temporary(status),
        400..=499 => Error::Failed(status),
        _ => Error::Answer,
    }
}

/// The answer to [`crate::request::service`]: the service is there, is called [`FRIENDLY_NAME`] and
/// sends PINs of [`CODE_LENGTH`] digits.
///
/// Else [`Error::Setting`]. 401 and 403 are [`Error::Credentials`], and so is 404: Twilio answers
/// it when a service is not that account's.
pub fn service(status: u16, body: &[u8]) -> Result<()> {
    match status {
        200 => {
            let service: Service = read(body)?;
            if service.friendly_name == FRIENDLY_NAME && service.code_length == CODE_LENGTH {
                Ok(())
            } else {
                Err(Error::Setting)
            }
        }
        403 => Err(Error::Credentials),
        _ => Err(failure(status)),
    }
}

/// The answer to [`crate::request::send`]: the verification's SID, 1..191 bytes of printable ASCII.
pub fn sent(status: u16, body: &[u8]) -> Result<String> {
    if !matches!(status, 200 | 201) {
        return Err(failure(status));
    }
    let verification: Verification = read(body)?;
    let sid = verification.sid;
    let fits =
        (1..=SID_MAX).contains(&sid.len()) && sid.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(sid) } else { Err(Error::Answer) }
}

/// The answer to [`crate::request::check`]: approved, by SMS, to `phone`.
///
/// Anything else that Twilio says about the PIN is [`Error::NotApproved`]; 404 is, too: Twilio
/// deletes a verification that was approved, expired (10 minutes) or tried too often.
pub fn checked(status: u16, body: &[u8], phone: &str) -> Result<()> {
    match status {
        200 | 201 => {
            let check: Check = read(body)?;
            if check.status == "approved" && check.channel == "sms" && check.to == phone {
                Ok(())
            } else {
                Err(Error::NotApproved)
            }
        }
        404 => Err(Error::NotApproved),
        429 if read::<Failure>(body).is_ok_and(|failure| failure.code == TOO_MANY_CHECKS) => {
            Err(Error::NotApproved)
        }
        _ => Err(failure(status)),
    }
}
