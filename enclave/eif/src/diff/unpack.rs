//! Walks through ramdisks as Linux does (`init/initramfs.c`, `unpack_to_rootfs`), and notes
//! features that an initramfs of one plain archive does not need.
//!
//! Linux sees all ramdisks of an image as one run of bytes. In it, plain archives and compressed
//! members follow each other with zeros between them; an end mark makes Linux forget the hard links
//! and nothing else. A member may hold many archives, and an archive may begin after any entry.

use super::files::{Found, Wanted};
use super::links::Links;
use super::listing::{Archive, File, Listing, Replaced};
use super::source::{Limited, Source};
use crate::compress::{Packing, decoder};
use crate::cpio::{CpioReader, EntryHeader, Item, mode};
use letsesign_escape::bytes as spelled;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

/// Most entries, and most bytes of names, over all ramdisks of an image: more than any enclave has.
/// They bound the memory that a hostile archive can make us use.
const MOST_ENTRIES: usize = 1_000_000;
const MOST_NAME_BYTES: usize = 64 << 20;
/// Folders above an entry that are checked; a deeper path gets a note.
const MOST_FOLDERS: usize = 64;
/// Most bytes that the compressed members of an image may unpack to. They bound the hashing that a
/// hostile image can make us do.
const MOST_PLAIN: u64 = 32 << 30;
/// Notes that are kept word by word for each ramdisk; the others are counted.
const MOST_NOTES: usize = 20;

/// The state that Linux keeps from one ramdisk to the next, and ours.
#[derive(Default)]
pub(super) struct Unpacker {
    links: Links,
    /// Types of the files that are there, by path without `.` and empty parts.
    there: HashMap<Vec<u8>, u32>,
    entries: usize,
    name_bytes: usize,
    /// Bytes that compressed members were unpacked to.
    plain: u64,
    /// Bytes of all ramdisks before.
    offset: u64,
    notes: Vec<String>,
    unsaid: usize,
    buffer: Vec<u8>,
    /// Files whose contents are kept.
    pub(super) wanted: Wanted,
}

impl Unpacker {
    /// The notes since the last call.
    pub(super) fn notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        match std::mem::take(&mut self.unsaid) {
            0 => {}
            more => notes.push(format!("... and {more} more")),
        }
        notes
    }

    /// Notes what only the end of all ramdisks shows.
    pub(super) fn finish(&mut self) {
        self.forget_links();
    }

    /// Reads one ramdisk to its end. A fault in it is an error; the next one can still be read,
    /// because `size` says where this one ends.
    pub(super) fn ramdisk<R: BufRead>(&mut self, source: R, size: u64) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let read = self.members(&mut Source::new(source), &mut listing);
        self.offset += size;
        read?;
        let open = listing.archives.iter().filter(|archive| !archive.ended);
        for archive in open.collect::<Vec<_>>() {
            let entries = archive.entries;
            self.note(format!("an archive of {entries} entries has no end mark"));
        }
        let count = listing.archives.len();
        if count > 1 {
            self.note(format!("{count} archives, all of which Linux unpacks"));
        }
        if listing.packings.len() > 1 {
            let packings = listing.packings.len();
            self.note(format!("{packings} members, compressed or not"));
        }
        listing.settle();
        Ok(listing)
    }

    fn members<R: BufRead>(
        &mut self,
        source: &mut Source<R>,
        listing: &mut Listing,
    ) -> io::Result<()> {
        loop {
            let head = source.head()?;
            if head.is_empty() {
                return Ok(());
            }
            let zeros = head.iter().take_while(|byte| **byte == 0).count();
            if zeros > 0 {
                source.consume(zeros);
                continue;
            }
            let packing = Packing::of(head);
            let position = self.offset + source.position();
            if packing == Packing::Unknown {
                return Err(invalid(
                    "neither a newc cpio archive nor a known compression",
                ));
            }
            listing.packings.push(packing);
            if packing == Packing::None {
                if !position.is_multiple_of(4) {
                    return Err(invalid(
                        "an archive at an offset that is not a multiple of 4",
                    ));
                }
                self.entries(&mut *source, position, listing)?;
                continue;
            }
            // One budget for the whole image: splitting the data into members does not raise it.
            let mut left = MOST_PLAIN - self.plain;
            let limited = Limited {
                inner: decoder(packing, source)?,
                left: &mut left,
            };
            // Linux counts alignment anew inside of compressed data.
            let whole = self.entries(BufReader::new(limited), 0, listing)?;
            self.plain = MOST_PLAIN - left;
            if !whole {
                return Err(invalid("compressed data that is not a cpio archive"));
            }
        }
    }

    /// Reads entries until something else comes. Returns whether the source ended there.
    fn entries<R: BufRead>(
        &mut self,
        source: R,
        position: u64,
        listing: &mut Listing,
    ) -> io::Result<bool> {
        let mut reader = CpioReader::new(source, position);
        let mut archive = Archive::new(listing.packings.len().saturating_sub(1));
        loop {
            match reader.next_item()? {
                Item::Entry(header) => {
                    archive.entries += 1;
                    let number = listing.archives.len();
                    self.entry(&header, &mut reader, number, listing)?;
                }
                Item::Trailer { odd } => {
                    if odd {
                        let at = reader.position();
                        self.note(format!("an end mark with contents or numbers before {at}"));
                    }
                    self.forget_links();
                    archive.ended = true;
                    let next = Archive::new(archive.member);
                    listing.archives.push(std::mem::replace(&mut archive, next));
                }
                item @ (Item::Foreign | Item::End) => {
                    if archive.entries > 0 {
                        listing.archives.push(archive);
                    }
                    return Ok(item == Item::End);
                }
            }
        }
    }

    fn entry<R: BufRead>(
        &mut self,
        header: &EntryHeader,
        reader: &mut CpioReader<R>,
        archive: usize,
        listing: &mut Listing,
    ) -> io::Result<()> {
        // Counted before the entry is kept: a hostile archive must not fill our memory.
        self.entries += 1;
        self.name_bytes += header.path.len();
        if self.entries > MOST_ENTRIES || self.name_bytes > MOST_NAME_BYTES {
            return Err(invalid("too many files"));
        }
        self.buffer.resize(64 << 10, 0);
        let mut kept = self.kept(header);
        let (sha256, target) = contents(header, reader, &mut self.buffer, kept.as_mut())?;
        let path = spelled(&header.path);
        self.look_at_path(header, &path);
        let (link, notes) = self.links.of(header);
        if let Some(all) = self.wanted.files.get_mut(&plain_path(&header.path)) {
            all.push(kept.map_or(Found::Other, Found::File));
        }
        for note in notes {
            self.note(format!("{path}: {note}"));
        }
        let file = File {
            mode: header.mode,
            uid: header.uid,
            gid: header.gid,
            links: header.links,
            mtime: header.mtime,
            size: header.size,
            device: header.device,
            sha256,
            target,
            link: link.map(|first| spelled(&first)),
            archive,
            position: listing.entries(),
        };
        if let Some(before) = listing.files.insert(path.clone(), file) {
            listing.replaced.push(Replaced { path, file: before });
        }
        Ok(())
    }

    /// Room for the contents of a wanted file. Those of others are not kept.
    fn kept(&self, header: &EntryHeader) -> Option<Vec<u8>> {
        let is_plain = header.mode & mode::MASK == mode::FILE && header.links <= 1;
        let is_small = u64::from(header.size) <= self.wanted.limit;
        let wanted = self.wanted.files.get(&plain_path(&header.path));
        // Of two entries neither counts, so that a repeated path does not fill our memory.
        (is_plain && is_small && wanted.is_some_and(Vec::is_empty)).then(Vec::new)
    }

    /// Notes a path that is there already, leads through a symbolic link or climbs, and a file
    /// type that Linux does not create.
    fn look_at_path(&mut self, header: &EntryHeader, path: &str) {
        let kind = header.mode & mode::MASK;
        let parts = parts(&header.path);
        if parts.contains(&&b".."[..]) {
            self.note(format!("{path}: the path climbs with \"..\""));
        }
        let mut prefix = Vec::new();
        let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
        if folders.len() > MOST_FOLDERS {
            self.note(format!("{path}: lies {} folders deep", folders.len()));
        }
        // Linux follows links while it unpacks, so an entry below one lands elsewhere than its path
        // says.
        for part in folders.iter().take(MOST_FOLDERS) {
            if !prefix.is_empty() {
                prefix.push(b'/');
            }
            prefix.extend_from_slice(part);
            if self.there.get(&prefix) == Some(&mode::SYMLINK) {
                let link = spelled(&prefix);
                self.note(format!("{path}: lies behind the symbolic link {link}"));
            }
        }
        if !matches!(
            kind,
            mode::FILE
                | mode::DIR
                | mode::SYMLINK
                | mode::CHAR
                | mode::BLOCK
                | mode::FIFO
                | mode::SOCKET
        ) {
            self.note(format!(
                "{path}: no type of file; Linux makes nothing, and removes what was there"
            ));
        }
        let whole = parts.join(&b'/');
        let before = self.there.insert(whole, kind);
        if let Some(before) = before
            && (before, kind) != (mode::DIR, mode::DIR)
        {
            self.note(format!("{path}: was there before; this entry replaces it"));
        }
    }

    fn forget_links(&mut self) {
        for note in self.links.forget() {
            self.note(note);
        }
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(text);
        } else {
            self.unsaid += 1;
        }
    }
}

/// A path without `.` and empty parts.
fn plain_path(path: &[u8]) -> Vec<u8> {
    parts(path).join(&b'/')
}

fn parts(path: &[u8]) -> Vec<&[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect()
}

/// SHA-256 of an entry's contents, and those of a symbolic link as text.
fn contents<R: BufRead>(
    header: &EntryHeader,
    reader: &mut CpioReader<R>,
    buffer: &mut [u8],
    mut kept: Option<&mut Vec<u8>>,
) -> io::Result<(String, Option<String>)> {
    let mut hash = Sha256::new();
    // The reader allows no longer targets than Linux.
    let mut target = (header.mode & mode::MASK == mode::SYMLINK).then(Vec::new);
    loop {
        let count = reader.read(buffer)?;
        if count == 0 {
            break;
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        hash.update(bytes);
        for kept in target.iter_mut().chain(kept.as_deref_mut()) {
            kept.extend_from_slice(bytes);
        }
    }
    let target = target.map(|target| spelled(&target));
    Ok((hex::encode(hash.finalize()), target))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
