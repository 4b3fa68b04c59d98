//! Compares how long verifiers take for one real document. Its certificates expired in 2022, and
//! one verifier always uses the current time, so run the program under faketime:
//!
//! ```console
//! $ cargo build --release --manifest-path crates/attestation/compare/Cargo.toml
//! $ cd crates/attestation/compare/target/release
//! $ faketime -f '@2022-10-13 09:00:00' ./letsesign-attestation-compare
//! ```

use letsesign_attestation::{Live, Root, Verifier};
use nsm_nitro_enclave_utils::api::nsm::AttestationDoc;
use nsm_nitro_enclave_utils::{time::Time, verify::AttestationDocVerifierExt};
use std::hint::black_box;
use std::time::{Duration, Instant};

const DOCUMENT: &[u8] = include_bytes!("../../../../tests/vectors/attestation/production-2022-10-13.cbor");
/// When the document was made, in seconds since 1970 (UTC).
const MADE: u64 = 1_665_651_482;

/// AWS's root certificate, cut from the document: the first entry of its cabundle, a CBOR head of
/// three bytes with the length, then the certificate.
fn root() -> &'static [u8] {
    let name = b"hcabundle";
    let at = DOCUMENT.windows(name.len()).position(|window| window == name).expect("a cabundle") + name.len() + 1;
    let length = usize::from(u16::from_be_bytes([DOCUMENT[at + 1], DOCUMENT[at + 2]]));
    &DOCUMENT[at + 3..at + 3 + length]
}

/// Runs each verifier in turn for half a second. The fastest of five rounds counts.
fn main() {
    let warm = Verifier::new(Root::aws());
    let live = || Live { now: MADE * 1000 + 1000, max_age: 5000, ahead: 1000, nonce: None };
    let contenders: [(&str, Box<dyn Fn() -> bool>); 4] = [
        ("letsesign-attestation", Box::new(|| warm.inspect_running(black_box(DOCUMENT), live()).is_ok())),
        (
            "letsesign-attestation, a verifier for each",
            Box::new(|| Verifier::new(Root::aws()).inspect_running(black_box(DOCUMENT), live()).is_ok()),
        ),
        (
            "attestation-doc-validation",
            Box::new(|| attestation_doc_validation::validate_and_parse_attestation_doc(black_box(DOCUMENT)).is_ok()),
        ),
        (
            "nsm-nitro-enclave-utils",
            Box::new(|| {
                let time = Time::new(Box::new(|| MADE * 1000));
                AttestationDoc::from_cose(black_box(DOCUMENT), root(), time).is_ok()
            }),
        ),
    ];
    let mut best = [Duration::MAX; 4];
    for _ in 0..5 {
        for ((name, verify), best) in contenders.iter().zip(&mut best) {
            assert!(verify(), "{name} does not accept the document");
            let (start, mut count) = (Instant::now(), 0);
            while start.elapsed() < Duration::from_millis(500) {
                black_box(verify());
                count += 1;
            }
            *best = (*best).min(start.elapsed() / count);
        }
    }
    for ((name, _), time) in contenders.iter().zip(best) {
        let ratio = time.as_secs_f64() / best[0].as_secs_f64();
        println!("{name:<44} {:>7.0} us {:>7.0} a second  {ratio:.2} times", time.as_secs_f64() * 1e6, 1.0 / time.as_secs_f64());
    }
}
