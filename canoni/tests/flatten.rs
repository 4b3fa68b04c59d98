//! Layers flattened into one tree.
#![allow(missing_docs)]

mod support;
use support::*;

#[test]
fn whiteouts_hide_lower_layers_only() {
    let one = tar(&[
        dir("d/"),
        file("d/a", "1"),
        file("d/b", "2"),
        dir("e"),
        file("e/x", "3"),
        file("gone", "4"),
    ]);
    let two = tar(&[
        file("d/.wh.a", ""),
        file("e/new", "5"),
        file("e/.wh..wh..opq", ""),
        file(".wh.gone", ""),
    ]);
    assert_eq!(
        lines(&flatten(&[one, two]).unwrap()),
        [
            "d 755 0:0 dir",
            "d/b 644 0:0 file 2",
            "e 755 0:0 dir",
            "e/new 644 0:0 file 5"
        ]
    );
}

#[test]
fn a_whiteout_beside_its_path_means_new() {
    let one = tar(&[
        dir("d"),
        file("d/old", "1"),
        file("-f", "2"),
        dir("-i"),
        file("-i/old", "3"),
    ]);
    let two = tar(&[
        file(".wh.d", ""),
        dir("d"),
        file("d/new", "4"),
        file(".wh.-f", ""),
        file("-f", "5"),
        file(".wh.-i", ""),
        file("-i/new", "6"),
    ]);
    let tree = flatten(&[one, two]).unwrap();
    assert_eq!(
        lines(&tree),
        [
            "-f 644 0:0 file 5",
            "-i 755 0:0 dir",
            "-i/new 644 0:0 file 6",
            "d 755 0:0 dir",
            "d/new 644 0:0 file 4"
        ]
    );
}

#[test]
fn types_replace_each_other() {
    let one = tar(&[
        dir("a"),
        file("a/in", "1"),
        file("b", "2"),
        symlink("c", "b"),
        dir("d"),
        file("d/keep", "3"),
    ]);
    let changed = support::Raw {
        mode: 0o700,
        ..dir("d")
    };
    let two = tar(&[
        file("a", "4"),
        dir("b"),
        file("b/in", "5"),
        file("c", "6"),
        changed,
    ]);
    assert_eq!(
        lines(&flatten(&[one, two]).unwrap()),
        [
            "a 644 0:0 file 4",
            "b 755 0:0 dir",
            "b/in 644 0:0 file 5",
            "c 644 0:0 file 6",
            "d 700 0:0 dir",
            "d/keep 644 0:0 file 3"
        ]
    );
}

#[test]
fn a_replaced_implied_directory_is_gone() {
    // No entry names "a" when its child is unpacked.
    let tree = flatten(&[tar(&[file("a/in", "1"), file("a", "2")])]).unwrap();
    assert_eq!(lines(&tree), ["a 644 0:0 file 2"]);
}

#[test]
fn hard_links_keep_what_they_pointed_at() {
    let one = tar(&[file("z", "old"), hard_link("a", "z"), hard_link("m", "a")]);
    let two = tar(&[file("a", "new")]);
    assert_eq!(
        lines(&flatten(std::slice::from_ref(&one)).unwrap()),
        ["a 644 0:0 file old", "m 644 0:0 == a", "z 644 0:0 == a"],
        "the first path in order is the file"
    );
    assert_eq!(
        lines(&flatten(&[one.clone(), two]).unwrap()),
        ["a 644 0:0 file new", "m 644 0:0 file old", "z 644 0:0 == m"]
    );
    let gone = tar(&[file(".wh.a", "")]);
    assert_eq!(
        lines(&flatten(&[one, gone]).unwrap()),
        ["m 644 0:0 file old", "z 644 0:0 == m"]
    );
}

#[test]
fn hard_links_across_layers() {
    let one = tar(&[file("t", "x"), symlink("s", "t")]);
    let link = support::Raw {
        mode: 0o777,
        ..hard_link("s2", "s")
    };
    let two = tar(&[hard_link("b", "t"), hard_link("c", "./b"), link]);
    let three = tar(&[file("t", "y")]);
    assert_eq!(
        lines(&flatten(&[one, two, three]).unwrap()),
        [
            "b 644 0:0 file x",
            "c 644 0:0 == b",
            "s 777 0:0 -> t",
            "s2 777 0:0 == s",
            "t 644 0:0 file y"
        ]
    );
}

#[test]
fn order_within_a_layer_counts() {
    let layer = tar(&[
        file("a", "1"),
        hard_link("b", "a"),
        file("a", "2"),
        dir("x"),
        file("x/y", "3"),
        file("x", "4"),
        dir("x"),
    ]);
    assert_eq!(
        lines(&flatten(&[layer]).unwrap()),
        ["a 644 0:0 file 2", "b 644 0:0 file 1", "x 755 0:0 dir"]
    );
}

#[test]
fn missing_parents_and_the_root() {
    let root = support::Raw {
        mode: 0o700,
        ..dir("./")
    };
    let tree = flatten(&[tar(&[file("./a/b//c", "1"), root])]).unwrap();
    assert_eq!(
        lines(&tree),
        ["a 755 0:0 dir", "a/b 755 0:0 dir", "a/b/c 644 0:0 file 1"]
    );
    assert_eq!(tree.root().mode, 0o700);
}

#[test]
fn devices_pipes_and_odd_names() {
    let char_device = support::Raw {
        device: (5, 1),
        ..raw("dev/console", b'3')
    };
    let block_device = support::Raw {
        device: (259, 1_000_000),
        ..raw("dev/disk", b'4')
    };
    let tree = flatten(&[tar(&[
        char_device,
        block_device,
        raw("pipe", b'6'),
        file(b"\xff\n", "1"),
        file("ü", "2"),
    ])])
    .unwrap();
    assert_eq!(
        lines(&tree),
        [
            "dev 755 0:0 dir",
            "dev/console 644 0:0 char 5:1",
            "dev/disk 644 0:0 block 259:1000000",
            "pipe 644 0:0 fifo",
            "ü 644 0:0 file 2",
            "\\xff\\n 644 0:0 file 1"
        ]
    );
    assert_eq!(tree.find(b"\xff\n").unwrap().1.path, b"\xff\n");
}

#[test]
fn readers_that_would_differ_are_refused() {
    let base = tar(&[
        dir("usr"),
        dir("usr/lib"),
        symlink("lib", "usr/lib"),
        file("t", "x"),
    ]);
    let device = support::Raw {
        device: (0, 0),
        ..raw("w", b'3')
    };
    let odd_link = support::Raw {
        mode: 0o600,
        ..hard_link("b", "t")
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            tar(&[file("lib/x", "1")]),
            "lies below lib, which is a symbolic link",
        ),
        (
            tar(&[symlink("l", "usr"), file("l/x", "1")]),
            "lies below l, which is a symbolic link",
        ),
        (
            tar(&[file("t/x", "1")]),
            "lies below t, which is not a directory",
        ),
        (
            tar(&[file("f", "1"), file(".wh.f", "")]),
            "whiteout of what this layer has before it",
        ),
        (
            tar(&[hard_link("b", "nowhere")]),
            "hard link to nowhere, which is not there",
        ),
        (
            tar(&[hard_link("b", "usr")]),
            "hard link to the directory usr",
        ),
        (tar(&[hard_link("b", "b")]), "hard link to itself"),
        (
            tar(&[hard_link("b", "c"), hard_link("c", "b")]),
            "hard link to c, which this layer also replaces",
        ),
        (
            tar(&[hard_link("b", "t"), file("t", "2")]),
            "hard link to t, which this layer also replaces",
        ),
        (
            tar(&[hard_link("b", "t"), file(".wh.t", "")]),
            "hard link to t, which this layer also replaces or hides",
        ),
        (tar(&[odd_link]), "another mode or owner"),
        (tar(&[device]), "character device 0:0"),
        (tar(&[file(".wh..", "")]), "whiteout of nothing"),
        (tar(&[file(".wh.x", "content")]), "is not an empty file"),
        (
            tar(&[dir(".wh.x"), file(".wh.x/y", "")]),
            "is not an empty file",
        ),
        (tar(&[symlink("s", "../x")]), "above the root"),
    ];
    for (layer, words) in cases {
        let error = flatten(&[base.clone(), layer]).unwrap_err().to_string();
        assert!(error.contains(words), "expected {words:?} in {error:?}");
        assert!(error.contains("layer 2 of 2"), "{error}");
    }
}

#[test]
fn aufs_leftovers_are_ignored() {
    let layer = tar(&[
        file(".wh..wh.aufs", ""),
        dir(".wh..wh.plnk"),
        file("a", "1"),
    ]);
    assert_eq!(lines(&flatten(&[layer]).unwrap()), ["a 644 0:0 file 1"]);
    // Docker ignores this, umoci and podman unpack it.
    let error = refusal(&tar(&[file(".wh..wh.plnk/1.2", "x")]));
    assert!(error.contains("lies below a whiteout"), "{error}");
}
