//! Limits over all layers of an image; and reads that must not block.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;
use canoni::{Archive, Canonical, CanonicalOptions, Limits, Selector, TreeOptions};
use std::io::Write;
use support::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A docker-archive with compressed layers.
fn packed(layers: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<String> = (0..layers.len()).map(|at| format!("{at}.gz")).collect();
    let mut entries = vec![file("c.json", config(layers))];
    entries.extend(
        layers
            .iter()
            .zip(&names)
            .map(|(layer, name)| file(name, gzip(layer))),
    );
    let manifest = serde_json::json!([{"Config": "c.json", "RepoTags": ["t:1"], "Layers": names}]);
    entries.push(file("manifest.json", manifest.to_string()));
    tar(&entries)
}

fn outcome(archive: &[u8], limits: &Limits, flatten: bool) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", archive);
    let image = Archive::open(&path, limits)
        .and_then(|archive| archive.image(&Selector::default()))
        .map_err(|error| error.to_string())?;
    let options = CanonicalOptions {
        flatten,
        ..CanonicalOptions::default()
    };
    Canonical::from_image(&image, &options).map_err(|error| error.to_string())?;
    let tree = image
        .flatten(&TreeOptions::default())
        .map_err(|error| error.to_string())?;
    Ok(tree.entries().iter().map(|entry| entry.path.len()).sum())
}

#[track_caller]
fn exceeds(archive: &[u8], limits: &Limits, option: &str) {
    for flatten in [false, true] {
        let error = outcome(archive, limits, flatten).unwrap_err();
        assert!(error.contains(option), "expected {option} in {error:?}");
    }
}

/// A path of `depth` folders that no entry names, under a first name of its own.
fn deep(number: usize, depth: usize) -> Vec<Raw> {
    let path = format!("{number}/{}f", "a/".repeat(depth));
    vec![pax(&[(b"path", path.as_bytes())]), file("x", "")]
}

/// A few KiB of archive once cost 485 MB: each path implied two thousand folders, each kept with
/// its whole path.
#[test]
fn deep_paths_imply_folders_within_a_limit() {
    let bomb = |paths: usize| {
        let entries: Vec<Raw> = (0..paths).flat_map(|number| deep(number, 2000)).collect();
        let archive = gzip(&packed(&[tar(&entries)]));
        assert!(archive.len() < 6000, "{} bytes", archive.len());
        archive
    };
    exceeds(&bomb(110), &Limits::default(), "--max-name-bytes");
    // The accepted work is bounded: 2000 folders of 2000 bytes on average take 4 MB, whatever is in
    // them.
    let few = outcome(&bomb(5), &Limits::default(), true).unwrap();
    assert!((15_000_000..33_000_000).contains(&few), "{few}");
    // One deep folder may hold many files.
    let shared: Vec<Raw> = (0..300)
        .flat_map(|number| {
            let path = format!("{}{number}", "a/".repeat(1500));
            vec![pax(&[(b"path", path.as_bytes())]), file("x", "")]
        })
        .collect();
    assert!(outcome(&packed(&[tar(&shared)]), &Limits::default(), true).is_ok());
}

/// Short paths are not free: each implied folder counts with what it takes in memory.
#[test]
fn many_implied_folders_have_a_limit() {
    let limits = Limits {
        name_bytes: 16 * 100_000,
        ..Limits::default()
    };
    let entries = |count: usize| -> Vec<Raw> {
        let path = |number| format!("{number}/a/b/c/d/e/f/g/h");
        (0..count).map(|number| file(path(number), "")).collect()
    };
    exceeds(&packed(&[tar(&entries(100))]), &limits, "--max-name-bytes");
    outcome(&packed(&[tar(&entries(80))]), &limits, true).unwrap();
}

#[test]
fn implied_folders_of_all_layers_count() {
    let limits = Limits {
        name_bytes: 16 * 150_000,
        ..Limits::default()
    };
    let layer = |number| tar(&deep(number, 200));
    let layers: Vec<Vec<u8>> = (0..4).map(layer).collect();
    exceeds(&packed(&layers), &limits, "--max-name-bytes");
    assert!(outcome(&packed(&layers[..2]), &limits, false).is_ok());
    // Folders that entries name after their contents cost nothing but themselves.
    let late: Vec<Vec<u8>> = (0..4)
        .map(|number| {
            let folders = (0..=200).rev().map(|depth| {
                let path = format!("{number}/{}", "a/".repeat(depth));
                vec![pax(&[(b"path", path.as_bytes())]), dir("x")]
            });
            tar(&deep(number, 200)
                .into_iter()
                .chain(folders.flatten())
                .collect::<Vec<_>>())
        })
        .collect();
    outcome(&packed(&late), &limits, false).unwrap();
}

#[test]
fn limits_are_for_the_whole_image() {
    // 20 layers of 1 MB passed --max-bytes 1100000.
    let layers: Vec<Vec<u8>> = (0..20)
        .map(|number| tar(&[file(number.to_string(), vec![0; 1 << 20])]))
        .collect();
    let bytes = |archive_bytes| Limits {
        archive_bytes,
        ..Limits::default()
    };
    exceeds(&packed(&layers), &bytes(1_100_000), "--max-bytes");
    exceeds(&packed(&layers), &bytes(20 << 20), "--max-bytes");
    assert!(outcome(&packed(&layers), &bytes(21 << 20), true).is_ok());

    let sparse = |number: u64| {
        let mut block = Raw {
            kind: b'S',
            magic: GNU,
            ..file(number.to_string(), "")
        }
        .block();
        block[483..495].copy_from_slice(&binary(300_000, 12));
        checksum(&mut block);
        [block, vec![0; 1024]].concat()
    };
    let layers: Vec<Vec<u8>> = (0..4).map(sparse).collect();
    let content = |content_bytes| Limits {
        content_bytes,
        ..Limits::default()
    };
    exceeds(&packed(&layers), &content(1_000_000), "--max-bytes");
    assert!(outcome(&packed(&layers), &content(1_200_000), false).is_ok());

    let layers: Vec<Vec<u8>> = (0..10)
        .map(|layer| {
            tar(&(0..10)
                .map(|n| file(format!("{layer}-{n}"), ""))
                .collect::<Vec<_>>())
        })
        .collect();
    let entries = |entries| Limits {
        entries,
        ..Limits::default()
    };
    exceeds(&packed(&layers), &entries(99), "--max-entries");
    assert!(outcome(&packed(&layers), &entries(100), true).is_ok());

    let long = |number: usize| {
        let value = vec![b'v'; 1000];
        tar(&[
            pax(&[(b"SCHILY.xattr.user.a", &value)]),
            symlink(number.to_string(), "t".repeat(90)),
        ])
    };
    let names = |name_bytes| Limits {
        name_bytes,
        ..Limits::default()
    };
    let layers: Vec<Vec<u8>> = (0..4).map(long).collect();
    exceeds(&packed(&layers), &names(4000), "--max-name-bytes");
    assert!(outcome(&packed(&layers), &names(5000), true).is_ok());
}

fn make_pipe(path: &std::path::Path) -> Result<(), String> {
    match std::process::Command::new("mkfifo").arg(path).status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("a pipe cannot be made here: mkfifo: {other:?}")),
    }
}

/// A pipe in place of a file was waited for without end.
#[test]
fn what_is_no_file_is_not_waited_for() {
    let scratch = tempfile::tempdir().unwrap();
    let image = put(
        scratch.path(),
        "i.tar",
        &docker_archive(&[tar(&[file("a", "1")])]),
    );
    for (name, link) in [
        ("oci-layout", false),
        ("index.json", false),
        ("manifest.json", false),
        ("index.json", true),
        ("blob", false),
    ] {
        let folder = scratch.path().join(format!("{name}{link}"));
        canonical(&image, false)
            .write(&folder, canoni::Format::OciDir)
            .unwrap();
        let target = if name == "blob" {
            let blobs = std::fs::read_dir(folder.join("blobs/sha256")).unwrap();
            blobs.map(|item| item.unwrap().path()).min().unwrap()
        } else {
            folder.join(name)
        };
        let _ = std::fs::remove_file(&target);
        let pipe = if link {
            scratch.path().join("pipe")
        } else {
            target.clone()
        };
        if let Err(reason) = make_pipe(&pipe) {
            return letsesign_tests::skip(&reason);
        }
        if link {
            std::os::unix::fs::symlink(&pipe, &target).unwrap();
        }
        let error = open(&folder)
            .and_then(|image| image.flatten(&TreeOptions::default()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("is not a regular file"), "{name}: {error}");
    }
}

/// A file of a folder that became a pipe between listing and reading.
#[test]
fn a_file_that_becomes_a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "f", b"");
    let tree = canoni::Tree::from_directory(folder.path(), &TreeOptions::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    if let Err(reason) = make_pipe(&path) {
        return letsesign_tests::skip(&reason);
    }
    let error = tree.open(0).unwrap_err().to_string();
    assert!(error.contains("is not a regular file"), "{error}");
}
