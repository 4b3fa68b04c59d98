//! The list of an archive's entries, with contents left where they are.

use super::entry::{TarEntry, TarKind};
use super::header::{Block, Dialect, clean_path, terminated};
use super::pax::{self, Pax};
use super::problem::Problem;
use super::{BLOCK, sparse};
use crate::blob::Blob;
use crate::content::Content;
use crate::error::{Error, Result, printable};
use crate::limits::{Limits, name_bytes};

/// Reads the headers of the archive in `blob`, from its first byte to its end marker. `name` is
/// what errors call it.
///
/// Contents are not read (except the map of a sparse file), so this takes time in the number of
/// entries.
pub fn index(blob: &Blob, name: &str, limits: &Limits) -> Result<Vec<TarEntry>> {
    read(blob, name, limits, false)
}

/// The same for an archive whose end is known by its digest: it needs no end marker, and the table
/// of contents of an eStargz layer, `stargz.index.json`, may stand after that marker.
pub(crate) fn index_layer(blob: &Blob, name: &str, limits: &Limits) -> Result<Vec<TarEntry>> {
    read(blob, name, limits, true)
}

fn read(blob: &Blob, name: &str, limits: &Limits, layer: bool) -> Result<Vec<TarEntry>> {
    let mut reader = Reader {
        blob,
        layer,
        limits,
        at: 0,
        window: vec![0; WINDOW],
        window_at: 0,
        window_len: 0,
        content: 0,
    };
    let mut entries = Vec::new();
    let mut names: u64 = 0;
    loop {
        let offset = reader.at;
        let mut entry = None;
        match reader.entry(&mut entry) {
            Ok(Some(next)) => {
                names = names.saturating_add(name_bytes(&next));
                entries.push(next);
            }
            Ok(None) => return Ok(entries),
            Err(Failure::Problem(problem)) => {
                let entry = entry.map(|path| printable(&path));
                return Err(Error::Tar {
                    archive: name.to_owned(),
                    offset,
                    entry,
                    problem,
                });
            }
            Err(Failure::Io(error)) => return Err(Error::io("read", name, error)),
        }
        let over = if entries.len() as u64 > limits.entries {
            (limits.entries, "entries", "--max-entries")
        } else if names > limits.name_bytes {
            (
                limits.name_bytes,
                "bytes of names, link targets and attributes",
                "--max-name-bytes",
            )
        } else {
            continue;
        };
        let (limit, unit, option) = over;
        return Err(Error::Tar {
            archive: name.to_owned(),
            offset,
            entry: None,
            problem: Problem::Limit {
                limit,
                unit,
                option,
            },
        });
    }
}

const WINDOW: usize = 16 << 10;

/// The name that git gives a global extended header.
pub(crate) const GLOBAL: &[u8] = b"pax_global_header";

enum Failure {
    Problem(Problem),
    Io(std::io::Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// The records before the entry's own header.
#[derive(Default)]
struct Before {
    pax: Option<Pax>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    global: bool,
}

impl Before {
    fn any(&self) -> bool {
        self.pax.is_some() || self.name.is_some() || self.link.is_some() || self.global
    }
}

struct Reader<'a> {
    blob: &'a Blob,
    /// Read as [`index_layer`] says.
    layer: bool,
    limits: &'a Limits,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
    window_len: usize,
    content: u64,
}

impl Reader<'_> {
    /// The block at the current position; `None` at the end of the blob.
    fn block(&mut self) -> Result<Option<[u8; 512]>, Failure> {
        let end = self.window_at + self.window_len as u64;
        if self.at < self.window_at || self.at + BLOCK > end {
            self.window_at = self.at;
            self.window_len = self.blob.fill_at(self.at, &mut self.window)?;
        }
        let start = usize::try_from(self.at - self.window_at).unwrap_or(usize::MAX);
        let available = self.window.get(start..self.window_len).unwrap_or_default();
        if available.is_empty() {
            return Ok(None);
        }
        let block = available
            .first_chunk::<512>()
            .ok_or(Problem::Truncated("inside a header"))?;
        self.at += BLOCK;
        Ok(Some(*block))
    }

    /// The next `size` bytes and the padding after them.
    fn take(&mut self, size: u64) -> Result<Blob, Failure> {
        let content = self
            .blob
            .slice(self.at, size)
            .ok_or(Problem::Truncated("inside an entry's content"))?;
        let padded = size
            .checked_next_multiple_of(BLOCK)
            .ok_or(Problem::Number("size"))?;
        self.at = self.at.checked_add(padded).ok_or(Problem::Number("size"))?;
        Ok(content)
    }

    fn entry(&mut self, known: &mut Option<Vec<u8>>) -> Result<Option<TarEntry>, Failure> {
        let offset = self.at;
        let mut before = Before::default();
        loop {
            let Some(bytes) = self.block()? else {
                // The padding of the last entry must be there: Go's reader misses it.
                if self.layer && !before.any() && self.at == self.blob.len() {
                    return Ok(None);
                }
                return Err(Problem::Truncated("no end marker").into());
            };
            if bytes == [0; 512] {
                if before.any() {
                    return Err(Problem::Dangling.into());
                }
                self.end()?;
                return Ok(None);
            }
            let block = Block::parse(&bytes)?;
            match block.type_byte() {
                b'x' => {
                    let text = self.extended(&block)?;
                    if before.pax.replace(pax::parse(&text)?).is_some() {
                        return Err(Problem::Conflict("the extended header").into());
                    }
                }
                b'g' => {
                    let text = self.extended(&block)?;
                    // Docker ignores these, GNU tar applies them: only what changes nothing may
                    // stand there.
                    if let Some((key, _)) = pax::records(&text)?
                        .into_iter()
                        .find(|(key, _)| *key != b"comment")
                    {
                        return Err(Problem::Global(printable(key)).into());
                    }
                    // To podman its name is a path: what is there is removed, folders above it are
                    // made, and to umoci, too, a whiteout is a whiteout. git writes one that means
                    // nothing.
                    let name = block.name()?;
                    if name != GLOBAL {
                        return Err(Problem::GlobalName(printable(&name)).into());
                    }
                    before.global = true;
                }
                b'L' => self.long(&block, &mut before.name, "name")?,
                b'K' => self.long(&block, &mut before.link, "link name")?,
                _ => {
                    *known = block.name().ok();
                    return self.finish(&block, before, offset, known).map(Some);
                }
            }
        }
    }

    /// Content of an extended or long-name header.
    fn extended(&mut self, block: &Block) -> Result<Vec<u8>, Failure> {
        let size = block.size()?;
        let limit = self.limits.header_bytes;
        if size > limit {
            return Err(Problem::Limit {
                limit,
                unit: "bytes in an extended header",
                option: "--max-header-bytes",
            }
            .into());
        }
        let content = self.take(size)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        content.fill_at(0, &mut bytes)?;
        Ok(bytes)
    }

    fn long(
        &mut self,
        block: &Block,
        slot: &mut Option<Vec<u8>>,
        what: &'static str,
    ) -> Result<(), Failure> {
        let text = self.extended(block)?;
        let text = terminated(&text, what)?;
        if text.is_empty() {
            return Err(Problem::Empty(what).into());
        }
        if slot.replace(text.to_vec()).is_some() {
            return Err(Problem::Conflict(what).into());
        }
        Ok(())
    }

    fn finish(
        &mut self,
        block: &Block,
        before: Before,
        offset: u64,
        known: &mut Option<Vec<u8>>,
    ) -> Result<TarEntry, Failure> {
        let global = before.global;
        let mut pax = before.pax.unwrap_or_default();
        let sparse_records = sparse::pax_sparse(&pax.sparse)?;
        let sparse_name = sparse_records
            .as_ref()
            .and_then(|sparse| sparse.name.clone());
        // A sparse file's `path` is a made-up one for readers that do not know the format.
        let path = match (sparse_name, one(pax.path.take(), before.name, "name")?) {
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => block.name()?,
        };
        *known = Some(path.clone());
        let link = match one(pax.linkpath.take(), before.link, "link name")? {
            Some(link) => link,
            None => block.link_name()?,
        };
        let size = size(block, pax.size)?;
        let type_byte = block.type_byte();
        let slash = path.ends_with(b"/");
        let kind = match type_byte {
            // V7 has no other way to write a folder. With type 0 it is one to tar, and a file to
            // engines.
            0 if slash && size == 0 && sparse_records.is_none() => TarKind::Dir,
            b'0' | 0 | b'7' if slash => return Err(Problem::SlashFile.into()),
            b'0' | 0 | b'7' => TarKind::File(match sparse_records {
                None => Content::Blob(self.take(size)?),
                Some(sparse) => self.pax_sparse(sparse, size)?,
            }),
            b'S' if block.dialect == Dialect::Gnu => TarKind::File(self.old_sparse(block, size)?),
            b'1'..=b'6' if sparse_records.is_some() => {
                return Err(Problem::Sparse("not a regular file").into());
            }
            b'1'..=b'6' if size != 0 => return Err(Problem::Sized.into()),
            b'1' | b'2' if link.is_empty() => return Err(Problem::Empty("link name").into()),
            b'1' => TarKind::HardLink(clean_path(&link)?),
            b'2' if link.len() > 4095 => return Err(Problem::Long(printable(&link)).into()),
            b'2' => TarKind::Symlink(link),
            b'3' => block
                .device()
                .map(|(major, minor)| TarKind::CharDevice(major, minor))?,
            b'4' => block
                .device()
                .map(|(major, minor)| TarKind::BlockDevice(major, minor))?,
            b'5' => TarKind::Dir,
            b'6' => TarKind::Fifo,
            other => return Err(Problem::Type(kind_words(other)).into()),
        };
        let path = clean_path(&path)?;
        if path.is_empty() && !matches!(kind, TarKind::Dir) {
            return Err(Problem::Root.into());
        }
        if let TarKind::File(content) = &kind {
            self.content = self.content.saturating_add(content.len());
            let limit = self.limits.content_bytes;
            if self.content > limit {
                return Err(Problem::Limit {
                    limit,
                    unit: "bytes of content",
                    option: "--max-bytes",
                }
                .into());
            }
        }
        let id = |number: u64, what| u32::try_from(number).map_err(|_| Problem::Number(what));
        Ok(TarEntry {
            path,
            kind,
            mode: block.mode()?,
            uid: id(pax.uid.map_or_else(|| block.uid(), Ok)?, "uid")?,
            gid: id(pax.gid.map_or_else(|| block.gid(), Ok)?, "gid")?,
            mtime: pax.mtime.map_or_else(|| block.mtime(), Ok)?,
            xattrs: pax.xattrs,
            unknown: pax.other,
            global,
            offset,
        })
    }

    fn pax_sparse(&mut self, sparse: sparse::PaxSparse, size: u64) -> Result<Content, Failure> {
        let stored = self.take(size)?;
        let (map, skip) = match sparse.map {
            Some(map) => (map, 0),
            None => sparse::leading_map(&stored)?,
        };
        let runs = stored
            .slice(skip, size - skip)
            .ok_or(Problem::Sparse("the map is longer than the entry"))?;
        Ok(sparse::content(&map, &runs, sparse.real_size)?)
    }

    fn old_sparse(&mut self, block: &Block, size: u64) -> Result<Content, Failure> {
        let bytes = block.header.as_bytes();
        let mut map = sparse::Map::new();
        sparse::old_map(bytes.get(386..482).unwrap_or_default(), &mut map)?;
        let mut extended = bytes.get(482).is_some_and(|&flag| flag != 0);
        let real_size =
            super::header::number(bytes.get(483..495).unwrap_or_default(), "sparse size")?;
        while extended {
            let more = self.block()?.ok_or(Problem::Truncated("in a sparse map"))?;
            sparse::old_map(more.get(..504).unwrap_or_default(), &mut map)?;
            extended = more.get(504).is_some_and(|&flag| flag != 0);
        }
        let stored = self.take(size)?;
        Ok(sparse::content(&map, &stored, real_size)?)
    }

    /// After the first zero block: nothing, or zeros, or bytes that are not a tar archive.
    fn end(&mut self) -> Result<(), Failure> {
        // A single zero block may end an archive; with anything but zeros after it readers
        // disagree.
        match self.block() {
            Ok(None) => return Ok(()),
            Ok(Some(block)) if block != [0; 512] && Block::parse(&block).is_ok() => {
                return Err(Problem::LoneZero.into());
            }
            Ok(Some(_)) | Err(Failure::Problem(Problem::Truncated(_))) => {}
            Err(error) => return Err(error),
        }
        let mut contents = self.layer;
        loop {
            match self.block() {
                Ok(None) | Err(Failure::Problem(Problem::Truncated(_))) => return Ok(()),
                Ok(Some(block)) if block != [0; 512] => match Block::parse(&block) {
                    // Once, and nothing else: every engine ends at the marker.
                    Ok(header) if contents && is_stargz(&header) => {
                        contents = false;
                        self.take(header.size()?)?;
                    }
                    Ok(_) => return Err(Problem::Concatenated.into()),
                    Err(_) => {}
                },
                Ok(Some(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether this is the header of eStargz's table of contents.
fn is_stargz(block: &Block) -> bool {
    block.type_byte() == b'0' && block.name().is_ok_and(|name| name == b"stargz.index.json")
}

/// The value given by a PAX record, a GNU long header, or both alike.
fn one(
    pax: Option<Vec<u8>>,
    gnu: Option<Vec<u8>>,
    what: &'static str,
) -> Result<Option<Vec<u8>>, Problem> {
    match (pax, gnu) {
        (Some(a), Some(b)) if a != b => Err(Problem::Conflict(what)),
        (a, b) => Ok(a.or(b)),
    }
}

/// The stored size. A PAX size may only say what the header cannot hold, or the same.
fn size(block: &Block, pax: Option<u64>) -> Result<u64, Problem> {
    const OCTAL_MAX: u64 = 0o777_7777_7777;
    let header = block.size()?;
    match pax {
        None => Ok(header),
        Some(pax) if pax == header => Ok(pax),
        // Writers leave 0 or all sevens where the number does not fit.
        Some(pax) if pax > OCTAL_MAX && matches!(header, 0 | OCTAL_MAX) => Ok(pax),
        Some(pax) => Err(Problem::SizeConflict { header, pax }),
    }
}

fn kind_words(byte: u8) -> String {
    let name = match byte {
        b'D' => " (GNU directory dump of an incremental archive)",
        b'M' => " (continuation of a multi-volume archive)",
        b'V' => " (GNU volume label)",
        b'N' => " (GNU old long names)",
        b'X' => " (Solaris extended header)",
        b'A' => " (Solaris access control list)",
        b'S' => " (sparse file in another dialect than GNU's)",
        b's' => " (socket)",
        _ => "",
    };
    format!("'{}'{name}", byte.escape_ascii())
}
