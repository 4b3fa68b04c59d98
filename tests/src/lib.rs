//! Helpers shared by tests of several crates.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod boot;
pub mod docker;
pub mod elf;
pub mod newc;
pub mod registry;
pub mod sidebyside;
pub mod skopeo;
pub mod terminal;

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a test that cannot run must fail (CI sets `REQUIRE_ALL=1`).
fn require_all() -> bool {
    env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1")
}

/// Prints the reason for skipping a test.
///
/// # Panics
/// With `REQUIRE_ALL=1`.
pub fn skip(reason: &str) {
    assert!(!require_all(), "REQUIRE_ALL=1, but {reason}");
    println!("skipped: {reason}");
}

/// The folder with the files that `cargo xtask test` has built for tests: `bin/`, `docker/`, the
/// image and the EIF. `None` means that the test must return; the reason has been printed.
///
/// # Panics
/// With `REQUIRE_ALL=1`, instead of returning `None`.
pub fn artifacts() -> Option<PathBuf> {
    let folder = env::var_os("LETSESIGN_ARTIFACTS").map(PathBuf::from);
    if folder.is_none() {
        skip(
            "LETSESIGN_ARTIFACTS is not set; run the tests by: cargo xtask test --only eif --only tests",
        );
    }
    folder
}

/// Runs a program to its end and returns its output.
///
/// # Errors
/// The program's error output, when it cannot be run or its exit code is not 0.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Whether a program is on the search path.
pub fn is_installed(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// The arguments for `node` to render a PDF with pdf.js: the script and the folder of its modules.
///
/// The modules are in `target/pdfjs`, or in the folder that `LETSESIGN_PDFJS` names. `None` when
/// they or node are missing; [`PDFJS_MISSING`] then says how to install them.
pub fn pdfjs() -> Option<[PathBuf; 2]> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let modules =
        env::var_os("LETSESIGN_PDFJS").map_or_else(|| root.join("target/pdfjs"), PathBuf::from);
    let there = modules.join("node_modules/pdfjs-dist").is_dir() && is_installed("node");
    there.then(|| [root.join("tests/pdfjs/render.mjs"), modules])
}

/// How to install the prerequisites of [`pdfjs`].
pub const PDFJS_MISSING: &str = "pdf.js is not installed (cp tests/pdfjs/package.json target/pdfjs/ && \
                                 npm install --prefix target/pdfjs --no-package-lock)";

/// The parts that drive a browser in tests: `node`, the folder of its modules, and Chromium.
///
/// The modules are in `target/browser`, or in the folder that `LETSESIGN_BROWSER` names. `None`
/// when something is missing; [`BROWSER_MISSING`] then says how to install it.
pub fn browser() -> Option<[PathBuf; 3]> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let modules =
        env::var_os("LETSESIGN_BROWSER").map_or_else(|| root.join("target/browser"), PathBuf::from);
    let modules = modules.canonicalize().ok()?;
    let path = env::var_os("PATH")?;
    let program = |names: &[&str]| {
        let mut found = env::split_paths(&path).flat_map(|folder| {
            let files = names.iter().map(|name| folder.join(name));
            files.collect::<Vec<_>>()
        });
        found.find(|file| file.is_file())
    };
    let chromium = program(&["chromium", "chromium-browser", "google-chrome"])?;
    let there = modules.join("node_modules/playwright-core").is_dir();
    Some([program(&["node"])?, modules, chromium]).filter(|_| there)
}

/// How to install the prerequisites of [`browser`].
pub const BROWSER_MISSING: &str = "no browser to drive (node, chromium; mkdir -p target/browser && \
                                   cp tests/serve/browser/package.json target/browser/ && \
                                   npm install --prefix target/browser --no-package-lock)";

/// schemathesis, which makes requests out of an OpenAPI document: in `target/schemathesis`, where
/// [`SCHEMATHESIS_MISSING`] installs it, or on the search path.
pub fn schemathesis() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = root.join("target/schemathesis/bin/schemathesis");
    if own.is_file() {
        return Some(own);
    }
    is_installed("schemathesis").then(|| PathBuf::from("schemathesis"))
}

/// How to install [`schemathesis`].
pub const SCHEMATHESIS_MISSING: &str = "schemathesis is not installed (python3 -m venv \
                                        target/schemathesis && target/schemathesis/bin/pip \
                                        install -r tests/serve/schemathesis.txt)";

/// The faces for the server's stamps: script, monospaced, CJK.
///
/// # Errors
/// When one of `enclave/packages/fonts` cannot be read.
pub fn fonts() -> io::Result<[Vec<u8>; 3]> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enclave/packages/fonts");
    let read = |name| fs::read(folder.join(name));
    Ok([
        read("DancingScript-Regular.otf")?,
        read("Inconsolata.otf")?,
        read("ukai.ttc")?,
    ])
}
