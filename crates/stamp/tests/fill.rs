//! Texts that are drawn before a document is signed.

#![cfg(test)]

mod common;

use common::{SIGNED, fonts, one_page, pdf, signature, stamp};
use letsesign_stamp::{Error, Fonts, Placement, Template, Text};
use std::sync::OnceLock;

fn plain() -> &'static Fonts {
    static FONTS: OnceLock<Fonts> = OnceLock::new();
    FONTS.get_or_init(|| {
        let [_, mono, cjk] = letsesign_tests::fonts().unwrap();
        Fonts::plain(mono, cjk).unwrap()
    })
}

fn text(text: &str, x: f64, y: f64, height: f64) -> Text<'_> {
    Text {
        text,
        field: signature(1, x, y, height),
        signer: 1,
        position: 1,
    }
}

fn fill(pdf: &[u8], texts: &[Text<'_>]) -> Result<Vec<u8>, Error> {
    let template = Template::open(pdf)?.placed(Placement::Displayed);
    template.fill(plain(), texts)
}

#[test]
fn texts_are_drawn_and_the_document_can_be_signed() {
    let original = one_page("", "");
    let texts = [
        text("Zo\u{eb} Nu\u{f1}ez", 20.0, 20.0, 14.0),
        text("\u{738b}\u{5c0f}\u{660e}", 20.0, 40.0, 14.0),
        text("ada+x@example.com", 20.0, 60.0, 10.0),
        text("+14155550123", 20.0, 80.0, 10.0),
    ];
    let filled = fill(&original, &texts).unwrap();
    assert!(filled.starts_with(&original), "the original bytes stay");
    let signed = stamp(&filled, "Ada", &[signature(1, 20.0, 150.0, 30.0)], SIGNED).unwrap();
    assert!(signed.starts_with(&filled));
    if common::has("qpdf") {
        let file = common::file(&signed);
        assert_eq!(common::qpdf_check(&file.path, "").0, 0);
    }
    if common::has("pdftotext") {
        let found = common::text(&signed);
        for text in texts {
            assert!(found.contains(text.text), "{}: {found}", text.text);
        }
        assert!(found.contains("Ada"), "{found}");
    }
}

#[test]
fn a_text_that_is_too_wide_is_drawn_smaller() {
    if !common::has("pdftotext") {
        return;
    }
    let long = "a".repeat(100);
    let filled = fill(&one_page("", ""), &[text(&long, 10.0, 10.0, 40.0)]).unwrap();
    let file = common::file(&filled);
    let ran = common::run("pdftotext", &["-bbox", file.path.to_str().unwrap(), "-"]);
    let boxes = String::from_utf8_lossy(&ran.stdout).into_owned();
    let right = boxes.split("xMax=\"").nth(1).unwrap();
    let right: f64 = right.split('"').next().unwrap().parse().unwrap();
    assert!((300.0..=400.5).contains(&right), "{boxes}");
}

#[test]
fn places_and_texts_are_checked() {
    let original = one_page("", "");
    let error = |text| fill(&original, &[text]).unwrap_err();
    let beside = Text {
        signer: 3,
        position: 2,
        ..text("Ada", 20.0, 290.0, 14.0)
    };
    assert_eq!(
        error(beside),
        Error::Outside {
            signer: 3,
            field: 2,
            page: 1
        }
    );
    let mut elsewhere = text("Ada", 20.0, 20.0, 14.0);
    elsewhere.field.page = 2;
    assert_eq!(
        error(elsewhere),
        Error::Page {
            signer: 1,
            field: 1,
            page: 2
        }
    );
    let arabic = text("Ab \u{645}", 20.0, 20.0, 14.0);
    assert_eq!(
        error(arabic),
        Error::NoGlyph {
            signer: 1,
            position: 4
        }
    );
    let tiny = text("Ada", 20.0, 20.0, 1.0);
    assert_eq!(
        error(tiny),
        Error::Height {
            signer: 1,
            field: 1
        }
    );
    assert!(matches!(
        error(text("a\nb", 20.0, 20.0, 14.0)),
        Error::Control { position: 2, .. }
    ));
}

#[test]
fn names_in_the_fonts_of_signatures_stay_as_they_were() {
    // Both sets of fonts draw a signature; the plain one in the monospaced face.
    let original = one_page("", "");
    let fields = [signature(1, 20.0, 150.0, 30.0)];
    let sign = |fonts: &Fonts| {
        let signer = common::signer("Ada", &fields, SIGNED);
        let template = Template::open(&original).unwrap();
        template
            .stamp(fonts, &[signer], letsesign_stamp::Output::Plain)
            .unwrap()
    };
    let has = |pdf: &[u8], name: &str| {
        pdf.windows(name.len())
            .any(|window| window == name.as_bytes())
    };
    assert!(has(&sign(fonts()), "DancingScript"));
    assert!(!has(&sign(plain()), "DancingScript"));
}

#[test]
fn sizes_are_those_of_the_pages_as_they_are_displayed() {
    let three = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R 4 0 R 5 0 R]/Count 3/MediaBox[0 0 400 300]>>",
        "<</Type/Page/Parent 2 0 R>>",
        "<</Type/Page/Parent 2 0 R/Rotate 90>>",
        "<</Type/Page/Parent 2 0 R/CropBox[100 50 300 150]>>",
    ]);
    let template = Template::open(&three).unwrap();
    let displayed = template.placed(Placement::Displayed);
    assert_eq!(
        displayed.page_sizes().unwrap(),
        [(400.0, 300.0), (300.0, 400.0), (200.0, 100.0)]
    );
}

#[test]
fn a_document_with_more_pages_than_anybody_signs_is_refused() {
    let kids = "3 0 R ".repeat(20_001);
    let many = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        &format!("<</Type/Pages/Kids[{kids}]/Count 20001/MediaBox[0 0 400 300]>>"),
        "<</Type/Page/Parent 2 0 R>>",
    ]);
    let template = Template::open(&many).unwrap();
    assert_eq!(template.page_sizes(), Err(Error::Limit("number of pages")));
}
