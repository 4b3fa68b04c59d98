//! Arbitrary bytes as the host's response, and as JSON: serde_json accepts whatever this reader
//! accepts.
#![no_main]

use letsesign_job_protocol::Envelope;
use letsesign_job_protocol::fields::Fields;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let strict = strict_json::check(body, strict_json::Limits::default()).is_ok();
    if strict {
        let parsed = serde_json::from_slice::<serde_json::Value>(body);
        assert!(parsed.is_ok() || parsed.is_err_and(|error| error.to_string().contains("out of range")));
    }
    match Envelope::parse(body.to_vec()) {
        Envelope::Job(job) => {
            assert!(strict);
            assert!((1..=256).contains(&job.session().chars().count()));
            // The reader keeps the sender's text unchanged.
            let text = job.data().get().as_bytes();
            assert!(body.windows(text.len()).any(|window| window == text));
            let fields = Fields::of(job.data()).unwrap();
            let _ = fields.integer("n", i64::MIN..=i64::MAX);
            let _ = fields.text("n", 0..=9);
            let _ = fields.base64("n", 0..=9);
        }
        Envelope::None => assert!(strict),
        Envelope::Unusable { session, reason } => {
            assert!(session.is_none_or(|session| (1..=256).contains(&session.as_str().chars().count())));
            assert!(reason.len() < 100);
        }
    }
});
