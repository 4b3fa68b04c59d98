//! Boots images whose ramdisks a reader could list differently from what Linux unpacks: `eif` must
//! list what the kernel unpacked. `enclave/eif/src/diff` tests attacks on the listing alone.

#![cfg(test)]
#![allow(clippy::cast_possible_truncation, reason = "sizes of a few bytes")]

use eif::{Build, Manifest, Metadata, Ramdisks, Silent};
use letsesign_tests::boot::{Fixture, Image, Machine, Options, Parts};
use letsesign_tests::elf::{ENTRY, program};
use letsesign_tests::newc::{FILE, entry, trailer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Far longer than any boot on a busy machine; a guard against hanging.
const LIMIT: Duration = Duration::from_mins(3);

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A first process that prints every file, one per line, and exits.
fn reader(paths: &[&str]) -> Vec<u8> {
    // Instructions for each file take this many bytes; the texts follow all of them.
    const STEP: usize = 88;
    const START: [u8; 7] = [0x48, 0x81, 0xec, 0, 4, 0, 0]; // sub rsp, 1024
    const END: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]; // exit(0)
    let mut code = START.to_vec();
    let mut texts = Vec::new();
    let base = ENTRY as usize + START.len() + STEP * paths.len() + END.len();
    let write = |code: &mut Vec<u8>, address: usize, length: usize| {
        code.extend([0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0xbe]); // eax = write, edi = 1, esi
        code.extend((address as u32).to_le_bytes());
        code.push(0xba); // edx
        code.extend((length as u32).to_le_bytes());
        code.extend([0x0f, 0x05]);
    };
    for path in paths {
        let before = code.len();
        let label = format!("file {path}=");
        write(&mut code, base + texts.len(), label.len());
        texts.extend(label.as_bytes());
        let address = base + texts.len();
        texts.extend(format!("/{path}\0").as_bytes());
        code.extend([0xb8, 2, 0, 0, 0, 0xbf]); // eax = open, edi
        code.extend((address as u32).to_le_bytes());
        code.extend([0x31, 0xf6, 0x31, 0xd2, 0x0f, 0x05]); // for reading
        code.extend([0x89, 0xc7, 0x31, 0xc0, 0x48, 0x89, 0xe6]); // read into the stack
        code.extend([0xba, 0, 4, 0, 0, 0x0f, 0x05]);
        code.extend([0x89, 0xc2, 0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0]); // write what was read
        code.extend([0x0f, 0x05]);
        write(&mut code, base + texts.len(), 1);
        texts.push(b'\n');
        assert_eq!(code.len() - before, STEP);
    }
    code.extend(END);
    code.extend(texts);
    program(&code)
}

/// The start of an archive: what every machine needs, and a program that prints the files.
fn start(paths: &[&str]) -> Vec<u8> {
    [
        entry(100, 0o100_755, 1, "init", &reader(paths)),
        entry(101, 0o40_755, 2, "dev", b""),
        entry(102, 0o20_600, 1, "dev/console", b""),
    ]
    .concat()
}

/// An image with our kernel and these ramdisks.
fn image(fixture: &Fixture, folder: &Path, name: &str, ramdisks: &[Vec<u8>]) -> PathBuf {
    let parts = Parts::extract(&fixture.eif, folder).unwrap();
    let mut paths = Vec::new();
    for (number, bytes) in ramdisks.iter().enumerate() {
        let path = folder.join(format!("{name}-{number}"));
        std::fs::write(&path, bytes).unwrap();
        paths.push(path);
    }
    let eif = folder.join(format!("{name}.eif"));
    let metadata = Metadata::new("test", "0");
    Build::new(
        &parts.kernel,
        &parts.cmdline,
        Ramdisks::Files(&paths),
        metadata,
    )
    .write(&eif)
    .unwrap();
    eif
}

/// SHA-256 of each file, computed from the listing entry by entry.
fn listed(eif: &Path) -> BTreeMap<String, String> {
    let manifest = Manifest::of(eif, Arc::new(Silent)).unwrap();
    let value = serde_json::to_value(&manifest).unwrap();
    let (mut names, mut contents) = (BTreeMap::<String, usize>::new(), Vec::<String>::new());
    for section in value["sections"].as_array().unwrap() {
        let listing = &section["listing"];
        let files = listing["files"].as_object().into_iter().flatten();
        let mut entries: Vec<(String, &Value)> =
            files.map(|(path, file)| (path.clone(), file)).collect();
        for file in listing["replaced"].as_array().into_iter().flatten() {
            entries.push((file["path"].as_str().unwrap().to_owned(), file));
        }
        entries.sort_by_key(|(_, file)| file["position"].as_u64());
        for (path, file) in entries {
            if !file["mode"].as_str().unwrap().starts_with("100") {
                continue;
            }
            let sum = file["sha256"].as_str().unwrap().to_owned();
            match (file["link"].as_str(), names.get(&path)) {
                (Some(first), _) => {
                    let inode = names[first];
                    names.insert(path, inode);
                    if file["size"] != 0 {
                        contents[inode] = sum;
                    }
                }
                (None, Some(inode)) => contents[*inode] = sum,
                (None, None) => {
                    names.insert(path, contents.len());
                    contents.push(sum);
                }
            }
        }
    }
    names
        .into_iter()
        .map(|(path, inode)| (path, contents[inode].clone()))
        .collect()
}

/// Boots an image. For each file, the first process, the listing and `expected` must agree.
#[track_caller]
fn unpacks(fixture: &Fixture, eif: &Path, expected: &[(&str, &str)]) {
    let image = Image::Eif(eif.to_owned());
    let mut machine = Machine::boot(&fixture.emulator, &image, Options::default()).unwrap();
    machine.wait_end(LIMIT).unwrap();
    let console = machine.console_text();
    let listed = listed(eif);
    for (path, text) in expected {
        let line = format!("file {path}={text}");
        assert!(console.contains(&line), "{line}: {console:#?}");
        let sum = hex::encode(Sha256::digest(text.as_bytes()));
        assert_eq!(listed[*path], sum, "{path} is not listed as it is unpacked");
    }
}

/// The warnings of `eif verify`.
fn warnings(eif: &Path) -> String {
    let contents = eif::ramdisk_contents(eif, Arc::new(Silent)).unwrap();
    let notes: Vec<String> = contents
        .into_iter()
        .flat_map(|ramdisk| ramdisk.notes)
        .collect();
    notes.join("\n")
}

/// The first of the two images of the audit.
#[test]
fn a_back_door_behind_the_end_mark_is_unpacked_and_listed() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = |contents: &[u8]| entry(1, FILE, 1, "server", contents);
    let files = ["server", "door"];
    let good = [start(&files), server(b"good"), trailer()].concat();
    let second = [server(b"back door"), trailer()].concat();
    let third = [entry(1, FILE, 1, "door", b"open"), trailer()].concat();
    let mut bad = gzip(&[good.clone(), second].concat());
    bad.resize(bad.len().next_multiple_of(4) + 8, 0);
    bad.extend(gzip(&third));

    let honest = image(&fixture, folder.path(), "good", &[gzip(&good)]);
    let eif = image(&fixture, folder.path(), "bad", &[bad]);
    unpacks(&fixture, &eif, &[("server", "back door"), ("door", "open")]);
    assert!(warnings(&eif).contains("3 archives"), "{}", warnings(&eif));
    let differences = eif::diff(&honest, &eif, Arc::new(Silent)).unwrap();
    let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
    for text in ["server: entry 2", "door: only in the second image"] {
        assert!(
            differences.iter().any(|line| line.contains(text)),
            "{differences:#?}"
        );
    }
}

/// The second image, and other incomplete hard links or links to entries that nobody lists.
#[test]
fn hard_links_are_unpacked_as_listed() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file =
        |inode, links, path, contents: &str| entry(inode, FILE, links, path, contents.as_bytes());
    let expected = [
        ("roots", "certificates"),
        ("linked", "certificates"),
        ("emptied", ""),
        ("cut", ""),
        ("first", "replaced"),
        ("again", "replaced"),
        ("carried", "from the first ramdisk"),
        ("over", "from the first ramdisk"),
    ];
    let paths = expected.map(|(path, _)| path);
    let first = [
        start(&paths),
        file(1, 4, "roots", "certificates"),
        file(1, 4, "linked", ""),
        // Claims four names, and has another inode number.
        file(2, 4, "emptied", ""),
        trailer(),
        file(1, 4, "cut", ""),
        file(3, 2, "first", "original"),
        file(3, 2, "again", "replaced"),
        trailer(),
        // Without an end mark, the link continues in the next ramdisk.
        file(4, 2, "carried", "from the first ramdisk"),
    ];
    let second = [file(4, 2, "over", ""), trailer()];
    let ramdisks = [first.concat(), second.concat()];
    let eif = image(&fixture, folder.path(), "links", &ramdisks);
    unpacks(&fixture, &eif, &expected);
    let warnings = warnings(&eif);
    for text in [
        "roots: says 4 names and has 2",
        "emptied: says 4 names and has 1",
        "cut: says 4 names and has 1",
        "again: a further name of first with contents",
        "has no end mark",
    ] {
        assert!(warnings.contains(text), "{text}: {warnings}");
    }
}
