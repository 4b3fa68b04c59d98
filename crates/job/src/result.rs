//! What goes back to the host.

use crate::code::Code;
use serde::Serialize;
use serde_json::{Map, Value};

/// The `jobResult` of a job: a code and, on success, what the function returns.
#[derive(Clone, Serialize)]
pub struct JobResult {
    code: u16,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl JobResult {
    /// Success. Members are written in the order they are added.
    pub fn success() -> Self {
        Self {
            code: 0,
            members: Map::new(),
        }
    }

    /// A failure: its code alone.
    pub fn failure(code: Code) -> Self {
        Self {
            code: code.number(),
            members: Map::new(),
        }
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.into(), value.into());
        self
    }

    /// About how many bytes the members take, so that a large result is written without growing.
    fn size(&self) -> usize {
        let text = |value: &Value| value.as_str().map_or(1024, str::len) + 64;
        self.members.values().map(text).sum()
    }

    /// The code.
    pub fn code(&self) -> u16 {
        self.code
    }
}

/// Shows the code alone.
impl std::fmt::Debug for JobResult {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("JobResult")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// The body of `POST /api/put-job-result`.
pub(crate) fn body(session: &str, result: &JobResult) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        session: &'a str,
        #[serde(rename = "jobResult")]
        result: &'a JobResult,
    }
    // Strings and maps with string keys: nothing that could fail to be JSON.
    let mut out = Vec::with_capacity(result.size() + session.len() + 256);
    serde_json::to_writer(&mut out, &Body { session, result }).map_or_else(|_| Vec::new(), |()| out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_as_documented() {
        let result = JobResult::success()
            .with("attestDocument", "AA==")
            .with("a", 1);
        assert_eq!(
            body("s\"", &result),
            br#"{"session":"s\"","jobResult":{"code":0,"attestDocument":"AA==","a":1}}"#
        );
        let failure = JobResult::failure(Code::InvalidParameter);
        assert_eq!(
            body("s", &failure),
            br#"{"session":"s","jobResult":{"code":2001}}"#
        );
        assert!(!format!("{result:?}").contains("AA=="));
    }
}
