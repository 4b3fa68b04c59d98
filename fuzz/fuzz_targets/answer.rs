//! Arbitrary bytes as a response of KMS, and as the CMS message in it. The parser returns an error
//! or a value, never panics, and never returns more data than the input held.
#![no_main]

use letsesign_kms::{EnvelopedData, Envelope, answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(data) = EnvelopedData::parse(bytes) {
        assert!(data.encrypted_key.len() + data.content.len() + data.iv.len() <= bytes.len());
    }
    let (status, body) = match bytes {
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => (200, bytes),
    };
    for status in [200, 400, status] {
        if let Ok(cms) = answer(status, body) {
            assert!(status == 200 && cms.len() < body.len());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut parts = text.splitn(3, ',');
        let mut next = || parts.next().unwrap_or_default();
        if let Ok(envelope) = Envelope::decode(next(), next(), next()) {
            let _ = envelope.open(&[7; 32]);
        }
    }
});
