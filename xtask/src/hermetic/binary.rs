//! Requirements on a measured program, checked on the finished file.

use super::Program;
use anyhow::{Context, Result, bail};
use object::Endianness;
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Object, ObjectSection};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Members of libc.a that must not be linked: name resolution, and code that loads shared
/// libraries (NSS, iconv). The enclave has no DNS, and static glibc would look for shared libraries
/// that are not there.
const FORBIDDEN_MEMBERS: &[&str] = &[
    "getaddrinfo.o",
    "gethstbynm.o",
    "gethstbynm_r.o",
    "res_send.o",
    "nss_module.o",
    "iconv_open.o",
];

/// Text that only development aids contain (law 4): the variables of the `emulation` feature, and
/// what the test variant trusts and says.
const DEVELOPMENT_AIDS: &[&str] = &["LETSESIGN_", "test-anchors", "TEST VARIANT"];

/// Fails unless the program is a stripped static-pie without anything of the building machine
/// inside: none of the directories `private`. `maps` holds the map of its last link.
pub(super) fn check(
    program: Program,
    bytes: &[u8],
    private: &BTreeSet<PathBuf>,
    maps: &Path,
) -> Result<()> {
    check_elf(bytes)?;
    for directory in private {
        refuse_path(bytes, directory)?;
    }
    if program.features.is_empty() {
        for text in DEVELOPMENT_AIDS {
            if let Some(offset) = find(bytes, text.as_bytes()) {
                bail!(
                    "offset {offset:#x} holds {text:?}: a development aid is in the measured build (law 4)"
                );
            }
        }
    }
    let map = newest_map(maps, program.package)?;
    let text =
        fs::read_to_string(&map).with_context(|| format!("cannot read {}", map.display()))?;
    check_map(&text).with_context(|| format!("link map {}", map.display()))
}

fn check_elf(bytes: &[u8]) -> Result<()> {
    let file: ElfFile64<'_, Endianness> =
        ElfFile64::parse(bytes).context("not a 64-bit ELF file")?;
    let endian = file.endian();
    let header = file.elf_header();
    if header.e_type(endian) != elf::ET_DYN {
        bail!(
            "not position independent (e_type {}): a static-pie is ET_DYN",
            header.e_type(endian)
        );
    }
    for segment in file.elf_program_headers() {
        let flags = segment.p_flags(endian);
        match segment.p_type(endian) {
            elf::PT_INTERP => bail!("has a program interpreter: not static"),
            elf::PT_GNU_STACK if flags & elf::PF_X != 0 => bail!("asks for an executable stack"),
            elf::PT_LOAD if flags & elf::PF_W != 0 && flags & elf::PF_X != 0 => {
                bail!(
                    "segment at {:#x} is writable and executable",
                    segment.p_vaddr(endian)
                );
            }
            _ => {}
        }
    }
    // A program can lack an interpreter and still import: no loader would resolve it.
    if let Some(library) = file.imports()?.first() {
        bail!(
            "imports {}: not static",
            String::from_utf8_lossy(library.name())
        );
    }
    for section in file.sections() {
        let name = section.name().unwrap_or("?");
        // They hold paths and identifiers of the build, which would enter the measurement.
        if name == ".symtab" || name.starts_with(".debug") || name == ".note.gnu.build-id" {
            bail!("holds section {name}: not stripped");
        }
    }
    Ok(())
}

/// A path is found with a separator behind it, so that `/root` does not accuse `/rootfs`.
fn refuse_path(bytes: &[u8], directory: &Path) -> Result<()> {
    let mut needle = directory.as_os_str().as_encoded_bytes().to_vec();
    needle.push(b'/');
    if let Some(offset) = find(bytes, &needle) {
        let tail = bytes.get(offset..).unwrap_or_default();
        let text: String = tail
            .iter()
            .take(96)
            .take_while(|byte| byte.is_ascii_graphic())
            .map(|byte| char::from(*byte))
            .collect();
        bail!("offset {offset:#x} holds a path of this machine: {text}");
    }
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// The link map of the last link of a program. `enclave-ld` names it after the output,
/// `NAME-HASH.map`.
fn newest_map(directory: &Path, name: &str) -> Result<PathBuf> {
    let prefix = format!("{}-", name.replace('-', "_"));
    fs::read_dir(directory)
        .with_context(|| format!("cannot list {}", directory.display()))?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok())
        .map(|entry| entry.path())
        .with_context(|| {
            format!(
                "no link map of {name} in {}; was it linked by enclave/base/enclave-ld? Remove the directory's parent and build again",
                directory.display()
            )
        })
}

/// A map names archive members as `libc.a(getaddrinfo.o)`.
fn check_map(map: &str) -> Result<()> {
    if !map.contains("libc.a(") {
        bail!("names no member of libc.a: not a map of a static program");
    }
    for member in FORBIDDEN_MEMBERS {
        let marked = format!("({member})");
        if map
            .lines()
            .any(|line| line.contains("libc.a") && line.contains(&marked))
        {
            bail!(
                "links {member} of libc.a: name resolution or run-time loading is in the program"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_needs_a_separator_behind_it() {
        assert!(refuse_path(b"xx/rootfs/a", Path::new("/root")).is_ok());
        let error = refuse_path(b"xx/root/.cargo/a.rs\0y", Path::new("/root")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "offset 0x2 holds a path of this machine: /root/.cargo/a.rs"
        );
    }

    #[test]
    fn a_map_with_getaddrinfo_is_refused() {
        check_map("  10 20 libc.a(memcpy.o):(.text)\n").unwrap();
        assert!(check_map("  10 20 /s/lib/libc.a(getaddrinfo.o):(.text)\n").is_err());
        assert!(check_map("nothing\n").is_err());
    }

    #[test]
    fn the_test_program_itself_is_dynamic_and_refused() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(check_elf(&bytes).is_err());
    }
}
