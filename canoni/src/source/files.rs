//! The files of an archive or folder, by name.

use crate::blob::Blob;
use crate::content::Content;
use crate::error::{Error, Result, printable};
use crate::limits::Limits;
use crate::tar::{TarKind, clean_path, index};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) enum Files {
    Directory(PathBuf),
    Tar {
        name: String,
        entries: HashMap<Vec<u8>, Item>,
    },
}

#[derive(Debug)]
pub(super) enum Item {
    File(Blob),
    /// Where it leads, as a path of the archive.
    Link(Vec<u8>),
}

/// Links in a row; old `docker save` never has more than one.
const MAX_LINKS: usize = 8;

impl Files {
    pub(super) fn directory(path: &Path) -> Self {
        Self::Directory(path.to_owned())
    }

    pub(super) fn tar(blob: &Blob, name: &str, limits: &Limits) -> Result<Self> {
        let mut entries = HashMap::new();
        for entry in index(blob, name, limits)? {
            let bad = |reason: &str| Error::path(name, &entry.path, reason);
            let item = match entry.kind {
                TarKind::File(Content::Blob(blob)) => Item::File(blob),
                TarKind::Dir => continue,
                TarKind::HardLink(target) => Item::Link(target),
                TarKind::Symlink(target) => Item::Link(
                    resolve(&entry.path, &target)
                        .ok_or_else(|| bad("is a link that leaves the archive"))?,
                ),
                _ => {
                    return Err(bad(
                        "is neither file, folder nor link, which an image archive does not have",
                    ));
                }
            };
            if entries.insert(entry.path.clone(), item).is_some() {
                return Err(bad(
                    "is in the archive twice; readers differ on which one counts",
                ));
            }
        }
        Ok(Self::Tar {
            name: name.to_owned(),
            entries,
        })
    }

    /// The file of this name, links followed within the archive.
    pub(super) fn find(&self, path: &str) -> Result<Option<Blob>> {
        match self {
            Self::Directory(root) => {
                let clean = clean_path(path.as_bytes()).map_err(|problem| {
                    Error::image(root.display().to_string(), problem.to_string())
                })?;
                let relative =
                    String::from_utf8(clean).map_err(|_| Error::image(path, "is not UTF-8"))?;
                let full = root.join(relative);
                match std::fs::metadata(&full) {
                    Ok(_) => Blob::open(&full).map(Some),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(Error::file("open", &full, error)),
                }
            }
            Self::Tar { name, entries } => {
                let mut path = clean_path(path.as_bytes())
                    .map_err(|problem| Error::image(name, problem.to_string()))?;
                for _ in 0..=MAX_LINKS {
                    match entries.get(&path) {
                        None => return Ok(None),
                        Some(Item::File(blob)) => return Ok(Some(blob.clone())),
                        Some(Item::Link(target)) => path.clone_from(target),
                    }
                }
                Err(Error::path(
                    name,
                    &path,
                    "is a link to a link to a link without end",
                ))
            }
        }
    }

    /// The file of this name, which must be there.
    pub(super) fn need(&self, path: &str, archive: &str) -> Result<Blob> {
        self.find(path)?.ok_or_else(|| {
            Error::image(
                archive,
                format!(
                    "lacks {}: the image is incomplete",
                    printable(path.as_bytes())
                ),
            )
        })
    }
}

/// A symbolic link's target as a path of the archive; `None` when it leaves it.
fn resolve(path: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if target.first() == Some(&b'/') {
        return None;
    }
    let mut names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    names.pop();
    for name in target.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn links_stay_inside() {
        assert_eq!(
            resolve(b"id/layer.tar", b"../other/layer.tar").as_deref(),
            Some(&b"other/layer.tar"[..])
        );
        assert_eq!(resolve(b"a", b"./b//c").as_deref(), Some(&b"b/c"[..]));
        assert_eq!(resolve(b"a", b"../b"), None);
        assert_eq!(resolve(b"a/b", b"/b"), None);
    }
}
