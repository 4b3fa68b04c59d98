//! The signer's page (host/web/signer), without a service: tests/signer-page.

#![cfg(test)]

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a script of tests/signer-page: it prints a line per check, and fails if one does.
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("ok: "), "{text}");
}

#[test]
fn the_page_reads_links_and_makes_answers() {
    let Some([node, ..]) = letsesign_tests::browser() else {
        letsesign_tests::skip(letsesign_tests::BROWSER_MISSING);
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("signer-page");
    run(Command::new(node).arg(folder.join("unit.mjs")));
}

#[test]
fn the_page_in_a_browser() {
    let Some([node, modules, chromium]) = letsesign_tests::browser() else {
        letsesign_tests::skip(letsesign_tests::BROWSER_MISSING);
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("signer-page");
    run(Command::new(node)
        .arg(folder.join("browser.mjs"))
        .args([modules, chromium]));
}
