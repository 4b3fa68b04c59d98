//! No shipped program or library contains the test world.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

/// Tools themselves, shipped to nobody.
const TOOLS: [&str; 2] = ["letsesign-demo", "letsesign-world"];

#[test]
fn nothing_depends_on_the_test_world_but_tools() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--workspace",
            "--all-features",
        ])
        .args([
            "--edges",
            "normal,build",
            "--invert",
            "letsesign-world",
            "--prefix",
            "none",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let users: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let is_tool = |user: &&str| TOOLS.contains(&user.split(' ').next().unwrap());
    assert!(users.iter().all(is_tool), "{users:?}");
}
