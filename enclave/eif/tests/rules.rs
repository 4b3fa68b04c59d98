//! For each rule of the format a file that breaks it, and no other.

#![cfg(test)]

mod support;

use eif::Rule;
use eif::format::{MAX_SECTIONS, SectionKind};
use support::{Parts, breaks, read, vector, violation};

#[test]
fn unbent_is_accepted() {
    let parts = Parts::golden();
    assert_eq!(parts.bytes(), vector("two-ramdisks"));
    assert_eq!(parts.clone().table().bytes(), vector("two-ramdisks"));
}

#[test]
fn rule_01_magic() {
    breaks(Rule::Magic, 0, |p| p.header.magic = *b".elf");
    assert_eq!(violation(b"").rule, Rule::Magic);
    assert_eq!(violation(b"hello").rule, Rule::Magic);
}

#[test]
fn rule_02_version() {
    breaks(Rule::Version, 4, |p| p.header.version = 3);
    breaks(Rule::Version, 4, |p| p.header.version = 5);
}

#[test]
fn rule_03_flags() {
    breaks(Rule::Flags, 6, |p| p.header.flags = 2);
    breaks(Rule::Flags, 6, |p| p.header.flags = 0x8001);
}

#[test]
fn rule_04_reserved() {
    breaks(Rule::ReservedZero, 24, |p| p.header.reserved = 1);
    breaks(Rule::ReservedZero, 540, |p| p.header.unused = 1);
}

#[test]
fn rule_05_section_count() {
    for count in [0, 1, 33, u16::MAX] {
        breaks(Rule::SectionCount, 26, |p| p.header.section_count = count);
    }
}

#[test]
fn rule_06_unused_slots() {
    breaks(Rule::UnusedSlots, 28 + 8 * 31, |p| {
        p.header.section_offsets[31] = 1;
    });
    breaks(Rule::UnusedSlots, 284 + 8 * 5, |p| {
        p.header.section_sizes[5] = 1;
    });
}

#[test]
fn rule_07_contiguous() {
    breaks(Rule::Contiguous, 28, |p| p.header.section_offsets[0] = 0);
    breaks(Rule::Contiguous, 36, |p| p.header.section_offsets[1] -= 1);
    breaks(Rule::Contiguous, 36, |p| p.header.section_offsets[1] += 1);
    breaks(Rule::Contiguous, 36, |p| {
        p.header.section_offsets[1] = u64::MAX;
    });
    // Two slots for one section: overlap.
    breaks(Rule::Contiguous, 60, |p| {
        p.header.section_offsets[4] = p.header.section_offsets[3];
    });
}

#[test]
fn rule_08_section_kind() {
    for kind in [0, 6, u16::MAX] {
        breaks(Rule::SectionKind, 548, |p| p.sections[0].0.kind = kind);
    }
}

#[test]
fn rule_09_section_flags() {
    breaks(Rule::SectionFlags, 550, |p| p.sections[0].0.flags = 1);
}

#[test]
fn rule_10_sizes_agree() {
    breaks(Rule::SizesAgree, 552, |p| p.header.section_sizes[0] += 1);
    breaks(Rule::SizesAgree, 552, |p| p.sections[0].0.size = 0);
}

#[test]
fn rule_11_inside_file() {
    let bytes = vector("two-ramdisks");
    for end in 4..bytes.len() {
        let found = violation(&bytes[..end]);
        assert_eq!(found.rule, Rule::InsideFile, "{end}: {found}");
        assert!(found.offset <= end as u64);
    }
    // A size near the end of the number range must not overflow, nor be allocated.
    breaks(Rule::InsideFile, 552, |p| {
        p.sections[0].0.size = u64::MAX - 3;
        p.header.section_sizes[0] = u64::MAX - 3;
    });
}

#[test]
fn rule_12_trailing_bytes() {
    let bytes = vector("two-ramdisks");
    let found = violation(&[bytes.as_slice(), &[0]].concat());
    assert_eq!(
        (found.rule, found.offset),
        (Rule::TrailingBytes, bytes.len() as u64)
    );
    // A section less in the table.
    let fifth = Parts::golden().header.section_offsets[4];
    breaks(Rule::TrailingBytes, fifth, |p| {
        p.header.section_count = 4;
        p.header.section_offsets[4] = 0;
        p.header.section_sizes[4] = 0;
    });
}

#[test]
fn rule_13_one_of_each() {
    for index in 0..3 {
        let parts = Parts::golden();
        let mut without = parts.clone();
        without.sections.remove(index);
        assert_eq!(violation(&without.table().bytes()).rule, Rule::OneEach);
        let mut twice = parts.clone();
        twice.sections.push(parts.sections[index].clone());
        let found = violation(&twice.table().bytes());
        let second = twice.header.section_offsets[5];
        assert_eq!(
            (found.rule, found.offset),
            (Rule::OneEach, second),
            "{found}"
        );
    }
    let mut none = Parts::golden();
    none.sections.truncate(3);
    assert!(
        violation(&none.table().bytes())
            .detail
            .contains("ramdisk section is missing")
    );
    let mut signed = Parts::of(&vector("signed"));
    let signature = signed.sections.last().unwrap().clone();
    signed.sections.push(signature);
    assert!(
        violation(&signed.table().bytes())
            .detail
            .contains("2 signature")
    );
}

#[test]
fn rule_14_order() {
    for (a, b) in [(0, 1), (0, 3), (1, 3), (1, 4)] {
        let mut parts = Parts::golden();
        parts.sections.swap(a, b);
        assert_eq!(violation(&parts.table().bytes()).rule, Rule::Order);
    }
    // Metadata may stand anywhere.
    for place in 0..5 {
        let mut parts = Parts::golden();
        let metadata = parts.sections.remove(2);
        parts.sections.insert(place, metadata);
        let image = read(&parts.table().bytes()).unwrap();
        assert_eq!(image.pcrs, read(&vector("two-ramdisks")).unwrap().pcrs);
    }
}

#[test]
fn rule_15_small_sections() {
    for (kind, most) in [
        (SectionKind::Cmdline, eif::MAX_CMDLINE),
        (SectionKind::Metadata, eif::MAX_METADATA),
        (SectionKind::Signature, eif::MAX_SIGNATURE),
    ] {
        let mut parts = Parts::of(&vector("signed"));
        let long = vec![b' '; usize::try_from(most).unwrap() + 1];
        assert_eq!(
            violation(&parts.replace(kind, &long).table().bytes()).rule,
            Rule::SmallSections
        );
    }
    let mut parts = Parts::golden();
    let full = vec![b'x'; usize::try_from(eif::MAX_CMDLINE).unwrap()];
    assert_eq!(
        read(&parts.replace(SectionKind::Cmdline, &full).table().bytes())
            .unwrap()
            .cmdline
            .len(),
        full.len()
    );
}

#[test]
fn rule_16_crc() {
    let mut bytes = vector("two-ramdisks");
    bytes[547] ^= 1;
    let found = violation(&bytes);
    assert_eq!((found.rule, found.offset), (Rule::Crc, 544));
}

/// Whatever byte is damaged, the file is refused; and never with a panic.
#[test]
fn every_damaged_byte_is_noticed() {
    for name in ["one-ramdisk", "signed"] {
        let bytes = vector(name);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            violation(&damaged);
        }
    }
}

#[test]
fn as_many_sections_as_fit() {
    let mut parts = Parts::golden();
    let ramdisk = parts.sections[4].clone();
    parts.sections.resize(MAX_SECTIONS, ramdisk);
    assert_eq!(
        read(&parts.table().bytes()).unwrap().layout.sections.len(),
        MAX_SECTIONS
    );
}
