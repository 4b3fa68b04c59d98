//! The program as people run it: good input, bad input, full disks and Ctrl-C.

mod support;
#[path = "support/archive.rs"]
mod archive;

use archive::{CONFIG, Layer, app, docker_archive};
use serde_json::Value;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::{input, vectors};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("init"), b"\x7fELF init").unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        Bench { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn output(&self) -> PathBuf {
        self.path("out/app.eif")
    }

    fn build_command(&self) -> Command {
        let mut command = eif();
        command.args(["build", "--cmdline", "console=ttyS0", "--kernel"]).arg(input("bzImage"));
        command.arg("--output").arg(self.output());
        command
    }

    /// Builds from an image or root directory.
    fn build(&self, source: &Path, more: &[&str]) -> Output {
        self.build_command().arg(source).arg("--init").arg(self.path("init")).args(more).output().unwrap()
    }

    fn archive(&self, layers: Vec<Layer>) -> PathBuf {
        docker_archive(self.folder.path(), layers, CONFIG)
    }

    /// The build must fail, say `text`, and leave nothing behind.
    #[track_caller]
    fn fails(&self, result: &Output, texts: &[&str]) {
        let error = String::from_utf8_lossy(&result.stderr);
        assert_eq!(result.status.code(), Some(2), "{error}");
        for text in texts {
            assert!(error.contains(text), "{text:?} is not in: {error}");
        }
        assert!(error.starts_with("error: "), "{error}");
        assert!(result.stdout.is_empty());
        self.nothing_left();
    }

    #[track_caller]
    fn nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn eif() -> Command {
    Command::new(env!("CARGO_BIN_EXE_eif"))
}

#[track_caller]
fn good(result: &Output) -> String {
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    String::from_utf8(result.stdout.clone()).unwrap()
}

fn run(args: &[&str], files: &[&Path]) -> Output {
    eif().args(args).args(files).output().unwrap()
}

/// Files of the second ramdisk, by the system's cpio: path, mode, links, size.
fn list(eif_file: &Path, folder: &Path) -> Option<String> {
    let parts = folder.join("parts");
    good(&eif().arg("extract").arg(eif_file).arg("-o").arg(&parts).output().unwrap());
    let ramdisk = std::fs::File::open(parts.join("ramdisk-2")).unwrap();
    match Command::new("cpio").args(["-tvn"]).stdin(ramdisk).output() {
        Ok(listing) => Some(String::from_utf8_lossy(&listing.stdout).into_owned()),
        Err(_) => {
            assert!(std::env::var_os("REQUIRE_ALL").is_none(), "cpio is missing");
            eprintln!("skipped: cpio is missing");
            None
        }
    }
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
    assert_eq!(value["Size"], std::fs::metadata(bench.output()).unwrap().len());
    assert_eq!(value["Sha256"].as_str().unwrap().len(), 64);

    let described: Value = serde_json::from_str(&good(&run(&["describe", "--json"], &[&bench.output()]))).unwrap();
    assert_eq!(described["ImageName"], "app");
    assert_eq!(described["ImageVersion"], "1.2");
    assert_eq!(described["Measurements"], value["Measurements"]);
    assert_eq!(described["Metadata"]["BuildTime"], "");
    assert_eq!((&described["CheckCRC"], &described["IsSigned"]), (&true.into(), &false.into()));

    if let Some(listing) = list(&bench.output(), bench.folder.path()) {
        let names: Vec<_> = listing.lines().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(names, [
            "config.json", "rootfs", "rootfs/bin", "rootfs/bin/app", "rootfs/dev", "rootfs/dev/null", "rootfs/etc",
            "rootfs/etc/kept", "rootfs/linked", "rootfs/old", "rootfs/old/new"
        ]);
        let line = |name: &str| listing.lines().find(|line| line.ends_with(name)).unwrap();
        assert!(line("dev/null").starts_with("crw-rw-rw-"), "{listing}");
        assert!(line("etc/kept").starts_with("-rw-r-----   2"), "{listing}");
        assert!(line("linked").starts_with("-rw-r-----   2"), "{listing}");
        let config = std::fs::read(bench.path("parts/ramdisk-2")).unwrap();
        assert!(String::from_utf8_lossy(&config).contains(r#""args":["/bin/app","--flag"]"#));
        assert!(String::from_utf8_lossy(&config).contains(r#""user":{"additionalGids":[],"gid":8,"uid":7}"#));
    }
}

/// The same files by way of an image and of a directory give the same ramdisks, and `measure` says so beforehand.
#[test]
fn root_directory_and_image_agree() {
    let bench = Bench::new();
    let root = bench.path("root");
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::write(root.join("bin/app"), "program").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(root.join("bin/app"), mode).unwrap();
    let more = ["--json", "--owner", "0:0", "--env", "PATH=/bin", "--user", "7:8", "--", "/bin/app", "--flag"];
    let by_root: Value = serde_json::from_str(&good(&bench.build(&root, &more))).unwrap();
    let by_image: Value = serde_json::from_str(&good(&bench.build(&bench.archive(vec![app()]), &["--json"]))).unwrap();
    assert_eq!(by_root["Measurements"], by_image["Measurements"]);

    let measured = eif()
        .args(["measure", "--json", "--cmdline", "console=ttyS0", "--kernel"])
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
    for (key, value) in [("TZ", "Asia/Tokyo"), ("LANG", "de_DE.UTF-8"), ("SOURCE_DATE_EPOCH", "1234567890"), ("NO_COLOR", "1")] {
        let mut command = bench.build_command();
        command.arg(&image).arg("--init").arg(bench.path("init")).env(key, value).current_dir("/");
        good(&command.output().unwrap());
        assert!(std::fs::read(bench.output()).unwrap() == first, "{key}");
    }
}

#[test]
fn truncated_archive() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let bytes = std::fs::read(&image).unwrap();
    for end in [100, 700, bytes.len() / 2] {
        std::fs::write(&image, &bytes[..end]).unwrap();
        bench.fails(&bench.build(&image, &[]), &["image.tar"]);
    }
    std::fs::write(&image, b"").unwrap();
    bench.fails(&bench.build(&image, &[]), &["image.tar"]);
}

#[test]
fn layer_that_climbs_out() {
    let bench = Bench::new();
    let image = bench.archive(vec![app().file("../../etc/passwd", 0o644, "root")]);
    bench.fails(&bench.build(&image, &[]), &["../../etc/passwd"]);
    let image = bench.archive(vec![app().hard_link("passwd", 0o644, "../../etc/passwd")]);
    bench.fails(&bench.build(&image, &[]), &["../../etc/passwd"]);
}

#[test]
fn missing_config() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let bytes = std::fs::read(&image).unwrap();
    // Rename the config inside the archive: the manifest then names a file that is not there.
    let at = bytes.windows(12).position(|window| window == b"config.json\0").unwrap();
    let mut renamed = bytes.clone();
    renamed[at] = b'k';
    let sum: u32 = renamed[at..at + 512].iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) }).sum();
    renamed[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    std::fs::write(&image, renamed).unwrap();
    bench.fails(&bench.build(&image, &[]), &["config.json"]);
}

#[test]
fn nothing_to_run() {
    let bench = Bench::new();
    let image = docker_archive(bench.folder.path(), vec![app()], "{}");
    bench.fails(&bench.build(&image, &[]), &["neither Entrypoint nor Cmd", "--exec"]);
    good(&bench.build(&image, &["--exec", "/bin/app", "--exec", "--flag"]));
    std::fs::remove_file(bench.output()).unwrap();
    bench.fails(&bench.build(&image, &["--exec", "/bin/none"]), &["/bin/none is not in the image"]);
    bench.fails(&bench.build(&image, &["--exec", "/bin/app", "--user", "alice"]), &["\"alice\"", "/etc/passwd"]);
}

#[test]
fn extended_attributes() {
    let bench = Bench::new();
    let image = bench.archive(vec![app().xattr("user.note", "x").file("bin/tool", 0o755, "t")]);
    bench.fails(&bench.build(&image, &[]), &["bin/tool", "user.note", "--drop-xattrs"]);
    good(&bench.build(&image, &["--drop-xattrs"]));
}

#[test]
fn ten_gigabytes_sparse_in_a_layer() {
    let bench = Bench::new();
    // 8 GiB less one byte is the most that the format's field can say in octal.
    let image = bench.archive(vec![app().sparse("huge", (8 << 30) - 1)]);
    bench.fails(&bench.build(&image, &[]), &["rootfs/huge: has 8589934591 bytes", "4 GiB"]);
}

#[test]
fn ten_gigabytes_sparse_in_a_directory() {
    let bench = Bench::new();
    let root = bench.path("root");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::File::create(root.join("huge")).unwrap().set_len(10 << 30).unwrap();
    symlink("huge", root.join("app")).unwrap();
    std::fs::write(root.join("prog"), "x").unwrap();
    std::fs::set_permissions(root.join("prog"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    bench.fails(&bench.build(&root, &["--exec", "/prog"]), &["rootfs/huge: has 10737418240 bytes", "4 GiB"]);
}

#[test]
fn unknown_compression() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let result = bench.build(&image, &["--compress", "xz"]);
    let error = String::from_utf8_lossy(&result.stderr);
    assert!(!result.status.success() && error.contains("unknown compression \"xz\"") && error.contains("lz4"), "{error}");
    bench.nothing_left();
    for compression in ["none", "gzip", "gzip:9", "zstd", "lz4"] {
        good(&bench.build(&image, &["--compress", compression]));
        good(&run(&["verify"], &[&bench.output()]));
    }
}

#[test]
fn kernels_that_are_none() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    for (kernel, texts) in [
        (bench.path("init"), vec!["init", "no kernel", "ELF", "bzImage"]),
        (input("Image"), vec!["Image", "aarch64", "--arch"]),
        (bench.path("none"), vec!["none", "No such file"]),
        (bench.path("out"), vec!["out", "directory"]),
    ] {
        let mut command = eif();
        command.args(["build", "--cmdline", "x", "--kernel"]).arg(kernel).arg(&image).arg("--init").arg(bench.path("init"));
        bench.fails(&command.arg("-o").arg(bench.output()).output().unwrap(), &texts);
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
fn unwritable_outputs() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let to = |output: &Path| {
        let mut command = eif();
        command.args(["build", "--cmdline", "x", "--kernel"]).arg(input("bzImage")).arg(&image);
        command.arg("--init").arg(bench.path("init")).arg("-o").arg(output).output().unwrap()
    };
    bench.fails(&to(&bench.path("missing/app.eif")), &["missing", "create it"]);
    bench.fails(&to(&bench.path("out")), &["is a directory"]);
    bench.fails(&to(Path::new("/dev/null")), &["no regular file"]);
    bench.fails(&to(Path::new("/proc/app.eif")), &["/proc/app.eif"]);
    bench.fails(&to(&image), &["is an input and the output"]);
    assert!(std::fs::metadata("/dev/null").unwrap().rdev() != 0);
}

#[test]
fn full_disk() {
    let bench = Bench::new();
    let small = bench.path("out");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&small).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("REQUIRE_ALL").is_none(), "cannot mount a tmpfs");
        eprintln!("skipped: cannot mount a tmpfs (needs root)");
        return;
    }
    std::fs::write(bench.path("big"), vec![7; 2 << 20]).unwrap();
    let result = bench.build_command().arg("--ramdisk").arg(bench.path("big")).output();
    let left: Vec<_> = std::fs::read_dir(&small).unwrap().collect();
    Command::new("umount").arg(&small).status().unwrap();
    assert!(left.is_empty(), "{left:?}");
    bench.fails(&result.unwrap(), &["app.eif", "No space left"]);
}

#[test]
fn interrupted() {
    let bench = Bench::new();
    for (signal, code) in [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)] {
        let pipe = bench.path(&format!("pipe{code}"));
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let mut command = bench.build_command();
        let child = command.arg("--ramdisk").arg(&pipe).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Opening waits until the program reads; it then has the file open that it writes to.
        let mut feed = std::fs::File::options().write(true).open(&pipe).unwrap();
        std::io::Write::write_all(&mut feed, &vec![1; 3 << 20]).unwrap();
        assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 1, "it is being written");
        let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        let result = child.wait_with_output().unwrap();
        assert_eq!(result.status.code(), Some(code));
        assert!(String::from_utf8_lossy(&result.stderr).contains("interrupted; nothing was written"));
        bench.nothing_left();
    }
}

#[test]
fn verify_answers() {
    let file = vectors().join("signed.eif");
    let other = vectors().join("aarch64.json");
    assert!(good(&run(&["verify"], &[&file])).contains("valid, signed"));
    let expect = |pcrs: &Path| eif().arg("verify").arg(&file).arg("--expect").arg(pcrs).output().unwrap();
    assert!(good(&expect(&vectors().join("signed.json"))).contains("PCRs as expected"));
    let no = expect(&other);
    assert_eq!(no.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&no.stdout).contains("PCR0 is 76e85129"), "{no:?}");
    let no = run(&["verify", "--json"], &[&input("bzImage")]);
    assert_eq!(no.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&no.stdout).unwrap();
    assert_eq!((&value["Valid"], &value["Rule"], &value["Offset"]), (&false.into(), &1.into(), &0.into()));

    // The form of a release's measurements.
    let folder = tempfile::tempdir().unwrap();
    let form = folder.path().join("next.json");
    let pcrs: Value = serde_json::from_slice(&std::fs::read(vectors().join("signed.json")).unwrap()).unwrap();
    let write = |zero: &Value| {
        let value = serde_json::json!({"verName": "x", "pcrs": {"0": zero, "1": pcrs["PCR1"], "2": pcrs["PCR2"]}, "issueTime": 0});
        std::fs::write(&form, value.to_string()).unwrap();
    };
    write(&pcrs["PCR0"]);
    good(&expect(&form));
    for (zero, text) in [("0".repeat(96), "debug mode"), (String::new(), "96 hexadecimal digits")] {
        write(&zero.into());
        let result = expect(&form);
        assert_eq!(result.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&result.stderr).contains(text), "{result:?}");
    }
    std::fs::write(&form, "{\"PCR0\":\"\"}").unwrap();
    assert_eq!(expect(&form).status.code(), Some(2));
    let missing = run(&["verify"], &[Path::new("/does/not/exist")]);
    assert_eq!(missing.status.code(), Some(2));
}

/// Sign on another machine, for which OpenSSL stands here.
#[test]
fn offline_signature() {
    let bench = Bench::new();
    let file = vectors().join("two-ramdisks.eif");
    let (message, signature, signed) = (bench.path("tbs"), bench.path("sig"), bench.path("signed.eif"));
    good(&eif().arg("sign").arg(&file).arg("--export").arg(&message).output().unwrap());
    let Ok(status) = Command::new("openssl")
        .args(["dgst", "-sha384", "-sign"])
        .arg(input("key.pem"))
        .arg("-out")
        .arg(&signature)
        .arg(&message)
        .status()
    else {
        assert!(std::env::var_os("REQUIRE_ALL").is_none(), "openssl is missing");
        eprintln!("skipped: openssl is missing");
        return;
    };
    assert!(status.success());
    let attach = |signature: &Path, certificate: &Path| {
        let mut command = eif();
        command.arg("sign").arg(&file).arg("--attach").arg(signature).arg("--cert").arg(certificate);
        command.arg("-o").arg(&signed).output().unwrap()
    };
    let text = good(&attach(&signature, &input("cert.pem")));
    assert!(text.contains("PCR8 765709b31543c202"), "{text}");
    good(&eif().arg("verify").arg(&signed).arg("--certificate").arg(input("cert.pem")).output().unwrap());
    let bad = attach(&message, &input("cert.pem"));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("neither an ECDSA signature"), "{bad:?}");
    let bad = attach(&signature, &input("key.pem"));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("BEGIN CERTIFICATE"), "{bad:?}");
}

#[test]
fn diff_and_extract() {
    let bench = Bench::new();
    let (a, b) = (vectors().join("one-ramdisk.eif"), vectors().join("two-ramdisks.eif"));
    assert!(good(&run(&["diff"], &[&a, &a])).contains("are equal"));
    let differ = run(&["diff", "--json"], &[&a, &b]);
    assert_eq!(differ.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&differ.stdout).unwrap();
    assert_eq!(value[1]["section"], "ramdisk 2");

    let parts = bench.path("parts");
    good(&eif().arg("extract").arg(vectors().join("signed.eif")).arg("-o").arg(&parts).output().unwrap());
    for (name, original) in [("kernel", "bzImage"), ("cmdline", "cmdline"), ("ramdisk-1", "ramdisk1"), ("ramdisk-2", "ramdisk2"), ("certificate.pem", "cert.pem")] {
        assert_eq!(std::fs::read(parts.join(name)).unwrap(), std::fs::read(input(original)).unwrap(), "{name}");
    }
    let again = eif().arg("extract").arg(&a).arg("-o").arg(&parts).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stderr).contains("no empty directory"), "{again:?}");
    let bad = eif().arg("extract").arg(input("bzImage")).arg("-o").arg(bench.path("new")).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
    assert!(!bench.path("new").exists());
    assert_eq!(std::fs::read_dir(bench.folder.path()).unwrap().count(), 3, "no temporary directory stays");
}

#[test]
fn help_and_completions() {
    for command in ["build", "measure", "describe", "verify", "extract", "sign", "diff", "completions"] {
        let text = good(&run(&[command, "--help"], &[]));
        assert!(text.contains("Examples:"), "{command}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(good(&run(&["completions", shell], &[])).contains("measure"));
    }
    assert_eq!(run(&["sign", "x"], &[]).status.code(), Some(2));
    assert_eq!(run(&["build", "--kernel", "x"], &[]).status.code(), Some(2));
}
