//! Every PDF of `tests/vectors/pdf`: either stamped, with the stamp in its place in every reader
//! and nothing else changed, or refused for the right reason.

#![cfg(test)]

mod common;

use common::compare::{Image, render};
use common::{SIGNED, signature, stamp, vector};
use letsesign_stamp::{Error, Limits, Output, Template, Trace};
use std::collections::BTreeSet;
use std::path::Path;

/// Readers, named after their programs.
const READERS: [&str; 4] = ["pdftoppm", "mutool", "gs", "pdfjs"];
const INK: [u8; 3] = [4, 28, 172];

const STAMPED: &[&str] = &[
    // Content that could make previews differ from signed documents.
    "active.pdf",
    "dangling.pdf",
    "painted-over.pdf",
    // K13: one bad entry of a cross-reference table.
    "attached-one-bad-entry.pdf",
    // K2: a wrong Length, with a good table and with a bad one.
    "length-long-a.pdf",
    "length-long-b.pdf",
    "length-much-too-long-a.pdf",
    "length-much-too-long-b.pdf",
    "length-short-a.pdf",
    // K3: the content leaves something open at its end.
    "unclosed-array-in-TJ.pdf",
    "unclosed-array.pdf",
    "unclosed-inline-image.pdf",
    "unclosed-string.pdf",
    // K10: covered by an annotation or a form field.
    "covered-square.pdf",
    "covered-widget.pdf",
    // K11, K12: content left open, in all encodings.
    "LZWDecode-clip.pdf",
    "LZWDecode-matrix.pdf",
    "LZWDecode-text.pdf",
    "hidden-bdc.pdf",
    "none-matrix.pdf",
    // K14: too few operands.
    "too-few.pdf",
    // K19: an element of Contents is not a stream.
    "contents-missing.pdf",
    "contents-null.pdf",
    // K20: truncated data.
    "data-flate-broken-in-the-middle.pdf",
    // K21: a number with 70,000 digits in the resources.
    "long-number.pdf",
    // K4 to K8: once refused, although other readers open them.
    "refused-direct-page.pdf",
    "refused-form-circle.pdf",
    "refused-indirect-crypt-filter-R4.pdf",
    "refused-indirect-crypt-filter-R6.pdf",
    "refused-late-header.pdf",
    "refused-no-header.pdf",
    "refused-v4-rc4-128.pdf",
    "refused-v4-rc4-40.pdf",
    // letsesign-verify must find their stamps.
    "verify-abbreviated-filters.pdf",
    "verify-ascii-hex.pdf",
    "verify-hybrid.pdf",
    "verify-indirect-filter.pdf",
];

fn refused() -> Vec<(&'static str, Error)> {
    let content = |what| Error::Content { page: 1, what };
    vec![
        // K18: a leaf of the page tree is not a page.
        (
            "action-as-pages.pdf",
            Error::Damaged("a leaf of the page tree is not a page"),
        ),
        (
            "kids-no-array.pdf",
            Error::Damaged("a leaf of the page tree is not a page"),
        ),
        // K20: one reader shows the content behind an unknown filter, the others do not.
        (
            "data-unknown-filter.pdf",
            content("a stream that cannot be unpacked"),
        ),
        (
            "data-flate-bad-header.pdf",
            content("a stream that cannot be unpacked"),
        ),
    ]
}

#[test]
fn every_vector_has_its_result() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/pdf");
    let all: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "pdf")
        })
        .collect();
    let listed: BTreeSet<String> = STAMPED
        .iter()
        .copied()
        .chain(refused().into_iter().map(|(name, _)| name))
        .map(str::to_owned)
        .collect();
    assert_eq!(all, listed);
}

#[test]
fn refusals_name_their_reason() {
    for (name, error) in refused() {
        let result = stamp(
            &vector(name),
            "Jane",
            &[signature(1, 60.0, 60.0, 80.0)],
            SIGNED,
        );
        assert_eq!(result.err(), Some(error), "{name}");
    }
}

/// Object 3 is the target of `Kids`, 4 the content of the page, 6 the action in the page tree.
#[test]
fn a_refusal_names_the_object_that_was_read() {
    for (name, number) in [
        ("action-as-pages.pdf", 6),
        ("kids-no-array.pdf", 3),
        ("data-unknown-filter.pdf", 4),
        ("data-flate-bad-header.pdf", 4),
    ] {
        let pdf = vector(name);
        let trace = Trace::default();
        assert_eq!(trace.last(), None);
        let limits = Limits {
            trace: Some(&trace),
            ..Limits::default()
        };
        let fields = [signature(1, 60.0, 60.0, 80.0)];
        let signers = [common::signer("Jane", &fields, SIGNED)];
        Template::open_within(&pdf, limits)
            .and_then(|template| template.stamp(common::fonts(), &signers, Output::Signed))
            .unwrap_err();
        let head = format!("{number} 0 obj");
        let offset = pdf
            .windows(head.len())
            .position(|window| window == head.as_bytes());
        let place = trace.last().unwrap();
        assert_eq!((place.number, place.offset), (number, offset), "{name}");
        assert_eq!(
            place.to_string(),
            format!("object {number} at byte {}", offset.unwrap())
        );
    }
}

#[test]
fn stamps_show_in_every_reader_and_nothing_else_changes() {
    for name in STAMPED {
        let pdf = vector(name);
        // The place that covered-*.pdf cover: 430 by 100 points, 292 from the top.
        let place = if name.starts_with("covered") {
            (200.0, 300.0, 60.0)
        } else {
            (60.0, 90.0, 80.0)
        };
        {
            let (x, y, height) = place;
            let out = stamp(&pdf, "Jane Doe", &[signature(1, x, y, height)], SIGNED)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(out.starts_with(&pdf), "{name}");
            for reader in READERS.iter().filter(|reader| common::has(reader)) {
                let (before, after) = (render(&pdf, reader), render(&out, reader));
                let what = format!("{name} in {reader}, {x} {y}");
                let Some(page) = after.first() else {
                    // Ghostscript does not open files without a header, or with some kinds of
                    // encryption.
                    assert!(before.is_empty() && *reader == "gs", "{what}: nothing");
                    continue;
                };
                if y + height < points(page.1) && x + height < points(page.0) {
                    assert!(ink(page, x, y, height) > 300, "{what}: no stamp");
                }
                // Some readers cannot display the original, or display an empty page.
                let comparable = |before: &&Image| {
                    before.1 == page.1 && before.2.iter().any(|value| *value != 255)
                };
                if let Some(before) = before.first().filter(comparable) {
                    let changed = changed_rows(before, page, y, y + height);
                    // The half pixel of an inline image whose data are missing.
                    let expected = usize::from(*name == "unclosed-inline-image.pdf");
                    assert!(changed <= expected, "{what}: {changed} rows changed");
                }
            }
        }
    }
}

fn points(pixels: usize) -> f64 {
    f64::from(u32::try_from(pixels).unwrap())
}

/// Pixels of the seal's colour in its square.
fn ink(image: &Image, x: f64, y: f64, side: f64) -> usize {
    let (wide, _, pixels) = image;
    pixels
        .chunks_exact(3)
        .enumerate()
        .filter(|(index, pixel)| {
            let (column, row) = (points(index % wide), points(index / wide));
            (x..x + side).contains(&column)
                && (y..y + side).contains(&row)
                && pixel
                    .iter()
                    .zip(INK)
                    .all(|(one, other)| one.abs_diff(other) < 100)
        })
        .count()
}

/// Rows that differ, except for those of the stamp.
fn changed_rows(before: &Image, after: &Image, from: f64, to: f64) -> usize {
    let (wide, ..) = after;
    let rows = before.2.chunks(wide * 3).zip(after.2.chunks(wide * 3));
    rows.enumerate()
        .filter(|(row, _)| !(from - 2.0..to + 2.0).contains(&points(*row)))
        .filter(|(_, (before, after))| before != after)
        .count()
}
