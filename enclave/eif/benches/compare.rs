//! `eif build` side by side with the usual tools: `find | sort | cpio | gzip -n` and AWS's
//! eif_build.
//!
//!     cargo install eif_build --version 0.2.1 --locked
//!     cargo bench -p eif --bench compare -- [DIRECTORY] [ROUNDS]
//!
//! DIRECTORY (default /usr/lib/x86_64-linux-gnu) is the root file system. Each round runs every
//! contender once, in turn, so that whatever else the machine does hits all of them; the best time
//! of each counts. Needs cpio, gzip, GNU time and eif_build in PATH (or EIF_BUILD), and about four
//! times the directory's size in TMPDIR.

use letsesign_tests::sidebyside::{Result, Run};
use std::path::PathBuf;

struct Bench {
    side: letsesign_tests::sidebyside::Bench,
    directory: PathBuf,
    eif_build: String,
}

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
        side: letsesign_tests::sidebyside::Bench {
            folder: folder.path().to_owned(),
            rounds: args.get(1).map_or(Ok(3), |text| text.parse())?,
            outputs: ["ours.eif", "theirs.eif"].map(str::to_owned).to_vec(),
        },
        directory: PathBuf::from(
            args.first()
                .map_or("/usr/lib/x86_64-linux-gnu", String::as_str),
        ),
        eif_build: std::env::var("EIF_BUILD").unwrap_or_else(|_| "eif_build".to_owned()),
    };
    bench.prepare()?;
    bench.directory_input()?;
    bench.ramdisk_input("compressed", "root.cpio.gz")?;
    bench.ramdisk_input("plain", "root.cpio")
}

fn ratio(what: &str, theirs: &Run, ours: &Run) {
    let (seconds, processor) = (
        theirs.seconds / ours.seconds,
        theirs.processor / ours.processor,
    );
    println!("  {what}: {seconds:.1} times (processor time {processor:.1})");
}

impl Bench {
    fn path(&self, name: &str) -> String {
        self.side.path(name)
    }

    fn prepare(&self) -> Result<()> {
        std::fs::write(
            self.side.folder.join("bzImage"),
            eif::kernel::fake_bzimage(2 << 20),
        )?;
        std::fs::write(
            self.side.folder.join("init"),
            [b"\x7fELF".as_slice(), &vec![1; 1 << 20]].concat(),
        )?;
        std::fs::write(self.side.folder.join("init.cpio.gz"), vec![2; 1 << 20])?;
        // Untimed, so that every contender finds the files in memory.
        let directory = self.directory.display();
        self.side.shell(&format!(
            "cd {directory} && find . | LC_ALL=C sort | cpio --quiet -o -H newc > {}",
            self.path("root.cpio")
        ))?;
        Ok(())
    }

    fn directory_input(&self) -> Result<()> {
        let directory = self.directory.display();
        let pipeline = format!(
            "cd {directory} && find . | LC_ALL=C sort | cpio --quiet -o -H newc | gzip -n > {}",
            self.path("root.cpio.gz")
        );
        let contenders = [
            ("find | sort | cpio | gzip -n", pipeline),
            ("eif_build of its result", self.eif_build_of("root.cpio.gz")),
            (
                "eif build --root",
                self.eif(&format!(
                    "--root {directory} --init {} --exec /libc.so.6",
                    self.path("init")
                )),
            ),
            (
                "eif build --root --compress lz4",
                self.eif(&format!(
                    "--root {directory} --init {} --exec /libc.so.6 --compress lz4",
                    self.path("init")
                )),
            ),
            (
                "eif build --root --compress gzip",
                self.eif(&format!(
                    "--root {directory} --init {} --exec /libc.so.6 --compress gzip",
                    self.path("init")
                )),
            ),
        ];
        println!(
            "\nfrom a root directory: {directory}, {} MB as cpio",
            self.side.megabytes("root.cpio")?
        );
        let best = self.side.compare(&contenders)?;
        if let [pipeline, oracle, plain, lz4, gzip] = best.as_slice() {
            let both = Run {
                seconds: pipeline.seconds + oracle.seconds,
                processor: pipeline.processor + oracle.processor,
                kib: pipeline.kib.max(oracle.kib),
            };
            for (name, ours) in [("none", plain), ("lz4", lz4), ("gzip", gzip)] {
                ratio(
                    &format!("pipeline and eif_build / eif build, {name}"),
                    &both,
                    ours,
                );
            }
        }
        Ok(())
    }

    fn ramdisk_input(&self, what: &str, root: &str) -> Result<()> {
        let contenders = [
            ("eif_build", self.eif_build_of(root)),
            (
                "eif build --ramdisk",
                self.eif(&format!(
                    "--ramdisk {} --ramdisk {}",
                    self.path("init.cpio.gz"),
                    self.path(root)
                )),
            ),
        ];
        println!(
            "\nfrom finished ramdisks, {what}: {} MB",
            self.side.megabytes(root)?
        );
        if let [theirs, ours] = self.side.compare(&contenders)?.as_slice() {
            println!(
                "  eif_build / eif build: {:.1}",
                theirs.seconds / ours.seconds
            );
        }
        Ok(())
    }

    fn eif(&self, rest: &str) -> String {
        let (eif, kernel, output) = (
            env!("CARGO_BIN_EXE_eif"),
            self.path("bzImage"),
            self.path("ours.eif"),
        );
        format!("{eif} build --kernel {kernel} --cmdline console=ttyS0 --output {output} {rest}")
    }

    fn eif_build_of(&self, root: &str) -> String {
        let (kernel, first, root, output) = (
            self.path("bzImage"),
            self.path("init.cpio.gz"),
            self.path(root),
            self.path("theirs.eif"),
        );
        format!(
            "{} --kernel {kernel} --cmdline console=ttyS0 --output {output} --ramdisk {first} --ramdisk {root}",
            self.eif_build
        )
    }
}
