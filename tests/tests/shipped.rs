//! Shipped programs and libraries do not contain test tools.

#![cfg(test)]

use std::process::Command;

/// The test authority, the testbed built on it, and the demo and the service on one machine, built
/// on both. None of them is shipped.
const TOOLS: [&str; 4] = [
    "letsesign-test-authority",
    "letsesign-testbed",
    "letsesign-demo",
    "letsesign-serve",
];

/// The packages that a package is built into, itself included.
fn users(package: &str) -> Vec<String> {
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
            "--prefix",
            "none",
            "--invert",
            package,
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn shipped_packages_do_not_contain_test_tools() {
    for tool in TOOLS {
        let users = users(tool);
        assert!(users.iter().any(|user| user == tool), "{tool}: {users:?}");
        let shipped: Vec<&String> = users
            .iter()
            .filter(|user| !TOOLS.contains(&user.as_str()))
            .collect();
        assert!(shipped.is_empty(), "{tool} is in {shipped:?}");
    }
}
