//! Updates as other readers see them: clean for qpdf, the original in place, everything besides the stamp unchanged.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{
    Form, SIGNED, date, encrypted, file, one_page, one_page_as, pdf, pdf_as, qpdf_check, run,
    signature, stamp, stamp_as,
};
use letsesign_stamp::{Error, Output, Template, What, is_signed};
use serde_json::Value;

const FORMS: [Form; 3] = [Form::Table, Form::Stream, Form::Hybrid];

fn assert_clean(pdf: &[u8], what: &str) {
    let (code, words) = qpdf_check(&file(pdf).path, "");
    assert_eq!(code, 0, "{what}: {words}");
    assert!(!words.contains("WARNING"), "{what}: {words}");
}

fn stamped(pdf: &[u8]) -> Vec<u8> {
    stamp(
        pdf,
        "Jane Doe",
        &[signature(1, 20.0, 30.0, 40.0), date(1, 20.0, 80.0, 10.0)],
        SIGNED,
    )
    .unwrap()
}

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

/// A document with two pages that share resources, a form, an outline, a link and tags.
fn rich() -> Vec<u8> {
    pdf(&[
        "<</Type/Catalog/Pages 2 0 R/Outlines 8 0 R/AcroForm<</Fields[6 0 R]/DA(/F 0 Tf)>>/MarkInfo<</Marked true>>/StructTreeRoot 10 0 R/Names<<>>>>",
        "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2/MediaBox[0 0 400 300]/Resources 11 0 R>>",
        "<</Type/Page/Parent 2 0 R/Contents[5 0 R]/Annots[6 0 R 7 0 R]/StructParents 0/Tabs/S/PieceInfo<</X<</LastModified(D:2020)>>>>>>",
        "<</Type/Page/Parent 2 0 R/Contents 5 0 R/Annots[7 0 R]>>",
        "<</Length 45>>stream\n/P <</MCID 0>> BDC /Stamp Do /G gs BT ET EMC \nendstream",
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(value)/Rect[10 10 50 20]/P 3 0 R>>",
        "<</Type/Annot/Subtype/Link/Rect[60 10 90 20]/A<</S/URI/URI(https://example.org/)>>>>",
        "<</Type/Outlines/First 9 0 R/Last 9 0 R/Count 1>>",
        "<</Title(Chapter)/Parent 8 0 R/Dest[4 0 R/Fit]>>",
        "<</Type/StructTreeRoot/K[]>>",
        "<</XObject 12 0 R/ExtGState<</G<</CA 1>>>>>>",
        "<</Stamp 13 0 R>>",
        "<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 0>>stream\n\nendstream",
    ])
}

fn json(pdf: &[u8]) -> Value {
    let file = file(pdf);
    let ran = run(
        "qpdf",
        &["--json=2", "--json-key=qpdf", file.path.to_str().unwrap()],
    );
    serde_json::from_slice::<Value>(&ran.stdout).unwrap()["qpdf"][1].clone()
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
            // The catalogue has a new version, and nothing else.
            1 => {
                let mut catalogue = after[&key].clone();
                catalogue["value"]
                    .as_object_mut()
                    .unwrap()
                    .remove("/Version");
                assert_eq!(catalogue, before[&key]);
            }
            // The page has other contents and resources, and nothing else.
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
        ("there is no table", text[..at].to_owned()),
        ("there is no end", text[..text.len() - 30].to_owned()),
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
fn what_is_no_document_is_refused() {
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
fn page_trees_with_circles_end() {
    let circle = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[2 0 R]/Count 1>>",
    ]);
    let fields = [signature(1, 0.0, 0.0, 20.0)];
    assert_eq!(
        stamp(&circle, "Jane", &fields, SIGNED).err(),
        Some(Error::Damaged("the page tree has a circle"))
    );
    let references = pdf(&["<</Type/Catalog/Pages 2 0 R>>", "3 0 R", "2 0 R"]);
    assert!(stamp(&references, "Jane", &fields, SIGNED).is_err());
}

/// Catalogue entries of a form with one signed field.
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
fn encrypted_documents() {
    if !common::has("qpdf") || !common::has("pdftotext") {
        return;
    }
    let kinds: [&[&str]; 6] = [
        &["40"],
        &["128", "--use-aes=n"],
        &["128", "--use-aes=y"],
        &["128", "--use-aes=y", "--cleartext-metadata"],
        &["256"],
        &["256", "--force-R5"],
    ];
    let fields = [signature(1, 20.0, 30.0, 40.0)];
    for kind in kinds {
        let open = encrypted(&rich(), &[&["", "owner"], kind].concat());
        let out = stamp(&open, "Jane Doe", &fields, SIGNED)
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert!(out.starts_with(&open));
        assert_clean(&out, &format!("{kind:?}"));
        assert!(common::text(&out).contains("Jane Doe"), "{kind:?}");
        // The update's own strings can be read, and the old ones that it copies too.
        assert_eq!(string_of_page(&out), "D:2020", "{kind:?}");

        let closed = encrypted(&rich(), &[&["user", "owner"], kind].concat());
        assert_eq!(
            Template::open(&closed).err(),
            Some(Error::Password),
            "{kind:?}"
        );

        let forbid: &[&str] = if kind[0] == "40" {
            &["--modify=n"]
        } else {
            &["--modify=annotate"]
        };
        let restricted = encrypted(&rich(), &[&["", "owner"], kind, forbid].concat());
        assert_eq!(
            stamp(&restricted, "Jane", &fields, SIGNED).err(),
            Some(Error::Permission),
            "{kind:?}"
        );
        let nobody: &[&str] = if kind[0] == "256" {
            &["--allow-insecure"]
        } else {
            &[]
        };
        let free = encrypted(&rich(), &[&["", ""], kind, nobody, forbid].concat());
        assert!(
            stamp(&free, "Jane", &fields, SIGNED).is_ok(),
            "{kind:?}: the empty password is the owner's"
        );
        // Protected output replaces the encryption.
        let output = Output::Protected { password: "secret" };
        let out = stamp_as(&open, "Jane Doe", &fields, SIGNED, output).unwrap();
        let (code, words) = qpdf_check(&file(&out).path, "secret");
        assert_eq!(code, 0, "{kind:?}: {words}");
    }
}

fn string_of_page(pdf: &[u8]) -> String {
    let value = json(pdf);
    let page = value
        .as_object()
        .unwrap()
        .values()
        .find(|object| object["value"]["/StructParents"] == 0)
        .unwrap();
    page["value"]["/PieceInfo"]["/X"]["/LastModified"]
        .as_str()
        .unwrap()
        .trim_start_matches("u:")
        .to_owned()
}

#[test]
fn streams_of_encrypted_documents() {
    if !common::has("qpdf") || !common::has("pdftotext") {
        return;
    }
    for kind in [&["128", "--use-aes=y"][..], &["256"]] {
        let open = encrypted(&rich(), &[&["", "owner"], kind].concat());
        let file = file(&open);
        let to = file.folder.path().join("packed.pdf");
        let ran = run(
            "qpdf",
            &[
                "--object-streams=generate",
                file.path.to_str().unwrap(),
                to.to_str().unwrap(),
            ],
        );
        assert!(ran.status.success());
        let packed = std::fs::read(to).unwrap();
        assert!(memchr::memmem::find(&packed, b"/ObjStm").is_some());
        let out = stamped(&packed);
        assert_clean(&out, &format!("{kind:?}"));
        assert!(common::text(&out).contains("Jane Doe"));
        assert_eq!(string_of_page(&out), "D:2020");
    }
}

#[test]
fn previews_open_with_their_password_only() {
    for form in FORMS {
        for (password, typed) in [
            ("secret", "secret"),
            (
                "p\u{e4}ssword \u{5bc6}\u{78bc}",
                "p\u{e4}ssword \u{5bc6}\u{78bc}",
            ),
            (&"x".repeat(200), &"x".repeat(127)),
        ] {
            let pdf = pdf_as(
                &[
                    "<</Type/Catalog/Pages 2 0 R>>",
                    "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
                    "<</Type/Page/Parent 2 0 R>>",
                    "<</Producer(some program)>>",
                ],
                form,
                "/Info 4 0 R",
            );
            let output = Output::Protected { password };
            let out = stamp_as(
                &pdf,
                "Jane Doe",
                &[signature(1, 20.0, 30.0, 40.0)],
                What::Pending,
                output,
            )
            .unwrap();
            assert_eq!(Template::open(&out).err(), Some(Error::Password));
            assert!(memchr::memmem::find(&out, b"some program").is_none());
            if common::has("qpdf") && common::has("pdftotext") && common::has("mutool") {
                let (code, words) = qpdf_check(&file(&out).path, typed);
                assert_eq!(code, 0, "{form:?}: {words}");
                assert_eq!(qpdf_check(&file(&out).path, "other").0, 2);
                let closed = file(&out);
                let path = closed.path.to_str().unwrap();
                // The options of poppler's tools hold 32 bytes.
                if typed.len() > 32 {
                    continue;
                }
                let ran = run("pdftotext", &["-upw", typed, path, "-"]);
                let text = String::from_utf8_lossy(&ran.stdout).into_owned();
                assert!(
                    text.contains("Jane Doe") && text.contains("pending (01)"),
                    "{text}"
                );
                let ran = run("mutool", &["draw", "-q", "-p", typed, "-F", "txt", path]);
                let words = String::from_utf8_lossy(&ran.stderr);
                assert!(
                    String::from_utf8_lossy(&ran.stdout).contains("Jane Doe"),
                    "{typed}: {words}"
                );
                let ran = run("pdfinfo", &["-upw", typed, path]);
                assert!(String::from_utf8_lossy(&ran.stdout).contains("some program"));
            }
        }
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
fn pages_that_are_no_objects_of_their_own_are_stamped() {
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
                // Here, too, what is active is taken out.
                let script = json(&out).to_string().contains("JavaScript");
                assert!(!script, "{kids}");
            }
        }
    }
    // What is nowhere an object cannot become one.
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

/// As `dict` was for the file: only attachments are encrypted, by a password that nobody here knows.
#[test]
fn attachments_alone_may_be_encrypted() {
    let dict = |permissions: i32| {
        format!(
            "/Encrypt<</Filter/Standard/V 4/R 4/Length 128/P {permissions}/O<{0}>/U<{0}>\
             /CF<</StdCF<</AuthEvent/EFOpen/CFM/AESV2/Length 16>>>>\
             /StmF/Identity/StrF/Identity/EFF/StdCF>>/ID[<01><01>]",
            "5a".repeat(32)
        )
    };
    let with = |trailer: &str| {
        let text = "BT /F 24 Tf 20 20 Td (Readable) Tj ET";
        pdf_as(
            &[
                "<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a) 5 0 R]>>>>>>",
                "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
                "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 7 0 R>>>>>>",
                &format!("<</Length {}>>stream\n{text}\nendstream", text.len()),
                "<</Type/Filespec/F(a)/EF<</F 6 0 R>>>>",
                "<</Type/EmbeddedFile/Length 16>>stream\n0123456789abcdef\nendstream",
                "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            ],
            Form::Table,
            trailer,
        )
    };
    let fields = [signature(1, 20.0, 30.0, 40.0)];
    let out = stamp(&with(&dict(-4)), "Jane Doe", &fields, SIGNED).unwrap();
    // The strings and streams of the update are not encrypted, like all others but attachments.
    let update = out.get(with(&dict(-4)).len()..).unwrap();
    assert!(memchr::memmem::find(update, b"/Stamp Do").is_some());
    let again = Template::open(&out).and_then(|template| template.check(common::fonts(), &[]));
    assert_eq!(again, Ok(()));
    let preview = Output::Protected { password: "secret" };
    let preview = stamp_as(&with(&dict(-4)), "Jane", &fields, SIGNED, preview).unwrap();
    if common::has("qpdf") {
        assert_eq!(qpdf_check(&file(&preview).path, "secret").0, 0);
    }
    let error = stamp(&with(&dict(-12)), "Jane", &fields, SIGNED).err();
    assert_eq!(error, Some(Error::Permission));
    // A document whose strings are encrypted needs its password.
    let closed = dict(-4).replace("/StrF/Identity", "/StrF/StdCF");
    assert_eq!(Template::open(&with(&closed)).err(), Some(Error::Password));
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
