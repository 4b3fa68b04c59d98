//! Trees built by hand.

use super::nodes::{Inode, Node, Nodes};
use super::{Device, Metadata, Tree};
use crate::content::Content;
use crate::error::{Error, Result, printable};
use crate::tar::clean_path;
use std::path::Path;

/// Builds a [`Tree`] from paths, in any order.
///
/// Paths are relative to the root, spelled as in an archive (`usr/bin/x`; `./` and a trailing slash
/// are taken away). A path given twice is an error, and so is an extended attribute that is given
/// twice or whose name is empty or holds `=` or NUL, which no tar archive can carry; nothing may
/// lie below something other than a directory. Parents that nobody adds become directories
/// `0755 0:0`.
///
/// ```
/// use canoni::{Content, Metadata, TreeBuilder};
///
/// # fn main() -> canoni::Result<()> {
/// let mut builder = TreeBuilder::new();
/// builder.file("etc/motd", Metadata::root(0o644), Content::from(b"hello\n".to_vec()))?;
/// builder.dir("tmp", Metadata::root(0o1777))?;
/// builder.symlink("etc/issue", "motd")?;
/// let tree = builder.build()?;
/// let paths: Vec<_> = tree.entries().iter().map(|entry| entry.path.as_slice()).collect();
/// assert_eq!(paths, [&b"etc"[..], b"etc/issue", b"etc/motd", b"tmp"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct TreeBuilder {
    nodes: Nodes,
    root: Metadata,
}

const ORIGIN: &str = "new tree";

/// Sorts attributes, and refuses those that an archive cannot carry: names that are empty, hold `=`
/// or NUL, or are there twice.
fn writable(path: &[u8], metadata: &mut Metadata) -> Result<()> {
    metadata.xattrs.sort();
    let mut last: Option<&[u8]> = None;
    for (name, _) in &metadata.xattrs {
        if name.is_empty() || name.contains(&b'=') || name.contains(&0) {
            let reason = format!(
                "has the extended attribute {:?}, a name that no archive can carry",
                printable(name)
            );
            return Err(Error::path(ORIGIN, path, reason));
        }
        if last == Some(name) {
            let reason = format!("has the extended attribute {} twice", printable(name));
            return Err(Error::path(ORIGIN, path, reason));
        }
        last = Some(name);
    }
    Ok(())
}

impl TreeBuilder {
    /// An empty tree with a root of `0755 0:0`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the root directory's own metadata.
    pub fn root(&mut self, metadata: Metadata) -> &mut Self {
        self.root = metadata;
        self
    }

    fn add(&mut self, path: &[u8], node: Node, mut metadata: Metadata) -> Result<&mut Self> {
        let path = self.free(path)?;
        writable(&path, &mut metadata)?;
        self.no_folder(&path, matches!(node, Node::Dir))?;
        let id = self.nodes.add(Inode { node, metadata });
        self.nodes.put(&path, id);
        Ok(self)
    }

    /// Whether something lies below what shall be no folder.
    fn no_folder(&self, path: &[u8], dir: bool) -> Result<()> {
        if dir || !self.nodes.any_below(path) {
            return Ok(());
        }
        Err(Error::path(
            ORIGIN,
            path,
            "is not a folder, but something lies below it",
        ))
    }

    fn free(&self, path: &[u8]) -> Result<Vec<u8>> {
        let clean =
            clean_path(path).map_err(|problem| Error::path(ORIGIN, path, problem.to_string()))?;
        if clean.is_empty() {
            return Err(Error::path(ORIGIN, path, "the root is there already"));
        }
        if self.nodes.id(&clean).is_some() {
            return Err(Error::path(ORIGIN, path, "is there already"));
        }
        self.nodes.check_parents(ORIGIN, &clean)?;
        Ok(clean)
    }

    /// Adds a regular file.
    pub fn file(
        &mut self,
        path: impl AsRef<[u8]>,
        metadata: Metadata,
        content: Content,
    ) -> Result<&mut Self> {
        self.add(path.as_ref(), Node::File(content), metadata)
    }

    /// Adds a regular file whose content is a file on disk (symbolic links followed). Only its
    /// bytes are taken; they are read when the tree is.
    pub fn file_from(
        &mut self,
        path: impl AsRef<[u8]>,
        metadata: Metadata,
        source: &Path,
    ) -> Result<&mut Self> {
        let source = std::fs::canonicalize(source).map_err(|e| Error::file("find", source, e))?;
        let found = std::fs::metadata(&source).map_err(|e| Error::file("examine", &source, e))?;
        if !found.is_file() {
            return Err(Error::image(
                source.display().to_string(),
                "is not a regular file",
            ));
        }
        self.file(
            path,
            metadata,
            Content::File {
                path: source.into(),
                len: found.len(),
            },
        )
    }

    /// Adds a directory.
    pub fn dir(&mut self, path: impl AsRef<[u8]>, metadata: Metadata) -> Result<&mut Self> {
        self.add(path.as_ref(), Node::Dir, metadata)
    }

    /// Adds a symbolic link, `0777 0:0`.
    pub fn symlink(
        &mut self,
        path: impl AsRef<[u8]>,
        target: impl AsRef<[u8]>,
    ) -> Result<&mut Self> {
        let target = target.as_ref();
        if target.is_empty() || target.contains(&0) {
            return Err(Error::path(
                ORIGIN,
                path.as_ref(),
                "a symbolic link needs a target without NUL",
            ));
        }
        self.add(
            path.as_ref(),
            Node::Symlink(target.to_vec()),
            Metadata::root(0o777),
        )
    }

    /// Adds another name of what `target` names; that must be there and no directory.
    pub fn hard_link(
        &mut self,
        path: impl AsRef<[u8]>,
        target: impl AsRef<[u8]>,
    ) -> Result<&mut Self> {
        let clean = self.free(path.as_ref())?;
        let known = clean_path(target.as_ref())
            .ok()
            .and_then(|target| self.nodes.id(&target));
        match known {
            Some(id) if !self.nodes.inode(id).is_some_and(Inode::is_dir) => {
                self.no_folder(&clean, false)?;
                self.nodes.put(&clean, id);
            }
            _ => {
                return Err(Error::path(
                    ORIGIN,
                    path.as_ref(),
                    "is a hard link to what is not there or is a directory",
                ));
            }
        }
        Ok(self)
    }

    /// Adds a character device.
    pub fn char_device(
        &mut self,
        path: impl AsRef<[u8]>,
        metadata: Metadata,
        device: Device,
    ) -> Result<&mut Self> {
        self.add(path.as_ref(), Node::CharDevice(device), metadata)
    }

    /// Adds a block device.
    pub fn block_device(
        &mut self,
        path: impl AsRef<[u8]>,
        metadata: Metadata,
        device: Device,
    ) -> Result<&mut Self> {
        self.add(path.as_ref(), Node::BlockDevice(device), metadata)
    }

    /// Adds a named pipe.
    pub fn fifo(&mut self, path: impl AsRef<[u8]>, metadata: Metadata) -> Result<&mut Self> {
        self.add(path.as_ref(), Node::Fifo, metadata)
    }

    /// Sorts, and supplies missing parents.
    pub fn build(mut self) -> Result<Tree> {
        writable(b".", &mut self.root)?;
        self.nodes.supply_all();
        Ok(self.nodes.into_tree(self.root))
    }
}
