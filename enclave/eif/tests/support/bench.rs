//! A folder to build in, and the program.

use super::archive::{CONFIG, Layer, docker_archive};
use super::input;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub struct Bench {
    pub folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let init = letsesign_tests::elf::program(b"\xf4");
        std::fs::write(folder.path().join("init"), init).unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        Bench { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn output(&self) -> PathBuf {
        self.path("out/app.eif")
    }

    pub fn build_command(&self) -> Command {
        let mut command = eif();
        command
            .args(["build", "--cmdline", "console=ttyS0", "--kernel"])
            .arg(input("bzImage"));
        command.arg("--output").arg(self.output());
        command
    }

    /// Builds from an image or root directory.
    pub fn build(&self, source: &Path, more: &[&str]) -> Output {
        self.build_command()
            .arg(source)
            .arg("--init")
            .arg(self.path("init"))
            .args(more)
            .output()
            .unwrap()
    }

    pub fn archive(&self, layers: Vec<Layer>) -> PathBuf {
        docker_archive(self.folder.path(), layers, CONFIG)
    }

    /// The build must fail, say `text`, and leave nothing behind.
    #[track_caller]
    pub fn fails(&self, result: &Output, texts: &[&str]) {
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
    pub fn nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path("out"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub fn eif() -> Command {
    Command::new(env!("CARGO_BIN_EXE_eif"))
}

#[track_caller]
pub fn good(result: &Output) -> String {
    assert!(
        result.status.success(),
        "{}",
        String::from_utf8_lossy(&result.stderr)
    );
    String::from_utf8(result.stdout.clone()).unwrap()
}

pub fn run(args: &[&str], files: &[&Path]) -> Output {
    eif().args(args).args(files).output().unwrap()
}
