//! For all fields, names and bytes: a result or an error in bounded time, and a result that opens
//! again.

#![cfg(test)]

mod common;

use common::{Form, SIGNED, date, fonts, one_page_as, pdf, signature, stamp};
use letsesign_stamp::{Error, Language, Mark, Output, Template, is_signed};
use proptest::prelude::*;
use std::fmt::Write as _;

fn forms() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Table), Just(Form::Stream), Just(Form::Hybrid)]
}

/// Opens a file, stamps it in all ways, and opens the results again; errors are fine.
fn exercise(pdf: &[u8]) {
    let _ = is_signed(pdf);
    let Ok(template) = Template::open(pdf) else {
        return;
    };
    let fields = [
        signature(1, 10.0, 10.0, 30.0),
        date(1, 10.0, 50.0, 10.0),
        signature(2, 10.0, 10.0, 20.0),
    ];
    for (fields, what) in [
        (&fields[..2], SIGNED),
        (&fields[..], Mark::Pending),
        (&fields[..1], Mark::Hint(Language::Chinese)),
    ] {
        let signers = [common::signer("Jane \u{738b}", fields, what)];
        let _ = template.check(fonts(), &signers);
        if let Ok(out) = template.stamp(fonts(), &signers, Output::Signed) {
            assert!(out.starts_with(pdf) && is_signed(&out));
            Template::open(&out).unwrap();
        }
        if let Ok(out) = template.stamp(fonts(), &signers, Output::Protected { password: "x" }) {
            assert_eq!(Template::open(&out).err(), Some(Error::Password));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn fields_are_drawn_or_refused(
        form in forms(),
        x in -10.0..420.0_f64,
        y in -10.0..320.0_f64,
        height in -5.0..310.0_f64,
        rotate in -4..8_i32,
    ) {
        let pdf = one_page_as(&format!("/Rotate {}", rotate * 90), "q", form);
        // Rotation does not matter: the MediaBox counts.
        let (wide, tall) = (400.0, 300.0);
        let fits = x >= 0.0 && y >= 0.0 && x <= wide && y + height <= tall && y <= tall;
        match stamp(&pdf, "Jane", &[signature(1, x, y, height)], SIGNED) {
            Ok(out) => {
                prop_assert!(fits && height >= 2.0);
                prop_assert!(out.starts_with(&pdf));
                prop_assert!(Template::open(&out).is_ok());
            }
            Err(Error::Outside { .. }) => prop_assert!(!fits),
            Err(error) => {
                let low = matches!(error, Error::Height { .. });
                prop_assert!(low && height < 2.0);
            }
        }
    }

    #[test]
    fn names_are_drawn_or_refused(name in ".{0,40}", height in 2.0..200.0_f64) {
        let pdf = one_page_as("", "", Form::Table);
        match stamp(&pdf, &name, &[signature(1, 10.0, 10.0, height)], SIGNED) {
            Ok(out) => prop_assert!(Template::open(&out).is_ok()),
            Err(Error::NoGlyph { position, .. } | Error::Control { position, .. }) => {
                prop_assert!(position >= 1 && position <= name.chars().count());
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn changed_bytes_do_no_harm(
        form in forms(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut pdf = one_page_as("/Resources<</XObject<<>>>>", "q 1 0 0 1 0 0 cm (text) Tj", form);
        for (place, value) in changes {
            let place = place.index(pdf.len());
            *pdf.get_mut(place).unwrap() = value;
        }
        if let Some(cut) = cut {
            pdf.truncate(cut.index(pdf.len()));
        }
        exercise(&pdf);
    }

    #[test]
    fn any_bytes_do_no_harm(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut pdf = b"%PDF-1.7\n".to_vec();
        pdf.extend(tail);
        exercise(&pdf);
    }
}

/// Every single bit flip and every truncation of three small documents.
#[test]
fn every_bit_and_every_length() {
    for form in [Form::Table, Form::Stream, Form::Hybrid] {
        let pdf = one_page_as("", "q", form);
        for length in 0..pdf.len() {
            let part = pdf.get(..length).unwrap();
            let _ = Template::open(part).and_then(|template| template.check(fonts(), &[]));
        }
        for bit in 0..pdf.len() * 8 {
            let mut changed = pdf.clone();
            *changed.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            let fields = [signature(1, 10.0, 10.0, 30.0)];
            let signers = [common::signer("", &fields, Mark::Pending)];
            let _ = Template::open(&changed)
                .and_then(|template| template.stamp(fonts(), &signers, Output::Plain));
        }
    }
}

#[test]
fn hostile_documents_end() {
    let page = "<</Type/Catalog/Pages 2 0 R>>";
    let mut deep = "[".repeat(100_000);
    deep.push_str(&"]".repeat(100_000));
    let mut kids = String::new();
    for _ in 0..100_000 {
        kids.push_str("3 0 R ");
    }
    exercise(&pdf(&[
        page,
        &format!("<</Kids[{kids}]>>"),
        &format!("<</Kids {deep}>>"),
    ]));
    exercise(&pdf(&[
        page,
        &format!("<</Kids[{kids}]>>"),
        &format!("<</Kids[{kids}]>>"),
    ]));
    // Objects inside strings that never end, streams inside streams.
    for opening in [
        "(",
        "<</A(",
        "[[[[",
        "<<>>stream\n",
        "<</Type/ObjStm/N 9999999/First 0/Length 9>>stream\n",
    ] {
        let mut text = "%PDF-1.7\n".to_owned();
        for number in 1..20_000 {
            write!(text, "{number} 0 obj {opening}").unwrap();
        }
        exercise(text.as_bytes());
        text.push_str("trailer<</Root 1 0 R>>endstream");
        exercise(text.as_bytes());
    }
    // Object streams whose lengths are in the next one.
    let mut text = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n".to_owned();
    for number in 10..5000 {
        write!(
            text,
            "{number} 0 obj<</Type/ObjStm/N 1/First 5/Length {} 0 R>>stream\n{} 0 7\nendstream endobj\n",
            number + 10_001,
            number + 10_000
        )
        .unwrap();
    }
    exercise(text.as_bytes());
}
