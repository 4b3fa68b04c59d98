//! Each derivation of the flake takes what it reads and nothing else: a change elsewhere builds
//! nothing again. Wants Nix.

#![cfg(test)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Package to path of its derivation.
type Derivations = BTreeMap<String, String>;

struct Tree(tempfile::TempDir);

impl Tree {
    /// A copy of this tree without history.
    fn copy() -> Self {
        let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let list = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(here)
            .output()
            .unwrap();
        assert!(list.status.success());
        let tree = Self(tempfile::tempdir().unwrap());
        for name in String::from_utf8(list.stdout)
            .unwrap()
            .split_terminator('\0')
        {
            let (from, to) = (here.join(name), tree.0.path().join(name));
            if from.exists() {
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(from, to).unwrap();
            }
        }
        tree
    }

    fn change(&self, file: &str) {
        let path = self.0.path().join(file);
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        writeln!(file).unwrap();
    }

    fn add(&self, file: &str) {
        let path = self.0.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "new\n").unwrap();
    }

    fn derivations(&self) -> Derivations {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args([
                "nix",
                "--",
                "eval",
                "--json",
                ".#packages.x86_64-linux",
                "--apply",
            ])
            .arg("builtins.mapAttrs (_: package: package.drvPath)")
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        let all: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
        all.into_iter()
            .map(|(name, path)| (name, path.as_str().unwrap().to_owned()))
            .collect()
    }
}

/// The names of the packages that are built again.
fn changed(before: &Derivations, after: &Derivations) -> Vec<String> {
    assert!(before.keys().eq(after.keys()));
    let differ = before.iter().filter(|(name, path)| after[*name] != **path);
    differ.map(|(name, _)| name.clone()).collect()
}

#[test]
fn a_change_builds_again_only_what_reads_the_file() {
    let nix = Command::new("nix")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !nix.is_ok_and(|status| status.success()) {
        letsesign_tests::skip("Nix is not installed (on Debian: apt-get install nix-bin)");
        return;
    }
    let tree = Tree::copy();
    let mut before = tree.derivations();
    for name in [
        "server", "init", "sysroot", "kernel", "eif", "canoni", "xtask",
    ] {
        assert!(before.contains_key(name), "{name}: {before:?}");
    }
    let mut expect = |expected: &[&str]| {
        let after = tree.derivations();
        assert_eq!(changed(&before, &after), expected);
        before = after;
    };

    // Nothing that is built reads these.
    for file in [
        "README.md",
        "CHANGELOG.md",
        "docs/reproduce.md",
        "enclave/base/README.md",
        "server/tests/codes/main.rs",
        "server/benches/throughput.rs",
        "crates/stamp/tests/promise.rs",
        "reproducers/kernel/build.sh",
        "tests/tests/boot.rs",
        "tests/testbed/src/lib.rs",
        "nix/checks/nextest.nix",
    ] {
        tree.change(file);
    }
    tree.add("reproducers/new/build.sh");
    tree.add("tests/vectors/new");
    expect(&[]);

    // The list of releases is part of the verifier.
    tree.change("measurements/status.json");
    expect(&["letsesign-verify", "measurements"]);

    // xtask puts the image together, out of programs that it does not compile.
    tree.change("xtask/src/main.rs");
    expect(&["default", "docker-image", "eif", "xtask"]);

    tree.change("enclave/configs/limits.toml");
    expect(&["default", "docker-image", "eif"]);

    // The command `eif` comes with kernel and init, and is not compiled again for them.
    tree.change("enclave/packages/kernel/config");
    expect(&["default", "docker-image", "eif", "eif-cli", "kernel"]);

    // Nothing depends on the server.
    tree.change("server/src/main.rs");
    expect(&["default", "docker-image", "eif", "server"]);

    // The host reads headers and statements of protocol 2, whose addresses are those of mails.
    tree.change("crates/mail/src/lib.rs");
    expect(&["default", "docker-image", "eif", "letsesign-host", "server"]);

    tree.change("enclave/init/src/main.rs");
    expect(&["default", "docker-image", "eif", "eif-cli", "init"]);

    // rustc reads a package's page (`include_str!`): without it the package does not compile.
    tree.change("crates/pcr/README.md");
    let after = tree.derivations();
    let names = changed(&before, &after);
    for name in ["server", "eif-cli", "letsesign-verify"] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
}
