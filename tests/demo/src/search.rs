//! Searches everything that the host saw for texts: plain, in hexadecimal, and inside base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;

/// The shortest text to search for. Shorter ones would be found by chance.
pub(crate) const SHORTEST: usize = 6;

/// Whether `seen` contains `text` in any of these forms.
pub(crate) fn holds(seen: &[Vec<u8>], text: &[u8]) -> bool {
    let forms = forms(text);
    seen.iter()
        .any(|bytes| forms.iter().any(|form| memmem::find(bytes, form).is_some()))
}

fn forms(text: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(text);
    let mut forms = vec![text.to_vec(), hex.to_uppercase().into_bytes(), hex.into()];
    // The base64 of a text depends on its offset: 0, 1 or 2 bytes after a complete group of three.
    // Characters that also encode neighbouring bytes are ignored.
    for before in 0..3 {
        let mut shifted = vec![0; before];
        shifted.extend(text);
        let bits = shifted.len() * 8;
        let encoded = BASE64_STANDARD.encode(&shifted).into_bytes();
        let first = (before * 8).div_ceil(6);
        if let Some(inner) = encoded.get(first..bits / 6) {
            forms.push(inner.to_vec());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_every_form_and_place() {
        for before in 0..7 {
            let mut clear = vec![b'x'; before];
            clear.extend("王小明 signs here".bytes());
            let base64 = BASE64_STANDARD.encode(&clear).into_bytes();
            let hex = hex::encode(&clear).into_bytes();
            for seen in [clear, base64, hex] {
                assert!(holds(
                    std::slice::from_ref(&seen),
                    "王小明 signs".as_bytes()
                ));
                assert!(!holds(&[seen], "王大明 signs".as_bytes()));
            }
        }
    }
}
