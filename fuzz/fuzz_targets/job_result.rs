//! Arbitrary bytes as the body of put-job-result, read by the host: a session and a code or a
//! refusal, the same however the bytes are divided, and nothing else than serde_json reads.
#![no_main]

// The module alone: the whole package would bring SQLite and a compiler for C.
#[allow(dead_code)]
#[path = "../../host/src/queue/scan/mod.rs"]
mod scan;

use libfuzzer_sys::fuzz_target;
use scan::Scanner;
use serde_json::Value;

fn read(bytes: &[u8], size: usize) -> Option<(Option<String>, Option<u16>)> {
    let mut scanner = Scanner::new();
    for piece in bytes.chunks(size) {
        scanner.push(piece).ok()?;
    }
    scanner.end().ok()?;
    Some((scanner.session().map(str::to_owned), scanner.code()))
}

fuzz_target!(|bytes: &[u8]| {
    let found = read(bytes, bytes.len().max(1));
    for size in [1, 7] {
        assert_eq!(read(bytes, size), found);
    }
    // Huge exponents are a matter of serde_json's numbers, not of the grammar.
    if let (Some((session, code)), Ok(value)) = (found, serde_json::from_slice::<Value>(bytes)) {
        assert_eq!(session.as_deref(), value.get("session").and_then(Value::as_str));
        let read = value.get("jobResult").and_then(|result| result.get("code"));
        assert_eq!(code.map(u64::from), read.and_then(Value::as_u64));
    }
});
