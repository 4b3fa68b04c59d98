//! Attested results.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// A result of `sendReq` or `confirmIntent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Names and bytes.
    pub results: Vec<(String, Vec<u8>)>,
    /// The attestation document.
    pub document: Vec<u8>,
}

impl Attested {
    /// Reads a `jobResult`.
    ///
    /// # Panics
    /// When it is not a success of this form.
    pub fn of(result: &Value) -> Self {
        assert_eq!(result["code"], 0, "{result}");
        let bytes = |value: &Value| {
            let text = value.as_str().expect("a text");
            BASE64_STANDARD.decode(text).expect("base64")
        };
        let results = result["results"].as_array().expect("results");
        Self {
            results: results
                .iter()
                .map(|item| {
                    let name = item["name"].as_str().expect("a name");
                    (name.to_owned(), bytes(&item["data"]))
                })
                .collect(),
            document: bytes(&result["attestDocument"]),
        }
    }

    /// The bytes of a result.
    ///
    /// # Panics
    /// When there is none of this name.
    pub fn result(&self, name: &str) -> &[u8] {
        let mut results = self.results.iter();
        let found = results.find(|(other, _)| other == name);
        &found.unwrap_or_else(|| panic!("no result {name}")).1
    }
}
