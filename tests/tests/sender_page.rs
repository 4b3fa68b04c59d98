//! The sender's page in Chromium, against a program that speaks its interface.

#![cfg(test)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn skip(reason: &str) {
    assert!(
        env::var_os("REQUIRE_ALL").is_none_or(|value| value != "1"),
        "REQUIRE_ALL=1, but {reason}"
    );
    eprintln!("skipped: {reason}");
}

fn found(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Fields, tasks, templates, verification, the token and accessibility, as a sender uses them.
#[test]
fn senders_use_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (Some(node), Some(npm), Some(chromium)) = (found("node"), found("npm"), found("chromium"))
    else {
        return skip("node, npm and chromium are not all installed");
    };
    let place = root.join("target/sender-page");
    let source = root.join("tests/sender-page");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(source.join("package.json"), place.join("package.json")).unwrap();
    let installed = Command::new(npm)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefer-offline",
        ])
        .current_dir(&place)
        .output()
        .unwrap();
    if !installed.status.success() {
        return skip("the packages of the browser test could not be installed");
    }
    let output = Command::new(node)
        .arg(source.join("browser.mjs"))
        .arg(place.join("node_modules"))
        .arg(chromium)
        .arg(root.join("client/web/ui"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
