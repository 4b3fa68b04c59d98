//! Arbitrary bytes as each format. What is accepted survives writing and reading again.
#![no_main]

use letsesign_proof::{Poi, Por, Spf, Summary, UserData, compact};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(por) = Por::parse(bytes) {
        assert_eq!(Por::parse(&por.to_cbor().unwrap()).unwrap(), por);
    }
    if let Ok(poi) = Poi::parse(bytes) {
        assert_eq!(Poi::parse(&poi.to_cbor().unwrap()).unwrap(), poi);
    }
    if let Ok(data) = UserData::parse(bytes) {
        assert_eq!(data.to_json().unwrap().as_bytes(), bytes);
    }
    if let Ok(spf) = Spf::parse(bytes) {
        assert_eq!(Spf::parse(spf.to_json().unwrap().as_bytes()).unwrap(), spf);
    }
    if let Some(summary) = std::str::from_utf8(bytes).ok().and_then(|text| Summary::parse(text).ok()) {
        // The summary's own text parses to the same summary. Writing its members again loses
        // unknown members only.
        assert_eq!(Summary::parse(summary.text()).unwrap(), summary);
        let Summary { signers, magic_number, binding_data_hash, origin, .. } = summary.clone();
        let written = Summary::new(signers, magic_number, binding_data_hash, origin).unwrap();
        assert_eq!((written.signers, written.origin), (summary.signers, summary.origin));
    }
    if let Some(text) = std::str::from_utf8(bytes).ok().and_then(compact) {
        // Compact text is a fixed point.
        assert_eq!(compact(&text).as_deref(), Some(text.as_str()));
    }
});
