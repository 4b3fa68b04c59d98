//! Values of options: sizes, architectures, owners.

use eif::format::Arch;
use std::str::FromStr;
use x509_cert::der::DateTime;

/// A number of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            n if n % (1 << 30) == 0 => write!(f, "{}G", n >> 30),
            n if n % (1 << 20) == 0 => write!(f, "{}M", n >> 20),
            n => write!(f, "{n}"),
        }
    }
}

pub(super) fn size(text: &str) -> Result<Size, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (text.get(..at), 1 << 10),
        Some((at, 'M' | 'm')) => (text.get(..at), 1 << 20),
        Some((at, 'G' | 'g')) => (text.get(..at), 1 << 30),
        _ => (Some(text), 1),
    };
    digits
        .and_then(|digits| digits.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(unit))
        .filter(|bytes| *bytes > 0)
        .map(Size)
        .ok_or_else(|| "expected a number of bytes such as 536870912, 512M or 1G".to_owned())
}

pub(super) fn arch(text: &str) -> Result<Arch, String> {
    match text {
        "x86_64" | "amd64" => Ok(Arch::X86_64),
        "aarch64" | "arm64" => Ok(Arch::Aarch64),
        _ => Err("expected x86_64 or aarch64".to_owned()),
    }
}

pub(super) fn owner(text: &str) -> Result<(u32, u32), String> {
    text.split_once(':')
        .and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)))
        .ok_or_else(|| "expected two numbers, UID:GID".to_owned())
}

/// A moment in seconds since 1970: a number of these, or a time of RFC 3339 in UTC without
/// fractions.
pub(super) fn moment(text: &str) -> Result<u64, String> {
    text.parse::<u64>().ok().map_or_else(
        || {
            DateTime::from_str(text)
                .map(|time| time.unix_duration().as_secs())
                .map_err(|_| {
                    "expected a time in UTC such as 2026-12-31T00:00:00Z, or seconds since 1970"
                        .to_owned()
                })
        },
        Ok,
    )
}

/// A moment as RFC 3339 has it; `None` after the year 9999.
pub(super) fn rfc_3339(seconds: u64) -> Option<String> {
    DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))
        .ok()
        .map(|time| time.to_string())
}
