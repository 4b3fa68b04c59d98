//! Shared parts of the tests of updates: a rich document, and qpdf's view of results.

use super::{SIGNED, date, file, pdf, qpdf_check, run, signature, stamp};
use serde_json::Value;

pub fn assert_clean(pdf: &[u8], what: &str) {
    let (code, words) = qpdf_check(&file(pdf).path, "");
    assert_eq!(code, 0, "{what}: {words}");
    assert!(!words.contains("WARNING"), "{what}: {words}");
}

pub fn stamped(pdf: &[u8]) -> Vec<u8> {
    stamp(
        pdf,
        "Jane Doe",
        &[signature(1, 20.0, 30.0, 40.0), date(1, 20.0, 80.0, 10.0)],
        SIGNED,
    )
    .unwrap()
}

/// A document with two pages that share resources, a form, an outline, a link and tags.
pub fn rich() -> Vec<u8> {
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

pub fn json(pdf: &[u8]) -> Value {
    let file = file(pdf);
    let ran = run(
        "qpdf",
        &["--json=2", "--json-key=qpdf", file.path.to_str().unwrap()],
    );
    serde_json::from_slice::<Value>(&ran.stdout).unwrap()["qpdf"][1].clone()
}
