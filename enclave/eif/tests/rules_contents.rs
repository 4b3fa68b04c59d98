//! For each rule about the contents of sections a file that breaks it, and no other.

#![cfg(test)]

mod support;

use eif::Rule;
use eif::format::SectionKind;
use support::{Parts, breaks, vector, violation};

#[test]
fn rule_17_kernel() {
    breaks(Rule::Kernel, 560, |p| {
        p.replace(SectionKind::Kernel, b"no kernel").table();
    });
    // The kernel of the other architecture.
    breaks(Rule::Kernel, 560, |p| p.header.flags = 1);
    breaks(Rule::Kernel, 560, |p| {
        p.replace(SectionKind::Kernel, b"").table();
    });
}

#[test]
fn rule_18_cmdline() {
    let contents = Parts::golden().header.section_offsets[1] + 12;
    for (text, at) in [
        (&b"\0"[..], 0),
        (b"a\nb", 1),
        (b"console=ttyS0\xff", 13),
        ("é".as_bytes(), 0),
    ] {
        breaks(Rule::Cmdline, contents + at, |p| {
            p.replace(SectionKind::Cmdline, text).table();
        });
    }
}

#[test]
fn rule_19_metadata() {
    let contents = Parts::golden().header.section_offsets[2] + 12;
    for text in ["", "{", "[]", "{}", "{\"ImageName\":1}", "\u{0}"] {
        breaks(Rule::Metadata, contents, |p| {
            p.replace(SectionKind::Metadata, text.as_bytes()).table();
        });
    }
}

fn with_signature(contents: &[u8]) -> Rule {
    let mut parts = Parts::of(&vector("signed"));
    let found = violation(
        &parts
            .replace(SectionKind::Signature, contents)
            .table()
            .bytes(),
    );
    assert_eq!(found.offset, parts.header.section_offsets[5] + 12);
    found.rule
}

#[test]
fn rule_20_signature_form() {
    let section = Parts::of(&vector("signed")).sections[5].1.clone();
    assert_eq!(with_signature(&[]), Rule::SignatureForm);
    assert_eq!(with_signature(&[0x80]), Rule::SignatureForm);
    // An array that claims 2^64-1 items, a map of indefinite length.
    assert_eq!(
        with_signature(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]),
        Rule::SignatureForm
    );
    assert_eq!(with_signature(&[0x81, 0xbf, 0xff]), Rule::SignatureForm);
    assert_eq!(
        with_signature(&[section.as_slice(), &[0]].concat()),
        Rule::SignatureForm
    );
    for end in (0..section.len()).step_by(7) {
        assert_eq!(
            with_signature(&section[..end]),
            Rule::SignatureForm,
            "{end}"
        );
    }
}

#[test]
fn rule_21_signature_of_another_image() {
    let mut parts = Parts::of(&vector("signed"));
    parts.replace(SectionKind::Cmdline, b"console=ttyS0");
    assert_eq!(violation(&parts.table().bytes()).rule, Rule::SignaturePcr0);
}

#[test]
fn rule_22_signature_that_does_not_verify() {
    let mut section = Parts::of(&vector("signed")).sections[5].1.clone();
    // The last byte of the signature, encoded as one or two bytes; flip its lowest bit.
    *section.last_mut().unwrap() ^= 1;
    assert_eq!(with_signature(&section), Rule::SignatureValid);
}
