//! The page of `letsesign-verify page` as people meet it, in headless Chromium: sizes, languages,
//! keyboard, paper, and the document beside the verdict. axe checks accessibility.

#![cfg(test)]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    unreachable_pub,
    reason = "tests and their helpers"
)]

mod support;

use std::process::{Command, Stdio};
use support::{MAGIC, Place, Signed, pdf, repository, signer, signer_with_phone};

#[test]
fn people_use_the_page_on_every_screen_in_every_language_and_on_paper() {
    let Some([node, modules, chromium]) = letsesign_tests::browser() else {
        support::skip(letsesign_tests::BROWSER_MISSING);
        return;
    };
    let place = Place::new();
    let signed = Signed::of(
        pdf::signed(&MAGIC.on_page()),
        vec![signer_with_phone("王小明"), signer("Ada")],
    );
    place.put(&signed);
    let mut changed = signed.pdf.clone();
    changed[20] ^= 1;
    place.write("changed.pdf", changed);
    place.write("garbage.pdf", "%PDF-1.7 garbage");
    place
        .run(&["page", "--root", "root.der", "-o", "small.html"])
        .is(0, "");
    place
        .run(&[
            "page",
            "--root",
            "root.der",
            "--with-viewer",
            "-o",
            "viewer.html",
        ])
        .is(0, "");
    let output = Command::new(node)
        .arg(repository("verify/tests/web/looks.mjs"))
        .args([modules, chromium])
        .arg(place.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    // Each part says so when it has run.
    let said = String::from_utf8_lossy(&output.stdout);
    for part in ["languages", "screens", "keyboard", "paper", "viewer"] {
        assert!(said.lines().any(|line| line == part), "{part}: {said}");
    }
}
