//! Files out of an image, as the enclave will see them.

use super::named;
use super::unpack::Unpacker;
use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::pcr::Pcrs;
use crate::progress::Progress;
use crate::read::{Image, section_reader};
use letsesign_pcr::Pcr;
use sha2::{Digest, Sha384};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Files of an image, with its measurements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFiles {
    /// Measurements of the image.
    pub pcrs: Pcrs,
    /// Contents by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Files that the unpacker keeps: by path, the contents of all entries of that path.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) files: BTreeMap<Vec<u8>, Vec<Found>>,
    /// Most bytes of one file.
    pub(super) limit: u64,
}

/// One entry of a wanted path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A regular file of one name.
    File(Vec<u8>),
    /// Another type, a file of several names, or one above the limit.
    Other,
}

/// Reads files of the root file system out of an image: each must be a regular file in one of the
/// ramdisks after the first, once, with one name and of at most `limit` bytes. The contents are
/// those that PCR2 covers, even if somebody writes to the file meanwhile: what is read is measured
/// again.
///
/// Paths are absolute paths in the running enclave, whose root is `rootfs` of the ramdisks
/// (docs/eif-format.md). Ramdisks whose files depend on how they are unpacked are refused: repeated
/// paths, further archives and whatever else `eif verify` notes.
///
/// # Errors
/// When the file cannot be read, is not a valid image, or a path breaks these rules.
pub fn read_files(
    path: &Path,
    wanted: &[&str],
    limit: u64,
    progress: Arc<dyn Progress>,
) -> Result<ImageFiles> {
    let (mut file, image) = Image::open(path, progress).map_err(|error| named(path, error))?;
    let refuse = |reason: String| Error::Source {
        path: path.to_owned(),
        reason,
    };
    let mut unpacker = Unpacker::default();
    unpacker.wanted.limit = limit;
    let names = wanted.iter().map(|path| (inside(path), Vec::new()));
    unpacker.wanted.files = names.collect();
    let mut measured = Sha384::new();
    let mut notes = Vec::new();
    for (number, section) in (1..).zip(image.layout.of_kind(SectionKind::Ramdisk)) {
        let mut hash = Sha384::new();
        let contents = Hashing {
            inner: section_reader(&mut file, section)?,
            hash: if number == 1 {
                &mut hash
            } else {
                &mut measured
            },
        };
        unpacker
            .ramdisk(BufReader::new(contents), section.size)
            .map_err(|error| refuse(format!("ramdisk {number} cannot be unpacked: {error}")))?;
        notes.extend(unpacker.notes());
        if number == 1
            && let Some((path, _)) = unpacker
                .wanted
                .files
                .iter()
                .find(|(_, all)| !all.is_empty())
        {
            let path = letsesign_escape::bytes(path);
            return Err(refuse(format!(
                "{path} is in ramdisk 1, which PCR2 leaves out"
            )));
        }
    }
    unpacker.finish();
    notes.extend(unpacker.notes());
    if let Some(note) = notes.first() {
        let reason = "its files depend on how it is unpacked; build it with `eif build`";
        return Err(refuse(format!("{note}: {reason}")));
    }
    if Pcr::extend_from_zero(&measured.finalize()) != image.pcrs.pcr2 {
        return Err(refuse("it changed while it was read".to_owned()));
    }
    let mut files = BTreeMap::new();
    for path in wanted {
        let contents = match unpacker.wanted.files.remove(&inside(path)).as_deref() {
            Some([Found::File(contents)]) => contents.clone(),
            Some([]) | None => return Err(refuse(format!("{path} is not in the image"))),
            _ => {
                return Err(refuse(format!(
                    "{path} is not one regular file of at most {limit} bytes with one name"
                )));
            }
        };
        files.insert((*path).to_owned(), contents);
    }
    Ok(ImageFiles {
        pcrs: image.pcrs,
        files,
    })
}

/// The path of an entry.
fn inside(path: &str) -> Vec<u8> {
    format!("rootfs/{}", path.trim_start_matches('/')).into_bytes()
}

/// Hashes what is read.
struct Hashing<'a, R> {
    inner: R,
    hash: &'a mut Sha384,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Build, Metadata, Ramdisks, Silent};
    use letsesign_tests::newc::{FILE, entry, trailer};
    use std::path::PathBuf;
    use tempfile::TempDir;

    const PATH: &str = "/letsesign/configs/egress.toml";
    const INSIDE: &str = "rootfs/letsesign/configs/egress.toml";

    fn image(ramdisks: &[Vec<u8>]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let inputs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/inputs");
        let paths: Vec<_> = (0..ramdisks.len())
            .map(|number| folder.path().join(number.to_string()))
            .collect();
        for (path, bytes) in paths.iter().zip(ramdisks) {
            std::fs::write(path, bytes).unwrap();
        }
        let image = folder.path().join("image");
        let metadata = Metadata::new("a", "1");
        Build::new(
            &inputs.join("bzImage"),
            "quiet",
            Ramdisks::Files(&paths),
            metadata,
        )
        .write(&image)
        .unwrap();
        (folder, image)
    }

    fn first() -> Vec<u8> {
        [entry(1, FILE, 1, "init", b"init"), trailer()].concat()
    }

    fn read(entries: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let second = [entries.concat(), trailer()].concat();
        let (_folder, image) = image(&[first(), second]);
        read_image(&image)
    }

    fn read_image(image: &Path) -> Result<Vec<u8>, String> {
        read_files(image, &[PATH], 10, Arc::new(Silent))
            .map(|mut found| found.files.remove(PATH).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_comes_with_the_images_measurements() {
        let other = entry(2, FILE, 1, "rootfs/other", &[0; 99]);
        let second = [other, entry(1, FILE, 1, INSIDE, b"ten bytes."), trailer()].concat();
        let (_folder, path) = image(&[first(), second]);
        let found = read_files(&path, &[PATH], 10, Arc::new(Silent)).unwrap();
        assert_eq!(
            found.files,
            BTreeMap::from([(PATH.to_owned(), b"ten bytes.".to_vec())])
        );
        assert_eq!(
            found.pcrs,
            Image::open(&path, Arc::new(Silent)).unwrap().1.pcrs
        );
    }

    #[test]
    fn what_is_not_one_plain_file_is_refused() {
        let good = || entry(1, FILE, 1, INSIDE, b"good");
        let folder = |path| entry(0, 0o40_755, 1, path, b"");
        let link = |path, to| entry(5, 0o120_777, 1, path, to);
        assert_eq!(read(&[good()]).unwrap(), b"good");
        for (entries, reason) in [
            (vec![], "is not in the image"),
            (
                vec![entry(1, FILE, 1, "letsesign/configs/egress.toml", b"x")],
                "is not in the image",
            ),
            (
                vec![entry(1, FILE, 1, INSIDE, b"eleven byte")],
                "at most 10 bytes",
            ),
            (vec![folder(INSIDE)], "is not one regular file"),
            (vec![link(INSIDE, b"/etc/x")], "is not one regular file"),
            (vec![good(), good()], "replaces it"),
            (
                vec![good(), entry(1, FILE, 1, &format!("./{INSIDE}"), b"bad")],
                "replaces it",
            ),
            (vec![good(), folder(INSIDE)], "replaces it"),
            (
                vec![
                    link("rootfs/l", b"/rootfs/letsesign"),
                    good(),
                    entry(3, FILE, 1, "rootfs/l/configs/egress.toml", b"bad"),
                ],
                "lies behind the symbolic link",
            ),
            (
                vec![
                    entry(1, FILE, 2, INSIDE, b"good"),
                    entry(1, FILE, 2, "other", b"bad"),
                ],
                "replace those of all its names",
            ),
            (
                vec![
                    entry(1, FILE, 2, INSIDE, b""),
                    entry(1, FILE, 2, "other", b""),
                ],
                "is not one",
            ),
            (
                vec![good(), trailer(), entry(9, FILE, 1, "x", b"")],
                "2 archives",
            ),
        ] {
            let error = read(&entries).unwrap_err();
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }

    #[test]
    fn ramdisk_1_holds_none_of_them() {
        let file = entry(1, FILE, 1, INSIDE, b"good");
        let (_folder, path) = image(&[[file, trailer()].concat(), first()]);
        let error = read_image(&path).unwrap_err();
        assert!(error.contains("is in ramdisk 1"), "{error}");
    }

    #[test]
    fn a_damaged_image_yields_nothing() {
        let second = [entry(1, FILE, 1, INSIDE, b"good"), trailer()].concat();
        let (_folder, path) = image(&[first(), second]);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(4).position(|part| part == b"good").unwrap();
        bytes[at] = b'f';
        std::fs::write(&path, bytes).unwrap();
        let error = read_image(&path).unwrap_err();
        assert!(error.contains("the file is damaged"), "{error}");
    }
}
