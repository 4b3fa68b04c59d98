//! WWW-Authenticate headers and files of credentials: no panic, and no credentials for a host that
//! the file does not name.
#![no_main]

use canoni::registry::{AuthFile, Challenge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(challenges) = Challenge::parse_all(text)
    {
        for challenge in challenges {
            assert!(!challenge.scheme.is_empty() && challenge.scheme.is_ascii());
            for (name, value) in &challenge.parameters {
                assert_eq!(challenge.get(name), Some(value.as_str()));
                assert!(!value.contains(char::is_control));
            }
        }
    }
    if let Ok(file) = AuthFile::parse(bytes) {
        let _ = file.find("docker.io", "library/app");
        let _ = file.find("quay.io:443", "a/b/c");
    }
});
