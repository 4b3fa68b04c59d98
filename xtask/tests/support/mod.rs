//! A repository made for a test: releases, a record, and a task that "builds" what the tree holds.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses its own part"
)]

use canoni::{Canonical, CanonicalOptions, Content, Format, Metadata, Selector, TreeBuilder};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// A test double of the real tasks, which take minutes: `eif --output DIR` copies the folder
/// `built`, `reproduce` fails on demand.
const TASK: &str = r#"
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments[0].as_str() {
        "eif" => {
            std::fs::create_dir(&arguments[2]).unwrap();
            for entry in std::fs::read_dir("built").unwrap() {
                let path = entry.unwrap().path();
                let to = std::path::Path::new(&arguments[2]).join(path.file_name().unwrap());
                std::fs::copy(&path, to).unwrap();
            }
        }
        "reproduce" => assert!(!std::path::Path::new("differs").exists()),
        other => panic!("{other}"),
    }
}
"#;

pub struct Repository(tempfile::TempDir);

impl Repository {
    /// A repository with release 1909 and the record of what its task builds, committed.
    pub fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        for folder in ["enclave/base", "measurements", "src", "built"] {
            fs::create_dir_all(repository.tree(folder)).unwrap();
        }
        let copy = |name: &str, to: &str| {
            fs::copy(here.join(name), repository.tree(to)).unwrap();
        };
        copy("measurements/1909.json", "measurements/1909.json");
        copy("rust-toolchain.toml", "rust-toolchain.toml");
        let vectors = "enclave/eif/tests/vectors";
        let image = "built/letsesign-enclave.eif";
        copy(&format!("{vectors}/two-ramdisks.eif"), image);
        let write = |name: &str, text: &str| fs::write(repository.tree(name), text).unwrap();
        write("enclave/base/SHA256SUMS", "");
        write("src/main.rs", TASK);
        write(".gitignore", "/target/\n");
        write("built/letsesign-enclave.cdx.json", "{}\n");
        let package = "name = \"xtask\"\nversion = \"0.0.0\"\n";
        let manifest = format!("[workspace]\n[package]\n{package}edition = \"2024\"\n");
        write("Cargo.toml", &manifest);
        write(
            "Cargo.lock",
            &format!("version = 4\n\n[[package]]\n{package}"),
        );
        let ledger = fs::read_to_string(here.join("measurements/LEDGER")).unwrap();
        let first = ledger.lines().next().unwrap();
        write("measurements/LEDGER", &format!("{first}\n"));
        repository.write_archive();
        repository.write("next.json", &repository.record().to_string());
        repository.good(&["measure", "--files", "--write"]);
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit();
        repository
    }

    fn write_archive(&self) {
        let mut builder = TreeBuilder::new();
        let content = Content::from(b"server".to_vec());
        builder
            .file("server", Metadata::root(0o755), content)
            .unwrap();
        let configuration = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [] },
        });
        let tree = builder.build().unwrap();
        let options = CanonicalOptions {
            tags: vec!["x:latest".to_owned()],
            ..CanonicalOptions::default()
        };
        Canonical::from_tree(tree, &configuration, &options)
            .unwrap()
            .write(
                &self.tree("built/letsesign-enclave.tar"),
                Format::DockerArchive,
            )
            .unwrap();
    }

    /// The expected `next.json`, computed without the code under test.
    pub fn record(&self) -> Value {
        let file = |extension: &str| self.tree(&format!("built/letsesign-enclave.{extension}"));
        let (_, image) = eif::Image::open(&file("eif"), Arc::new(eif::Silent)).unwrap();
        let archive = canoni::Archive::open(&file("tar"), &canoni::Limits::default()).unwrap();
        let opened = archive.image(&Selector::default()).unwrap();
        let options = CanonicalOptions {
            flatten: true,
            ..CanonicalOptions::default()
        };
        let canonical = Canonical::from_image(&opened, &options).unwrap();
        let sum = |extension: &str| eif::file_sha256(&file(extension)).unwrap();
        json!({
            "verName": "next",
            "pcrs": {
                "0": image.pcrs.pcr0.to_string(),
                "1": image.pcrs.pcr1.to_string(),
                "2": image.pcrs.pcr2.to_string(),
            },
            "issueTime": 0,
            "imageDigest": canonical.digest(),
            "eifSha256": sum("eif"),
            "sbomSha256": sum("cdx.json"),
            "toolchain": "rustc 1.95.0",
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn tree(&self, name: &str) -> PathBuf {
        self.0.path().join("tree").join(name)
    }

    pub fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(arguments)
            .current_dir(self.path(folder))
            .env_remove("REQUIRE_ALL")
            .env_remove("CARGO_TARGET_DIR");
        command
    }

    pub fn run_in(&self, folder: &str, arguments: &[&str]) -> Output {
        self.command(folder, arguments).output().unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_in("tree", arguments)
    }

    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn bad(&self, arguments: &[&str], text: &str) {
        self.bad_in("tree", arguments, text);
    }

    #[track_caller]
    pub fn bad_in(&self, folder: &str, arguments: &[&str], text: &str) {
        let output = self.run_in(folder, arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(error.contains(text), "{arguments:?}: {error}");
    }

    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path("tree"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "a commit"]);
    }

    /// Brings the aggregate up to date by hand: `measurements --write` looks at the past first.
    pub fn good_aggregate(&self) {
        let text = fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../measurements/tcb-info.json"
        ));
        self.write("tcb-info.json", &text.unwrap());
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.tree(&format!("measurements/{name}"))).unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.tree(&format!("measurements/{name}")), text).unwrap();
    }
}
