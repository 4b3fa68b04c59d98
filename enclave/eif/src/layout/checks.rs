//! Checks that need no more than the headers' values.

use super::{Section, broken};
use crate::error::Result;
use crate::format::{Arch, HEADER_SIZE, Header, MAGIC, MAX_SECTIONS, SectionKind, VERSION, offset};
use crate::rule::Rule;

pub(super) fn check_header(header: &Header) -> Result<()> {
    if header.magic != MAGIC {
        let start = header.magic.escape_ascii();
        return broken(
            Rule::Magic,
            offset::MAGIC,
            format!("the file starts with \"{start}\""),
        );
    }
    if header.version != VERSION {
        return broken(
            Rule::Version,
            offset::VERSION,
            format!("the version is {}", header.version),
        );
    }
    if Arch::from_flags(header.flags).is_none() {
        return broken(
            Rule::Flags,
            offset::FLAGS,
            format!("the flags are {:#06x}", header.flags),
        );
    }
    for (value, at) in [
        (u64::from(header.reserved), offset::RESERVED),
        (u64::from(header.unused), offset::UNUSED),
    ] {
        if value != 0 {
            return broken(
                Rule::ReservedZero,
                at,
                format!("a reserved field is {value:#x}"),
            );
        }
    }
    let count = usize::from(header.section_count);
    if !(2..=MAX_SECTIONS).contains(&count) {
        return broken(
            Rule::SectionCount,
            offset::SECTION_COUNT,
            format!("the header tells of {count} sections"),
        );
    }
    // No register covers the header, so unused slots must not carry data.
    for (table, base) in [
        (&header.section_offsets, offset::SECTION_OFFSETS),
        (&header.section_sizes, offset::SECTION_SIZES),
    ] {
        if let Some((index, value)) = table
            .iter()
            .enumerate()
            .skip(count)
            .find(|(_, value)| **value != 0)
        {
            let at = base + 8 * index as u64;
            return broken(
                Rule::UnusedSlots,
                at,
                format!("slot {index} of {count} used ones is {value:#x}"),
            );
        }
    }
    Ok(())
}

pub(super) fn check_kinds(sections: &[Section]) -> Result<()> {
    let end = sections.last().map_or(HEADER_SIZE, Section::contents);
    for (kind, least, most) in [
        (SectionKind::Kernel, 1, 1),
        (SectionKind::Cmdline, 1, 1),
        (SectionKind::Metadata, 1, 1),
        (SectionKind::Ramdisk, 1, MAX_SECTIONS),
        (SectionKind::Signature, 0, 1),
    ] {
        let found: Vec<_> = sections
            .iter()
            .filter(|section| section.kind == kind)
            .collect();
        if found.len() < least {
            return broken(Rule::OneEach, end, format!("the {kind} section is missing"));
        }
        if found.len() > most {
            let at = found.get(most).map_or(end, |section| section.offset);
            return broken(
                Rule::OneEach,
                at,
                format!("there are {} {kind} sections", found.len()),
            );
        }
    }
    // PCR0 concatenates kernel, cmdline and ramdisks: in another order it would be the hash of
    // something else.
    let rank = |section: &&Section| match section.kind {
        SectionKind::Kernel => Some(0),
        SectionKind::Cmdline => Some(1),
        SectionKind::Ramdisk => Some(2),
        SectionKind::Metadata | SectionKind::Signature => None,
    };
    let measured: Vec<_> = sections
        .iter()
        .filter(|section| rank(section).is_some())
        .collect();
    for (before, after) in measured.iter().zip(measured.iter().skip(1)) {
        if rank(before) > rank(after) {
            return broken(
                Rule::Order,
                after.offset,
                format!("a {} section comes after a {}", after.kind, before.kind),
            );
        }
    }
    Ok(())
}
