//! Encrypted documents and protected previews keep the promise, too: a signer sees what is signed.

#![cfg(test)]

mod common;

use common::compare::{
    assert_same_outside_stamps, assert_same_when_protected, both, both_as, page_with,
};
use common::{Form, encrypted, vector};
use letsesign_stamp::{Error, Output};

const KINDS: [&[&str]; 4] = [
    &["40"],
    &["128", "--use-aes=n"],
    &["128", "--use-aes=y"],
    &["256"],
];

#[test]
fn a_dangling_reference_in_an_encrypted_document_does_not_come_alive() {
    if !common::has("qpdf") {
        return;
    }
    for kind in KINDS {
        for name in [
            "active.pdf",
            "covered-widget.pdf",
            "hidden-bdc.pdf",
            "unclosed-string.pdf",
        ] {
            let document = encrypted(&vector(name), &[&["", "owner"], kind].concat());
            let what = format!("{name} {kind:?}");
            assert_same_outside_stamps(&document, &what);
            assert_same_when_protected(&document, &what);
        }
    }
}

#[test]
fn a_protected_preview_looks_like_the_signed_document() {
    for name in [
        "active.pdf",
        "painted-over.pdf",
        "dangling.pdf",
        "covered-square.pdf",
    ] {
        assert_same_when_protected(&vector(name), name);
    }
}

#[test]
fn a_script_in_an_encrypted_document_is_removed() {
    if !common::has("qpdf") {
        return;
    }
    let script = "<</S/JavaScript/JS(evil)>>";
    let document = page_with(&format!("/AA<</O {script}>>"), &[script], Form::Table, "");
    for kind in KINDS {
        let document = encrypted(&document, &[&["", "owner"], kind].concat());
        for out in both(&document).unwrap() {
            let plain = common::compare::plain(&out);
            assert!(
                plain.contains("/Stamp Do") || plain.contains("/Contents"),
                "{kind:?}"
            );
            assert!(!plain.contains("JavaScript"), "{kind:?}");
        }
    }
}

#[test]
fn protected_previews_refuse_the_same_documents() {
    let document = page_with(
        "/Annots[5 0 R]",
        &["<</Type/Annot/Subtype/Screen/Rect[0 0 9 9]>>"],
        Form::Stream,
        "",
    );
    let preview = both_as(&document, Output::Protected { password: "x" });
    assert!(matches!(preview, Err(Error::Active(_))));
}
