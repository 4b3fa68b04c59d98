//! The host's answer to `GET /api/get-job`.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;
use zeroize::Zeroizing;

/// Longest `session` and `jobName`, in characters.
const NAME_MAX: usize = 256;

/// A job as the host hands it out, its envelope checked.
///
/// The data stay where they were received, because they are megabytes.
#[derive(Clone)]
pub struct Job {
    session: String,
    name: String,
    body: Zeroizing<String>,
    data: Range<usize>,
}

impl Job {
    /// The host's identifier of the job: 1 to 256 characters.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The name of the requested function: 1 to 256 arbitrary characters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of `jobData`, a JSON object, byte for byte as received. Looks for its end, so it
    /// takes time that grows with the job.
    pub fn data(&self) -> &RawValue {
        // The text was found to be an object when the job was read.
        serde_json::from_str(self.text()).unwrap_or(RawValue::NULL)
    }

    /// Bytes of the answer that it came in, all of which are held.
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// [`Self::data`] as a text.
    pub fn text(&self) -> &str {
        self.body.get(self.data.clone()).unwrap_or_default()
    }
}

/// Shows neither names nor data: a log must not hold them.
impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Job")
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// The host's answer.
#[derive(Debug)]
pub enum Envelope {
    /// The queue is empty.
    None,
    /// The host handed out a job.
    Job(Job),
    /// The answer is not a job.
    Unusable {
        /// The session to answer to, where one could be made out.
        session: Option<Session>,
        /// The reason; contains nothing of the answer's text.
        reason: String,
    },
}

/// A session without a job. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Session(String);

impl Session {
    /// The session.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Session")
    }
}

/// The members, each as its text. `null` counts as absent.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    session: Option<&'a RawValue>,
    #[serde(borrow, rename = "jobName")]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "jobData")]
    data: Option<&'a RawValue>,
}

impl Envelope {
    /// Reads an answer's body, which is overwritten when it is not needed any more. Never fails:
    /// what is wrong becomes [`Envelope::Unusable`].
    pub fn parse(body: Vec<u8>) -> Self {
        let mut body = Zeroizing::new(body);
        if let Err(error) = strict_json::check(&body, strict_json::Limits::default()) {
            let session = salvage(&body).and_then(|text| name(&text)).map(Session);
            return Self::Unusable {
                session,
                reason: error.to_string(),
            };
        }
        match Self::members(&body) {
            Err(unusable) => unusable,
            Ok((session, name, data)) => {
                // Strict JSON is UTF-8. The bytes move, they are not copied.
                let text = String::from_utf8(std::mem::take(&mut *body)).unwrap_or_default();
                Self::Job(Job {
                    session,
                    name,
                    body: Zeroizing::new(text),
                    data,
                })
            }
        }
    }

    /// Session, name, and where the data are; or what this is instead of a job.
    fn members(body: &[u8]) -> Result<(String, String, Range<usize>), Self> {
        let no_object = || Self::Unusable {
            session: None,
            reason: "the answer is not an object".into(),
        };
        // The text is JSON already; only a value that is not an object fails here.
        let members: Members<'_> = serde_json::from_slice(body).map_err(|_| no_object())?;
        if !body.trim_ascii().starts_with(b"{") {
            return Err(no_object());
        }
        let session = members.session.and_then(|raw| name(raw.get()));
        let Some(session) = session else {
            let empty = body
                .iter()
                .all(|byte| byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}'));
            return Err(if empty {
                Self::None
            } else {
                Self::Unusable {
                    session: None,
                    reason: "no session of 1 to 256 characters".into(),
                }
            });
        };
        let unusable = |reason: &str| Self::Unusable {
            session: Some(Session(session.clone())),
            reason: reason.into(),
        };
        let Some(name) = members.name.and_then(|raw| name(raw.get())) else {
            return Err(unusable("no jobName of 1 to 256 characters"));
        };
        let data = members.data.map_or("", RawValue::get);
        if !data.starts_with('{') {
            return Err(unusable("jobData is not an object"));
        }
        let start = data.as_ptr().addr().saturating_sub(body.as_ptr().addr());
        Ok((session, name, start..start + data.len()))
    }
}

/// A string of 1 to 256 characters, out of its JSON text.
fn name(text: &str) -> Option<String> {
    let text: String = serde_json::from_str(text).ok()?;
    (1..=NAME_MAX)
        .contains(&text.chars().count())
        .then_some(text)
}

/// Looks for the `session` member of a text that is not strict JSON, because the answer to a broken
/// job needs a destination. The member must occur once, at the top level, with a string as value;
/// the scan skips everything else by its brackets and quotes.
fn salvage(body: &[u8]) -> Option<String> {
    let mut found = None;
    let mut depth = 0_usize;
    let mut at = 0;
    let mut key: Option<&[u8]> = None;
    let mut expect_key = false;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => {
                let end = string_end(body, at)?;
                let text = body.get(at..end)?;
                if depth == 1 && expect_key {
                    key = Some(text);
                } else if depth == 1 && key == Some(b"\"session\"") && found.replace(text).is_some()
                {
                    return None;
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                expect_key = depth == 1 && byte == b'{';
            }
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b':' if depth == 1 => expect_key = false,
            b',' if depth == 1 => {
                expect_key = true;
                key = None;
            }
            _ => {}
        }
        at += 1;
    }
    String::from_utf8(found?.to_vec())
        .ok()
        .filter(|_| depth == 0)
}

/// The position after the string that begins at `start`.
fn string_end(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unusable(body: &str) -> (Option<String>, String) {
        match Envelope::parse(body.as_bytes().to_vec()) {
            Envelope::Unusable { session, reason } => (session.map(|session| session.0), reason),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_job_keeps_its_text() {
        let data = r#"{"n":1e-7, "z":-0,"a":1.0,"u":"é\u00e9" }"#;
        let body =
            format!(" {{\"jobData\":{data},\"jobName\":\"f\",\"session\":\"s\",\"more\":[1]}}\n");
        let Envelope::Job(job) = Envelope::parse(body.as_bytes().to_vec()) else {
            panic!("{body}")
        };
        assert_eq!(
            (job.session(), job.name(), job.data().get()),
            ("s", "f", data)
        );
        assert!(!format!("{job:?}").contains("1e-7"));
    }

    #[test]
    fn no_job() {
        for body in ["{}", " { }\n"] {
            assert!(
                matches!(Envelope::parse(body.as_bytes().to_vec()), Envelope::None),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_job_is_answered_where_a_session_is() {
        let long = "s".repeat(257);
        for (body, session) in [
            ("[]", None),
            ("7", None),
            ("", None),
            ("{\"more\":1}", None),
            ("{\"session\":7,\"jobName\":\"f\",\"jobData\":{}}", None),
            ("{\"session\":\"\",\"jobName\":\"f\",\"jobData\":{}}", None),
            (
                &format!("{{\"session\":\"{long}\",\"jobName\":\"f\",\"jobData\":{{}}}}"),
                None,
            ),
            ("{\"session\":\"s\"}", Some("s")),
            (
                "{\"session\":\"s\",\"jobName\":\"\",\"jobData\":{}}",
                Some("s"),
            ),
            (
                "{\"session\":\"s\",\"jobName\":\"f\",\"jobData\":[]}",
                Some("s"),
            ),
            (
                "{\"session\":\"s\",\"jobName\":\"f\",\"jobData\":null}",
                Some("s"),
            ),
            (
                "{\"session\":\"s\",\"jobName\":7,\"jobData\":{}}",
                Some("s"),
            ),
            // Not strict JSON, but the session is plain to see.
            (
                "{\"session\":\"s\",\"jobName\":\"f\",\"jobData\":{\"a\":NaN}}",
                Some("s"),
            ),
            (
                "{\"jobData\":{\"a\":1,\"a\":2,\"session\":\"x\"},\"session\":\"s\",\"jobName\":\"f\"}",
                Some("s"),
            ),
            (
                "{\"jobData\":{\"a\":\"\\ud800\"},\"session\":\"s\",\"jobName\":\"f\"}",
                Some("s"),
            ),
            (
                "{\"jobData\":{\"a\":\"}\\\"{\", \"b\":01},\"session\":\"\\u0073\",\"jobName\":\"f\"}",
                Some("s"),
            ),
            // The session is ambiguous or truncated: an answer has no destination.
            (
                "{\"session\":\"a\",\"session\":\"b\",\"jobName\":\"f\",\"jobData\":{}}",
                None,
            ),
            ("{\"session\":\"a\",\"jobName\":\"f\",\"jobData\":{", None),
            ("{\"x\":\"session\",\"jobData\":NaN}", None),
            ("[\"session\",\"a\",NaN]", None),
        ] {
            assert_eq!(unusable(body).0.as_deref(), session, "{body}");
        }
        let deep = format!(
            "{{\"session\":\"s\",\"jobName\":\"f\",\"jobData\":{}1{}}}",
            "{\"a\":".repeat(64),
            "}".repeat(64)
        );
        let (session, reason) = unusable(&deep);
        assert_eq!(session.as_deref(), Some("s"));
        assert!(reason.contains("nesting too deep"), "{reason}");
    }

    proptest! {
        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::parse(body);
        }

        #[test]
        fn what_serde_json_writes_is_read(session in ".{1,256}", name in ".{1,256}", key in ".*", number in any::<f64>()) {
            let body = serde_json::json!({"session": session, "jobName": name, "jobData": {key: number}}).to_string();
            let Envelope::Job(job) = Envelope::parse(body.as_bytes().to_vec()) else { panic!("{body}") };
            prop_assert_eq!(job.session(), session);
            prop_assert_eq!(job.name(), name);
        }
    }
}
