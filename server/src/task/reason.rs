//! Why what was decrypted is not what it should be.

use crate::jobs::Failure;
use letsesign_job::Code;
use strict_json::Problem;

/// Checks that decrypted bytes are strict JSON, and gives their text.
///
/// Bytes that no JSON parser reads were encrypted by nobody who speaks the protocol, so decryption failed (2002). Texts that parsers read
/// differently (a key twice, half a surrogate pair, `NaN`, nesting without end) are a parameter that is not acceptable (2001).
pub(super) fn json<'a>(bytes: &'a [u8], part: &'static str) -> Result<&'a str, Failure> {
    let problem = match strict_json::check(bytes, strict_json::Limits::default()) {
        Ok(()) => {
            return std::str::from_utf8(bytes)
                .map_err(|_| Failure::new(Code::DecryptFailed, format!("{part} is no text")));
        }
        Err(problem) => problem,
    };
    let rest = bytes.get(problem.offset..).unwrap_or_default();
    let code = match problem.problem {
        Problem::DuplicateKey | Problem::Surrogate | Problem::Depth => Code::InvalidParameter,
        _ if [&b"NaN"[..], b"Infinity", b"-Infinity"]
            .iter()
            .any(|word| rest.starts_with(word)) =>
        {
            Code::InvalidParameter
        }
        _ => Code::DecryptFailed,
    };
    Err(Failure::new(code, format!("{part}: {problem}")))
}
