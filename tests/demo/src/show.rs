//! Formats numbers, times and bytes for people.

use letsesign_utc::Utc;
use std::borrow::Borrow;

/// Bytes in decimal units, such as `41 kB`.
pub(crate) fn size(bytes: impl Borrow<u64>) -> String {
    let bytes = *bytes.borrow();
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..10_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// A duration, such as `43 ms`.
pub(crate) fn millis(millis: f64) -> String {
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.2} s", millis / 1000.0)
    }
}

/// A number with its noun, such as `1 mail` or `2 mails`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Hexadecimal in groups of four digits.
pub(crate) fn hex_groups(bytes: &[u8]) -> String {
    let groups: Vec<String> = bytes.chunks(2).map(hex::encode).collect();
    groups.join(" ")
}

/// Seconds since 1970 as `2026-11-25 08:57:55 UTC`.
pub(crate) fn time(seconds: u64) -> String {
    let utc = Utc::of(seconds);
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second
    )
}

/// Percent-encodes a path for a URL (RFC 3986, section 2.3).
pub(crate) fn url(path: &str) -> String {
    let mut url = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url += &format!("%{byte:02X}");
        }
    }
    url
}

/// The first `most` characters of a text.
pub(crate) fn start(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_234), "1.2 kB");
        assert_eq!(size(45_678), "45 kB");
        assert_eq!(size(1_234_567), "1.2 MB");
        assert_eq!(millis(3.21), "3.2 ms");
        assert_eq!(millis(1234.0), "1.23 s");
        assert_eq!(time(1_700_000_000), "2023-11-14 22:13:20 UTC");
        assert_eq!(hex_groups(&[1, 0xab, 0xff]), "01ab ff");
        assert_eq!(start("王小明", 2), "王小…");
        assert_eq!(url("a b/王.pdf"), "a%20b/%E7%8E%8B.pdf");
        assert_eq!(count(1, "mail", "mails"), "1 mail");
    }
}
