//! The unambiguous encoding of several values as one byte string (docs/protocol-2.md, "Lists").
//!
//! Hashes, keys and signatures cover lists. Each value is preceded by its length, so no two lists
//! have the same bytes.

/// The name of the protocol: the first value of every list.
pub(crate) const PROTOCOL: &[u8] = b"letsesign/2";

/// Encodes `letsesign/2`, the label and the values: each with its length in front, as 4 bytes, the
/// most significant first.
pub(crate) fn list(label: &str, values: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in [PROTOCOL, label.as_bytes()].iter().chain(values) {
        // No value that the protocol puts into a list comes near 4 GiB: the longest is a kibibyte.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_is_the_golden_one() {
        let bytes = list("x", &[b"ab", b""]);
        let expected = "0000000b6c65747365736967 6e2f32 0000000178 000000026162 00000000";
        assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
    }

    proptest! {
        /// Moving a byte from one value to the next changes the list.
        #[test]
        fn different_lists_have_different_bytes(
            a: Vec<Vec<u8>>, b: Vec<Vec<u8>>, label in "[a-z]{1,5}", other in "[a-z]{1,5}",
        ) {
            let encode = |label: &str, values: &[Vec<u8>]| {
                let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
                list(label, &values)
            };
            let same = label == other && a == b;
            prop_assert_eq!(encode(&label, &a) == encode(&other, &b), same);
        }
    }
}
