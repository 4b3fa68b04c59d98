//! Attacks that show a reader other files than Linux unpacks. Each test is named after one. That
//! Linux does what is said here is shown by `tests/tests/blinding.rs`, which boots such images.

use super::*;
use crate::compress::Compression;
use crate::testing::ramdisk;
use crate::{Build, Metadata, Ramdisks, Silent};
use letsesign_tests::newc::{FILE, entry, trailer};
use std::path::PathBuf;
use tempfile::TempDir;

const FOLDER: u32 = 0o40_755;
const LINK: u32 = 0o120_777;
const PACKINGS: [Compression; 4] = [
    Compression::None,
    Compression::Gzip(6),
    Compression::Zstd,
    Compression::Lz4,
];

fn file(path: &str, contents: &str) -> Vec<u8> {
    entry(9, FILE, 1, path, contents.as_bytes())
}

fn pack(compression: Compression, plain: &[u8]) -> Vec<u8> {
    ramdisk(compression, |sink| sink.write(plain)).unwrap()
}

fn plain() -> Vec<u8> {
    [file("init", "init"), file("server", "good"), trailer()].concat()
}

/// A folder of images.
struct Images(TempDir);

impl Images {
    fn new() -> Self {
        Images(tempfile::tempdir().unwrap())
    }

    /// An image with these ramdisks.
    fn image(&self, name: &str, ramdisks: &[&[u8]]) -> PathBuf {
        let inputs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/inputs");
        let paths: Vec<_> = (0..ramdisks.len())
            .map(|number| self.0.path().join(format!("{name}-{number}")))
            .collect();
        for (path, bytes) in paths.iter().zip(ramdisks) {
            std::fs::write(path, bytes).unwrap();
        }
        let image = self.0.path().join(name);
        let kernel = inputs.join("bzImage");
        let metadata = Metadata::new("a", "1");
        Build::new(&kernel, "quiet", Ramdisks::Files(&paths), metadata)
            .write(&image)
            .unwrap();
        image
    }
}

/// The statements of the manifest, of the comparison and of `eif verify` about a second image.
fn said(good: &[&[u8]], bad: &[&[u8]]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let images = Images::new();
    let (a, b) = (images.image("good", good), images.image("bad", bad));
    let texts = |found: Vec<Difference>| found.iter().map(ToString::to_string).collect();
    let manifest = |path| Manifest::of(path, Arc::new(Silent)).unwrap();
    let notes = |path| -> Vec<String> {
        let contents = ramdisk_contents(path, Arc::new(Silent)).unwrap();
        contents
            .into_iter()
            .flat_map(|ramdisk| ramdisk.notes)
            .collect()
    };
    assert_eq!(notes(&a), Vec::<String>::new(), "the good one");
    (
        texts(manifest(&a).compare(&manifest(&b))),
        texts(diff(&a, &b, Arc::new(Silent)).unwrap()),
        notes(&b),
    )
}

#[track_caller]
fn holds(texts: &[String], part: &str) {
    assert!(
        texts.iter().any(|text| text.contains(part)),
        "{part}: {texts:#?}"
    );
}

/// All three readers see the attack; `found` in the comparisons, `noted` in the notes.
#[track_caller]
fn seen(good: &[&[u8]], bad: &[&[u8]], found: &str, noted: &str) {
    let (manifest, images, notes) = said(good, bad);
    holds(&manifest, found);
    holds(&images, found);
    holds(&notes, noted);
}

#[test]
fn a_second_archive_with_a_back_door_is_seen() {
    for compression in PACKINGS {
        let two = [plain(), file("server", "back door"), trailer()].concat();
        let (good, bad) = (pack(compression, &plain()), pack(compression, &two));
        seen(
            &[&good],
            &[&bad],
            "server: entry 2 of this path: only in the second",
            "replaces it",
        );
        seen(
            &[&good],
            &[&bad],
            "1 archive (2 entries) and 2 archives",
            "2 archives, all of which",
        );
        // The same as a member of its own, compressed otherwise, after zeros.
        let second = [file("door", "open"), trailer()].concat();
        let mut bad = good.clone();
        bad.resize(bad.len().next_multiple_of(4) + 64, 0);
        bad.extend(pack(Compression::Gzip(9), &second));
        seen(
            &[&good],
            &[&bad],
            "door: only in the second image",
            "2 members",
        );
    }
}

#[test]
fn entries_without_an_end_mark_are_seen() {
    let bad = [plain(), file("door", "open")].concat();
    seen(
        &[&plain()],
        &[&bad],
        "door: only in the second image",
        "has no end mark",
    );
}

#[test]
fn a_hard_link_that_is_an_empty_file_of_its_own_is_seen() {
    let linked = |inode| {
        [
            entry(1, FILE, 2, "roots.pem", b"certificates"),
            entry(inode, FILE, 2, "trusted.pem", b""),
            trailer(),
        ]
        .concat()
    };
    for compression in PACKINGS {
        let (good, bad) = (pack(compression, &linked(1)), pack(compression, &linked(7)));
        let found = "trusted.pem: a further name of roots.pem and a file of its own";
        seen(&[&good], &[&bad], found, "says 2 names and has 1");
    }
}

#[test]
fn an_end_mark_that_cuts_a_hard_link_is_seen() {
    let (first, second) = (
        entry(1, FILE, 2, "roots.pem", b"certificates"),
        entry(1, FILE, 2, "trusted.pem", b""),
    );
    let good = [first.clone(), second.clone(), trailer()].concat();
    let bad = [first, trailer(), second, trailer()].concat();
    let found = "trusted.pem: a further name of roots.pem and a file of its own";
    seen(&[&good], &[&bad], found, "says 2 names and has 1");
}

#[test]
fn a_link_from_the_ramdisk_before_is_seen() {
    let second = [
        entry(1, FILE, 2, "b", b""),
        entry(1, FILE, 2, "c", b""),
        trailer(),
    ]
    .concat();
    let open = entry(1, FILE, 2, "a", b"from ramdisk 1");
    let closed = [entry(1, FILE, 1, "a", b"from ramdisk 1"), trailer()].concat();
    let (manifest, images, notes) = said(&[&closed, &second], &[&open, &second]);
    for texts in [manifest, images] {
        holds(
            &texts,
            "ramdisk 2: b: a file of its own and a further name of a",
        );
    }
    holds(&notes, "has no end mark");
}

#[test]
fn a_further_name_that_changes_the_file_is_seen() {
    let with = |mode, contents: &[u8]| {
        [
            entry(1, FILE, 2, "a", b"good"),
            entry(1, mode, 2, "b", contents),
            trailer(),
        ]
        .concat()
    };
    let good = with(FILE, b"");
    seen(
        &[&good],
        &[&with(FILE, b"bad")],
        "b: size 0 and 3",
        "replace those of all its names",
    );
    seen(
        &[&good],
        &[&with(0o104_755, b"")],
        "b: mode 100644",
        "which all its names get",
    );
}

#[test]
fn a_replaced_path_is_seen_however_it_is_spelled() {
    for path in [
        "server",
        "./server",
        "/server",
        "//.//server",
        "folder/../server",
    ] {
        let bad = [
            file("init", "init"),
            file("server", "good"),
            file(path, "bad"),
            trailer(),
        ];
        let note = if path.contains("..") {
            "climbs with"
        } else {
            "replaces it"
        };
        seen(
            &[&plain()],
            &[&bad.concat()],
            "only in the second image",
            note,
        );
    }
    let folder = [
        file("init", "init"),
        entry(3, LINK, 1, "app", b"/"),
        file("server", "good"),
    ];
    let bad = [folder.concat(), file("app/server", "bad"), trailer()].concat();
    let link = "lies behind the symbolic link app";
    seen(
        &[&plain()],
        &[&bad],
        "app/server: only in the second image",
        link,
    );
    // Linux removes what is there and makes nothing.
    let bad = [
        file("init", "init"),
        file("server", "good"),
        entry(0, 0, 1, "server", b""),
    ];
    seen(
        &[&plain()],
        &[&bad.concat()],
        "server: entry 2",
        "makes nothing",
    );
    // Into what an earlier ramdisk holds.
    let second = [file("init", "bad"), trailer()].concat();
    let harmless = [file("else", "bad"), trailer()].concat();
    seen(
        &[&plain(), &harmless],
        &[&plain(), &second],
        "init: only in the second",
        "replaces it",
    );
}

#[test]
fn an_end_mark_that_is_none_and_one_that_hides_bytes_are_seen() {
    let link = [
        plain(),
        entry(1, LINK, 1, "TRAILER!!!", b"/"),
        file("door", "open"),
        trailer(),
    ];
    seen(
        &[&plain()],
        &[&link.concat()],
        "TRAILER!!!: only in the second",
        "2 archives",
    );
    let hiding = [file("init", "init"), file("server", "good")].concat();
    let hiding = [hiding, entry(0, FILE, 1, "TRAILER!!!", &file("x", "y"))].concat();
    let (_, _, notes) = said(&[&plain()], &[&hiding]);
    holds(&notes, "an end mark with contents");
}

/// Linux takes the extra field of the header for compressed data, so that it unpacks other files
/// than every other program.
#[test]
fn a_gzip_header_that_linux_reads_otherwise_is_refused() {
    let good = pack(Compression::Gzip(6), &plain());
    for flags in [1, 2, 4, 16, 32, 64, 128] {
        let mut bad = good.clone();
        bad[3] |= flags;
        let (_, _, notes) = said(&[&good], &[&bad]);
        holds(&notes, "no initramfs that Linux unpacks whole");
        holds(&notes, "otherwise than RFC 1952");
    }
}

#[test]
fn a_second_lz4_frame_is_read_as_linux_does() {
    let frame = |plain: &[u8]| {
        let packed = pack(Compression::Lz4, plain);
        let end = 8 + u32::from_le_bytes(packed[4..8].try_into().unwrap()) as usize;
        packed[..end].to_vec()
    };
    let mut bad = frame(&plain());
    bad.extend(frame(&[file("door", "open"), trailer()].concat()));
    bad.extend([0; 8]);
    let good = pack(Compression::Lz4, &plain());
    seen(
        &[&good],
        &[&bad],
        "door: only in the second image",
        "2 archives",
    );
}

/// Linux skips or refuses these entries, so they do not appear in a listing. The next entry is
/// where Linux's buffers put it.
#[test]
fn what_linux_does_not_unpack_is_said() {
    let mut sum = file("x", "y");
    sum[5] = b'2';
    let mut unaligned = plain();
    unaligned.extend([0, 0]);
    unaligned.extend(plain());
    let long = "x".repeat(4097);
    for (bad, reason) in [
        (
            entry(1, FOLDER, 2, "folder", b"contents"),
            "neither file nor symbolic link",
        ),
        (entry(1, LINK, 1, "link", long.as_bytes()), "too long"),
        (entry(1, 0o1_100_644, 1, "file", b""), "no mode has"),
        (file(&long, ""), "length of the name"),
        (file("a\0b", ""), "does not end at its NUL"),
        (sum, "sum over the contents"),
        (unaligned, "is not a multiple of 4"),
        (b"BZh9".to_vec(), "nor a known compression"),
        (
            pack(Compression::Gzip(6), &[plain(), b"junk".to_vec()].concat()),
            "is not a cpio archive",
        ),
    ] {
        let bad = [bad, trailer()].concat();
        let (manifest, images, notes) = said(&[&plain()], &[&bad]);
        holds(&manifest, "cannot be unpacked");
        holds(&images, reason);
        holds(&notes, reason);
    }
}

#[test]
fn a_flood_of_notes_is_counted() {
    let names: Vec<_> = (0..500).map(|_| file("server", "x")).collect();
    let (_, _, notes) = said(&[&plain()], &[&[names.concat(), trailer()].concat()]);
    assert_eq!(notes.len(), 21);
    holds(&notes, "... and 479 more");
}

/// A few kilobytes that unpack to more than we are willing to hash, and then to a back door.
#[test]
fn compressed_data_without_end_is_an_error_and_no_end() {
    let mut left = 10;
    let mut limited = source::Limited {
        inner: std::io::repeat(0),
        left: &mut left,
    };
    let mut buffer = [0; 8];
    assert_eq!(std::io::Read::read(&mut limited, &mut buffer).unwrap(), 8);
    let error = std::io::Read::read(&mut limited, &mut buffer).unwrap_err();
    assert!(
        error.to_string().contains("more compressed data"),
        "{error}"
    );
}

/// Manifests are kept: one that an earlier version wrote is still read.
#[test]
fn a_manifest_of_form_1_is_read() {
    let images = Images::new();
    let (a, b) = (
        images.image("a", &[&plain()]),
        images.image("b", &[&[plain(), plain()].concat()]),
    );
    let json = serde_json::to_string(&Manifest::of(&a, Arc::new(Silent)).unwrap()).unwrap();
    assert!(json.starts_with("{\"format\":2,"), "{json}");
    assert!(
        !json.contains("archive"),
        "a plain image has no member for it: {json}"
    );
    let old: Manifest =
        serde_json::from_str(&json.replace("\"format\":2", "\"format\":1")).unwrap();
    let other = Manifest::of(&b, Arc::new(Silent)).unwrap();
    let found: Vec<_> = old
        .compare(&other)
        .iter()
        .map(ToString::to_string)
        .collect();
    holds(&found, "2 archives");
    let text = serde_json::to_string(&other).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), other);
}

/// A magic across the boundary of the reader's buffers is still recognised.
#[test]
fn a_magic_across_buffers_is_known() {
    let mut bytes = plain();
    bytes.resize(1024, 0);
    let second = [file("door", "x"), trailer()].concat();
    bytes.extend(pack(Compression::Gzip(1), &second));
    for capacity in 1015..1030 {
        let mut source = std::io::BufReader::with_capacity(capacity, bytes.as_slice());
        let paths = list_ramdisk(&mut source).unwrap();
        assert_eq!(paths, ["door", "init", "server"], "{capacity}");
    }
}
