//! The contents of a layer or a flattened image by path, in a form that can be compared.

use crate::content::Content;
use crate::overlay::Changes;
use crate::tree::nodes::Node;
use crate::tree::{Kind, Metadata, Tree};
use std::collections::BTreeMap;

/// One path.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// "file", "directory", ...
    pub(super) kind: &'static str,
    /// Target of a symbolic link, number of a device, path that a whiteout hides.
    pub(super) detail: Option<String>,
    pub(super) metadata: Metadata,
    /// The first other path of the same file.
    pub(super) link: Option<Vec<u8>>,
    pub(super) content: Option<Content>,
}

/// All paths of a layer or an image; the empty path is the root directory, where something mentions
/// it.
#[derive(Debug, Default)]
pub(super) struct View(pub(super) BTreeMap<Vec<u8>, Item>);

impl Item {
    fn new(kind: &'static str, metadata: Metadata) -> Self {
        Self {
            kind,
            detail: None,
            metadata,
            link: None,
            content: None,
        }
    }

    fn of(node: &Node, metadata: Metadata) -> Self {
        let device =
            |device: &crate::tree::Device| Some(format!("{}:{}", device.major, device.minor));
        let (kind, detail) = match node {
            Node::File(_) => ("file", None),
            Node::Dir => ("directory", None),
            Node::Symlink(target) => ("symbolic link", Some(crate::printable(target))),
            Node::CharDevice(number) => ("character device", device(number)),
            Node::BlockDevice(number) => ("block device", device(number)),
            Node::Fifo => ("named pipe", None),
            Node::Lower(target) => ("hard link to a lower layer", Some(crate::printable(target))),
        };
        let content = match node {
            Node::File(content) => Some(content.clone()),
            _ => None,
        };
        Self {
            detail,
            content,
            ..Self::new(kind, metadata)
        }
    }

    /// For a path that only one side has.
    pub(super) fn summary(&self) -> String {
        let mut text = self.kind.to_owned();
        if let Some(content) = &self.content {
            text = format!("{text}, {} bytes", content.len());
        }
        if let Some(detail) = &self.detail {
            text = format!("{text}, {detail}");
        }
        if let Some(link) = &self.link {
            text = format!("{text}, hard link to {}", crate::printable(link));
        }
        text
    }
}

impl View {
    /// One layer, whiteouts and opaque directories included.
    pub(super) fn of_changes(changes: &Changes) -> Self {
        let mut view = Self::default();
        if let Some(root) = &changes.root {
            view.0
                .insert(Vec::new(), Item::new("directory", root.clone()));
        }
        let mut first: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let mut add = |path: &[u8], id| {
            let Some(inode) = changes.nodes.inode(id) else {
                return;
            };
            let mut item = Item::of(&inode.node, inode.metadata.clone());
            if let Some(target) = first.get(&id) {
                item.link = Some(target.clone());
            } else {
                first.insert(id, path.to_vec());
            }
            view.0.insert(path.to_vec(), item);
        };
        let Ok(()) = changes.nodes.each(|path, id| {
            add(path, id);
            Ok::<(), std::convert::Infallible>(())
        });
        for path in &changes.whiteouts {
            let item = Item::new("whiteout", Metadata::root(0));
            view.0.insert(marked(path, b"whiteout of "), item);
        }
        for path in &changes.opaque {
            let item = Item::new("opaque directory", Metadata::root(0));
            view.0.insert(marked(path, b"opaque "), item);
        }
        view
    }

    /// A flattened image.
    pub(super) fn of_tree(tree: &Tree) -> Self {
        let mut view = Self::default();
        view.0
            .insert(Vec::new(), Item::new("directory", tree.root().clone()));
        for entry in tree.entries() {
            let metadata = Metadata {
                mode: entry.mode,
                uid: entry.uid,
                gid: entry.gid,
                mtime: entry.mtime,
                xattrs: entry.xattrs.clone(),
            };
            let target = match entry.kind {
                Kind::HardLink { target } => tree.entries().get(target),
                _ => None,
            };
            let source = target.unwrap_or(entry);
            let node = match (&source.kind, source.content()) {
                (Kind::File { .. }, Some(content)) => Node::File(content.clone()),
                (Kind::Symlink { target }, _) => Node::Symlink(target.clone()),
                (Kind::CharDevice(device), _) => Node::CharDevice(*device),
                (Kind::BlockDevice(device), _) => Node::BlockDevice(*device),
                (Kind::Fifo, _) => Node::Fifo,
                _ => Node::Dir,
            };
            let mut item = Item::of(&node, metadata);
            item.link = target.map(|target| target.path.clone());
            view.0.insert(entry.path.clone(), item);
        }
        view
    }
}

/// No path of an archive holds NUL, so this name of a marker meets no other.
fn marked(path: &[u8], what: &[u8]) -> Vec<u8> {
    [path, b"\0", what].concat()
}

/// A path, or what stands for a marker, for people.
pub(super) fn path_words(path: &[u8]) -> String {
    let shown = |path: &[u8]| {
        if path.is_empty() {
            "/".to_owned()
        } else {
            crate::printable(path)
        }
    };
    match path.iter().position(|&byte| byte == 0) {
        Some(at) => {
            let (path, what) = path.split_at(at);
            let what = String::from_utf8_lossy(what.get(1..).unwrap_or_default());
            format!("{what}{}", shown(path))
        }
        None => shown(path),
    }
}
