//! Can the kernel start this program as PID 1? Only its ELF headers are read.
//!
//! Sources: System V ABI, "ELF Header" and "Program Header"; Linux `fs/binfmt_elf.c`, which refuses
//! the same programs, or would look for an interpreter that ramdisk 1 does not have.

use crate::bundle::InitConfig;
use crate::format::Arch;
use memchr::memmem;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// ELF header of a 64-bit program, in bytes.
const HEADER: usize = 64;
/// A program header, in bytes.
const SEGMENT: usize = 56;
/// Linux reads program headers of at most 64 KiB.
const SEGMENTS_MAX: usize = 0x1_0000 / SEGMENT;

/// `ET_EXEC` and `ET_DYN` (static-pie).
const TYPES: [u16; 2] = [2, 3];
/// `PT_INTERP`.
const INTERPRETER: u32 = 3;

/// Checks a program for a machine. The error says what is wrong, and what is expected.
pub(crate) fn check(file: &File, arch: Arch) -> Result<(), String> {
    let mut header = [0; HEADER];
    let length = read(file, &mut header, 0)?;
    let head = header.get(..length).unwrap_or_default();
    if !head.starts_with(b"\x7fELF") {
        let what = if head.starts_with(b"#!") {
            "is a script, whose interpreter is not in the first ramdisk"
        } else {
            "is not an ELF program"
        };
        return Err(format!("{what}; {EXPECTED}"));
    }
    if length < HEADER {
        return Err(format!("ends inside its ELF header; {EXPECTED}"));
    }
    // EI_CLASS and EI_DATA: 64 bits, least significant byte first, as all machines of enclaves.
    if head.get(4..6) != Some(&[2, 1]) {
        return Err(format!("is not a 64-bit little-endian program; {EXPECTED}"));
    }
    let kind = half(head, 0x10);
    if !TYPES.contains(&kind) {
        return Err(format!(
            "is an ELF file of type {kind} and not a program; {EXPECTED}"
        ));
    }
    let machine = half(head, 0x12);
    if machine != number(arch) {
        return Err(format!(
            "is a program for {}, but the image is for {arch} (see --arch)",
            name(machine)
        ));
    }
    check_segments(file, head)
}

/// A message of AWS's init (`init.c`, `read_config`).
const AWS_TEXT: &[u8] = b"Could not open /env file";
/// A message of ours (`enclave/init/src/bundle.rs`).
const OUR_TEXT: &[u8] = b"process.capabilities must be empty: programs in the enclave get none";
/// Bytes of a program that are searched for these messages.
const SEARCHED: usize = 64 << 20;

/// Which configuration an init reads, by a message that it holds; `None` for inits of others, and
/// for one that holds both.
pub fn reads(file: &File) -> Result<Option<InitConfig>, String> {
    let mut bytes = Vec::new();
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    bytes.resize(usize::try_from(length).unwrap_or(SEARCHED).min(SEARCHED), 0);
    let filled = read(file, &mut bytes, 0)?;
    let bytes = bytes.get(..filled).unwrap_or_default();
    let has = |text| memmem::find(bytes, text).is_some();
    Ok(match (has(OUR_TEXT), has(AWS_TEXT)) {
        (true, false) => Some(InitConfig::Oci),
        (false, true) => Some(InitConfig::Aws),
        _ => None,
    })
}

/// Refuses a recognised init that does not read this configuration: the enclave would start no
/// program, or a shell.
pub(crate) fn check_config(file: &File, config: InitConfig) -> Result<(), String> {
    match (reads(file)?, config) {
        (Some(InitConfig::Aws), InitConfig::Oci) => Err(
            "is AWS's init, which reads /cmd and /env and no config.json; give --init-config aws"
                .to_owned(),
        ),
        (Some(InitConfig::Oci), InitConfig::Aws) => Err(
            "reads config.json, not /cmd and /env; leave out --init-config aws, or give AWS's init"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// The requirement on init, for error texts.
const EXPECTED: &str = "init must be a static executable, for it is alone in its ramdisk";

fn check_segments(file: &File, head: &[u8]) -> Result<(), String> {
    let start = u64::from_le_bytes(array(head, 0x20));
    let (size, count) = (usize::from(half(head, 0x36)), usize::from(half(head, 0x38)));
    if size != SEGMENT || count == 0 || count > SEGMENTS_MAX {
        return Err(format!(
            "has {count} program headers of {size} bytes, which Linux does not load; {EXPECTED}"
        ));
    }
    let mut table = vec![0; SEGMENT * count];
    if read(file, &mut table, start)? < table.len() {
        return Err(format!("ends inside its program headers; {EXPECTED}"));
    }
    for segment in table.chunks_exact(SEGMENT) {
        if u32::from_le_bytes(array(segment, 0)) == INTERPRETER {
            let name = interpreter(file, segment);
            return Err(format!(
                "needs the interpreter {name}, which is not in the first ramdisk; link it statically"
            ));
        }
    }
    Ok(())
}

/// The interpreter's path, as far as it can be read and printed.
fn interpreter(file: &File, segment: &[u8]) -> String {
    let mut path = [0; 256];
    let offset = u64::from_le_bytes(array(segment, 8));
    let length = read(file, &mut path, offset).unwrap_or(0);
    let path = path.get(..length).unwrap_or_default();
    let end = path.iter().position(|&byte| byte == 0).unwrap_or(length);
    letsesign_escape::bytes(path.get(..end).unwrap_or_default())
}

/// Fills a buffer as far as the file goes.
fn read(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, String> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let Some(at) = offset.checked_add(filled as u64) else {
            break;
        };
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // Offsets beyond what the system calls take are beyond every file.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => break,
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
    Ok(filled)
}

/// `e_machine` of an architecture: `EM_X86_64`, `EM_AARCH64`.
fn number(arch: Arch) -> u16 {
    match arch {
        Arch::X86_64 => 62,
        Arch::Aarch64 => 183,
    }
}

fn name(machine: u16) -> String {
    match machine {
        3 => "32-bit x86".to_owned(),
        40 => "32-bit Arm".to_owned(),
        62 => Arch::X86_64.to_string(),
        183 => Arch::Aarch64.to_string(),
        other => format!("ELF machine {other}"),
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

/// Zeros where the bytes end, which callers have excluded.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let part = bytes.get(at..).and_then(|rest| rest.first_chunk());
    part.copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn checked(bytes: &[u8], arch: Arch) -> Result<(), String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        check(&file, arch)
    }

    fn program() -> Vec<u8> {
        letsesign_tests::elf::program(b"\xf4")
    }

    fn with(at: usize, value: &[u8]) -> Vec<u8> {
        let mut bytes = program();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    }

    #[test]
    fn a_static_program_of_the_machine_is_fine() {
        assert_eq!(checked(&program(), Arch::X86_64), Ok(()));
        // static-pie
        assert_eq!(checked(&with(0x10, &[3, 0]), Arch::X86_64), Ok(()));
        let arm = with(0x12, &[183, 0]);
        assert_eq!(checked(&arm, Arch::Aarch64), Ok(()));
    }

    #[test]
    fn what_the_kernel_could_not_start_is_refused_with_the_reason() {
        let mut dynamic = with(64, &[3, 0, 0, 0]);
        let place = dynamic.len() as u64;
        dynamic[72..80].copy_from_slice(&place.to_le_bytes());
        dynamic.extend(b"/lib64/ld-linux\x1b-x86-64.so.2\0more");
        for (bytes, text) in [
            (
                with(0x12, &[183, 0]),
                "is a program for aarch64, but the image is for x86_64",
            ),
            (with(0x12, &[3, 0]), "for 32-bit x86"),
            (with(0x12, &[243, 0]), "for ELF machine 243"),
            (with(4, &[1]), "not a 64-bit"),
            (with(5, &[2]), "not a 64-bit little-endian"),
            (with(0x10, &[1, 0]), "type 1 and not a program"),
            (with(0x38, &[0, 0]), "has 0 program headers"),
            (with(0x38, &[255, 255]), "has 65535 program headers"),
            (with(0x36, &[32, 0]), "of 32 bytes"),
            (with(0x20, &[255; 8]), "ends inside its program headers"),
            (program()[..80].to_vec(), "ends inside its program headers"),
            (program()[..40].to_vec(), "ends inside its ELF header"),
            (b"#!/bin/sh\n".to_vec(), "is a script"),
            (Vec::new(), "is not an ELF program"),
            (dynamic, "needs the interpreter /lib64/ld-linux"),
        ] {
            let error = checked(&bytes, Arch::X86_64).unwrap_err();
            assert!(error.contains(text), "no {text:?} in {error:?}");
            assert!(!error.contains('\x1b'), "{error:?}");
        }
    }

    /// The messages are those of the inits: ours is in the source beside us.
    #[test]
    fn inits_are_recognised_by_their_messages() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../init/src/bundle.rs");
        let source = std::fs::read(source).unwrap();
        assert!(memmem::find(&source, OUR_TEXT).is_some());
        let init = |texts: &[&[u8]]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&program()).unwrap();
            file.write_all(&texts.concat()).unwrap();
            file
        };
        for (texts, expected) in [
            (&[][..], None),
            (&[OUR_TEXT][..], Some(InitConfig::Oci)),
            (&[AWS_TEXT], Some(InitConfig::Aws)),
            (&[AWS_TEXT, OUR_TEXT], None),
        ] {
            let file = init(texts);
            assert_eq!(reads(&file), Ok(expected));
            for config in [InitConfig::Oci, InitConfig::Aws] {
                let fits = expected.is_none_or(|reads| reads == config);
                assert_eq!(check_config(&file, config).is_ok(), fits);
            }
        }
    }
}
