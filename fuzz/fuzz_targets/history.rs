//! Arbitrary bytes as a release, a ledger and a status list. What is accepted survives writing and
//! reading again.
#![no_main]

use letsesign_measurements::{Files, History, Ledger, Release, StatusList};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(release) = Release::parse("a", bytes) {
        let text = release.to_json().unwrap();
        assert_eq!(Release::parse("a", text.as_bytes()).unwrap(), release);
    }
    if let Ok(ledger) = Ledger::parse(bytes) {
        let again = Ledger::parse(ledger.to_text().as_bytes()).unwrap();
        assert!(again.names().eq(ledger.names()));
    }
    if let Ok(list) = StatusList::parse(bytes) {
        let text = list.to_json().unwrap();
        assert_eq!(StatusList::parse(text.as_bytes()).unwrap(), list);
    }
    // Zero bytes divide the input into the files of a folder.
    let names = ["LEDGER", "a.json", "status.json", "status.json.minisig", "keys/a.pub", "a.json.minisig"];
    let parts = bytes.split(|byte| *byte == 0);
    let files: Files = names.into_iter().map(str::to_owned).zip(parts.map(<[u8]>::to_vec)).collect();
    let _ = History::from_files(&files);
});
