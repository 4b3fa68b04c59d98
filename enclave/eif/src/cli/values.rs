//! Values of options: sizes, architectures, owners.

use eif::format::Arch;

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
