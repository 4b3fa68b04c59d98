//! The two ramdisks of an image built from a file tree.
//!
//! * Ramdisk 1: `init`, `dev`, `dev/console`. Linux runs `/init` and gives it the console. For
//!   AWS's init `nsm.ko` as well, where it is given.
//! * Ramdisk 2: `config.json` and `rootfs`, an OCI runtime bundle; or `cmd`, `env` and `rootfs`.
//!
//! A tree is checked as a whole before the first byte is written, so that a bad tree fails at once.

use crate::aws::AwsConfig;
use crate::compress::RamdiskSink;
use crate::cpio::{Entry, Links, NewcWriter, mode};
use crate::error::{Error, Result};
use canoni::{Entry as TreeEntry, Kind, Tree};
use std::collections::HashMap;
use std::io::{Empty, Read, empty};

/// Name of the bundle's root directory.
const ROOT: &[u8] = b"rootfs";
/// Largest `init` program that makes sense: it is read while PCR1 is measured, not from memory.
const MAX_INIT: u64 = 1 << 30;

fn root_owned(path: &[u8], mode: u32) -> Entry<'_> {
    Entry {
        path,
        mode,
        uid: 0,
        gid: 0,
        device: (0, 0),
        links: Links::One,
    }
}

/// Writes ramdisk 1. `init` yields `size` bytes of the program that becomes PID 1; so does the
/// kernel module that AWS's init loads, where there is one.
pub(crate) fn write_init<R: Read>(
    sink: &mut RamdiskSink<'_>,
    (size, init): (u64, &mut R),
    module: Option<(u64, &mut R)>,
) -> Result<()> {
    if size > MAX_INIT {
        return Err(Error::Option(format!(
            "the init program has {size} bytes; that cannot be meant"
        )));
    }
    let mut cpio = NewcWriter::new(sink);
    cpio.entry(&root_owned(b"init", mode::FILE | 0o755), size, init)?;
    cpio.entry(&root_owned(b"dev", mode::DIR | 0o755), 0, &mut empty())?;
    let console = Entry {
        device: (5, 1),
        ..root_owned(b"dev/console", mode::CHAR | 0o600)
    };
    cpio.entry(&console, 0, &mut empty())?;
    if let Some((size, module)) = module {
        cpio.entry(&root_owned(b"nsm.ko", mode::FILE | 0o644), size, module)?;
    }
    cpio.finish()
}

/// Refuses what ramdisk 2 cannot carry, naming the first path at fault.
pub(crate) fn check_tree(tree: &Tree, drop_xattrs: bool) -> Result<()> {
    for entry in tree.entries() {
        let path = bundle_path(&entry.path);
        crate::cpio::check(&path, entry.content().map_or(0, canoni::Content::len))?;
        if let Kind::Symlink { target } = &entry.kind
            && target.len() > crate::cpio::MAX_NAME
        {
            let reason = format!(
                "points to a path of {} bytes, which Linux does not unpack",
                target.len()
            );
            return Err(crate::cpio::refuse(&entry.path, reason));
        }
    }
    if drop_xattrs {
        return Ok(());
    }
    let root = std::iter::once((&b"/"[..], &tree.root().xattrs));
    let entries = tree
        .entries()
        .iter()
        .map(|entry| (entry.path.as_slice(), &entry.xattrs));
    for (path, xattrs) in root.chain(entries) {
        if let Some((name, _)) = xattrs.first() {
            let reason = format!(
                "has the extended attribute {}, which an initramfs cannot carry; remove it from the image or build with --drop-xattrs",
                letsesign_escape::bytes(name)
            );
            return Err(crate::cpio::refuse(path, reason));
        }
    }
    Ok(())
}

/// Init's instructions in ramdisk 2.
#[derive(Debug)]
pub(crate) enum Config {
    /// `config.json`.
    Oci(Vec<u8>),
    /// `cmd` and `env`.
    Aws(AwsConfig),
}

impl Config {
    /// The files with their contents, sorted, and the folders to add to the root file system.
    fn parts(&self) -> (Vec<(&'static str, &[u8])>, &[&'static str]) {
        match self {
            Config::Oci(json) => (vec![("config.json", json.as_slice())], &[]),
            Config::Aws(config) => (
                vec![
                    ("cmd", config.cmd.as_slice()),
                    ("env", config.env.as_slice()),
                ],
                config.folders.as_slice(),
            ),
        }
    }
}

/// Writes ramdisk 2.
pub(crate) fn write_bundle(sink: &mut RamdiskSink<'_>, config: &Config, tree: &Tree) -> Result<()> {
    let names = count_names(tree);
    let mut inodes = HashMap::new();
    let mut cpio = NewcWriter::new(sink);
    let (files, folders) = config.parts();
    for (name, mut contents) in files {
        let entry = root_owned(name.as_bytes(), mode::FILE | 0o644);
        cpio.entry(&entry, contents.len() as u64, &mut contents)?;
    }
    let root = tree.root();
    let entry = Entry {
        uid: root.uid,
        gid: root.gid,
        ..root_owned(ROOT, mode::DIR | root.mode)
    };
    cpio.entry(&entry, 0, &mut empty())?;
    for folder in folders {
        let path = bundle_path(folder.as_bytes());
        cpio.entry(&root_owned(&path, mode::DIR | 0o755), 0, &mut empty())?;
    }
    for (index, entry) in tree.entries().iter().enumerate() {
        let (first, target) = match entry.kind {
            // A link to a link does not exist in a tree.
            Kind::HardLink { target } => (target, tree.entries().get(target).unwrap_or(entry)),
            _ => (index, entry),
        };
        let count = names.get(&first).copied().unwrap_or(1);
        let links = match inodes.get(&first) {
            // Linux's initramfs makes hard links of everything but symbolic links, of which a
            // second one is as good.
            _ if count == 1 || matches!(target.kind, Kind::Symlink { .. }) => Links::One,
            Some(inode) => Links::Again {
                count,
                inode: *inode,
            },
            None => Links::First { count },
        };
        let inode = write_entry(
            &mut cpio,
            tree,
            &bundle_path(&entry.path),
            first,
            target,
            links,
        )?;
        if let Links::First { .. } = links {
            inodes.insert(first, inode);
        }
    }
    cpio.finish()
}

fn write_entry(
    cpio: &mut NewcWriter<'_, '_>,
    tree: &Tree,
    path: &[u8],
    index: usize,
    entry: &TreeEntry,
    links: Links,
) -> Result<u32> {
    let (kind, device) = match &entry.kind {
        Kind::File { .. } | Kind::HardLink { .. } => (mode::FILE, (0, 0)),
        Kind::Dir => (mode::DIR, (0, 0)),
        Kind::Symlink { .. } => (mode::SYMLINK, (0, 0)),
        Kind::CharDevice(device) => (mode::CHAR, (device.major, device.minor)),
        Kind::BlockDevice(device) => (mode::BLOCK, (device.major, device.minor)),
        Kind::Fifo => (mode::FIFO, (0, 0)),
    };
    let header = Entry {
        path,
        mode: kind | entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        device,
        links,
    };
    let nothing: &mut Empty = &mut empty();
    match &entry.kind {
        _ if matches!(links, Links::Again { .. }) => cpio.entry(&header, 0, nothing),
        Kind::Symlink { target } => {
            cpio.entry(&header, target.len() as u64, &mut target.as_slice())
        }
        Kind::File { size } if *size > 0 => {
            let mut contents = tree.open(index)?;
            cpio.entry(&header, *size, &mut contents)
        }
        _ => cpio.entry(&header, 0, nothing),
    }
}

/// For each entry with more than one name, how many it has.
fn count_names(tree: &Tree) -> HashMap<usize, u32> {
    let mut names = HashMap::new();
    for entry in tree.entries() {
        if let Kind::HardLink { target } = entry.kind {
            *names.entry(target).or_insert(1) += 1;
        }
    }
    names
}

fn bundle_path(path: &[u8]) -> Vec<u8> {
    [ROOT, b"/", path].concat()
}
