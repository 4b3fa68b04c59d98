//! `eif build` with bad input, a full disk, or interrupted: a clear error, and nothing left behind.

#![cfg(test)]

mod support;

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use support::archive::{app, docker_archive};
use support::bench::{Bench, eif, good};
use support::input;

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
    let at = bytes
        .windows(12)
        .position(|window| window == b"config.json\0")
        .unwrap();
    let mut renamed = bytes.clone();
    renamed[at] = b'k';
    let sum: u32 = renamed[at..at + 512]
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if (148..156).contains(&i) {
                32
            } else {
                u32::from(*b)
            }
        })
        .sum();
    renamed[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    std::fs::write(&image, renamed).unwrap();
    bench.fails(&bench.build(&image, &[]), &["config.json"]);
}

#[test]
fn nothing_to_run() {
    let bench = Bench::new();
    let image = docker_archive(bench.folder.path(), vec![app()], "{}");
    bench.fails(
        &bench.build(&image, &[]),
        &["neither Entrypoint nor Cmd", "--exec"],
    );
    good(&bench.build(&image, &["--exec", "/bin/app", "--exec", "--flag"]));
    std::fs::remove_file(bench.output()).unwrap();
    bench.fails(
        &bench.build(&image, &["--exec", "/bin/none"]),
        &["/bin/none is not in the image"],
    );
    bench.fails(
        &bench.build(&image, &["--exec", "/bin/app", "--user", "alice"]),
        &["\"alice\"", "/etc/passwd"],
    );
}

#[test]
fn ten_gigabytes_sparse_in_a_layer() {
    let bench = Bench::new();
    // 8 GiB less one byte is the most that the format's field can say in octal.
    let image = bench.archive(vec![app().sparse("huge", (8 << 30) - 1)]);
    bench.fails(
        &bench.build(&image, &[]),
        &["rootfs/huge: has 8589934591 bytes", "4 GiB"],
    );
}

#[test]
fn ten_gigabytes_sparse_in_a_directory() {
    let bench = Bench::new();
    let root = bench.path("root");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::File::create(root.join("huge"))
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    symlink("huge", root.join("app")).unwrap();
    std::fs::write(root.join("prog"), "x").unwrap();
    std::fs::set_permissions(
        root.join("prog"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    bench.fails(
        &bench.build(&root, &["--exec", "/prog"]),
        &["rootfs/huge: has 10737418240 bytes", "4 GiB"],
    );
}

#[test]
fn kernels_that_are_none() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    for (kernel, texts) in [
        (
            bench.path("init"),
            vec!["init", "is not a kernel", "ELF", "bzImage"],
        ),
        (input("Image"), vec!["Image", "aarch64", "--arch"]),
        (bench.path("none"), vec!["none", "No such file"]),
        (bench.path("out"), vec!["out", "directory"]),
    ] {
        let mut command = eif();
        command
            .args(["build", "--cmdline", "x", "--kernel"])
            .arg(kernel)
            .arg(&image)
            .arg("--init")
            .arg(bench.path("init"));
        bench.fails(
            &command.arg("-o").arg(bench.output()).output().unwrap(),
            &texts,
        );
    }
}

#[test]
fn unwritable_outputs() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let to = |output: &Path| {
        let mut command = eif();
        command
            .args(["build", "--cmdline", "x", "--kernel"])
            .arg(input("bzImage"))
            .arg(&image);
        command
            .arg("--init")
            .arg(bench.path("init"))
            .arg("-o")
            .arg(output)
            .output()
            .unwrap()
    };
    bench.fails(
        &to(&bench.path("missing/app.eif")),
        &["missing", "create it"],
    );
    bench.fails(&to(&bench.path("out")), &["is a directory"]);
    bench.fails(&to(Path::new("/dev/null")), &["is not a regular file"]);
    bench.fails(&to(Path::new("/proc/app.eif")), &["/proc/app.eif"]);
    bench.fails(&to(&image), &["is an input and the output"]);
    assert!(std::fs::metadata("/dev/null").unwrap().rdev() != 0);
}

#[test]
fn full_disk() {
    let bench = Bench::new();
    let small = bench.path("out");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("REQUIRE_ALL").is_none(),
            "cannot mount a tmpfs"
        );
        eprintln!("skipped: cannot mount a tmpfs (needs root)");
        return;
    }
    std::fs::write(bench.path("big"), vec![7; 2 << 20]).unwrap();
    let result = bench
        .build_command()
        .arg("--ramdisk")
        .arg(bench.path("big"))
        .output();
    let left: Vec<_> = std::fs::read_dir(&small).unwrap().collect();
    Command::new("umount").arg(&small).status().unwrap();
    assert!(left.is_empty(), "{left:?}");
    bench.fails(&result.unwrap(), &["app.eif", "No space left"]);
}

#[test]
fn interrupted() {
    let bench = Bench::new();
    for (signal, code) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
    ] {
        let pipe = bench.path(&format!("pipe{code}"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let mut command = bench.build_command();
        let child = command
            .arg("--ramdisk")
            .arg(&pipe)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Opening waits until the program reads; it then has the file open that it writes to.
        let mut feed = std::fs::File::options().write(true).open(&pipe).unwrap();
        std::io::Write::write_all(&mut feed, &vec![1; 3 << 20]).unwrap();
        assert_eq!(
            std::fs::read_dir(bench.path("out")).unwrap().count(),
            1,
            "it is being written"
        );
        let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        let result = child.wait_with_output().unwrap();
        assert_eq!(result.status.code(), Some(code));
        assert!(
            String::from_utf8_lossy(&result.stderr).contains("interrupted; nothing was written")
        );
        bench.nothing_left();
    }
}

/// An enclave that cannot start its init says so only on a console that nobody sees.
#[test]
fn programs_for_another_machine() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let init = bench.path("init");
    let right = std::fs::read(&init).unwrap();

    let mut arm = right.clone();
    arm[0x12] = 183;
    std::fs::write(&init, &arm).unwrap();
    bench.fails(
        &bench.build(&image, &[]),
        &["init is a program for aarch64", "x86_64", "--arch"],
    );
    let mut dynamic = right.clone();
    dynamic[64] = 3;
    std::fs::write(&init, &dynamic).unwrap();
    bench.fails(&bench.build(&image, &[]), &["init needs the interpreter"]);
    std::fs::write(&init, &right).unwrap();

    // The config's digest is in no name of a docker-archive.
    let mut bytes = std::fs::read(&image).unwrap();
    let place = bytes.windows(7).position(|window| window == b"\"amd64\"");
    let place = place.unwrap();
    bytes[place..place + 7].copy_from_slice(b"\"arm64\"");
    std::fs::write(&image, &bytes).unwrap();
    bench.fails(
        &bench.build(&image, &[]),
        &["container image is for arm64", "x86_64", "--platform"],
    );
}

/// A pipe whose first command failed, and other inputs with nothing in them.
#[test]
fn empty_inputs_are_named() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let init = bench.path("init");
    let from = |source: &str, input: Stdio| {
        let mut command = bench.build_command();
        command.arg(source).arg("--init").arg(&init);
        command.stdin(input).output().unwrap()
    };
    bench.fails(&from("-", Stdio::null()), &["standard input is empty"]);
    bench.fails(
        &from("", Stdio::null()),
        &["a value is required for '[IMAGE]'"],
    );
    let piped = std::fs::File::open(&image).unwrap();
    good(&from("-", piped.into()));
    std::fs::remove_file(bench.output()).unwrap();

    let empty = bench.path("empty");
    std::fs::write(&empty, "").unwrap();
    let name = empty.to_str().unwrap();
    for (options, text) in [
        (&["--metadata", name][..], "empty is not JSON"),
        (&["--sign-key", name, "--sign-cert", name], "no private key"),
        (
            &["--init-config", "aws", "--nsm-module", name],
            "is not a kernel module",
        ),
    ] {
        let output = bench.build(&image, options);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(text), "{error}");
        assert_eq!(output.status.code(), Some(2));
        bench.nothing_left();
    }
    // Ramdisks may be empty: AWS's builder takes them too.
    let output = bench.build(&image, &["--ramdisk", name]);
    good(&output);
    std::fs::remove_file(bench.output()).unwrap();
    for image in ["-", "/dev/null"] {
        let output = eif().args(["describe", image]).output().unwrap();
        bench.fails(
            &output,
            &["is not a regular file", "write it to a file first"],
        );
    }
    let output = eif().arg("describe").arg(&empty).output().unwrap();
    bench.fails(&output, &["empty: not a valid enclave image, at offset 0"]);
}
