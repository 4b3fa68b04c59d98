//! The changing form of a tree: paths that lead to inodes, as in a file system.

use super::{Device, Entry, Kind, Metadata, Tree};
use crate::content::Content;
use crate::error::{Error, Result, printable};
use std::collections::BTreeMap;

/// The type of an inode.
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

/// One name of the hierarchy. `inode` is missing where no entry names a folder that others lie in.
#[derive(Debug, Clone, Default)]
struct Slot {
    children: BTreeMap<Box<[u8]>, usize>,
    inode: Option<usize>,
    /// Counted in [`Nodes::implied`].
    implied: bool,
}

/// Paths and inodes. Names are kept once, in the folder that has them, so that a deep path costs no
/// more than its length. An inode that lost its last path stays in the list, unused, and so does a
/// name that was removed.
#[derive(Debug, Clone)]
pub(crate) struct Nodes {
    /// The first one is the root, which has no inode.
    slots: Vec<Slot>,
    inodes: Vec<Inode>,
    /// Number of paths that have an inode.
    count: usize,
    implied: u64,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            slots: vec![Slot::default()],
            inodes: Vec::new(),
            count: 0,
            implied: 0,
        }
    }
}

/// The next step of [`Nodes::each`]: a name itself, or what is in the folder.
struct Step<'a> {
    name: &'a [u8],
    slot: usize,
    inside: bool,
}

impl Step<'_> {
    /// Orders names as the paths that begin with them.
    fn key(&self) -> impl Iterator<Item = &u8> {
        self.name.iter().chain(self.inside.then_some(&b'/'))
    }
}

/// The cost of a folder that no entry names: its path in the finished tree, and its place in the
/// hierarchy.
fn cost(length: u64) -> u64 {
    length + 128
}

fn below_no_directory(origin: &str, path: &[u8], parent: &[u8], inode: &Inode) -> Error {
    let what = match inode.node {
        Node::Symlink(_) => "a symbolic link",
        _ => "not a directory",
    };
    let reason = format!(
        "lies below {}, which is {what}: readers differ on where it goes",
        printable(parent)
    );
    Error::path(origin, path, reason)
}

/// The names of a path; none for the root.
fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/')
        .filter(|name| !name.is_empty())
}

impl Nodes {
    fn slot(&self, path: &[u8]) -> Option<usize> {
        names(path).try_fold(0, |at, name| self.child(at, name))
    }

    fn child(&self, slot: usize, name: &[u8]) -> Option<usize> {
        self.slots.get(slot)?.children.get(name).copied()
    }

    pub(crate) fn id(&self, path: &[u8]) -> Option<usize> {
        self.slots.get(self.slot(path)?)?.inode
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

    /// Bytes that the folders cost that something was put into and that no entry names.
    pub(crate) fn implied(&self) -> u64 {
        self.implied
    }

    /// Lets `path` lead to inode `id`, as unpacking over what is there does: a directory over a
    /// directory keeps what is in it, everything else replaces what was there and all below it.
    pub(crate) fn put(&mut self, path: &[u8], id: usize) {
        let slot = self.reach(path, false);
        // Also where no entry names the directory that is there: its children imply it.
        if !self.inode(id).is_some_and(Inode::is_dir) {
            self.clear(slot);
        }
        self.lead(slot, id);
        if let Some(slot) = self.slots.get_mut(slot).filter(|slot| slot.implied) {
            slot.implied = false;
            self.implied -= cost(path.len() as u64 + 1);
        }
    }

    /// The slot of a path, made with those above it where they are missing. `supply`: folders above
    /// it that have no inode become `0755 0:0`.
    fn reach(&mut self, path: &[u8], supply: bool) -> usize {
        let (mut at, mut length) = (0, 0_u64);
        let mut rest = names(path).peekable();
        while let Some(name) = rest.next() {
            length += name.len() as u64 + 1;
            let above = rest.peek().is_some();
            at = if let Some(next) = self.child(at, name) {
                next
            } else {
                let next = self.slots.len();
                self.slots.push(Slot {
                    implied: above,
                    ..Slot::default()
                });
                if let Some(slot) = self.slots.get_mut(at) {
                    slot.children.insert(name.into(), next);
                }
                self.implied += if above { cost(length) } else { 0 };
                next
            };
            if above && supply && self.slots.get(at).is_some_and(|slot| slot.inode.is_none()) {
                let id = self.add(Inode::dir(Metadata::default()));
                self.lead(at, id);
            }
        }
        at
    }

    fn lead(&mut self, slot: usize, id: usize) {
        if let Some(slot) = self.slots.get_mut(slot) {
            self.count += usize::from(slot.inode.is_none());
            slot.inode = Some(id);
        }
    }

    /// Whether something lies below a path.
    pub(crate) fn any_below(&self, path: &[u8]) -> bool {
        let slot = self.slot(path).and_then(|slot| self.slots.get(slot));
        slot.is_some_and(|slot| !slot.children.is_empty())
    }

    /// Removes a path and all below it.
    pub(crate) fn remove(&mut self, path: &[u8]) {
        self.remove_below(path);
        let (parent, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(at) => path.split_at(at),
            None => (&[][..], path),
        };
        let name = name.strip_prefix(b"/").unwrap_or(name);
        let Some(parent) = self.slot(parent).and_then(|slot| self.slots.get_mut(slot)) else {
            return;
        };
        let removed = parent.children.remove(name);
        if removed.is_some_and(|slot| self.slots.get(slot).is_some_and(|s| s.inode.is_some())) {
            self.count -= 1;
        }
    }

    /// Removes all below a path; the empty path is the root.
    pub(crate) fn remove_below(&mut self, path: &[u8]) {
        if let Some(slot) = self.slot(path) {
            self.clear(slot);
        }
    }

    fn clear(&mut self, slot: usize) {
        let mut left = vec![slot];
        let mut top = true;
        while let Some(at) = left.pop() {
            let Some(slot) = self.slots.get_mut(at) else {
                continue;
            };
            self.count -= usize::from(!top && slot.inode.is_some());
            top = false;
            left.extend(std::mem::take(&mut slot.children).into_values());
        }
    }

    /// The folders above a path, outermost first; `None` for those that no entry names or
    /// that are not there.
    pub(crate) fn ancestors<'a>(
        &'a self,
        path: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], Option<&'a Inode>)> {
        let ends = path
            .iter()
            .enumerate()
            .filter(|&(_, &byte)| byte == b'/')
            .map(|(at, _)| at);
        ends.scan((Some(0), 0), move |(slot, start), end| {
            let name = path.get(*start..end).unwrap_or_default();
            *start = end + 1;
            *slot = slot.and_then(|at| self.child(at, name));
            let inode = slot
                .and_then(|at| self.slots.get(at)?.inode)
                .and_then(|id| self.inode(id));
            Some((path.get(..end).unwrap_or_default(), inode))
        })
    }

    /// Checks that every parent of `path` that is there is a directory. Writing through a symbolic
    /// link would depend on who unpacks, so it is refused.
    pub(crate) fn check_parents(&self, origin: &str, path: &[u8]) -> Result<()> {
        self.ancestors(path)
            .try_for_each(|(parent, inode)| match inode {
                Some(inode) if !inode.is_dir() => {
                    Err(below_no_directory(origin, path, parent, inode))
                }
                _ => Ok(()),
            })
    }

    /// Gives the parents that are missing `0755 0:0`, after the same check.
    pub(crate) fn supply_parents(&mut self, origin: &str, path: &[u8]) -> Result<()> {
        self.check_parents(origin, path)?;
        self.reach(path, true);
        Ok(())
    }

    /// Gives every folder that has no inode `0755 0:0`.
    pub(crate) fn supply_all(&mut self) {
        for at in 1..self.slots.len() {
            let implied = |slot: &Slot| slot.inode.is_none() && !slot.children.is_empty();
            if self.slots.get(at).is_some_and(implied) {
                let id = self.add(Inode::dir(Metadata::default()));
                self.lead(at, id);
            }
        }
    }

    /// Calls `take` with every path that has an inode, bytewise by path, which is not the order of
    /// folders: `a-b` stands between `a` and `a/b`.
    pub(crate) fn each<E>(
        &self,
        mut take: impl FnMut(&[u8], usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut path = Vec::new();
        let mut open = vec![(0, self.listing(0).into_iter())];
        while let Some((length, rest)) = open.last_mut() {
            path.truncate(*length);
            let Some(step) = rest.next() else {
                open.pop();
                continue;
            };
            path.extend_from_slice(step.name);
            if step.inside {
                path.push(b'/');
                open.push((path.len(), self.listing(step.slot).into_iter()));
            } else if let Some(id) = self.slots.get(step.slot).and_then(|slot| slot.inode) {
                take(&path, id)?;
            }
        }
        Ok(())
    }

    /// A folder's names, and once more those that something is in.
    fn listing(&self, slot: usize) -> Vec<Step<'_>> {
        let Some(slot) = self.slots.get(slot) else {
            return Vec::new();
        };
        let mut steps = Vec::with_capacity(slot.children.len());
        for (name, &slot) in &slot.children {
            let below = self.slots.get(slot).is_some_and(|s| !s.children.is_empty());
            steps.push(Step {
                name,
                slot,
                inside: false,
            });
            if below {
                steps.push(Step {
                    name,
                    slot,
                    inside: true,
                });
            }
        }
        steps.sort_by(|one, other| one.key().cmp(other.key()));
        steps
    }

    /// The finished tree.
    pub(crate) fn into_tree(self, root: Metadata) -> Tree {
        Tree::from_sorted(root, self.into_entries().0)
    }

    /// Sorted entries: the first path of an inode is the file, the others are hard links to it.
    /// Links to lower layers are listed apart, index and target; their own `target` means nothing.
    pub(crate) fn into_entries(self) -> (Vec<Entry>, BTreeMap<usize, Vec<u8>>) {
        let mut lower = BTreeMap::new();
        let mut first = vec![None; self.inodes.len()];
        let mut entries: Vec<Entry> = Vec::with_capacity(self.count);
        let result: Result<(), std::convert::Infallible> = self.each(|path, id| {
            let (Some(inode), Some(first)) = (self.inodes.get(id), first.get_mut(id)) else {
                return Ok(());
            };
            let metadata = inode.metadata.clone();
            let link = |target| Kind::HardLink { target };
            let (kind, content) = match (&inode.node, *first) {
                (Node::Lower(target), _) => {
                    lower.insert(entries.len(), target.clone());
                    (link(usize::MAX), None)
                }
                (_, Some(target)) => (link(target), None),
                (Node::File(content), None) => {
                    let size = content.len();
                    (Kind::File { size }, Some(content.clone()))
                }
                (Node::Dir, None) => (Kind::Dir, None),
                (Node::Symlink(target), None) => {
                    let target = target.clone();
                    (Kind::Symlink { target }, None)
                }
                (Node::CharDevice(device), None) => (Kind::CharDevice(*device), None),
                (Node::BlockDevice(device), None) => (Kind::BlockDevice(*device), None),
                (Node::Fifo, None) => (Kind::Fifo, None),
            };
            first.get_or_insert(entries.len());
            entries.push(Entry::new(path.to_vec(), kind, metadata, content));
            Ok(())
        });
        let Ok(()) = result;
        (entries, lower)
    }
}
