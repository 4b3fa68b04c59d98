//! Is this a kernel that the enclave can boot? Only the boot header is read.
//!
//! Sources: Linux `Documentation/arch/x86/boot.rst` (bzImage) and
//! `Documentation/arch/arm64/booting.rst` (Image).

use crate::format::Arch;

/// Bytes from the start of a kernel that [`inspect`] needs to see.
pub const HEAD: usize = 0x1_0000;

/// Fields of a kernel's boot header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelInfo {
    /// The architecture it boots on.
    pub arch: Arch,
    /// For a bzImage the version text, such as `6.12.117 (enclave@enclave) #1 SMP ...`; it is found
    /// only when it lies inside the first [`HEAD`] bytes, as it does in real kernels.
    pub version: Option<String>,
}

/// Recognises a kernel from its first bytes. The error names the kind of file instead, where it
/// is known.
pub fn inspect(head: &[u8]) -> Result<KernelInfo, String> {
    if word(head, 0x1fe) == Some(0xaa55) && head.get(0x202..0x206) == Some(b"HdrS") {
        let protocol = word(head, 0x206).unwrap_or(0);
        // loadflags bit 0 (LOADED_HIGH) tells a bzImage from an old zImage; it exists since
        // protocol 2.00.
        if head.get(0x211).is_none_or(|flags| flags & 1 == 0) {
            return Err("is an old zImage kernel; a bzImage is needed (make bzImage)".to_owned());
        }
        // The 64-bit entry point needs boot protocol 2.12 (Linux 3.8).
        if protocol < 0x020c {
            return Err(format!(
                "speaks boot protocol {}.{:02}; 2.12 or later is needed (Linux 3.8 or later)",
                protocol >> 8,
                protocol & 0xff
            ));
        }
        return Ok(KernelInfo {
            arch: Arch::X86_64,
            version: bzimage_version(head),
        });
    }
    if head.get(0x38..0x3c) == Some(b"ARM\x64") {
        return Ok(KernelInfo {
            arch: Arch::Aarch64,
            version: None,
        });
    }
    Err(format!(
        "is not a kernel: {}; expected a bzImage (x86_64) or an Image (aarch64)",
        what_else(head)
    ))
}

/// Like [`inspect`], and the kernel must be for `arch`.
pub fn check(head: &[u8], arch: Arch) -> Result<KernelInfo, String> {
    let info = inspect(head)?;
    if info.arch == arch {
        Ok(info)
    } else {
        Err(format!(
            "is a kernel for {}, but the image is for {arch} (see --arch)",
            info.arch
        ))
    }
}

/// `kernel_version` at 0x20e: when not zero, a NUL-terminated text lies 0x200 bytes after that
/// offset.
fn bzimage_version(head: &[u8]) -> Option<String> {
    let pointer = usize::from(word(head, 0x20e)?);
    if pointer == 0 {
        return None;
    }
    let text = head.get(pointer + 0x200..)?;
    let end = text.iter().take(512).position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    text.chars()
        .all(|c| !c.is_control())
        .then(|| text.to_owned())
}

fn word(head: &[u8], offset: usize) -> Option<u16> {
    head.get(offset..)?
        .first_chunk()
        .map(|bytes| u16::from_le_bytes(*bytes))
}

fn what_else(head: &[u8]) -> &'static str {
    match head {
        [] => "the file is empty",
        [0x7f, b'E', b'L', b'F', ..] => {
            "it is an ELF file (a vmlinux is not bootable here, use arch/x86/boot/bzImage)"
        }
        [0x1f, 0x8b, ..] => "it is gzip-compressed (Image.gz must be unpacked to Image)",
        [b'.', b'e', b'i', b'f', ..] => "it is an enclave image itself",
        [b'M', b'Z', ..] => "it is a PE file without a Linux boot header",
        [b'0', b'7', b'0', b'7', b'0', ..] => "it is a cpio archive",
        _ => "the boot header's magic is missing",
    }
}

/// The least that passes for a kernel, for tests here and in other crates: `HdrS` header and a
/// version text.
#[doc(hidden)]
pub fn fake_bzimage(len: usize) -> Vec<u8> {
    let mut kernel: Vec<u8> = (0..len.max(0x400))
        .map(|i| u8::try_from(i % 251).unwrap_or_default())
        .collect();
    let mut put = |offset: usize, bytes: &[u8]| {
        for (to, from) in kernel.iter_mut().skip(offset).zip(bytes) {
            *to = *from;
        }
    };
    put(0x1fe, &[0x55, 0xaa]);
    put(0x202, b"HdrS");
    put(0x206, &[0x0f, 0x02]);
    put(0x20e, &[0x40, 0x01]);
    put(0x211, &[1]);
    put(0x340, b"6.12.0-test\0");
    kernel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_both_kinds() {
        let info = check(&fake_bzimage(5000), Arch::X86_64).unwrap();
        assert_eq!(info.version.as_deref(), Some("6.12.0-test"));
        let mut arm = vec![0; 64];
        arm[0x38..0x3c].copy_from_slice(b"ARMd");
        assert_eq!(inspect(&arm).unwrap().arch, Arch::Aarch64);
        assert!(check(&arm, Arch::X86_64).unwrap_err().contains("aarch64"));
    }

    #[test]
    fn says_what_the_file_is_instead() {
        for (head, text) in [
            (&b""[..], "empty"),
            (b"\x7fELF", "ELF"),
            (b"\x1f\x8b\x08", "gzip"),
            (b".eif", "enclave image"),
            (b"070701", "cpio"),
            (b"hello", "magic is missing"),
        ] {
            let error = inspect(head).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
        let mut old = fake_bzimage(1024);
        old[0x206] = 0x0b;
        assert!(inspect(&old).unwrap_err().contains("2.11"));
        let mut zimage = fake_bzimage(1024);
        zimage[0x211] = 0;
        assert!(inspect(&zimage).unwrap_err().contains("zImage"));
    }

    #[test]
    fn every_short_prefix_is_an_error() {
        let kernel = fake_bzimage(0x400);
        for len in 0..0x212 {
            assert!(inspect(&kernel[..len]).is_err(), "{len}");
        }
    }
}
