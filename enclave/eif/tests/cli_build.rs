//! `eif build` and `eif measure` as people run them: what comes out.

#![cfg(test)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::archive::{Layer, app};
use support::bench::{Bench, eif, good, run};
use support::input;

/// Files of the second ramdisk, by the system's cpio: path, mode, links, size.
fn list(eif_file: &Path, folder: &Path) -> Option<String> {
    let parts = folder.join("parts");
    good(
        &eif()
            .arg("extract")
            .arg(eif_file)
            .arg("-o")
            .arg(&parts)
            .output()
            .unwrap(),
    );
    let ramdisk = std::fs::File::open(parts.join("ramdisk-2")).unwrap();
    if let Ok(listing) = Command::new("cpio").arg("-tvn").stdin(ramdisk).output() {
        return Some(String::from_utf8_lossy(&listing.stdout).into_owned());
    }
    assert!(std::env::var_os("REQUIRE_ALL").is_none(), "cpio is missing");
    eprintln!("skipped: cpio is missing");
    None
}

#[test]
fn container_image() {
    let bench = Bench::new();
    let base = Layer::new()
        .dir("etc")
        .file("etc/removed", 0o644, "x")
        .file("etc/kept", 0o640, "kept")
        .file("old/inside", 0o644, "x")
        .char_device("dev/null", (1, 3));
    let top = app()
        .file("etc/.wh.removed", 0o644, "")
        .file("old/.wh..wh..opq", 0o644, "")
        .file("old/new", 0o644, "new")
        .hard_link("linked", 0o640, "etc/kept");
    let image = bench.archive(vec![base, top]);
    let result = bench.build(&image, &["--json", "--sha256"]);
    let value: Value = serde_json::from_str(&good(&result)).unwrap();
    assert_eq!(value["Measurements"]["PCR0"].as_str().unwrap().len(), 96);
    assert_eq!(
        value["Size"],
        std::fs::metadata(bench.output()).unwrap().len()
    );
    assert_eq!(value["Sha256"].as_str().unwrap().len(), 64);

    let described: Value =
        serde_json::from_str(&good(&run(&["describe", "--json"], &[&bench.output()]))).unwrap();
    assert_eq!(described["ImageName"], "app");
    assert_eq!(described["ImageVersion"], "1.2");
    assert_eq!(described["Measurements"], value["Measurements"]);
    assert_eq!(described["Metadata"]["BuildTime"], "");
    assert_eq!(
        (&described["CheckCRC"], &described["IsSigned"]),
        (&true.into(), &false.into())
    );

    if let Some(listing) = list(&bench.output(), bench.folder.path()) {
        let names: Vec<_> = listing
            .lines()
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        assert_eq!(
            names,
            [
                "config.json",
                "rootfs",
                "rootfs/bin",
                "rootfs/bin/app",
                "rootfs/dev",
                "rootfs/dev/null",
                "rootfs/etc",
                "rootfs/etc/kept",
                "rootfs/linked",
                "rootfs/old",
                "rootfs/old/new"
            ]
        );
        let line = |name: &str| listing.lines().find(|line| line.ends_with(name)).unwrap();
        assert!(line("dev/null").starts_with("crw-rw-rw-"), "{listing}");
        assert!(line("etc/kept").starts_with("-rw-r-----   2"), "{listing}");
        assert!(line("linked").starts_with("-rw-r-----   2"), "{listing}");
        let config = std::fs::read(bench.path("parts/ramdisk-2")).unwrap();
        assert!(String::from_utf8_lossy(&config).contains(r#""args":["/bin/app","--flag"]"#));
        assert!(
            String::from_utf8_lossy(&config)
                .contains(r#""user":{"additionalGids":[],"gid":8,"uid":7}"#)
        );
    }
}

#[test]
fn root_directory_and_image_agree() {
    let bench = Bench::new();
    let root = bench.path("root");
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::write(root.join("bin/app"), "program").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(root.join("bin/app"), mode).unwrap();
    let more = [
        "--json",
        "--owner",
        "0:0",
        "--env",
        "PATH=/bin",
        "--user",
        "7:8",
        "--",
        "/bin/app",
        "--flag",
    ];
    let by_root: Value = serde_json::from_str(&good(&bench.build(&root, &more))).unwrap();
    let by_image: Value = serde_json::from_str(&good(
        &bench.build(&bench.archive(vec![app()]), &["--json"]),
    ))
    .unwrap();
    assert_eq!(by_root["Measurements"], by_image["Measurements"]);

    let measured = eif()
        .args([
            "measure",
            "--json",
            "--cmdline",
            "console=ttyS0",
            "--kernel",
        ])
        .arg(input("bzImage"))
        .arg("--init")
        .arg(bench.path("init"))
        .arg(bench.archive(vec![app()]))
        .output()
        .unwrap();
    let measured: Value = serde_json::from_str(&good(&measured)).unwrap();
    assert_eq!(measured["Measurements"], by_image["Measurements"]);
    assert_eq!(measured["Size"], by_image["Size"]);
}

#[test]
fn nothing_of_the_surroundings_enters() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    good(&bench.build(&image, &[]));
    let first = std::fs::read(bench.output()).unwrap();
    for (key, value) in [
        ("TZ", "Asia/Tokyo"),
        ("LANG", "de_DE.UTF-8"),
        ("SOURCE_DATE_EPOCH", "1234567890"),
        ("NO_COLOR", "1"),
    ] {
        let mut command = bench.build_command();
        command
            .arg(&image)
            .arg("--init")
            .arg(bench.path("init"))
            .env(key, value)
            .current_dir("/");
        good(&command.output().unwrap());
        assert!(std::fs::read(bench.output()).unwrap() == first, "{key}");
    }
}

#[test]
fn cmdlines() {
    let bench = Bench::new();
    let with = |text: &str| {
        eif()
            .args(["build", "--cmdline", text, "--kernel"])
            .arg(input("bzImage"))
            .arg("--ramdisk")
            .arg(input("ramdisk1"))
            .arg("-o")
            .arg(bench.output())
            .output()
            .unwrap()
    };
    bench.fails(&with("two\nlines"), &["0x0a", "position 3"]);
    bench.fails(&with(&"x".repeat(2048)), &["2048 bytes", "2047"]);
    bench.fails(&with("@/does/not/exist"), &["/does/not/exist"]);
    std::fs::write(bench.path("cmdline"), "from=file\n").unwrap();
    good(&with(&format!("@{}", bench.path("cmdline").display())));
    let text = good(&run(&["describe"], &[&bench.output()]));
    assert!(text.contains("from=file\n"), "{text}");
}

#[test]
fn unknown_compression() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let result = bench.build(&image, &["--compress", "xz"]);
    let error = String::from_utf8_lossy(&result.stderr);
    assert!(
        !result.status.success()
            && error.contains("unknown compression \"xz\"")
            && error.contains("lz4"),
        "{error}"
    );
    bench.nothing_left();
    for compression in ["none", "gzip", "gzip:9", "zstd", "lz4", "lz4hc"] {
        good(&bench.build(&image, &["--compress", compression]));
        good(&run(&["verify"], &[&bench.output()]));
    }
}

#[test]
fn extended_attributes() {
    let bench = Bench::new();
    let image = bench.archive(vec![
        app().xattr("user.note", "x").file("bin/tool", 0o755, "t"),
    ]);
    bench.fails(
        &bench.build(&image, &[]),
        &["bin/tool", "user.note", "--drop-xattrs"],
    );
    good(&bench.build(&image, &["--drop-xattrs"]));
}
