//! How two layers are written: what the canonical form takes away.

use super::view::path_words;
use super::{Difference, attributes};
use crate::error::{Error, Result};
use crate::source::Layer;
use crate::tar::{TarEntry, TarKind};
use crate::tree::keeps_xattr;
use std::collections::BTreeMap;

/// Compression and size of the blob, for layers with one uncompressed form.
pub(super) fn packing(
    place: &str,
    left: &Layer,
    right: &Layer,
    all: &mut Vec<Difference>,
) -> Result<()> {
    let (one, other) = (left.packing()?, right.packing()?);
    if one != other {
        all.push(Difference::new(
            false,
            place,
            "",
            "packing",
            Some(one),
            Some(other),
        ));
    }
    Ok(())
}

pub(super) fn compare(
    place: &str,
    left: &Layer,
    right: &Layer,
    all: &mut Vec<Difference>,
) -> Result<()> {
    packing(place, left, right, all)?;
    let before = all.len();
    let sides = (Side::new(left)?, Side::new(right)?);
    order(place, &sides, all);
    for (path, one) in &sides.0.last {
        if let Some(other) = sides.1.last.get(path) {
            entries(place, path, (&sides.0, *one), (&sides.1, *other), all)?;
        }
    }
    let told = all.get(before..).is_some_and(|new| !new.is_empty())
        || all
            .iter()
            .any(|difference| difference.place == place && difference.meaning);
    if !told {
        // Digests differ, so something does: what stands behind the last entry, or between
        // contents.
        let size = |side: &Side| Some(format!("{} bytes", side.length));
        all.push(Difference::new(
            false,
            place,
            "",
            "padding or end of the archive",
            size(&sides.0),
            size(&sides.1),
        ));
    }
    Ok(())
}

/// A layer's archive as it is written.
struct Side<'a> {
    layer: &'a Layer,
    entries: Vec<TarEntry>,
    /// The last entry of each path: the one that counts.
    last: BTreeMap<Vec<u8>, usize>,
    length: u64,
}

impl<'a> Side<'a> {
    fn new(layer: &'a Layer) -> Result<Self> {
        let entries = layer.entries()?;
        let last = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.path.clone(), index))
            .collect();
        Ok(Self {
            layer,
            entries,
            last,
            length: layer.tar()?.len(),
        })
    }

    /// All header bytes of an entry, extended headers included; none for sparse files, whose maps
    /// stand among them.
    fn header(&self, index: usize) -> Result<Vec<u8>> {
        let Some(entry) = self.entries.get(index) else {
            return Ok(Vec::new());
        };
        let content = match &entry.kind {
            TarKind::File(content @ crate::Content::Blob(_)) => content.len(),
            TarKind::File(content) if !content.is_empty() => return Ok(Vec::new()),
            _ => 0,
        };
        let end = match self.entries.get(index + 1) {
            Some(next) => next.offset,
            None => entry.offset + 512 + content.next_multiple_of(512),
        };
        let length = (end - entry.offset).saturating_sub(content.next_multiple_of(512));
        let mut bytes = vec![0; usize::try_from(length.min(1 << 20)).unwrap_or(0)];
        let count = self
            .layer
            .tar()?
            .fill_at(entry.offset, &mut bytes)
            .map_err(|error| Error::io("read", self.layer.name(), error))?;
        bytes.truncate(count);
        // A checksum follows from all other bytes, and says nothing of its own.
        let last = bytes.len().saturating_sub(512);
        for block in [0, last] {
            if let Some(checksum) = bytes.get_mut(block + 148..block + 156) {
                checksum.fill(b' ');
            }
        }
        Ok(bytes)
    }
}

/// The order of paths that both have, and paths that stand there more than once.
fn order(place: &str, (left, right): &(Side<'_>, Side<'_>), all: &mut Vec<Difference>) {
    let common = |side: &Side<'_>, other: &Side<'_>| -> Vec<Vec<u8>> {
        let mut places: Vec<(usize, &Vec<u8>)> = side
            .last
            .iter()
            .filter(|(path, _)| other.last.contains_key(*path))
            .map(|(path, index)| (*index, path))
            .collect();
        places.sort_unstable();
        places.into_iter().map(|(_, path)| path.clone()).collect()
    };
    let (one, other) = (common(left, right), common(right, left));
    if let Some(at) = one.iter().zip(&other).position(|(one, other)| one != other) {
        let shown = |list: &[Vec<u8>]| list.get(at).map(|path| path_words(path));
        let field = format!("order, from entry {} on", at + 1);
        all.push(Difference::new(
            false,
            place,
            "",
            field,
            shown(&one),
            shown(&other),
        ));
    }
    let repeated = |side: &Side<'_>| side.entries.len() - side.last.len();
    if repeated(left) != repeated(right) {
        all.push(Difference::new(
            false,
            place,
            "",
            "entries that a later one replaces",
            Some(repeated(left).to_string()),
            Some(repeated(right).to_string()),
        ));
    }
}

fn entries(
    place: &str,
    path: &[u8],
    (left, one): (&Side<'_>, usize),
    (right, other): (&Side<'_>, usize),
    all: &mut Vec<Difference>,
) -> Result<()> {
    let (Some(a), Some(b)) = (left.entries.get(one), right.entries.get(other)) else {
        return Ok(());
    };
    let words = path_words(path);
    let before = all.len();
    if a.mtime != b.mtime {
        all.push(Difference::new(
            false,
            place,
            words.as_str(),
            "mtime",
            Some(crate::write::time_words(a.mtime)),
            Some(crate::write::time_words(b.mtime)),
        ));
    }
    let dropped = |entry: &TarEntry| -> Vec<(Vec<u8>, Vec<u8>)> {
        entry
            .xattrs
            .iter()
            .filter(|(name, _)| !keeps_xattr(name))
            .cloned()
            .collect()
    };
    attributes(place, &words, &dropped(a), &dropped(b), false, all);
    let keywords = |entry: &TarEntry| {
        let names: Vec<String> = entry
            .unknown
            .iter()
            .map(|name| crate::printable(name))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if keywords(a) != keywords(b) {
        all.push(Difference::new(
            false,
            place,
            words.as_str(),
            "keywords",
            keywords(a),
            keywords(b),
        ));
    }
    // A field that was reported needs no second line about its bytes.
    if all.len() == before && same_fields(a, b) {
        let (one, other) = (left.header(one)?, right.header(other)?);
        if one != other {
            let at = one.iter().zip(&other).position(|(a, b)| a != b);
            let at = at.unwrap_or(one.len().min(other.len()));
            all.push(Difference::new(
                false,
                place,
                words,
                "spelling of the header",
                Some(spelling(&one, at)),
                Some(spelling(&other, at)),
            ));
        }
    }
    Ok(())
}

/// Whether two entries say the same but for their contents' bytes.
fn same_fields(a: &TarEntry, b: &TarEntry) -> bool {
    let kind = match (&a.kind, &b.kind) {
        (TarKind::File(one), TarKind::File(other)) => one.len() == other.len(),
        (TarKind::Symlink(one), TarKind::Symlink(other))
        | (TarKind::HardLink(one), TarKind::HardLink(other)) => one == other,
        (TarKind::CharDevice(one, minor), TarKind::CharDevice(other, number))
        | (TarKind::BlockDevice(one, minor), TarKind::BlockDevice(other, number)) => {
            (one, minor) == (other, number)
        }
        (TarKind::Dir, TarKind::Dir) | (TarKind::Fifo, TarKind::Fifo) => true,
        _ => false,
    };
    kind && (a.mode, a.uid, a.gid, &a.xattrs) == (b.mode, b.uid, b.gid, &b.xattrs)
}

/// Fields of a header (POSIX ustar) that readers do not show by themselves: where they begin and
/// what they are.
const FIELDS: &[(usize, &str)] = &[
    (0, "name"),
    (100, "mode"),
    (108, "uid"),
    (116, "gid"),
    (124, "size"),
    (136, "mtime"),
    (148, "checksum"),
    (156, "type"),
    (157, "link name"),
    (257, "dialect"),
    (265, "owner's name"),
    (297, "group's name"),
    (329, "device"),
    (345, "prefix"),
    (500, "rest"),
    (512, ""),
];

/// The field of a header that holds a place, or the bytes from there on where extended headers
/// stand before it.
fn spelling(header: &[u8], at: usize) -> String {
    let field = FIELDS
        .windows(2)
        .find_map(|pair| match pair {
            [(start, name), (end, _)] if header.len() == 512 && (*start..*end).contains(&at) => {
                Some((*name, *start..*end))
            }
            _ => None,
        })
        .unwrap_or(("extended headers", at..header.len().min(at + 32)));
    let (name, range) = field;
    let bytes = header.get(range).unwrap_or_default();
    let end = bytes
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let shown = crate::printable(bytes.get(..end).unwrap_or_default());
    format!("{name} {shown:?}")
}
