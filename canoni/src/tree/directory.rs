//! Trees from a folder on disk.

use super::nodes::{Inode, Node, Nodes};
use super::{Device, Metadata, Tree, TreeOptions};
use crate::content::Content;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

impl Tree {
    /// Takes the folder `root` as a root file system. Symbolic links are kept, never followed
    /// (`root` itself may be one); hard links are recognised by device and inode; extended
    /// attributes are read. Contents stay on disk and are read when the tree is: a file whose
    /// length changed by then is an error. Names in any order give the same tree.
    pub fn from_directory(root: &Path, options: &TreeOptions) -> Result<Self> {
        let origin = root.display().to_string();
        let mut walk = Walk {
            origin: &origin,
            options,
            nodes: Nodes::default(),
            seen: HashMap::new(),
        };
        let found = fs::metadata(root).map_err(|e| Error::file("examine", root, e))?;
        if !found.is_dir() {
            return Err(Error::image(origin, "is not a folder"));
        }
        // With a slash at the end a symbolic link is followed, here and nowhere else.
        let top = root.join("");
        let metadata = walk.metadata(&top, b"", &found)?;
        let mut folders = vec![(top, Vec::new())];
        while let Some((folder, prefix)) = folders.pop() {
            walk.folder(&folder, &prefix, &mut folders)?;
        }
        Ok(walk.nodes.into_tree(metadata))
    }
}

struct Walk<'a> {
    origin: &'a str,
    options: &'a TreeOptions,
    nodes: Nodes,
    seen: HashMap<(u64, u64), usize>,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        folder: &Path,
        prefix: &[u8],
        folders: &mut Vec<(PathBuf, Vec<u8>)>,
    ) -> Result<()> {
        for item in fs::read_dir(folder).map_err(|e| Error::file("read folder", folder, e))? {
            let item = item.map_err(|e| Error::file("read folder", folder, e))?;
            let disk = item.path();
            let found =
                fs::symlink_metadata(&disk).map_err(|e| Error::file("examine", &disk, e))?;
            let mut path = prefix.to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(item.file_name().as_bytes());
            let linked = found.nlink() > 1 && !found.is_dir();
            let key = (found.dev(), found.ino());
            let known = if linked {
                self.seen.get(&key).copied()
            } else {
                None
            };
            let id = if let Some(id) = known {
                id
            } else {
                let node = self.node(&disk, &path, &found)?;
                let metadata = self.metadata(&disk, &path, &found)?;
                self.nodes.add(Inode { node, metadata })
            };
            if linked {
                self.seen.insert(key, id);
            }
            if found.is_dir() {
                folders.push((disk, path.clone()));
            }
            self.nodes.put(&path, id);
        }
        Ok(())
    }

    fn node(&self, disk: &Path, path: &[u8], found: &fs::Metadata) -> Result<Node> {
        let kind = found.file_type();
        let device = || {
            let (major, minor) = crate::platform::device_numbers(found.rdev());
            Device { major, minor }
        };
        Ok(if kind.is_file() {
            Node::File(Content::File {
                path: disk.into(),
                len: found.len(),
            })
        } else if kind.is_dir() {
            Node::Dir
        } else if kind.is_symlink() {
            let target = fs::read_link(disk)
                .map_err(|e| Error::file("read link", disk, e))?
                .into_os_string()
                .into_vec();
            self.options.symlink(&target, self.origin, path)?;
            Node::Symlink(target)
        } else if kind.is_char_device() {
            Node::CharDevice(device())
        } else if kind.is_block_device() {
            Node::BlockDevice(device())
        } else if kind.is_fifo() {
            Node::Fifo
        } else {
            return Err(Error::path(
                self.origin,
                path,
                "is a socket, which an image cannot carry; remove it",
            ));
        })
    }

    fn metadata(&self, disk: &Path, path: &[u8], found: &fs::Metadata) -> Result<Metadata> {
        let xattrs = read_xattrs(disk)
            .map_err(|e| Error::file("read extended attributes of", disk, e.into()))?;
        let (uid, gid) = self.options.owner.unwrap_or((found.uid(), found.gid()));
        let mode = if found.is_symlink() {
            0o777
        } else {
            found.mode() & 0o7777
        };
        let xattrs = self.options.xattrs(xattrs, &[], self.origin, path)?;
        Ok(Metadata {
            mode,
            uid,
            gid,
            mtime: found.mtime(),
            xattrs,
        })
    }
}

/// All attributes of a file, links not followed. File systems without them have none.
fn read_xattrs(disk: &Path) -> rustix::io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    use rustix::fs::{lgetxattr, llistxattr};
    use rustix::io::Errno;
    let mut names = Vec::new();
    match grow(&mut names, |buffer| llistxattr(disk, buffer)) {
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        other => other?,
    }
    let mut xattrs = Vec::new();
    for name in names
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty() && !crate::platform::is_of_the_machine(name))
    {
        let mut value = Vec::new();
        match grow(&mut value, |buffer| lgetxattr(disk, name, buffer)) {
            // Removed between the two calls, or not for us to see, as some `trusted.` ones.
            Err(crate::platform::NO_ATTRIBUTE) => continue,
            other => other?,
        }
        xattrs.push((name.to_vec(), value));
    }
    Ok(xattrs)
}

/// Calls with larger and larger buffers, until what there is fits. (An empty one asks nothing:
/// rustix answers it with 0.)
fn grow(
    buffer: &mut Vec<u8>,
    mut call: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>,
) -> rustix::io::Result<()> {
    // Linux holds at most 64 KiB of names, and of each value.
    let mut size = 256;
    loop {
        buffer.resize(size, 0);
        match call(buffer) {
            Ok(count) => {
                buffer.truncate(count);
                return Ok(());
            }
            Err(rustix::io::Errno::RANGE) if size < 1 << 24 => size *= 4,
            Err(error) => return Err(error),
        }
    }
}
