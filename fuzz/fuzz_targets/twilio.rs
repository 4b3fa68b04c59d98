//! Arbitrary bytes as Twilio's responses, and arbitrary text as a phone number: an error or a
//! value, never a panic.
#![no_main]

use letsesign_sms::{answer, is_e164, is_valid};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (status, body) = match bytes {
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]) % 600, rest),
        _ => (200, bytes),
    };
    for status in [200, 201, 429, status] {
        let service = answer::service(status, body);
        assert!(service.is_err() || status == 200);
        if let Ok(sid) = answer::sent(status, body) {
            assert!(!sid.is_empty() && sid.len() <= 256 && sid.is_ascii());
        }
        let _ = answer::checked(status, body, "+886912345678");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(!is_valid(text) || is_e164(text));
    }
});
