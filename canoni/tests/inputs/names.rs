//! Images whose layers have unusual names, ends or dialects.

use super::layers::docker;
use super::support::*;
use super::{Case, image, refusal_of};

pub(crate) fn cases() -> Vec<Case> {
    let one = &["a 644 0:0 file x"][..];
    let x = || file("a", "x");
    let absolute = [
        dir("/etc/"),
        file("/etc/a", "x"),
        symlink("/etc/l", "/etc/a"),
    ];
    let toc = file("stargz.index.json", r#"{"version":1,"entries":[]}"#);
    let no_end = [dir("etc/"), file("etc/a", "x")]
        .iter()
        .flat_map(Raw::bytes)
        .collect();
    let version = Raw {
        magic: *b"ustar\0\0\0",
        ..x()
    };
    let v7 = Raw { magic: V7, ..x() };
    let root = Raw {
        mode: 0o700,
        uid: octal(5, 8),
        ..dir("./")
    };
    let (deep, long) = (
        format!("{}/{}", "d".repeat(150), "f".repeat(200)),
        "g".repeat(250),
    );
    let target = "t".repeat(300);
    let long_name = Raw {
        kind: b'L',
        magic: GNU,
        ..file("././@LongLink", format!("{long}\0"))
    };
    let long_names = tar(&[
        pax(&[(b"path", deep.as_bytes())]),
        file("d", "x"),
        long_name,
        Raw {
            magic: GNU,
            ..file("g", "y")
        },
        pax(&[(b"linkpath", target.as_bytes())]),
        symlink("s", "t"),
    ]);
    let latin1 = Raw {
        magic: GNU,
        ..file(b"caf\xe9", "y")
    };
    let path = "g".repeat(256);
    let too_long = tar(&[pax(&[(b"path", path.as_bytes())]), file("g", "y")]);
    vec![
        image("root-slash", docker(&[tar(&[dir("/"), x()])]), one),
        image(
            "absolute",
            docker(&[tar(&absolute)]),
            &[
                "etc 755 0:0 dir",
                "etc/a 644 0:0 file x",
                "etc/l 777 0:0 -> /etc/a",
            ],
        ),
        image(
            "no-end",
            docker(&[no_end]),
            &["etc 755 0:0 dir", "etc/a 644 0:0 file x"],
        ),
        image(
            "estargz",
            docker(&[[tar(&[x()]), tar(&[toc])].concat()]),
            one,
        ),
        image("ustar-v-nul", docker(&[tar(&[version])]), one),
        image("v7", docker(&[tar(&[v7])]), one),
        image("dot-only", docker(&[tar(&[dir("./")])]), &[]),
        image("root-mode", docker(&[tar(&[root, x()])]), one),
        image(
            "long-names",
            docker(&[long_names]),
            &[
                &format!("{} 755 0:0 dir", "d".repeat(150)),
                &format!("{deep} 644 0:0 file x"),
                &format!("{long} 644 0:0 file y"),
                &format!("s 777 0:0 -> {target}"),
            ],
        ),
        image(
            "latin1-name",
            docker(&[tar(&[latin1])]),
            &["caf\\xe9 644 0:0 file y"],
        ),
        refusal_of(
            "component-256",
            docker(&[too_long]),
            "is too long for Linux",
        ),
    ]
}
