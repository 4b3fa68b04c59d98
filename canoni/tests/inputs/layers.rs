//! Images whose layers are unusual.

use super::support::*;
use super::{Case, PLAIN, config_of, image, plain, refusal_of};

/// A docker-archive of these layers, with no history.
pub(crate) fn docker(layers: &[Vec<u8>]) -> Vec<u8> {
    super::archives::Docker::new(layers).tar()
}

pub(crate) fn cases() -> Vec<Case> {
    [whiteouts(), repeated(), links(), headers(), attributes()]
        .into_iter()
        .flatten()
        .collect()
}

fn whiteouts() -> Vec<Case> {
    let lower = tar(&[dir("a/"), file("a/x", "1"), file("a/y", "2")]);
    let after = tar(&[dir("a/"), file("a/x", "3"), file("a/.wh.x", "")]);
    let before = tar(&[dir("a/"), file("a/.wh.x", ""), file("a/x", "3")]);
    let missing = tar(&[dir("z/"), file("z/.wh.nothing", "")]);
    let nonempty = tar(&[file("etc/.wh.a", "junk")]);
    vec![
        refusal_of(
            "whiteout-after",
            docker(&[lower.clone(), after]),
            "layer 2 of 2, offset 1536: a/.wh.x: is a whiteout of what this layer has before it",
        ),
        image(
            "whiteout-before",
            docker(&[lower, before]),
            &["a 755 0:0 dir", "a/x 644 0:0 file 3", "a/y 644 0:0 file 2"],
        ),
        image(
            "whiteout-dir-over-file",
            docker(&[
                tar(&[dir("a/"), file("a/x", "1")]),
                tar(&[file("a", "nowfile")]),
            ]),
            &["a 644 0:0 file nowfile"],
        ),
        image(
            "whiteout-missing",
            docker(&[plain(), missing]),
            &[PLAIN, &["z 755 0:0 dir"]].concat(),
        ),
        refusal_of(
            "whiteout-nonempty",
            docker(&[plain(), nonempty]),
            "layer 2 of 2, offset 0: etc/.wh.a: has the name of a whiteout but is not an empty",
        ),
    ]
}

/// Paths that come twice, or by way of a link.
fn repeated() -> Vec<Case> {
    let usr = || vec![dir("usr/"), dir("usr/lib/"), symlink("lib", "usr/lib")];
    let so = || file("lib/x.so", "x");
    let same = [usr(), vec![so()]].concat();
    let full = [usr(), vec![file("usr/lib/y", "y")]].concat();
    let twice = [
        dir("nix/"),
        file("nix/a", "1"),
        Raw {
            mode: 0o700,
            ..dir("nix/")
        },
        file("nix/a", "2"),
    ];
    vec![
        image(
            "dup-path",
            docker(&[tar(&twice)]),
            &["nix 700 0:0 dir", "nix/a 644 0:0 file 2"],
        ),
        refusal_of(
            "below-symlink",
            docker(&[tar(&usr()), tar(&[so()])]),
            "layer 2 of 2, offset 0: lib/x.so: lies below lib, which is a symbolic link",
        ),
        refusal_of(
            "below-symlink-same",
            docker(&[tar(&same)]),
            "layer 1 of 1, offset 1536: lib/x.so: lies below lib, which is a symbolic link",
        ),
        image(
            "dir-over-symlink",
            docker(&[tar(&full), tar(&[dir("lib/"), so()])]),
            &[
                "lib 755 0:0 dir",
                "lib/x.so 644 0:0 file x",
                "usr 755 0:0 dir",
                "usr/lib 755 0:0 dir",
                "usr/lib/y 644 0:0 file y",
            ],
        ),
    ]
}

fn links() -> Vec<Case> {
    let mode0 = |raw: Raw| Raw { mode: 0, ..raw };
    let up = |link: Raw| docker(&[plain(), tar(&[dir("q/"), link])]);
    let lower = || hard_link("q/h", "etc/a");
    let sized = Raw {
        size: octal(1, 12),
        content: b"x".to_vec(),
        ..hard_link("b", "a")
    };
    let escaping = [dir("etc/"), symlink("etc/mtab", "../../proc/mounts")];
    vec![
        refusal_of(
            "escaping-symlink",
            docker(&[tar(&escaping)]),
            "offset 512: etc/mtab: is a symbolic link to ../../proc/mounts, above the root",
        ),
        refusal_of(
            "hardlink-before",
            docker(&[tar(&[hard_link("a", "b"), file("b", "x")])]),
            "layer 1 of 1, offset 0: a: is a hard link to b, which this layer also replaces",
        ),
        image(
            "hardlink-lower",
            up(lower()),
            &[PLAIN, &["q 755 0:0 dir", "q/h 644 0:0 == etc/a"]].concat(),
        ),
        refusal_of(
            "hardlink-lower-mode0",
            up(mode0(lower())),
            "layer 2 of 2, offset 512: q/h: is a hard link with another mode or owner",
        ),
        refusal_of(
            "hardlink-mode0",
            docker(&[tar(&[file("a", "x"), mode0(hard_link("b", "a"))])]),
            "layer 1 of 1, offset 1024: b: is a hard link with another mode or owner",
        ),
        refusal_of(
            "hardlink-size",
            docker(&[tar(&[file("a", "x"), sized])]),
            "entry b at offset 1024: an entry of this type must have size 0",
        ),
    ]
}

/// Owners, types and global headers.
fn headers() -> Vec<Case> {
    let app = [
        pax(&[(b"uid", b"1516583083")]),
        dir("app/"),
        pax(&[(b"gid", b"2097152"), (b"uid", b"4294967294")]),
        file("app/f", "x"),
    ];
    let global = |name: &str, key: &[u8], value: &[u8]| Raw {
        name: name.into(),
        kind: b'g',
        ..pax(&[(key, value)])
    };
    let comment = global("pax_global_header", b"comment", b"0123456789");
    let mtime = global("g", b"mtime", b"1400000000");
    let before = |global: Raw| docker(&[[global.bytes(), plain()].concat()]);
    vec![
        image(
            "huge-uid",
            docker(&[tar(&app)]),
            &[
                "app 755 1516583083:0 dir",
                "app/f 644 4294967294:2097152 file x",
            ],
        ),
        image("pax-global-comment", before(comment), PLAIN),
        refusal_of(
            "pax-global-mtime",
            before(mtime),
            "at offset 0: global extended header sets mtime",
        ),
        refusal_of(
            "socket-cpio",
            docker(&[tar(&[raw("sock", b's')])]),
            "entry sock at offset 0: entry type 's' (socket) is not supported in images",
        ),
        refusal_of(
            "char00",
            docker(&[plain(), tar(&[raw("etc/a", b'3')])]),
            "layer 2 of 2, offset 0: etc/a: is character device 0:0",
        ),
    ]
}

/// Extended attributes, and Windows.
fn attributes() -> Vec<Case> {
    let with = |key: &[u8], value: &[u8], raw: Raw| docker(&[tar(&[pax(&[(key, value)]), raw])]);
    let windows = |layer: Vec<u8>| {
        let mut config = config_of(std::slice::from_ref(&layer));
        config["os"] = "windows".into();
        super::archives::Docker {
            config: config.to_string(),
            ..super::archives::Docker::new(&[layer])
        }
        .tar()
    };
    let keywords = pax(&[
        (b"MSWINDOWS.fileattr", b"16"),
        (b"MSWINDOWS.rawsd", b"AQAAgBQ="),
    ]);
    vec![
        refusal_of(
            "selinux",
            with(
                b"SCHILY.xattr.security.selinux",
                b"system_u:object_r:usr_t:s0",
                file("a", "x"),
            ),
            "offset 0: a: has the extended attribute security.selinux, which the canonical form",
        ),
        refusal_of(
            "overlay-xattr",
            with(b"SCHILY.xattr.trusted.overlay.opaque", b"y", dir("a/")),
            "offset 0: a: has the extended attribute trusted.overlay.opaque",
        ),
        refusal_of(
            "windows",
            windows(tar(&[keywords, dir("Files/"), dir("Hives/")])),
            "offset 0: Files: has the tar keyword MSWINDOWS.fileattr",
        ),
        image(
            "windows-plain",
            windows(tar(&[
                dir("Files/"),
                file("Files/a.txt", "x"),
                dir("Hives/"),
            ])),
            &[
                "Files 755 0:0 dir",
                "Files/a.txt 644 0:0 file x",
                "Hives 755 0:0 dir",
            ],
        ),
    ]
}
