//! Images that Docker made, with a daemon of the tests' own.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod daemon;
use daemon::{canoni, context, good, run};
use letsesign_tests::docker::Daemon;
use letsesign_tests::skip;
use std::fs;
use std::path::Path;

const BASE: &str =
    "FROM scratch\nCOPY busybox /bin/busybox\nSHELL [\"/bin/busybox\", \"sh\", \"-c\"]\n";
const SH: &str = "RUN /bin/busybox --install -s /bin\n";

/// The lines after the base of each Dockerfile. Together they use every kind of instruction.
const IMAGES: &[(&str, &str)] = &[
    ("plain", ""),
    ("tree", "COPY tree /tree\n"),
    (
        "config",
        "ENV B=2 A=1\nLABEL z=1 a=2\nEXPOSE 80/tcp 53/udp\nVOLUME /data\nUSER 7:8\nWORKDIR /tree\nENTRYPOINT [\"/bin/sh\"]\nCMD [\"-c\", \"x\"]\nSTOPSIGNAL SIGINT\n",
    ),
    ("health", "HEALTHCHECK --interval=5s CMD [\"/bin/true\"]\n"),
    ("onbuild", "ONBUILD RUN echo x\n"),
    ("empty-layers", "ENV A=1\nENV B=2\nRUN true\nENV C=3\n"),
    ("deleted", "COPY tree /tree\nRUN rm -r /tree/sub\n"),
    (
        "deleted-and-again",
        "COPY tree /tree\nRUN rm -r /tree\nCOPY tree /tree\n",
    ),
    (
        "replaced-by-folder",
        "RUN echo x > /a\nRUN rm /a && mkdir /a && echo y > /a/b\n",
    ),
    (
        "folder-replaced",
        "RUN mkdir /a && echo y > /a/b\nRUN rm -r /a && echo x > /a\n",
    ),
    (
        "opaque",
        "RUN mkdir /a && echo y > /a/b\nRUN rm -r /a && mkdir /a && echo z > /a/c\n",
    ),
    ("renamed", "COPY tree /tree\nRUN mv /tree /other\n"),
    ("renamed-file", "RUN echo x > /a\nRUN mv /a /b\n"),
    ("hard-links", "RUN echo x > /b && ln /b /a && ln /b /c\n"),
    ("hard-link-lower", "RUN echo x > /b\nRUN ln /b /a\n"),
    (
        "hard-link-broken",
        "RUN echo x > /b && ln /b /a\nRUN echo y > /c && mv /c /a\n",
    ),
    (
        "hard-link-removed",
        "RUN echo x > /b && ln /b /a\nRUN rm /b\n",
    ),
    (
        "symlinks",
        "RUN ln -s /etc/passwd /absolute && ln -s bin/sh relative && ln -s nowhere dangling\n",
    ),
    (
        "symlink-to-folder",
        "RUN mkdir /a && ln -s a /b && echo x > /b/c\n",
    ),
    (
        "setuid",
        "RUN cp /bin/busybox /s && chmod 4755 /s && cp /s /g && chmod 2755 /g && mkdir /t && chmod 1777 /t\n",
    ),
    (
        "owners",
        "RUN echo x > /a && chown 1000:1001 /a && mkdir /d && chown 70000:80000 /d\n",
    ),
    (
        "modes",
        "RUN for m in 000 111 444 700 777; do echo x > /f$m; chmod $m /f$m; done; mkdir /d && chmod 0711 /d\n",
    ),
    ("touched-root", "RUN chmod 0750 /\n"),
    ("pipes", "RUN mkfifo /p && mkfifo -m 600 /q\n"),
    ("devices", "RUN mknod /n c 1 3 && mknod /b b 7 0\n"),
    (
        "long-names",
        "RUN n=$(printf 'n%.0s' $(seq 200)) && mkdir -p /$n/$n && echo x > /$n/$n/$n && ln -s /$n/$n/$n /l\n",
    ),
    (
        "strange-names",
        "RUN echo x > '/a b' && echo x > '/.wh' && echo x > '/-' && echo x > \"/new$(printf '\\n')line\" && echo x > '/ü' && echo x > \"/$(printf '\\377')\"\n",
    ),
    (
        "sparse",
        "RUN truncate -s 64M /sparse && echo end >> /sparse\n",
    ),
    (
        "many",
        "RUN mkdir /m && cd /m && i=0 && while [ $i -lt 2000 ]; do echo $i > $i; i=$((i+1)); done\n",
    ),
    ("changed-mode", "RUN echo x > /a\nRUN chmod 600 /a\n"),
    (
        "changed-time",
        "RUN echo x > /a\nRUN touch -d '2001-02-03 04:05:06' /a\n",
    ),
    (
        "chain",
        "RUN echo 1 > /a\nRUN echo 2 >> /a\nRUN echo 3 >> /a\nRUN rm /a\nRUN echo 4 > /a\n",
    ),
];

/// Builds one of [`IMAGES`] with the classic builder.
fn build(daemon: &Daemon, folder: &Path, name: &str, text: &str) {
    let shell = if text.contains("RUN") { SH } else { "" };
    fs::write(folder.join("Dockerfile"), format!("{BASE}{shell}{text}")).unwrap();
    let tag = format!("{name}:1");
    let arguments = [
        "build",
        "--quiet",
        "--network=none",
        "--tag",
        &tag,
        folder.to_str().unwrap(),
    ];
    if let Err(error) = daemon.run(&arguments, &[("DOCKER_BUILDKIT", "0")]) {
        panic!("{name}: {error}");
    }
}

/// `canoni(canoni(x))` is `canoni(x)`, byte for byte, for images as Docker saves them; and check
/// says the same.
#[test]
fn canonical_images_stay_what_they_are() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("context");
    fs::create_dir(&folder).unwrap();
    let daemon = match context(&folder).and_then(|()| Daemon::start()) {
        Ok(daemon) => daemon,
        Err(reason) => return skip(&reason),
    };
    let host = daemon.host();
    assert!(IMAGES.len() >= 30);
    for (name, text) in IMAGES {
        build(&daemon, &folder, name, text);
        let at = |file: &str| scratch.path().join(file).to_str().unwrap().to_owned();
        let saved = at("saved.tar");
        let tag = format!("{name}:1");
        daemon
            .run(&["save", "--output", &saved, &tag], &[])
            .unwrap();
        for flatten in [&[][..], &["--flatten"]] {
            let (once, twice) = (at("once.tar"), at("twice.tar"));
            let write = |from: &str, to: &str, more: &[&str]| {
                let mut arguments = vec![from, "-o", to];
                arguments.extend(more);
                good(canoni(&host, &arguments))
            };
            let digest = write(&saved, &once, flatten);
            // Once flattened, it has one layer; both ways keep it.
            assert_eq!(write(&once, &twice, &[]), digest, "{name}");
            assert!(
                fs::read(&once).unwrap() == fs::read(&twice).unwrap(),
                "{name}"
            );
            let checked = canoni(&host, &["check", &once]);
            assert_eq!(
                good(checked),
                format!("canonical form v1, {digest}"),
                "{name}"
            );
            // Straight from the daemon it is the same image.
            let mut arguments = vec![tag.as_str(), "--digest-only"];
            arguments.extend(flatten);
            assert_eq!(good(canoni(&host, &arguments)), digest, "{name}");
        }
        let answer = canoni(&host, &["check", &saved]);
        assert_eq!(answer.status.code(), Some(1), "{name}");
        daemon.run(&["image", "rm", "--force", &tag], &[]).unwrap();
    }
}

#[test]
fn an_image_by_name_becomes_one_beside_it_that_runs() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("context");
    fs::create_dir(&folder).unwrap();
    let daemon = match context(&folder).and_then(|()| Daemon::start()) {
        Ok(daemon) => daemon,
        Err(reason) => return skip(&reason),
    };
    let host = daemon.host();
    let text = "COPY tree /tree\nRUN rm /tree/sub/file && echo hello > /tree/x && ln /tree/x /tree/a && chmod 4711 /bin/busybox && chown 5:6 /tree\nCMD [\"/bin/cat\", \"/tree/a\"]\n";
    build(&daemon, &folder, "app", text);
    let digest = good(canoni(&host, &["app:1"]));
    assert!(digest.starts_with("sha256:"));
    let container = |image: &str| {
        let output = daemon
            .docker(&["run", "--rm", "--network=none", image])
            .output()
            .unwrap();
        good(output)
    };
    assert_eq!(container("app-canoni:1"), "hello");
    assert_eq!(container("app:1"), "hello");

    // Both unpacked by Docker and GNU tar, compared by find and diff.
    let listing = |image: &str, target: &str| {
        let target = scratch.path().join(target);
        fs::create_dir(&target).unwrap();
        let id = good(daemon.docker(&["create", image]).output().unwrap());
        let archive = scratch.path().join("export.tar");
        daemon
            .run(&["export", "--output", archive.to_str().unwrap(), &id], &[])
            .unwrap();
        run(
            "tar",
            &[
                "-xpf",
                archive.to_str().unwrap(),
                "-C",
                target.to_str().unwrap(),
            ],
        )
        .unwrap();
        let mut lines: Vec<String> = run(
            "find",
            &[
                target.to_str().unwrap(),
                "-printf",
                "%P %y %m %U %G %n %l\\n",
            ],
        )
        .unwrap()
        .lines()
        .map(ToOwned::to_owned)
        .collect();
        lines.sort();
        (lines, target)
    };
    let (one, first) = listing("app:1", "original");
    let (other, second) = listing("app-canoni:1", "canonical");
    assert_eq!(one, other);
    assert!(one.len() > 20, "{one:?}");
    run(
        "diff",
        &[
            "-r",
            "--no-dereference",
            first.to_str().unwrap(),
            second.to_str().unwrap(),
        ],
    )
    .unwrap();

    // The daemon gives back what it was given.
    assert_eq!(
        good(canoni(&host, &["check", "app-canoni:1"])),
        format!("canonical form v1, {digest}")
    );
    assert_eq!(
        good(canoni(&host, &["app-canoni:1", "--digest-only"])),
        digest
    );
    let answer = canoni(&host, &["diff", "app:1", "app-canoni:1", "--meaning"]);
    assert!(answer.status.success(), "{answer:?}");
    assert_eq!(
        canoni(&host, &["diff", "app:1", "app-canoni:1"])
            .status
            .code(),
        Some(1)
    );

    good(canoni(&host, &["app:1", "--flatten", "--tag", "flat:2"]));
    assert_eq!(container("flat:2"), "hello");
    let missing = canoni(&host, &["missing:1"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&missing.stderr).contains("has no such image"),
        "{missing:?}"
    );
    let nobody = canoni("unix:///nonexistent/socket", &["app:1"]);
    assert!(
        String::from_utf8_lossy(&nobody.stderr).contains("no such socket"),
        "{nobody:?}"
    );
}

/// File capabilities come in by `docker import`, and must come out of the canonical image again.
#[test]
fn file_capabilities_survive() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("ping"), "x").unwrap();
    let ready = run(
        "setcap",
        &["cap_net_raw+ep", root.join("ping").to_str().unwrap()],
    )
    .and_then(|_| Daemon::start());
    let daemon = match ready {
        Ok(daemon) => daemon,
        Err(reason) => return skip(&reason),
    };
    let archive = scratch.path().join("root.tar");
    let archive = archive.to_str().unwrap();
    let include = "--xattrs-include=security.*";
    run(
        "tar",
        &[
            "--xattrs",
            include,
            "-C",
            root.to_str().unwrap(),
            "-cf",
            archive,
            ".",
        ],
    )
    .unwrap();
    daemon.run(&["import", archive, "caps:1"], &[]).unwrap();
    let host = daemon.host();
    let digest = good(canoni(&host, &["caps:1", "--flatten"]));
    assert_eq!(
        good(canoni(&host, &["caps-canoni:1", "--digest-only"])),
        digest
    );
    let saved = scratch.path().join("saved.tar");
    daemon
        .run(
            &["save", "--output", saved.to_str().unwrap(), "caps-canoni:1"],
            &[],
        )
        .unwrap();
    let opened = canoni::Archive::open(&saved, &canoni::Limits::default())
        .unwrap()
        .image(&canoni::Selector::default())
        .unwrap();
    let tree = opened.flatten(&canoni::TreeOptions::default()).unwrap();
    let (_, entry) = tree.find(b"ping").unwrap();
    // vfs_cap_data (linux/capability.h): revision 2 with the effective bit, CAP_NET_RAW (13)
    // permitted.
    let value = [0x0200_0001_u32, 1 << 13, 0, 0, 0]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect::<Vec<u8>>();
    assert_eq!(entry.xattrs, [(b"security.capability".to_vec(), value)]);
}
