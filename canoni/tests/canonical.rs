//! The canonical form: one content, one digest, whatever wrote it.
#![allow(missing_docs)]

mod support;
use canoni::{Canonical, CanonicalOptions, Format, Metadata, Tree, TreeBuilder};
use proptest::prelude::*;
use support::model::{Spelling, archive, model, tree};
use support::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn one_content_one_digest(
        model in model(),
        shuffle in proptest::collection::vec(any::<prop::sample::Index>(), 1..40),
        gnu in any::<bool>(), dot in any::<bool>(), noise in 0..64_u32,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let config = serde_json::json!({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/a"]}});
        let built = Canonical::from_tree(tree(&model), &config, &CanonicalOptions::default()).unwrap();
        let layer = archive(&model, &shuffle, Spelling { gnu, dot, noise });
        let path = put(folder.path(), "i.tar", &docker_archive(&[layer]));
        let flattened = canonical(&path, true);
        prop_assert_eq!(flattened.digest(), built.digest());
        let layered = canonical(&path, false);
        prop_assert_eq!(layered.diff_ids(), built.diff_ids());

        // canoni(canoni(x)) == canoni(x), in every format and both ways.
        for (format, flatten, image) in [
            (Format::DockerArchive, false, &layered), (Format::OciTar, true, &flattened), (Format::OciDir, true, &flattened),
        ] {
            let once = folder.path().join(format!("once-{format:?}"));
            image.write(&once, format).unwrap();
            let again = canonical(&once, flatten);
            prop_assert_eq!(again.digest(), image.digest());
            prop_assert_eq!(again.config(), image.config());
        }
    }
}

#[test]
fn layers_stay_layers_and_come_back_alike() {
    let folder = tempfile::tempdir().unwrap();
    let one = tar(&[
        file("b", "1"),
        dir("a"),
        file("a/x", "2"),
        Raw {
            mode: 0o700,
            ..dir(".")
        },
    ]);
    let two = tar(&[
        hard_link("c", "b"),
        file("a/.wh.x", ""),
        Raw {
            mode: 0o700,
            ..dir("./")
        },
    ]);
    let three = tar(&[
        dir("a"),
        file("a/.wh..wh..opq", ""),
        Raw {
            mode: 0o755,
            ..dir("./")
        },
    ]);
    let path = put(
        folder.path(),
        "i.tar",
        &docker_archive(&[one, two.clone(), three, two]),
    );
    let image = canonical(&path, false);
    assert_eq!(image.diff_ids().len(), 4);
    let written = folder.path().join("o.tar");
    image.write(&written, Format::DockerArchive).unwrap();
    let back = open(&written).unwrap();
    let listing: Vec<Vec<String>> = back
        .layers()
        .iter()
        .map(|layer| {
            layer
                .entries()
                .unwrap()
                .iter()
                .map(|entry| format!("{} {:o}", canoni::printable(&entry.path), entry.mode))
                .collect()
        })
        .collect();
    assert_eq!(
        listing,
        [
            vec![" 700", "a 755", "a/x 644", "b 644"],
            vec!["a/.wh.x 0", "c 644"],
            vec![" 755", "a 755", "a/.wh..wh..opq 0"],
            vec![" 700", "a/.wh.x 0", "c 644"],
        ]
    );
    let again = folder.path().join("again.tar");
    let options = CanonicalOptions {
        tags: back.tags().to_vec(),
        ..CanonicalOptions::default()
    };
    Canonical::from_image(&back, &options)
        .unwrap()
        .write(&again, Format::DockerArchive)
        .unwrap();
    let with_tags = folder.path().join("tags.tar");
    let options = CanonicalOptions {
        tags: open(&again).unwrap().tags().to_vec(),
        ..CanonicalOptions::default()
    };
    Canonical::from_image(&open(&again).unwrap(), &options)
        .unwrap()
        .write(&with_tags, Format::DockerArchive)
        .unwrap();
    assert_eq!(
        std::fs::read(&again).unwrap(),
        std::fs::read(&with_tags).unwrap()
    );
}

#[test]
fn a_folder_gives_the_same_digest_as_an_archive_of_it() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("d")).unwrap();
    std::fs::write(root.join("d/f"), "content").unwrap();
    std::fs::hard_link(root.join("d/f"), root.join("a")).unwrap();
    symlink("d/f", root.join("s")).unwrap();
    let set = |path: &str, mode| {
        std::fs::set_permissions(root.join(path), std::fs::Permissions::from_mode(mode))
    };
    set("d", 0o755).unwrap();
    set("", 0o755).unwrap();
    // Nix's sandbox lets nobody set the set-user-ID bit; the sticky bit is a special one, too.
    let special = if set("d/f", 0o4755).is_ok() {
        0o4755
    } else {
        set("d/f", 0o1755).unwrap();
        0o1755
    };
    let options = canoni::TreeOptions {
        owner: Some((0, 0)),
        ..Default::default()
    };
    let config = serde_json::json!({"architecture": "amd64", "config": {"Cmd": ["/a"]}});
    let from_disk = Canonical::from_tree(
        Tree::from_directory(&root, &options).unwrap(),
        &config,
        &CanonicalOptions::default(),
    )
    .unwrap();
    let mode = |mode, raw: Raw| Raw { mode, ..raw };
    let layer = tar(&[
        symlink_raw(),
        dir("d"),
        mode(special, file("d/f", "content")),
        mode(special, hard_link("a", "d/f")),
    ]);
    let path = put(folder.path(), "i.tar", &docker_archive(&[layer]));
    assert_eq!(from_disk.digest(), canonical(&path, true).digest());
}

fn symlink_raw() -> Raw {
    support::symlink("s", "d/f")
}

#[test]
fn changed_content_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let source = put(folder.path(), "f", b"before");
    let mut builder = TreeBuilder::new();
    builder
        .file_from("f", Metadata::root(0o644), &source)
        .unwrap();
    let config = serde_json::json!({"architecture": "amd64"});
    let image = Canonical::from_tree(
        builder.build().unwrap(),
        &config,
        &CanonicalOptions::default(),
    )
    .unwrap();
    let target = folder.path().join("o.tar");
    for (content, words) in [
        ("beside", "changed while it was being written"),
        ("longer than before", "changed while it was being read"),
    ] {
        std::fs::write(&source, content).unwrap();
        let error = image
            .write(&target, Format::DockerArchive)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
        assert!(!target.exists());
    }
}
