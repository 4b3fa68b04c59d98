//! Pairs of archives that differ in a link or a whiteout.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;
use support::pair::End::{One, Refused, Two};
use support::pair::{layers, pair};
use support::*;

#[test]
fn links() {
    let base: &[Raw] = &[dir("a"), file("a/b", "x"), symlink("s", "t")];
    let with = |raws: &[Raw]| layers(&[&[base, raws].concat()]);
    let above = |raws: &[Raw]| layers(&[base, raws]);
    let lower = "which this layer also replaces or hides";
    for (name, one, other, end) in [
        (
            "a link to a symbolic link",
            with(&[hard_link("l", "s")]),
            with(&[symlink("l", "t")]),
            Two,
        ),
        (
            "a link's own size",
            with(&[hard_link("l", "a/b")]),
            with(&[pax(&[(b"size", b"5")]), hard_link("l", "a/b")]),
            Refused("extended header 5"),
        ),
        (
            "a link before its file",
            with(&[]),
            layers(&[&[hard_link("a/b", "c"), file("c", "x")]]),
            Refused(lower),
        ),
        (
            "a link in place of its target's folder",
            with(&[]),
            with(&[hard_link("a", "a/b")]),
            Refused("which it replaces"),
        ),
        (
            "the same in a lower layer",
            with(&[]),
            above(&[hard_link("a", "a/b")]),
            Refused("which it replaces"),
        ),
        (
            "a file in place of the folder of a lower target",
            above(&[hard_link("l", "a/b")]),
            above(&[hard_link("l", "a/b"), file("a", "")]),
            Refused(lower),
        ),
        (
            "an absolute target",
            with(&[hard_link("l", "a/b")]),
            with(&[hard_link("/l", "/a/b")]),
            One,
        ),
        (
            "a target with dots",
            with(&[hard_link("l", "a/b")]),
            with(&[hard_link("l", "./a/./b")]),
            One,
        ),
        (
            "a target with a slash",
            with(&[hard_link("l", "a/b")]),
            with(&[hard_link("l", "a//b/")]),
            One,
        ),
        (
            "another mode",
            above(&[hard_link("l", "a/b")]),
            above(&[Raw {
                mode: 0,
                ..hard_link("l", "a/b")
            }]),
            Refused("another mode or owner"),
        ),
        (
            "below a symbolic link of a lower layer",
            above(&[]),
            above(&[file("s/x", "")]),
            Refused("lies below s"),
        ),
        (
            "a link to a folder of a lower layer",
            above(&[]),
            above(&[hard_link("l", "a")]),
            Refused("hard link to the directory a"),
        ),
        (
            "a link to nothing",
            above(&[]),
            above(&[hard_link("l", "none")]),
            Refused("which is not there"),
        ),
    ] {
        pair(name, &one, &other, &end);
    }
}

#[test]
fn whiteouts() {
    let base: &[Raw] = &[
        dir("d"),
        file("d/x", "1"),
        dir("d/e"),
        file("d/e/y", "2"),
        symlink("s", "d"),
    ];
    let above = |raws: &[Raw]| layers(&[base, raws]);
    let nowhere = "which neither this layer nor one below it has";
    for (name, one, other, end) in [
        // podman makes the folder of a whiteout, umoci does not.
        (
            "a whiteout in no folder",
            above(&[]),
            above(&[file("n/.wh.x", "")]),
            Refused(nowhere),
        ),
        (
            "deeper",
            above(&[]),
            above(&[file("d/n/m/.wh.x", "")]),
            Refused(nowhere),
        ),
        (
            "opaque, but no folder",
            above(&[]),
            above(&[file("n/.wh..wh..opq", "")]),
            Refused(nowhere),
        ),
        (
            "in a folder that goes",
            above(&[file(".wh.d", "")]),
            above(&[file(".wh.d", ""), file("d/.wh.x", "")]),
            Refused(nowhere),
        ),
        (
            "in a lower folder",
            above(&[]),
            above(&[file("d/.wh.x", "")]),
            Two,
        ),
        (
            "below a symbolic link",
            above(&[]),
            above(&[file("s/.wh.x", "")]),
            Refused("lies below s"),
        ),
        (
            "below a file",
            above(&[]),
            above(&[file("d/x/.wh.y", "")]),
            Refused("lies below d/x"),
        ),
        (
            "after its path",
            above(&[file(".wh.d", ""), file("d", "f")]),
            above(&[file("d", "f"), file(".wh.d", "")]),
            Refused("whiteout of what this layer has before it"),
        ),
        (
            "opaque first or last",
            above(&[file("d/.wh..wh..opq", ""), file("d/z", "")]),
            above(&[file("d/z", ""), file("d/.wh..wh..opq", "")]),
            One,
        ),
        (
            "opaque or not",
            above(&[file("d/z", "")]),
            above(&[file("d/z", ""), file("d/.wh..wh..opq", "")]),
            Two,
        ),
        // Left by AUFS: Docker ignores it, umoci and podman unpack it.
        (
            "below a leftover of AUFS",
            above(&[]),
            above(&[file(".wh..wh.plnk/1", "x")]),
            Refused("below a whiteout"),
        ),
        (
            "and deeper",
            above(&[]),
            above(&[dir("d/.wh..wh.q"), file("d/.wh..wh.q/a", "x")]),
            Refused("below a whiteout"),
        ),
        (
            "a leftover of AUFS",
            above(&[]),
            above(&[file(".wh..wh.aufs", ""), dir(".wh..wh.orph")]),
            One,
        ),
    ] {
        pair(name, &one, &other, &end);
    }
}

/// A whiteout of nothing is part of its layer, not of the tree.
#[test]
fn a_whiteout_in_a_folder_of_its_own_layer() {
    let one = layers(&[&[file("a", "")], &[dir("n")]]);
    let other = layers(&[&[file("a", "")], &[dir("n"), file("n/.wh.x", "")]]);
    assert_eq!(digest(&one, true).unwrap(), digest(&other, true).unwrap());
    assert_ne!(digest(&one, false).unwrap(), digest(&other, false).unwrap());
}
