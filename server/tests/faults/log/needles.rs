//! Secrets that logs must not contain, and the spellings that the search covers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// In every text of a marked task. Six letters, as long as a word of the document that it replaces.
pub const MARK: &str = "qzmark";

/// Bytes of a long secret that are looked for, from its beginning, its middle and its end.
const PIECE: usize = 12;

#[derive(Default)]
pub struct Needles(Vec<String>);

impl Needles {
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Spellings of bytes: as text, hexadecimal, base64 at every place in a longer text, and as
    /// lists of numbers.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if bytes.len() > 3 * PIECE {
            let middle = bytes.len() / 2;
            for from in [0, middle, bytes.len() - PIECE] {
                self.spell(&bytes[from..from + PIECE]);
            }
        } else {
            self.spell(bytes);
        }
    }

    fn spell(&mut self, bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.0.push(text.to_lowercase());
        }
        self.0.push(hex::encode(bytes));
        let list = format!("{bytes:?}");
        self.0.push(list.trim_matches(['[', ']']).to_owned());
        for shift in 0..3 {
            let text = BASE64_STANDARD.encode([&vec![0; shift], bytes].concat());
            // The first and the last characters depend on what stands beside it.
            let text = text.trim_end_matches('=');
            let end = text.len() - usize::from(!(shift + bytes.len()).is_multiple_of(3));
            let start = [0, 2, 3][shift];
            self.0.push(text[start..end].to_lowercase());
        }
    }

    /// Looks for all of them, whatever the case.
    pub fn assert_absent(&self, log: &str) {
        let lower = log.to_lowercase();
        for needle in &self.0 {
            assert!(needle.len() >= 6, "{needle:?} would be found by chance");
            if let Some(at) = lower.find(needle) {
                let line = log[..at].matches('\n').count();
                panic!(
                    "{needle:?} is in line {line}: {}",
                    log.lines().nth(line).unwrap()
                );
            }
        }
    }
}

#[test]
fn every_spelling_is_found() {
    let mut needles = Needles::default();
    needles.text(MARK);
    for text in [
        MARK.to_uppercase(),
        hex::encode(format!("xy{MARK}z")),
        format!("{:?}", format!("xy{MARK}z").as_bytes()),
        BASE64_STANDARD.encode(format!("a{MARK}b")),
        BASE64_STANDARD.encode(format!("aa{MARK}bb")),
        BASE64_STANDARD.encode(format!("aaa{MARK}")),
        BASE64_STANDARD.encode(MARK),
    ] {
        let log = format!("line\nfailed: {text} of it\n");
        assert!(
            std::panic::catch_unwind(|| needles.assert_absent(&log)).is_err(),
            "{text}"
        );
    }
    needles.assert_absent("line\nfailed: it is not JSON\n");
}
