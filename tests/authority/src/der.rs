//! The subset of DER (X.690) that certificates need.

/// Tag, length, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut out = match content.len() {
        0..=127 => vec![tag, low],
        128..=255 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(content);
    out
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn oid(encoded: &[u8]) -> Vec<u8> {
    tlv(6, encoded)
}

/// UTCTime of seconds since 1970; before 2050, as RFC 5280 requires.
pub(crate) fn utc_time(seconds: u64) -> Vec<u8> {
    let time =
        p384::pkcs8::der::DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))
            .expect("a year of four digits");
    assert!((1970..2050).contains(&time.year()), "UTCTime ends in 2050");
    let text = format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        time.year() % 100,
        time.month(),
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds()
    );
    tlv(0x17, text.as_bytes())
}
