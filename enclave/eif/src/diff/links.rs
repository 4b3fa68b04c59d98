//! Hard links as Linux makes them: by inode number, device and type, for entries that say they have
//! two names or more, until an end mark (`maybe_link` and `find_link` in `init/initramfs.c`).

use crate::cpio::{EntryHeader, mode};
use letsesign_escape::bytes as spelled;
use std::collections::HashMap;

/// The names of one inode.
struct Group {
    first: EntryHeader,
    names: u32,
}

/// The inodes since the last end mark.
#[derive(Default)]
pub(super) struct Links {
    groups: HashMap<(u32, (u32, u32), u32), Group>,
}

impl Links {
    /// For a further name of an inode, its first name. The notes say what is unusual about the
    /// link.
    pub(super) fn of(&mut self, entry: &EntryHeader) -> (Option<Vec<u8>>, Vec<String>) {
        let kind = entry.mode & mode::MASK;
        let linked = matches!(
            kind,
            mode::FILE | mode::CHAR | mode::BLOCK | mode::FIFO | mode::SOCKET
        );
        if !linked || entry.links < 2 {
            return (None, Vec::new());
        }
        let Some(group) = self.groups.get_mut(&(entry.inode, entry.origin, kind)) else {
            let first = entry.clone();
            let group = Group { first, names: 1 };
            self.groups.insert((entry.inode, entry.origin, kind), group);
            return (None, Vec::new());
        };
        group.names = group.names.saturating_add(1);
        let first = &group.first;
        let name = spelled(&first.path);
        let mut notes = Vec::new();
        if entry.size > 0 {
            notes.push(format!(
                "a further name of {name} with contents, which replace those of all its names"
            ));
        }
        let of = |entry: &EntryHeader| (entry.mode, entry.uid, entry.gid, entry.mtime);
        if of(entry) != of(first) {
            notes.push(format!(
                "a further name of {name} with another mode, owner or time, which all its names get"
            ));
        }
        if entry.links != first.links {
            notes.push(format!(
                "says {} names, but {name}, the same file, says {}",
                entry.links, first.links
            ));
        }
        (Some(first.path.clone()), notes)
    }

    /// An end mark: what follows is linked to nothing before. Notes on inodes with fewer or more
    /// names than they say.
    pub(super) fn forget(&mut self) -> Vec<String> {
        let groups = self.groups.drain().map(|(_, group)| group);
        let odd = groups.filter(|group| group.names != group.first.links);
        let mut odd: Vec<_> = odd.collect();
        odd.sort_by(|a, b| a.first.path.cmp(&b.first.path));
        odd.iter()
            .map(|group| {
                format!(
                    "{}: says {} names and has {}; the others are files of their own or missing",
                    spelled(&group.first.path),
                    group.first.links,
                    group.names
                )
            })
            .collect()
    }
}
