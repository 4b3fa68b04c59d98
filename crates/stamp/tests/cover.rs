//! Annotations and form fields above a stamp do not hide it.

#![cfg(test)]

mod common;

use common::compare::{both, render};
use common::{SIGNED, pdf, signature, stamp};

const WHITE: &str = "<</Type/XObject/Subtype/Form/BBox[0 0 400 300]/Length 20>>stream\n\
    1 g 0 0 400 300 re f\nendstream";

/// A page whose annotations are `annotations`; 5 is a white appearance, 6 and 7 are `more`.
fn page(annotations: &str, more: [&str; 2]) -> Vec<u8> {
    pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        &format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Annots {annotations}>>"),
        "<</Length 0>>stream\n\nendstream",
        WHITE,
        more[0],
        more[1],
    ])
}

fn opaque(kind: &str, rectangle: &str, flags: u32) -> String {
    format!("<</Type/Annot/Subtype/{kind}/F {flags}/Rect[{rectangle}]/FT/Tx/T(a)/AP<</N 5 0 R>>>>")
}

fn shows_ink(pdf: &[u8], reader: &str) -> bool {
    let images = render(pdf, reader);
    let pixels = &images.first().unwrap().2;
    pixels
        .chunks_exact(3)
        .filter(|pixel| {
            let (red, blue) = (pixel.first(), pixel.get(2));
            red.is_some_and(|red| *red < 100) && blue.is_some_and(|blue| *blue > 120)
        })
        .count()
        > 100
}

#[test]
fn an_opaque_annotation_does_not_hide_the_stamp() {
    let whole = "0 0 400 300";
    let indirect = opaque("Widget", whole, 4);
    let cases = [
        (format!("[{}]", opaque("Square", whole, 4)), ["null"; 2]),
        (format!("[{}]", opaque("Widget", whole, 4)), ["null"; 2]),
        (
            format!("[{}]", opaque("FreeText", "400 300 0 0", 0)),
            ["null"; 2],
        ),
        // Over a corner of the stamp only.
        (
            format!("[{}]", opaque("Stamp", "0 0 130 300", 4)),
            ["null"; 2],
        ),
        ("6 0 R".to_owned(), ["[null 7 0 R]", indirect.as_str()]),
        // Several annotations, and one that does not rotate with the page.
        (
            format!(
                "[{}{}]",
                opaque("Widget", whole, 4),
                opaque("Stamp", whole, 28)
            ),
            ["null"; 2],
        ),
    ];
    for (annotations, more) in cases {
        let document = page(&annotations, more);
        let out = stamp(
            &document,
            "Jane",
            &[signature(1, 100.0, 100.0, 60.0)],
            SIGNED,
        )
        .unwrap();
        for reader in ["pdftoppm", "mutool", "gs", "pdfjs"] {
            if common::has(reader) {
                assert!(shows_ink(&out, reader), "{annotations} in {reader}");
            }
        }
    }
}

#[test]
fn annotations_beside_the_stamp_change_nothing() {
    for annotations in [
        format!("[{}]", opaque("Square", "0 0 400 100", 4)),
        format!("[{}]", opaque("Widget", "0 0 90 300", 4)),
        // Hidden, not on screen, opened on demand, a link's border.
        format!("[{}]", opaque("Square", "0 0 400 300", 2)),
        format!("[{}]", opaque("Square", "0 0 400 300", 32)),
        format!("[{}]", opaque("Popup", "0 0 400 300", 0)),
        "[<</Type/Annot/Subtype/Link/Rect[0 0 400 300]>>]".to_owned(),
        "[<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/Rect[0 0 0 0]>>]".to_owned(),
        "null".to_owned(),
        "(x)".to_owned(),
    ] {
        let document = page(&annotations, ["null"; 2]);
        let out = stamp(
            &document,
            "Jane",
            &[signature(1, 100.0, 100.0, 60.0)],
            SIGNED,
        )
        .unwrap();
        let update = out.get(document.len()..).unwrap();
        assert!(
            memchr::memmem::find(update, b"/FT /Btn").is_none(),
            "{annotations}"
        );
    }
}

/// The preview has the same fields above, whichever stamp is drawn.
#[test]
fn preview_and_signed_document_have_the_same_fields_above() {
    let document = page(
        &format!("[{}]", opaque("Widget", "0 0 400 300", 4)),
        ["null"; 2],
    );
    let counts = both(&document).unwrap().map(|out| {
        let update = out.get(document.len()..).unwrap().to_vec();
        memchr::memmem::find_iter(&update, b"/FT /Btn").count()
    });
    assert_eq!(counts, [2, 2]);
    common::compare::assert_same_outside_stamps(&document, "covered");
}
