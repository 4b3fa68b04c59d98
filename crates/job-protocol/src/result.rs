//! The result that goes back to the host.

use crate::code::Code;
use bytes::Bytes;
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

/// A finished result as the host gets it, always the same bytes. Cloning shares them.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery(Bytes);

impl Delivery {
    /// The body of `POST /api/put-job-result`.
    pub fn new(session: &str, result: &JobResult) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            session: &'a str,
            #[serde(rename = "jobResult")]
            result: &'a JobResult,
        }
        // Strings and maps with string keys: nothing that could fail to be JSON.
        let mut out = Vec::with_capacity(result.size() + session.len() + 256);
        let written = serde_json::to_writer(&mut out, &Body { session, result });
        Self(written.map_or_else(|_| Bytes::new(), |()| out.into()))
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn body(&self) -> Bytes {
        self.0.clone()
    }
}

/// Shows the size alone.
impl std::fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Delivery")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// The body of `POST /api/begin-job`.
pub(crate) fn begin(session: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        session: &'a str,
    }
    serde_json::to_vec(&Body { session }).unwrap_or_default()
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
            Delivery::new("s\"", &result).body(),
            &br#"{"session":"s\"","jobResult":{"code":0,"attestDocument":"AA==","a":1}}"#[..]
        );
        let failure = JobResult::failure(Code::InvalidParameter);
        assert_eq!(
            Delivery::new("s", &failure).body(),
            &br#"{"session":"s","jobResult":{"code":2001}}"#[..]
        );
        assert!(!format!("{result:?}").contains("AA=="));
        assert_eq!(begin("s\""), br#"{"session":"s\""}"#);
    }
}
