//! Active content is removed from the preview and the signed document alike, or the document is
//! refused.

#![cfg(test)]

mod common;

use common::compare::{assert_same_outside_stamps, both, page_with, plain};
use common::{Form, pdf, pdf_as, vector};
use letsesign_stamp::Error;

const AT: &str = "/Type/Annot/Subtype/Link/Rect[0 0 9 9]";

#[test]
fn scripts_and_actions_are_removed_from_both() {
    let script = "/S/JavaScript/JS(evil)";
    let cases: &[(&str, &str, &[&str])] = &[
        (&format!("/OpenAction<<{script}>>"), "", &[]),
        ("/OpenAction 5 0 R", "", &[&format!("<<{script}>>")]),
        ("/OpenAction<</S/Java#53cript/JS(evil)>>", "", &[]),
        ("/OpenAction<</S 5 0 R/JS(evil)>>", "", &["/JavaScript"]),
        ("/OpenAction<</S/Named/N/evil>>", "", &[]),
        (
            &format!("/OpenAction<</S/GoTo/D[3 0 R/Fit]/Next<<{script}>>>>"),
            "",
            &[],
        ),
        (&format!("/AA<</WP<<{script}>>>>"), "", &[]),
        ("/AA<</WP<</S/URI/URI(evil)>>>>", "", &[]),
        (
            "/Names<</JavaScript 5 0 R>>",
            "",
            &["<</Kids[6 0 R]>>", &format!("<</Names[(a)<<{script}>>]>>")],
        ),
        (
            "/Outlines 5 0 R",
            "",
            &[
                "<</First 6 0 R/Last 6 0 R>>",
                &format!("<</Title(t)/A<<{script}>>>>"),
            ],
        ),
        ("", &format!("/AA<</O<<{script}>>>>"), &[]),
        ("", "/Annots[5 0 R]", &[&format!("<<{AT}/A<<{script}>>>>")]),
        (
            "",
            "/Annots[5 0 R]",
            &[
                &format!("<<{AT}/A<</S/URI/URI()/Next[6 0 R]>>>>"),
                &format!("<<{script}>>"),
            ],
        ),
        (
            "",
            "/Annots[5 0 R]",
            &[&format!("<<{AT}/AA<</E<</S/Hide/T(evil)>>>>>>")],
        ),
        (
            "",
            "/Annots[5 0 R]",
            &[&format!("<<{AT}/A<</S/Launch/JS(evil)>>>>")],
        ),
        (
            "/AcroForm<</Fields[5 0 R]/XFA(evil)/NeedAppearances true>>",
            "",
            &["<</FT/Tx/T(t)>>"],
        ),
        (
            "/AcroForm<</Fields[5 0 R]>>",
            "",
            &[&format!("<</FT/Tx/T(t)/AA<</K<<{script}>>>>>>")],
        ),
    ];
    for (catalogue, page, more) in cases {
        let mut bodies = vec![
            format!("<</Type/Catalog/Pages 2 0 R{catalogue}>>"),
            "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>".to_owned(),
            format!("<</Type/Page/Parent 2 0 R{page}>>"),
            "null".to_owned(),
        ];
        bodies.extend(more.iter().map(|&body| body.to_owned()));
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        for form in [Form::Table, Form::Stream, Form::Hybrid] {
            for out in both(&pdf_as(&bodies, form, "")).unwrap() {
                let active = plain(&out);
                for word in ["evil", "/JavaScript", "/NeedAppearances", "/XFA"] {
                    assert!(
                        !active.contains(word),
                        "{word} in {catalogue} {page} {more:?}\n{active}"
                    );
                }
            }
        }
    }
}

#[test]
fn harmless_content_stays() {
    let document = pdf(&[
        "<</Type/Catalog/Pages 2 0 R/OpenAction[3 0 R/Fit]>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        "<</Type/Page/Parent 2 0 R/Resources<</Font<</AA<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/Annots[5 0 R]>>",
        "null",
        "<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/BS<</S/D>>/A<</S/URI/URI(https://example.org)>>>>",
    ]);
    for out in both(&document).unwrap() {
        let text = plain(&out);
        if !text.is_empty() {
            for word in ["/OpenAction", "/Helvetica", "example.org", "/S /D"] {
                assert!(text.contains(word), "{word}");
            }
        }
    }
}

#[test]
fn layers_are_the_same_on_screen_and_in_print() {
    let pdf = vector("active.pdf");
    for out in both(&pdf).unwrap() {
        let text = plain(&out);
        for word in ["/JavaScript", "/AS", "/Usage", "/OpenAction"] {
            assert!(!text.contains(word), "{word}");
        }
    }
    assert_same_outside_stamps(&pdf, "active.pdf");
}

#[test]
fn external_content_is_refused() {
    for entries in [
        "/F(other.bin)",
        "/F 6 0 R",
        "/Alternates[]",
        "/OPI<<>>",
        "/Ref<<>>",
        "/Subtype/PS",
    ] {
        let stream = format!("<<{entries}/Length 0>>stream\n\nendstream");
        let document = page_with(
            "/Resources<</XObject<</Z 5 0 R>>>>",
            &[&stream, "(x)"],
            Form::Table,
            "",
        );
        assert!(
            matches!(both(&document), Err(Error::Active(_))),
            "{entries}"
        );
    }
    for kind in ["RichMedia", "3D", "Movie", "Sound", "Screen"] {
        let annotation = format!("<</Type/Annot/Subtype/{kind}/Rect[0 0 9 9]>>");
        let document = page_with("/Annots[5 0 R]", &[&annotation], Form::Stream, "");
        assert!(matches!(both(&document), Err(Error::Active(_))), "{kind}");
    }
}

#[test]
fn dynamic_forms_are_refused() {
    let with = |value: &str| {
        pdf(&[
            &format!("<</Type/Catalog/Pages 2 0 R/NeedsRendering {value}>>"),
            "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
            "<</Type/Page/Parent 2 0 R>>",
            "true",
        ])
    };
    for value in ["true", "4 0 R"] {
        assert!(
            matches!(both(&with(value)), Err(Error::Active(_))),
            "{value}"
        );
    }
    for value in ["false", "null", "9 0 R"] {
        assert!(both(&with(value)).is_ok(), "{value}");
    }
}

/// Content in layers that a membership dictionary shows (8.11.2.2), whose states change
/// automatically.
fn membership(dictionary: &str) -> Vec<u8> {
    let content = "0 0 1 rg /OC /M BDC 20 20 100 100 re f EMC 1 0 0 rg 150 20 100 100 re f";
    pdf(&[
        "<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[5 0 R 6 0 R]/D<</Order[5 0 R 6 0 R]/OFF[6 0 R]\
         /AS[<</Event/Print/OCGs[5 0 R 6 0 R]/Category[/Print]>>\
         <</Event/View/OCGs[5 0 R 6 0 R]/Category[/View]>>]>>>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Properties<</M 7 0 R>>>>>>",
        &format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
        "<</Type/OCG/Name(a)/Usage<</Print<</PrintState/OFF>>/View<</ViewState/ON>>>>>>",
        "<</Type/OCG/Name(b)/Usage<</Print<</PrintState/ON>>/View<</ViewState/OFF>>>>>>",
        dictionary,
    ])
}

#[test]
fn memberships_of_layers_are_the_same_in_both() {
    for dictionary in [
        "<</Type/OCMD/OCGs[5 0 R 6 0 R]/P/AllOn>>",
        "<</Type/OCMD/OCGs[5 0 R 6 0 R]/P/AnyOff>>",
        "<</Type/OCMD/OCGs 6 0 R>>",
        "<</Type/OCMD/VE[/Or 5 0 R[/Not 6 0 R]]/OCGs[6 0 R]>>",
        "<</Type/OCMD/VE[/And 5 0 R 6 0 R]>>",
    ] {
        let document = membership(dictionary);
        for out in both(&document).unwrap() {
            let text = plain(&out);
            for word in ["/AS", "/Usage", "/PrintState"] {
                assert!(!text.contains(word), "{word} with {dictionary}");
            }
            // The layers' own states stay.
            assert!(text.is_empty() || text.contains("/OFF"), "{dictionary}");
        }
        assert_same_outside_stamps(&document, dictionary);
    }
}
