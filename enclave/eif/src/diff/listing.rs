//! What is in a ramdisk: its archives, their packing and their files.

use super::Difference;
use crate::compress::{Packing, decoder};
use crate::cpio::{CpioReader, EntryHeader, mode};
use canoni::printable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

/// More files than any enclave has; stops a hostile archive from filling the memory.
const MOST_FILES: usize = 4_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listing {
    packings: Vec<Packing>,
    files: BTreeMap<String, File>,
}

/// One file: the fields of its cpio header that the kernel looks at, and what identifies its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    #[serde(with = "octal")]
    mode: u32,
    uid: u32,
    gid: u32,
    links: u32,
    mtime: u32,
    size: u32,
    #[serde(default, skip_serializing_if = "no_device")]
    device: (u32, u32),
    /// SHA-256 of the contents, in hexadecimal.
    sha256: String,
    /// Contents of a symbolic link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Position among the entries.
    position: usize,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn no_device(device: &(u32, u32)) -> bool {
    *device == (0, 0)
}

/// Modes are read by people, in base 8.
mod octal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "the form that serde calls"
    )]
    pub(super) fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{mode:o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 8).map_err(D::Error::custom)
    }
}

/// A path as text that names it and no other.
fn spelled(path: &[u8]) -> String {
    if path.contains(&b'\\') {
        let doubled: Vec<u8> = path
            .iter()
            .flat_map(|byte| {
                if *byte == b'\\' {
                    vec![b'\\'; 2]
                } else {
                    vec![*byte]
                }
            })
            .collect();
        return printable(&doubled);
    }
    printable(path)
}

impl Listing {
    /// Reads a whole ramdisk: one or more archives, each perhaps compressed, with zeros between them.
    pub(super) fn read<R: BufRead>(source: &mut R) -> io::Result<Self> {
        let mut listing = Listing {
            packings: Vec::new(),
            files: BTreeMap::new(),
        };
        loop {
            let head = source.fill_buf()?;
            let zeros = head.iter().take_while(|byte| **byte == 0).count();
            if head.is_empty() {
                return Ok(listing);
            }
            if zeros > 0 {
                source.consume(zeros);
                continue;
            }
            let packing = Packing::of(head);
            if packing == Packing::Unknown {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "neither a newc cpio archive nor a known compression",
                ));
            }
            listing.packings.push(packing);
            let mut plain = decoder(packing, source)?;
            listing.archive(&mut plain)?;
            if packing != Packing::None {
                // To the end of the compressed data, so that what follows starts there.
                io::copy(&mut plain, &mut io::sink())?;
            }
        }
    }

    fn archive<R: Read>(&mut self, plain: &mut R) -> io::Result<()> {
        let mut archive = CpioReader::new(plain);
        let mut buffer = vec![0; 64 << 10];
        while let Some(header) = archive.next_entry()? {
            if self.files.len() >= MOST_FILES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "too many files"));
            }
            let mut hash = Sha256::new();
            let mut target =
                (header.mode & mode::MASK == mode::SYMLINK && header.size <= 4096).then(Vec::new);
            loop {
                let count = archive.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                let bytes = buffer.get(..count).unwrap_or_default();
                hash.update(bytes);
                if let Some(target) = &mut target {
                    target.extend_from_slice(bytes);
                }
            }
            let EntryHeader {
                path,
                mode,
                uid,
                gid,
                links,
                mtime,
                size,
                device,
                ..
            } = header;
            let file = File {
                mode,
                uid,
                gid,
                links,
                mtime,
                size,
                device,
                sha256: hex::encode(hash.finalize()),
                target: target.map(|target| spelled(&target)),
                position: self.files.len(),
            };
            self.files.insert(spelled(&path), file);
        }
        Ok(())
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    pub(super) fn compare(&self, other: &Listing, section: &str) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut add = |path: Option<&String>, detail: String| {
            let path = path.cloned();
            found.push(Difference {
                section: section.to_owned(),
                path,
                detail,
                measured: true,
            });
        };
        let names = |listing: &Listing| {
            listing
                .packings
                .iter()
                .map(|packing| packing.name())
                .collect::<Vec<_>>()
                .join(" + ")
        };
        if self.packings != other.packings {
            add(
                None,
                format!("compression {} and {}", names(self), names(other)),
            );
        }
        for (path, file) in &self.files {
            match other.files.get(path) {
                None => add(Some(path), "only in the first image".to_owned()),
                Some(theirs) => {
                    let details = file.differences(theirs);
                    if !details.is_empty() {
                        add(Some(path), details.join("; "));
                    }
                }
            }
        }
        for path in other
            .files
            .keys()
            .filter(|path| !self.files.contains_key(*path))
        {
            add(Some(path), "only in the second image".to_owned());
        }
        if found.is_empty() {
            let same_order = self
                .files
                .values()
                .zip(other.files.values())
                .all(|(a, b)| a.position == b.position);
            let detail = if same_order {
                "the same files in the same order; the archives differ in inode numbers, padding or how they are compressed"
            } else {
                "the same files in another order"
            };
            let detail = detail.to_owned();
            found.push(Difference {
                section: section.to_owned(),
                path: None,
                detail,
                measured: true,
            });
        }
        found
    }
}

impl File {
    fn differences(&self, other: &File) -> Vec<String> {
        let (a, b) = (self, other);
        let mut details = Vec::new();
        let mut number = |what: &str, x: u32, y: u32| {
            if x != y {
                details.push(format!("{what} {x} and {y}"));
            }
        };
        number("uid", a.uid, b.uid);
        number("gid", a.gid, b.gid);
        number("links", a.links, b.links);
        number("mtime", a.mtime, b.mtime);
        number("size", a.size, b.size);
        if a.mode != b.mode {
            details.insert(0, format!("mode {:o} and {:o}", a.mode, b.mode));
        }
        if a.device != b.device {
            details.push(format!(
                "device {}:{} and {}:{}",
                a.device.0, a.device.1, b.device.0, b.device.1
            ));
        }
        if a.sha256 != b.sha256 {
            details.push(if let (Some(x), Some(y)) = (&a.target, &b.target) {
                format!("points to {x} and {y}")
            } else {
                let short = |digest: &str| digest.get(..16).unwrap_or(digest).to_owned();
                format!(
                    "contents differ (sha256 {}... and {}...)",
                    short(&a.sha256),
                    short(&b.sha256)
                )
            });
        }
        details
    }
}
