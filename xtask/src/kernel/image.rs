//! The build banner in a bzImage's setup header.
//!
//! Source: Documentation/arch/x86/boot.rst of Linux. The header has the magic "HdrS" at 0x202;
//! `kernel_version` at 0x20e is a little-endian pointer to a zero-terminated string, less 0x200.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The setup code that holds the string is at most 64 sectors long, plus the boot sector.
const SETUP_MAX: u64 = 65 * 512;

/// The build banner, such as `6.12.1 (user@host) #1 SMP Thu Jan  1 00:00:00 UTC 1970`.
pub(super) fn banner(path: &Path) -> Result<String> {
    let mut setup = Vec::new();
    File::open(path)
        .and_then(|file| file.take(SETUP_MAX).read_to_end(&mut setup))
        .with_context(|| format!("cannot read {}", path.display()))?;
    parse(&setup).with_context(|| format!("{} is not a bzImage", path.display()))
}

fn parse(setup: &[u8]) -> Result<String> {
    if setup.get(0x202..0x206) != Some(b"HdrS") {
        bail!("no magic \"HdrS\" at 0x202");
    }
    let pointer = setup
        .get(0x20e..0x210)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u16::from_le_bytes)
        .context("the header ends before 0x210")?;
    let start = usize::from(pointer) + 0x200;
    let text = setup
        .get(start..)
        .with_context(|| format!("the version's pointer {start:#x} leaves the setup code"))?;
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .context("the version does not end")?;
    let text = text.get(..end).unwrap_or_default();
    String::from_utf8(text.to_vec()).context("the version is not text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pointer: u16, text: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&pointer.to_le_bytes());
        bytes.extend_from_slice(text);
        bytes
    }

    #[test]
    fn the_banner_is_found_through_its_pointer() {
        assert_eq!(
            parse(&header(0x200, b"6.12 (a@b) #1\0rest")).unwrap(),
            "6.12 (a@b) #1"
        );
    }

    #[test]
    fn damaged_headers_are_refused() {
        assert!(parse(b"").is_err());
        assert!(parse(&header(0xffff, b"x\0")).is_err());
        assert!(parse(&header(0x200, b"endless")).is_err());
        assert!(parse(&header(0x200, b"\xff\0")).is_err());
        let mut other = header(0x200, b"x\0");
        other[0x202] = b'h';
        assert!(parse(&other).unwrap_err().to_string().contains("HdrS"));
    }
}
