//! Members that all jobs have.

use crate::kms::Access;
use letsesign_job_protocol::fields::{FieldError, Fields};
use zeroize::Zeroizing;

/// Longest of most texts, in characters.
pub(super) const TEXT: std::ops::RangeInclusive<usize> = 1..=256;

/// `taskID` and `subTaskID`.
pub(super) struct Ids {
    pub(super) task: String,
    pub(super) sub_task: String,
}

impl Ids {
    pub(super) fn parse(data: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            task: data.text("taskID", TEXT)?,
            sub_task: data.text("subTaskID", TEXT)?,
        })
    }

    /// The hash that proofs hold. It covers `taskID` alone: `subTaskID` names a step and differs
    /// between the jobs of one task.
    pub(super) fn hash(&self) -> letsesign_proof::Hash {
        letsesign_proof::task_hash(&self.task)
    }
}

/// The credentials in `extraData`.
pub(super) fn access(extra: &Fields<'_>) -> Result<Access, FieldError> {
    let token = extra
        .has("kmsSessionToken")
        .then(|| extra.text("kmsSessionToken", 1..=4096).map(Zeroizing::new))
        .transpose()?;
    // The value becomes an HTTP header, so only printable ASCII without spaces is allowed.
    if token
        .as_ref()
        .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(FieldError {
            member: "kmsSessionToken",
            problem: "is not printable ASCII without spaces",
        });
    }
    Ok(Access {
        key_id: extra.text("kmsKeyID", TEXT)?,
        key_secret: extra.text("kmsKeySecret", TEXT).map(Zeroizing::new)?,
        session_token: token,
    })
}

/// The rest of `extraData` in `sendReq` and `attachEsig`.
pub(super) struct Extra {
    pub(super) api_version: String,
    pub(super) aux_data: String,
}

impl Extra {
    pub(super) fn parse(extra: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            api_version: extra.text("apiVersion", 1..=1024)?,
            aux_data: extra.text("auxData", 0..=1024)?,
        })
    }
}
