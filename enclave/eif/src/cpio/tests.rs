use super::*;
use crate::compress::Compression;
use crate::error::Result;
use crate::testing::ramdisk;
use proptest::prelude::*;
use std::io::{Read, empty};

fn entry(path: &[u8], mode: u32) -> Entry<'_> {
    Entry {
        path,
        mode,
        uid: 0,
        gid: 0,
        device: (0, 0),
        links: Links::One,
    }
}

fn archive(fill: impl FnOnce(&mut NewcWriter<'_, '_>) -> Result<()>) -> Result<Vec<u8>> {
    ramdisk(Compression::None, |sink| {
        let mut cpio = NewcWriter::new(sink);
        fill(&mut cpio)?;
        cpio.finish()
    })
}

fn list(bytes: &[u8]) -> Vec<(EntryHeader, Vec<u8>)> {
    let mut reader = CpioReader::new(bytes, 0);
    let mut entries = Vec::new();
    while let Item::Entry(header) = reader.next_item().unwrap() {
        let mut contents = Vec::new();
        reader.read_to_end(&mut contents).unwrap();
        entries.push((header, contents));
    }
    entries
}

/// Bytes written down by hand from the format's description.
#[test]
fn golden_archive() {
    let bytes = archive(|cpio| {
        cpio.entry(&entry(b"init", mode::FILE | 0o755), 5, &mut &b"hello"[..])?;
        let console = Entry {
            device: (5, 1),
            uid: 10,
            gid: 0x00ab_cdef,
            ..entry(b"dev/console", mode::CHAR | 0o600)
        };
        cpio.entry(&console, 0, &mut empty())?;
        cpio.entry(&entry(b"dev", mode::DIR | 0o755), 0, &mut empty())
            .map(|_| ())
    })
    .unwrap();
    let mut expected = Vec::new();
    let mut add = |text: &str| expected.extend_from_slice(text.replace('|', "").as_bytes());
    // ino|mode|uid|gid|nlink|mtime|filesize|devmajor|devminor|rdevmajor|rdevminor|namesize|check
    add(
        "070701|00000001|000081ed|00000000|00000000|00000001|00000000|00000005|00000000|00000000|00000000|00000000|00000005|00000000",
    );
    add("init\0\0hello\0\0\0");
    add(
        "070701|00000002|00002180|0000000a|00abcdef|00000001|00000000|00000000|00000000|00000000|00000005|00000001|0000000c|00000000",
    );
    add("dev/console\0\0\0");
    add(
        "070701|00000003|000041ed|00000000|00000000|00000002|00000000|00000000|00000000|00000000|00000000|00000000|00000004|00000000",
    );
    add("dev\0\0\0");
    add(
        "070701|00000000|00000000|00000000|00000000|00000001|00000000|00000000|00000000|00000000|00000000|00000000|0000000b|00000000",
    );
    add("TRAILER!!!\0\0\0\0");
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(&expected)
    );
}

#[test]
fn hard_links_share_an_inode_and_the_first_has_the_contents() {
    let bytes = archive(|cpio| {
        let first = Entry {
            links: Links::First { count: 2 },
            ..entry(b"a", mode::FILE | 0o644)
        };
        let inode = cpio.entry(&first, 3, &mut &b"abc"[..])?;
        cpio.entry(&entry(b"b", mode::FILE), 0, &mut empty())?;
        let again = Entry {
            links: Links::Again { count: 2, inode },
            ..entry(b"c", mode::FILE | 0o644)
        };
        cpio.entry(&again, 0, &mut empty()).map(|_| ())
    })
    .unwrap();
    let entries = list(&bytes);
    let of = |i: usize| (entries[i].0.inode, entries[i].0.links, entries[i].1.len());
    assert_eq!((of(0), of(1), of(2)), ((1, 2, 3), (2, 1, 0), (1, 2, 0)));
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let refused = |path: &[u8], size: u64| check(path, size).unwrap_err().to_string();
    assert!(refused(b"a\0b", 0).contains("NUL"));
    assert!(refused(&[b'x'; 4096], 0).contains("4095"));
    assert!(refused(b"big", 1 << 32).starts_with("big: has 4294967296 bytes"));
    assert!(refused(b"TRAILER!!!", 0).contains("ends a cpio archive"));
    assert_eq!(check(&[b'x'; 4095], (1 << 32) - 1).unwrap(), u32::MAX);
}

#[test]
fn a_file_that_shrinks_is_noticed() {
    let error = archive(|cpio| {
        cpio.entry(&entry(b"f", mode::FILE), 9, &mut &b"short"[..])
            .map(|_| ())
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "f: ended after 5 of 9 bytes: it changed while it was being read"
    );
}

#[test]
fn damaged_archives_are_errors() {
    let bytes = archive(|cpio| {
        cpio.entry(&entry(b"f", mode::FILE), 4, &mut &b"data"[..])
            .map(|_| ())
    })
    .unwrap();
    for end in 0..bytes.len() - 3 {
        let mut reader = CpioReader::new(&bytes[..end], 0);
        let whole = loop {
            match reader.next_item() {
                Ok(Item::Trailer { .. }) => break true,
                Ok(Item::Entry(_)) => {}
                _ => break false,
            }
        };
        assert!(!whole, "{end}");
    }
    for (at, byte) in [
        (1, b'1'),
        (6, b'g'),
        (8, b'+'),
        (94, b'f'),
        (101, b'0'),
        (111, b'x'),
    ] {
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        let mut reader = CpioReader::new(damaged.as_slice(), 0);
        assert!(reader.next_item().is_err(), "{at}");
    }
}

proptest! {
    #[test]
    fn comes_back(files in proptest::collection::vec((proptest::collection::vec(1_u8..=255, 1..40), proptest::collection::vec(any::<u8>(), 0..300), any::<(u16, u32, u32)>().prop_map(|(mode, uid, gid)| (mode & 0o7777 | 0o100_000, uid, gid))), 0..12)) {
        let files: Vec<_> = files.into_iter().filter(|(path, ..)| path != b"TRAILER!!!").collect();
        let bytes = archive(|cpio| {
            files.iter().try_for_each(|(path, contents, (mode, uid, gid))| {
                let entry = Entry { uid: *uid, gid: *gid, ..entry(path, u32::from(*mode)) };
                cpio.entry(&entry, contents.len() as u64, &mut contents.as_slice()).map(|_| ())
            })
        }).unwrap();
        prop_assert_eq!(bytes.len() % 4, 0);
        let found = list(&bytes);
        prop_assert_eq!(found.len(), files.len());
        for (i, ((path, contents, (mode, uid, gid)), (header, data))) in files.iter().zip(&found).enumerate() {
            prop_assert_eq!((path, contents), (&header.path, data));
            prop_assert_eq!((u32::from(*mode), *uid, *gid, i + 1, 0), (header.mode, header.uid, header.gid, header.inode as usize, header.mtime));
        }
    }

    #[test]
    fn reader_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut with_magic = b"070701".to_vec();
        with_magic.extend_from_slice(&bytes);
        for input in [&bytes, &with_magic] {
            let mut reader = CpioReader::new(input.as_slice(), 0);
            while let Ok(Item::Entry(_) | Item::Trailer { .. }) = reader.next_item() {}
        }
    }
}
