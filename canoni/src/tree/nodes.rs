//! The changing form of a tree: paths that lead to inodes, as in a file system.

use super::{Device, Entry, Kind, Metadata, Tree};
use crate::content::Content;
use crate::error::{Error, Result, printable};
use std::collections::BTreeMap;
use std::ops::Bound;

/// What an inode is.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    File(Content),
    Dir,
    Symlink(Vec<u8>),
    CharDevice(Device),
    BlockDevice(Device),
    Fifo,
    /// A hard link to a path of a lower layer: only in a layer, never in a tree.
    Lower(Vec<u8>),
}

#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(crate) node: Node,
    pub(crate) metadata: Metadata,
}

impl Inode {
    pub(crate) fn dir(metadata: Metadata) -> Self {
        Self {
            node: Node::Dir,
            metadata,
        }
    }

    pub(crate) fn is_dir(&self) -> bool {
        matches!(self.node, Node::Dir)
    }
}

/// Paths and inodes. An inode that lost its last path stays in the list, unused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes {
    pub(crate) paths: BTreeMap<Vec<u8>, usize>,
    inodes: Vec<Inode>,
}

impl Nodes {
    pub(crate) fn id(&self, path: &[u8]) -> Option<usize> {
        self.paths.get(path).copied()
    }

    pub(crate) fn inode(&self, id: usize) -> Option<&Inode> {
        self.inodes.get(id)
    }

    pub(crate) fn get(&self, path: &[u8]) -> Option<&Inode> {
        self.inode(self.id(path)?)
    }

    pub(crate) fn add(&mut self, inode: Inode) -> usize {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    /// Lets `path` lead to inode `id`, as unpacking over what is there does: a directory over a directory keeps what is
    /// in it, everything else replaces what was there and all below it.
    pub(crate) fn put(&mut self, path: Vec<u8>, id: usize) {
        // Also where no entry names the directory that is there: its children imply it.
        if !self.inode(id).is_some_and(Inode::is_dir) {
            self.remove_below(&path);
        }
        self.paths.insert(path, id);
    }

    /// Whether something lies below a path.
    pub(crate) fn any_below(&self, path: &[u8]) -> bool {
        self.below(path).next().is_some()
    }

    /// All paths below P lie between "P/" and "P0", '0' being the byte after '/'.
    fn below(&self, path: &[u8]) -> impl Iterator<Item = &Vec<u8>> {
        let from = [path, b"/"].concat();
        let to = [path, b"0"].concat();
        self.paths
            .range::<[u8], _>((Bound::Included(&*from), Bound::Excluded(&*to)))
            .map(|(path, _)| path)
    }

    /// Removes a path and all below it.
    pub(crate) fn remove(&mut self, path: &[u8]) {
        self.remove_below(path);
        self.paths.remove(path);
    }

    /// Removes all below a path; the empty path is the root.
    pub(crate) fn remove_below(&mut self, path: &[u8]) {
        if path.is_empty() {
            self.paths.clear();
            return;
        }
        let below: Vec<Vec<u8>> = self.below(path).cloned().collect();
        for path in below {
            self.paths.remove(&path);
        }
    }

    /// Checks that every parent of `path` that is there is a directory, and returns those that are not there, outermost
    /// first. Writing through a symbolic link would depend on who unpacks, so it is refused.
    pub(crate) fn missing_parents(&self, origin: &str, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut missing = Vec::new();
        for (at, _) in path.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
            let parent = path.get(..at).unwrap_or_default();
            match self.get(parent) {
                None => missing.push(parent.to_vec()),
                Some(inode) if inode.is_dir() => {}
                Some(inode) => {
                    let what = match inode.node {
                        Node::Symlink(_) => "a symbolic link",
                        _ => "no directory",
                    };
                    let reason = format!(
                        "lies below {}, which is {what}: readers differ on where it goes",
                        printable(parent)
                    );
                    return Err(Error::path(origin, path, reason));
                }
            }
        }
        Ok(missing)
    }

    /// Adds the parents that are missing as `0755 0:0`.
    pub(crate) fn supply_parents(&mut self, origin: &str, path: &[u8]) -> Result<()> {
        for parent in self.missing_parents(origin, path)? {
            let id = self.add(Inode::dir(Metadata::default()));
            self.paths.insert(parent, id);
        }
        Ok(())
    }

    /// The finished tree.
    pub(crate) fn into_tree(self, root: Metadata) -> Tree {
        Tree::from_sorted(root, self.into_entries().0)
    }

    /// Sorted entries: the first path of an inode is the file, the others are hard links to it. Links to lower layers
    /// are listed apart, index and target; their own `target` means nothing.
    pub(crate) fn into_entries(self) -> (Vec<Entry>, BTreeMap<usize, Vec<u8>>) {
        let mut lower = BTreeMap::new();
        let mut first = vec![None; self.inodes.len()];
        let mut entries: Vec<Entry> = Vec::with_capacity(self.paths.len());
        for (path, id) in self.paths {
            let (Some(inode), Some(first)) = (self.inodes.get(id), first.get_mut(id)) else {
                continue;
            };
            let metadata = inode.metadata.clone();
            if let Node::Lower(target) = &inode.node {
                lower.insert(entries.len(), target.clone());
                entries.push(Entry::new(
                    path,
                    Kind::HardLink { target: usize::MAX },
                    metadata,
                    None,
                ));
                continue;
            }
            if let Some(target) = *first {
                entries.push(Entry::new(path, Kind::HardLink { target }, metadata, None));
                continue;
            }
            *first = Some(entries.len());
            let (kind, content) = match &inode.node {
                Node::File(content) => (
                    Kind::File {
                        size: content.len(),
                    },
                    Some(content.clone()),
                ),
                Node::Dir => (Kind::Dir, None),
                Node::Symlink(target) => (
                    Kind::Symlink {
                        target: target.clone(),
                    },
                    None,
                ),
                Node::CharDevice(device) => (Kind::CharDevice(*device), None),
                Node::BlockDevice(device) => (Kind::BlockDevice(*device), None),
                Node::Fifo => (Kind::Fifo, None),
                Node::Lower(_) => continue, // dealt with above
            };
            entries.push(Entry::new(path, kind, metadata, content));
        }
        (entries, lower)
    }
}
