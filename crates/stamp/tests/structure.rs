//! Updates as other readers see them: qpdf reports no problem, the original bytes stay in place,
//! and everything except the stamp is unchanged.

#![cfg(test)]

mod common;

use common::structure::{assert_clean, json, rich, stamped};
use common::{
    Form, SIGNED, date, file, one_page, one_page_as, pdf, qpdf_check, run, signature, stamp,
    stamp_as,
};
use letsesign_stamp::{Error, Output, Template, is_signed};

const FORMS: [Form; 3] = [Form::Table, Form::Stream, Form::Hybrid];

#[test]
fn all_kinds_of_tables() {
    for form in FORMS {
        let pdf = one_page_as("", "0 0 10 10 re f", form);
        let out = stamped(&pdf);
        assert!(out.starts_with(&pdf), "{form:?}");
        assert!(out.ends_with(b"\n%%EOF\nletsesign=true\n"));
        assert!(is_signed(&out) && !is_signed(&pdf));
        // A stamp on top of a stamp.
        let twice = stamp(&out, "Jane Doe", &[signature(1, 20.0, 130.0, 40.0)], SIGNED).unwrap();
        assert!(twice.starts_with(&out));
        let plain = stamp_as(
            &pdf,
            "Jane",
            &[signature(1, 1.0, 1.0, 20.0)],
            SIGNED,
            Output::Plain,
        )
        .unwrap();
        assert!(plain.ends_with(b"\n%%EOF\n"));
        if common::has("qpdf") && common::has("pdftotext") {
            for out in [&out, &twice, &plain] {
                assert_clean(out, &format!("{form:?}"));
                assert!(common::text(out).contains("Jane"), "{form:?}");
            }
            assert_eq!(common::text(&twice).matches("Jane Doe").count(), 2);
        }
    }
}

#[test]
fn the_version_becomes_1_7() {
    let old = stamped(&one_page("", ""));
    let text = String::from_utf8_lossy(&old).into_owned();
    assert!(text.contains("/Version /1.7"));
    let newer = String::from_utf8(one_page("", ""))
        .unwrap()
        .replace("%PDF-1.4", "%PDF-2.0")
        .into_bytes();
    assert!(!String::from_utf8_lossy(&stamped(&newer)).contains("/Version"));
}

#[test]
fn the_same_input_gives_the_same_output() {
    for form in FORMS {
        let pdf = one_page_as("", "", form);
        assert_eq!(stamped(&pdf), stamped(&pdf));
    }
}

#[test]
fn everything_else_stays() {
    let original = rich();
    let out = stamped(&original);
    assert!(out.starts_with(&original));
    if !common::has("qpdf") {
        return;
    }
    assert_clean(&out, "rich");
    let (before, after) = (json(&original), json(&out));
    for number in 1..=13 {
        let key = format!("obj:{number} 0 R");
        match number {
            // Only the version changes in the catalogue.
            1 => {
                let mut catalogue = after[&key].clone();
                catalogue["value"]
                    .as_object_mut()
                    .unwrap()
                    .remove("/Version");
                assert_eq!(catalogue, before[&key]);
            }
            // Only contents and resources change in the page.
            3 => {
                let mut page = after[&key].clone();
                let entries = page["value"].as_object_mut().unwrap();
                let contents = entries.remove("/Contents").unwrap();
                assert_eq!(contents[1], "5 0 R");
                assert_eq!(contents.as_array().unwrap().len(), 3);
                let resources = entries.remove("/Resources").unwrap();
                assert_eq!(resources["/ExtGState"]["/G"]["/CA"], 1);
                assert_eq!(resources["/XObject"]["/Stamp"], "13 0 R");
                assert!(resources["/XObject"]["/Stamp2"].is_string());
                entries.insert(
                    "/Contents".to_owned(),
                    before[&key]["value"]["/Contents"].clone(),
                );
                assert_eq!(page, before[&key]);
            }
            _ => assert_eq!(after[&key], before[&key], "{key}"),
        }
    }
}

#[test]
fn damaged_tables_are_repaired() {
    let whole = one_page("", "0 0 10 10 re f");
    let text = String::from_utf8(whole.clone()).unwrap();
    let at = text.find("xref").unwrap();
    let streams = one_page_as("", "0 0 10 10 re f", Form::Stream);
    let streams_text = String::from_utf8_lossy(&streams).into_owned();
    let cases = [
        (
            "startxref is wrong",
            text.replace("startxref\n", "startxref\n9"),
        ),
        ("the table is missing", text[..at].to_owned()),
        ("the end is missing", text[..text.len() - 30].to_owned()),
        (
            "offsets are wrong",
            text.replacen(
                "%PDF-1.4\n",
                "%PDF-1.4\n%a comment that moves everything\n",
                1,
            ),
        ),
        ("junk before the header", format!("some junk\n{text}")),
        ("line ends were changed", text.replace('\n', "\r\n")),
        (
            "an object stream, and no table",
            streams_text[..streams_text.rfind("6 0 obj").unwrap()].to_owned(),
        ),
        (
            "an object stream, and a wrong table",
            streams_text.replacen("%PDF-1.4\n", "%PDF-1.4\n\n\n", 1),
        ),
        (
            "the length is wrong",
            text.replace("/Length 14", "/Length 3"),
        ),
        ("an endobj is missing", text.replacen("endobj\n", "", 1)),
        (
            "the first object is at 1",
            text.replace("xref\n0 5\n", "xref\n1 5\n"),
        ),
    ];
    for (what, damaged) in cases {
        let out = stamp(
            damaged.as_bytes(),
            "Jane Doe",
            &[signature(1, 20.0, 30.0, 40.0)],
            SIGNED,
        )
        .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(out.starts_with(damaged.as_bytes()), "{what}");
        if common::has("qpdf") && common::has("pdftotext") {
            // Some damage remains visible: wrong lengths, junk before the header.
            let (code, words) = qpdf_check(&file(&out).path, "");
            assert!(code == 0 || code == 3, "{what}: {words}");
            assert!(!words.contains("reconstruct"), "{what}: {words}");
            assert!(common::text(&out).contains("Jane Doe"), "{what}");
        }
    }
}

#[test]
fn malformed_documents_are_refused() {
    for (bytes, error) in [
        (&b""[..], Error::NotPdf),
        (b"PK\x03\x04", Error::NotPdf),
        (b"%PDF-1.7\n", Error::Damaged("no catalogue")),
        (
            b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n",
            Error::Damaged("no catalogue"),
        ),
    ] {
        assert_eq!(Template::open(bytes).err(), Some(error));
    }
}

#[test]
fn page_trees_with_cycles_end() {
    let circle = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[2 0 R]/Count 1>>",
    ]);
    let fields = [signature(1, 0.0, 0.0, 20.0)];
    assert_eq!(
        stamp(&circle, "Jane", &fields, SIGNED).err(),
        Some(Error::Damaged("the page tree has a cycle"))
    );
    let references = pdf(&["<</Type/Catalog/Pages 2 0 R>>", "3 0 R", "2 0 R"]);
    assert!(stamp(&references, "Jane", &fields, SIGNED).is_err());
}

/// A document with one signed field, and these entries in its catalogue.
fn signed_document(catalogue: &str, field: &str, signature: &str) -> Vec<u8> {
    pdf(&[
        &format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[4 0 R]>>{catalogue}>>"),
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        "<</Type/Page/Parent 2 0 R/Annots[4 0 R]>>",
        &format!("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/V 5 0 R/Rect[0 0 0 0]/P 3 0 R{field}>>"),
        &format!(
            "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 1 2 3]/Contents<00>{signature}>>"
        ),
    ])
}

#[test]
fn certified_and_locked_documents_are_refused() {
    let fields = [signature(1, 0.0, 0.0, 20.0)];
    let result = |pdf: Vec<u8>| stamp(&pdf, "Jane", &fields, SIGNED);
    // A signature without restrictions keeps its bytes.
    let plain = signed_document("", "", "");
    assert!(result(plain.clone()).unwrap().starts_with(&plain));
    let reference =
        |method: &str| format!("/Reference[<</TransformMethod/{method}/TransformParams<</P 2>>>>]");
    for refused in [
        signed_document("/Perms<</DocMDP 5 0 R>>", "", ""),
        signed_document("", "", &reference("DocMDP")),
        signed_document("", "", &reference("FieldMDP")),
        signed_document("", "/Lock<</Action/All>>", ""),
    ] {
        assert_eq!(result(refused).err(), Some(Error::Certified));
    }
}

#[test]
fn a_page_that_is_in_the_tree_twice_has_all_stamps() {
    let twice = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2/MediaBox[0 0 400 300]>>",
        "<</Type/Page/Parent 2 0 R>>",
    ]);
    let fields = [signature(1, 20.0, 30.0, 40.0), date(2, 20.0, 80.0, 10.0)];
    let out = stamp(&twice, "Jane Doe", &fields, SIGNED).unwrap();
    if common::has("pdftotext") {
        let text = common::text(&out);
        assert_eq!(text.matches("Jane Doe").count(), 2);
        assert_eq!(text.matches("2026/11/25").count(), 2);
    }
}

/// A page directly in `Kids` becomes an object, and so do the other kids.
#[test]
fn pages_that_are_direct_objects_are_stamped() {
    for kids in [
        "/Kids[<</Type/Page/Rotate 0>> 3 0 R<</Type/Page/AA<</O<</S/JavaScript/JS(1)>>>>>>]",
        "/Kids 4 0 R",
    ] {
        let direct = pdf(&[
            "<</Type/Catalog/Pages 2 0 R>>",
            &format!("<</Type/Pages{kids}/Count 3/MediaBox[0 0 400 300]>>"),
            "<</Type/Page/Parent 2 0 R>>",
            "[<</Type/Page>> 3 0 R<</Type/Page>>]",
        ]);
        let fields = [1, 2, 3].map(|page| signature(page, 20.0, 30.0, 40.0));
        for count in 1..=3 {
            let out = stamp(&direct, "Jane", &fields[3 - count..], SIGNED).unwrap();
            if common::has("qpdf") && common::has("pdftotext") {
                assert_clean(&out, kids);
                let pages: Vec<bool> = common::text(&out)
                    .split_terminator('\u{c}')
                    .map(|text| text.contains("Jane"))
                    .collect();
                assert_eq!(pages.len(), 3, "{kids}");
                for (page, has) in (1..=3).zip(pages) {
                    assert_eq!(has, page > 3 - count, "{kids} {count}: page {page}");
                }
                // Active content is removed here, too.
                let script = json(&out).to_string().contains("JavaScript");
                assert!(!script, "{kids}");
            }
        }
    }
    // A page without any indirect object around it cannot become one.
    let nowhere = pdf(&["<</Type/Catalog/Pages<</Type/Pages/Kids[<</Type/Page>>]/Count 1>>>>"]);
    assert_eq!(
        stamp(&nowhere, "Jane", &[signature(1, 20.0, 30.0, 40.0)], SIGNED).err(),
        Some(Error::Damaged("a page is not an object of its own"))
    );
}

#[test]
fn deep_page_trees_are_followed() {
    let mut bodies = vec!["<</Type/Catalog/Pages 2 0 R>>".to_owned()];
    for number in 2..5002 {
        bodies.push(format!(
            "<</Type/Pages/Kids[{} 0 R]/Count 1/MediaBox[0 0 400 300]>>",
            number + 1
        ));
    }
    bodies.push("<</Type/Page/Parent 5001 0 R>>".to_owned());
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let fields = [signature(1, 20.0, 30.0, 40.0)];
    assert!(stamp(&pdf(&bodies), "Jane", &fields, SIGNED).is_ok());
}

/// Other pages that share a page's resources and contents do not change.
#[test]
fn other_pages_stay_as_they_are() {
    if !common::has("pdftotext") {
        return;
    }
    let out = stamped(&rich());
    let file = file(&out);
    let ran = run("pdftotext", &["-f", "2", file.path.to_str().unwrap(), "-"]);
    assert!(!String::from_utf8_lossy(&ran.stdout).contains("Jane"));
}
