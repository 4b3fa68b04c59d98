//! The sender's page (client/web/ui) in Chromium, against a double of the program that will serve
//! it: fields, tasks, templates, verification, the token and accessibility.

#![cfg(test)]

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn senders_use_the_page() {
    let Some([node, modules, chromium]) = letsesign_tests::browser() else {
        letsesign_tests::skip(letsesign_tests::BROWSER_MISSING);
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(node)
        .arg(root.join("sender-page/browser.mjs"))
        .arg(modules.join("node_modules"))
        .arg(chromium)
        .arg(root.join("../client/web/ui"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
