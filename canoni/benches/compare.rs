//! `canoni` side by side with the tool it replaces and with tools that copy images: a Go program
//! over go-containerregistry (benches/go/main.go), skopeo, buildah; and with the bounds of the
//! machine, `openssl dgst` and `cp`.
//!
//!     GO111MODULE=off go build -o go-canonical canoni/benches/go/main.go
//!     GO_CANONICAL=$PWD/go-canonical \
//!         cargo bench -p canoni --bench compare -- [DIRECTORY] [ROUNDS] [FILES]
//!
//! The Go program's library is Debian's golang-github-google-go-containerregistry-dev. DIRECTORY
//! (default /usr/lib) becomes the one layer of an image; another image has FILES (default 100000)
//! small files. Contenders that are not installed are left out, and it is said. Needs GNU time and
//! about five times the directory's size in TMPDIR.

use letsesign_tests::sidebyside::{Bench, Result, Run};
use std::io::Write;
use std::path::Path;
use std::process::Command;

fn main() -> Result<()> {
    // `cargo bench` adds --bench; `cargo test` runs benches without it, and then there is nothing
    // to do.
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let Some(at) = args.iter().position(|arg| arg == "--bench") else {
        return Ok(());
    };
    args.remove(at);
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        folder: folder.path().to_owned(),
        rounds: args.get(1).map_or(Ok(3), |text| text.parse())?,
        outputs: ["out.tar", "out.oci", "storage", "run"]
            .map(str::to_owned)
            .to_vec(),
    };
    let directory = args.first().map_or("/usr/lib", String::as_str);
    image(&bench, Path::new(directory))?;
    measure(&bench, &format!("{directory} as one layer"))?;
    let files: usize = args.get(2).map_or(Ok(100_000), |text| text.parse())?;
    small_files(&bench, files)?;
    image(&bench, &bench.folder.join("small"))?;
    measure(&bench, &format!("{files} small files"))
}

/// Files of 0 to 4 KiB, a hundred in each folder.
fn small_files(bench: &Bench, count: usize) -> Result<()> {
    let root = bench.folder.join("small");
    for number in 0..count {
        let folder = root.join(format!("{:04}", number / 100));
        if number % 100 == 0 {
            std::fs::create_dir_all(&folder)?;
        }
        let mut file = std::fs::File::create(folder.join(format!("file-{number}")))?;
        file.write_all(&vec![b'x'; number * 37 % 4096])?;
    }
    Ok(())
}

/// A docker-archive of a folder, as GNU tar writes it: image.tar.
fn image(bench: &Bench, directory: &Path) -> Result<()> {
    let at = |name: &str| bench.path(name);
    let work = bench.folder.join("work");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir(&work)?;
    bench.shell(&format!(
        "tar -C {} --no-xattrs --exclude='*.sock' -cf {}/layer.tar .",
        directory.display(),
        work.display()
    ))?;
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-r"])
        .arg(work.join("layer.tar"))
        .output()?;
    let digest: String = String::from_utf8(output.stdout)?.chars().take(64).collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {}, "history": [{ "created_by": "bench" }],
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
    });
    std::fs::write(work.join("config.json"), config.to_string())?;
    let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": ["bench:1"], "Layers": ["layer.tar"] }]);
    std::fs::write(work.join("manifest.json"), manifest.to_string())?;
    bench.shell(&format!(
        "cd {} && tar -cf {} manifest.json config.json layer.tar",
        work.display(),
        at("image.tar")
    ))?;
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

fn installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        println!("  (without {program}: it is not installed)");
    }
    found
}

fn measure(bench: &Bench, what: &str) -> Result<()> {
    let (canoni, image, out) = (
        env!("CARGO_BIN_EXE_canoni"),
        bench.path("image.tar"),
        bench.path("out.tar"),
    );
    println!("\n{what}: {} MB", bench.megabytes("image.tar")?);
    let mut contenders: Vec<(&str, String)> = vec![
        (
            "canoni -o",
            format!("{canoni} --allow-escaping-symlinks --drop-xattrs {image} -o {out}"),
        ),
        (
            "canoni --flatten -o",
            format!("{canoni} --allow-escaping-symlinks --drop-xattrs {image} --flatten -o {out}"),
        ),
        (
            "canoni --digest-only",
            format!("{canoni} --allow-escaping-symlinks --drop-xattrs {image} --digest-only"),
        ),
        (
            "openssl dgst -sha256",
            format!("openssl dgst -sha256 {image}"),
        ),
        ("cp", format!("cp {image} {out}")),
    ];
    match std::env::var("GO_CANONICAL") {
        Ok(go) => contenders.push(("Go program", format!("{go} {image} {out}"))),
        Err(_) => println!("  (without the Go program: GO_CANONICAL does not name it)"),
    }
    if installed("skopeo") {
        let command = format!(
            "skopeo copy --quiet docker-archive:{image} oci:{}",
            bench.path("out.oci")
        );
        contenders.push(("skopeo copy to an OCI layout", command));
    }
    if installed("buildah") {
        let command = format!(
            "buildah --root {} --runroot {} --storage-driver vfs pull --quiet docker-archive:{image}",
            bench.path("storage"),
            bench.path("run")
        );
        contenders.push(("buildah pull", command));
    }
    let best = bench.compare(&contenders)?;
    let of = |name: &str| -> Option<Run> {
        let at = contenders.iter().position(|(found, _)| *found == name)?;
        best.get(at).copied()
    };
    let (Some(ours), Some(digest)) = (of("canoni -o"), of("canoni --digest-only")) else {
        return Ok(());
    };
    for name in [
        "Go program",
        "skopeo copy to an OCI layout",
        "buildah pull",
        "cp",
    ] {
        if let Some(theirs) = of(name) {
            #[allow(clippy::cast_precision_loss)]
            let memory = theirs.kib as f64 / ours.kib as f64;
            println!(
                "  {name} / canoni -o: {:.2} times the time, {memory:.1} times the memory",
                theirs.seconds / ours.seconds
            );
        }
    }
    if let Some(openssl) = of("openssl dgst -sha256") {
        println!(
            "  canoni --digest-only / openssl dgst: {:.2}",
            digest.seconds / openssl.seconds
        );
    }
    Ok(())
}
