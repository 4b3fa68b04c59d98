//! Contents of a ramdisk: its archives, their packing, and the entries that Linux unpacks.

use super::Difference;
use crate::compress::Packing;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One ramdisk. Fields that say nothing about a ramdisk of one plain archive are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listing {
    /// How each member is packed. Plain archives that follow each other are one member.
    pub(super) packings: Vec<Packing>,
    /// The archives in their order; absent for one archive that has an end mark.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) archives: Vec<Archive>,
    /// By path, the last entry of that path.
    pub(super) files: BTreeMap<String, File>,
    /// Entries whose path a later one has again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) replaced: Vec<Replaced>,
}

/// Entries up to an end mark, or to the end of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Archive {
    /// Number of the member that it is in, from 0.
    pub(super) member: usize,
    /// Number of entries.
    pub(super) entries: usize,
    /// Whether it has an end mark (`TRAILER!!!`).
    pub(super) ended: bool,
}

impl Archive {
    pub(super) fn new(member: usize) -> Self {
        Archive {
            member,
            entries: 0,
            ended: false,
        }
    }
}

/// An entry that a later one replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replaced {
    pub(super) path: String,
    #[serde(flatten)]
    pub(super) file: File,
}

/// One entry: the fields of its cpio header that the kernel looks at, and what identifies its
/// contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    #[serde(with = "octal")]
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u32,
    pub(super) mtime: u32,
    pub(super) size: u32,
    #[serde(default, skip_serializing_if = "no_device")]
    pub(super) device: (u32, u32),
    /// SHA-256 of the contents, in hexadecimal.
    pub(super) sha256: String,
    /// Contents of a symbolic link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    /// Of a further name of a file, the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<String>,
    /// Number of the archive that it is in, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) archive: usize,
    /// Position among the entries of the ramdisk.
    pub(super) position: usize,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_first(archive: &usize) -> bool {
    *archive == 0
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

impl Listing {
    /// Leaves out the details of archives when the whole ramdisk is one plain archive.
    pub(super) fn settle(&mut self) {
        if let [archive] = self.archives.as_slice()
            && archive.ended
            && self.packings.len() == 1
        {
            self.archives.clear();
        }
    }

    /// Number of entries.
    pub(super) fn entries(&self) -> usize {
        self.files.len() + self.replaced.len()
    }

    /// Paths of all entries, sorted; one that comes twice is there twice.
    pub(super) fn paths(&self) -> Vec<String> {
        let again = self.replaced.iter().map(|entry| &entry.path);
        let mut paths: Vec<_> = self.files.keys().chain(again).cloned().collect();
        paths.sort();
        paths
    }

    /// Names of the packings, in the order of the members.
    pub(super) fn packing_names(&self) -> Vec<&'static str> {
        self.packings.iter().map(|packing| packing.name()).collect()
    }

    /// The archives in words.
    pub(super) fn archives_text(&self) -> String {
        if self.archives.is_empty() && !self.packings.is_empty() {
            return format!("1 archive ({} entries)", self.entries());
        }
        let each: Vec<_> = self
            .archives
            .iter()
            .map(|archive| {
                let mark = if archive.ended { "" } else { ", no end mark" };
                let member = archive.member + 1;
                format!("{} entries in member {member}{mark}", archive.entries)
            })
            .collect();
        match each.len() {
            0 => "no archive".to_owned(),
            1 => format!("1 archive ({})", each.concat()),
            count => format!("{count} archives ({})", each.join("; ")),
        }
    }

    pub(super) fn compare(&self, other: &Listing, section: &str) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut add = |path: Option<&str>, detail: String| {
            found.push(Difference {
                section: section.to_owned(),
                path: path.map(str::to_owned),
                detail,
                measured: true,
            });
        };
        if self.packings != other.packings {
            let names = |listing: &Listing| listing.packing_names().join(" + ");
            let names = format!("compression {} and {}", names(self), names(other));
            add(None, names);
        }
        if self.archives != other.archives {
            let (x, y) = (self.archives_text(), other.archives_text());
            add(None, format!("{x} and {y}"));
        }
        // All entries of a path, in their order: one that is replaced matters as well, for what it
        // leaves behind.
        let (mine, theirs) = (self.by_path(), other.by_path());
        for (path, files) in &mine {
            let others = theirs.get(path).map_or(&[][..], Vec::as_slice);
            for (index, file) in files.iter().enumerate() {
                let which = nth(index, files.len().max(others.len()));
                match others.get(index) {
                    None => add(Some(path), format!("{which}only in the first image")),
                    Some(other) => {
                        let details = file.differences(other);
                        if !details.is_empty() {
                            add(Some(path), format!("{which}{}", details.join("; ")));
                        }
                    }
                }
            }
        }
        for (path, files) in &theirs {
            let known = mine.get(path).map_or(0, Vec::len);
            for index in known..files.len() {
                let which = nth(index, files.len());
                add(Some(path), format!("{which}only in the second image"));
            }
        }
        if found.is_empty() {
            let positions = |listing: &BTreeMap<&str, Vec<&File>>| -> Vec<usize> {
                listing
                    .values()
                    .flatten()
                    .map(|file| file.position)
                    .collect()
            };
            let detail = if positions(&mine) == positions(&theirs) {
                "the same files in the same order, with the same links; the archives differ in \
                 numbers that Linux does not look at, padding or how they are compressed"
            } else {
                "the same files in another order"
            };
            found.push(Difference {
                section: section.to_owned(),
                path: None,
                detail: detail.to_owned(),
                measured: true,
            });
        }
        found
    }

    fn by_path(&self) -> BTreeMap<&str, Vec<&File>> {
        let mut all: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
        let before = self.replaced.iter().map(|entry| (&entry.path, &entry.file));
        for (path, file) in before.chain(&self.files) {
            all.entry(path).or_default().push(file);
        }
        all
    }
}

/// Which of several entries of one path.
fn nth(index: usize, count: usize) -> String {
    if count < 2 {
        String::new()
    } else {
        format!("entry {} of this path: ", index + 1)
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
        if a.link != b.link {
            let text = |file: &File| match &file.link {
                Some(first) => format!("a further name of {first}"),
                None => "a file of its own".to_owned(),
            };
            details.push(format!("{} and {}", text(a), text(b)));
        }
        if a.archive != b.archive {
            details.push(format!(
                "in archive {} and {}",
                a.archive + 1,
                b.archive + 1
            ));
        }
        // A link's target is its content: the text says more than a digest.
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
