//! One context, all builders: one digest.
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
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// podman's service on a socket of its own; ended when dropped.
struct Podman {
    child: Child,
    host: String,
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Places for podman and buildah that are the test's own.
fn storage(folder: &Path) -> [String; 6] {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    [
        "--root".into(),
        at("storage"),
        "--runroot".into(),
        at("run"),
        "--storage-driver".into(),
        "vfs".into(),
    ]
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story, in its order")]
fn all_builders_give_one_digest() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("context");
    fs::create_dir(&folder).unwrap();
    let ready = context(&folder).and_then(|()| {
        for program in ["podman", "buildah"] {
            run(program, &["--version"])?;
        }
        Daemon::start()
    });
    let daemon = match ready {
        Ok(daemon) => daemon,
        Err(reason) => return skip(&reason),
    };
    // Steps that every builder runs alike, and that leave nothing of their own in the image.
    let text =
        "COPY tree /tree\nCOPY tree/sub /tree/again\nENV A=1\nCMD [\"/bin/busybox\", \"true\"]\n";
    fs::write(
        folder.join("Dockerfile"),
        format!("FROM scratch\nCOPY busybox /bin/busybox\n{text}"),
    )
    .unwrap();
    let context = folder.to_str().unwrap();
    let mut archives: Vec<(String, PathBuf)> = Vec::new();
    for (name, buildkit) in [("first", "0"), ("second", "0"), ("buildkit", "1")] {
        let tag = format!("{name}:1");
        let arguments = [
            "build",
            "--no-cache",
            "--network=none",
            "--tag",
            &tag,
            context,
        ];
        if let Err(reason) = daemon.run(&arguments, &[("DOCKER_BUILDKIT", buildkit)]) {
            // BuildKit wants a plugin of the client that not everybody has.
            assert_eq!(buildkit, "1", "{reason}");
            println!(
                "without BuildKit: {}",
                reason.lines().next().unwrap_or_default()
            );
            continue;
        }
        let path = scratch.path().join(format!("{name}.tar"));
        daemon
            .run(&["save", "--output", path.to_str().unwrap(), &tag], &[])
            .unwrap();
        archives.push((name.to_owned(), path));
        // Another time in everything that the next build makes, and in what it copies.
        sleep(Duration::from_millis(1100));
        run(
            "touch",
            &["-d", "2001-02-03", &format!("{context}/tree/sub/file")],
        )
        .unwrap();
    }
    let storage = storage(&scratch.path().join("podman"));
    let storage: Vec<&str> = storage.iter().map(String::as_str).collect();
    for (program, build) in [("buildah", "bud"), ("podman", "build")] {
        let tag = format!("{program}-made:1");
        let more = [
            build,
            "--no-cache",
            "--isolation=chroot",
            "--tag",
            &tag,
            context,
        ];
        let arguments: Vec<&str> = storage.iter().copied().chain(more).collect();
        run(program, &arguments).unwrap();
        for format in ["docker-archive", "oci-archive"] {
            let path = scratch.path().join(format!("{program}-{format}.tar"));
            let arguments: Vec<&str> = storage
                .iter()
                .copied()
                .chain([
                    "save",
                    "--format",
                    format,
                    "--output",
                    path.to_str().unwrap(),
                    &tag,
                ])
                .collect();
            run("podman", &arguments).unwrap();
            archives.push((format!("{program} {format}"), path));
        }
    }
    assert!(archives.len() >= 6);
    let digests: Vec<(String, String)> = archives
        .iter()
        .map(|(name, path)| {
            let output = canoni(
                &daemon.host(),
                &[path.to_str().unwrap(), "--flatten", "--digest-only"],
            );
            (name.clone(), good(output))
        })
        .collect();
    assert!(
        digests.iter().all(|(_, digest)| *digest == digests[0].1),
        "{digests:#?}"
    );
    // Before canoni they differ: the test would show nothing otherwise.
    let plain: Vec<Vec<u8>> = archives
        .iter()
        .take(2)
        .map(|(_, path)| fs::read(path).unwrap())
        .collect();
    assert!(plain[0] != plain[1]);

    // The same by name, through podman's socket.
    let socket = scratch.path().join("podman.sock");
    let address = format!("unix://{}", socket.display());
    let service = ["system", "service", "--time=0", &address];
    let child = Command::new("podman")
        .args(storage.iter().copied().chain(service))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let podman = Podman {
        child,
        host: address,
    };
    for _ in 0..600 {
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    let name = "localhost/podman-made:1";
    assert_eq!(
        good(canoni(&podman.host, &[name, "--flatten"])),
        digests[0].1
    );
    let made = "localhost/podman-made-canoni:1";
    assert_eq!(
        good(canoni(&podman.host, &[made, "--digest-only"])),
        digests[0].1
    );
}
