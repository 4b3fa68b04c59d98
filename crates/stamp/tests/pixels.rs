//! Generated documents: preview and signed document have the same pixels outside of the stamps.
//! There are few cases, because each one starts every reader.

#![cfg(test)]

mod common;

use common::compare::{both, render};
use common::{Form, pdf_as};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;

/// Parts of content: by careful writers, by careless ones, and by attackers.
const PARTS: &[&str] = &[
    "0 0 1 rg 20 20 100 60 re f",
    "q .5 0 0 .5 30 10 cm 1 0 0 rg 0 0 50 50 re f Q",
    "q 0 1 0 RG 3 w 10 10 m 200 90 l S",
    "Q Q",
    "BT /F 18 Tf 40 120 Td (Some text) Tj ET",
    "BT /F 9 Tf 200 40 Td [(kerned) -200 (text)] TJ",
    "/OC /On BDC 0 1 1 rg 250 20 40 40 re f EMC",
    "/OC /Off BDC 1 1 0 rg 300 20 40 40 re f EMC",
    "/OC /Off BDC",
    "/Z Do /Gone Do",
    "BI /W 4 /H 4 /BPC 8 /CS /G ID 0123 EI Q 456789 EI",
    "BI /W 4 /H 4 /BPC 8 /CS /G ID 0123",
    "0 cm 1 0 rg",
    "[ (open",
    "<< /A",
    "0 0 60 60 re W n",
    "nonsense (x) 1 w",
];
/// Annotations, numbered from 8 on.
const ANNOTATIONS: &[&str] = &[
    "<</Type/Annot/Subtype/Square/F 4/Rect[5 200 395 295]/AP<</N 7 0 R>>>>",
    "<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/F 4/Rect[5 10 90 60]/AP<</N 7 0 R>>>>",
    "<</Type/Annot/Subtype/Square/F 36/Rect[100 100 150 150]/AP<</N 7 0 R>>>>",
    "<</Type/Annot/Subtype/Link/Rect[9 9 90 90]/A<</S/JavaScript/JS(1)>>>>",
    "<</Type/Annot/Subtype/FreeText/OC 6 0 R/F 4/Rect[150 100 250 150]/AP<</N 7 0 R>>>>",
];

fn stream(content: &str, packed: bool, cut: usize) -> Vec<u8> {
    let (data, filter) = if packed {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content.as_bytes()).unwrap();
        let mut data = encoder.finish().unwrap();
        data.truncate(data.len() - cut.min(data.len() / 4));
        // Bodies are text here, so the data are written in hexadecimal.
        let hex = data.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        (hex, "/Filter[/AHx/Fl]")
    } else {
        (content.to_owned(), "")
    };
    let data = if packed { data + ">" } else { data };
    format!(
        "<<{filter}/Length {}>>stream\n{data}\nendstream",
        data.len()
    )
    .into_bytes()
}

fn documents() -> impl Strategy<Value = Vec<u8>> {
    let parts = || prop::collection::vec(prop::sample::select(PARTS), 0..6);
    (
        (parts(), parts(), any::<bool>(), 0..8_usize),
        prop::collection::vec(prop::sample::select(ANNOTATIONS), 0..3),
        prop_oneof![Just(Form::Table), Just(Form::Stream), Just(Form::Hybrid)],
        prop_oneof![Just("9"), Just("40"), Just("75"), Just("99999")],
        prop_oneof![Just(""), Just("/AS[<</Event/Print/OCGs[5 0 R 6 0 R]/Category[/Print]>>]")],
    )
        .prop_map(|((first, second, packed, cut), annotations, form, dangling, states)| {
            let references: Vec<String> =
                (0..annotations.len()).map(|index| format!("{} 0 R", index + 11)).collect();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let mut bodies = vec![
                format!(
                    "<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[5 0 R 6 0 R]/D<</OFF[6 0 R]{states}>>>>>>"
                ),
                "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>".to_owned(),
                format!(
                    "<</Type/Page/Parent 2 0 R/Contents[4 0 R 8 0 R]/Annots[{}]/Resources<</Font<</F 10 0 R>>\
                     /XObject<</Z {dangling} 0 R>>/Properties<</On 5 0 R/Off 6 0 R>>>>>>",
                    references.join(" ")
                ),
                text(stream(&first.join("\n"), packed, cut)),
                "<</Type/OCG/Name(on)/Usage<</Print<</PrintState/OFF>>>>>>".to_owned(),
                "<</Type/OCG/Name(off)/Usage<</Print<</PrintState/ON>>>>>>".to_owned(),
                "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 29>>stream\n.8 .9 .7 rg 0 0 9 9 re f     \nendstream".to_owned(),
                text(stream(&second.join("\n"), !packed, 0)),
                "null".to_owned(),
                "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
            ];
            bodies.extend(annotations.iter().map(|&body| body.to_owned()));
            let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
            pdf_as(&bodies, form, "")
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        // Each attempt starts several programs several times.
        max_shrink_iters: 40,
        ..ProptestConfig::default()
    })]

    #[test]
    fn preview_and_signed_document_are_the_same_outside_of_the_stamps(document in documents()) {
        let Ok([preview, signed]) = both(&document) else {
            // Both were refused.
            return Ok(());
        };
        for program in ["pdftoppm", "mutool"] {
            if !common::has(program) {
                continue;
            }
            let (before, after) = (render(&preview, program), render(&signed, program));
            let (Some(before), Some(after)) = (before.first(), after.first()) else {
                prop_assert!(false, "{program} shows nothing");
                return Ok(());
            };
            // The stamps lie in the top 62 points.
            let skip = 62 * before.0 * 3;
            prop_assert_eq!((before.0, before.1), (after.0, after.1));
            prop_assert!(before.2.get(skip..) == after.2.get(skip..), "{} differs", program);
            prop_assert!(before.2.get(..skip) != after.2.get(..skip), "no stamp in {}", program);
        }
    }
}
