//! Damaged cross-reference data: correct entries stay, and only wrong ones are searched for,
//! outside of the data of streams.

#![cfg(test)]

mod common;

use common::{Form, SIGNED, file, one_page, pdf_as, run, signature, stamp, vector};

/// The text of the first page in the stamped file, by poppler and by MuPDF; empty without them.
fn texts(pdf: &[u8]) -> Vec<String> {
    let out = stamp(pdf, "Jane Doe", &[signature(1, 20.0, 30.0, 40.0)], SIGNED).unwrap();
    let file = file(&out);
    let path = file.path.to_str().unwrap();
    let mut texts = Vec::new();
    if common::has("pdftotext") {
        texts.push(run("pdftotext", &["-l", "1", path, "-"]));
    }
    if common::has("mutool") {
        texts.push(run("mutool", &["draw", "-q", "-F", "txt", path, "1"]));
    }
    texts
        .into_iter()
        .map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned())
        .collect()
}

fn assert_shows(pdf: &[u8], shown: &str, hidden: &str, what: &str) {
    for text in texts(pdf) {
        assert!(text.contains(shown), "{what}: no {shown}: {text}");
        assert!(text.contains("Jane Doe"), "{what}: no stamp: {text}");
        assert!(!text.contains(hidden), "{what}: {hidden}: {text}");
    }
}

/// Offsets of the rows in the last cross-reference table.
fn rows(pdf: &[u8]) -> Vec<usize> {
    let table = memchr::memmem::rfind(pdf, b"\nxref\n").unwrap();
    let mut at = table + 6;
    at += pdf
        .get(at..)
        .unwrap()
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    let mut rows = Vec::new();
    while pdf.get(at).is_some_and(u8::is_ascii_digit) {
        rows.push(at);
        at += 20;
    }
    rows
}

#[test]
fn an_attached_file_replaces_no_page_because_of_one_bad_entry() {
    let original = vector("attached-one-bad-entry.pdf");
    assert_shows(&original, "Original", "Attached", "as it is");
    let rows = rows(&original);
    assert_eq!(rows.len(), 9);
    for (number, row) in rows.iter().enumerate().skip(1) {
        for bad in [
            "0000000001 00000 n \n",
            "0000000430 00000 n \n",
            "9999999999 00000 n \n",
            "00000x0001 00000 n \n",
            "0000000009 99999 n \n",
            "nonsense of a row  \n",
        ] {
            let mut damaged = original.clone();
            damaged.splice(row..&(row + 20), bad.bytes());
            assert_shows(
                &damaged,
                "Original",
                "Attached",
                &format!("{number}: {bad}"),
            );
        }
    }
    // Without any table, only the data of streams are left out.
    let table = memchr::memmem::rfind(&original, b"\nxref\n").unwrap();
    let without = original.get(..table).unwrap();
    assert_shows(without, "Original", "Attached", "no table");
    // An attachment whose length is indirect, or wrong.
    let indirect = String::from_utf8(original).unwrap();
    let indirect = indirect.replace("(not used)", "547 %     ");
    let indirect = indirect.replace("/Length 547", "/Length 8 0 R");
    assert_shows(
        indirect.as_bytes(),
        "Original",
        "Attached",
        "indirect length",
    );
}

/// A page whose content was replaced; the file still holds the old one, after the new one.
fn withdrawn(bad: bool) -> Vec<u8> {
    let content = |text: &str| {
        let data = format!("BT /F1 24 Tf 72 200 Td ({text}) Tj ET");
        format!("<</Length {}>>stream\n{data}\nendstream", data.len())
    };
    let pdf = pdf_as(
        &[
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
            "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            &content("Current"),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            "(not used)",
        ],
        Form::Table,
        "",
    );
    let mut text = String::from_utf8(pdf).unwrap();
    let table = text.find("xref\n").unwrap();
    let old = format!("4 0 obj\n{}\nendobj\n", content("Withdrawn"));
    text.insert_str(table, &old);
    text = text.replace(
        &format!("startxref\n{table}"),
        &format!("startxref\n{}", table + old.len()),
    );
    if bad {
        let row = *rows(text.as_bytes()).get(6).unwrap();
        text.replace_range(row..row + 10, "0000000003");
    }
    text.into_bytes()
}

#[test]
fn withdrawn_content_does_not_return_because_of_one_bad_entry() {
    for bad in [false, true] {
        assert_shows(&withdrawn(bad), "Current", "Withdrawn", &format!("{bad}"));
    }
}

#[test]
fn a_freed_object_stays_free_when_another_entry_is_bad() {
    // The page's annotation was deleted, but its body remains in the file.
    let pdf = pdf_as(
        &[
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
            "<</Type/Page/Parent 2 0 R/Contents[4 0 R 5 0 R]/Resources<</Font<</F1 6 0 R>>>>>>",
            "<</Length 34>>stream\nBT /F1 24 Tf 9 9 Td (Kept) Tj ET  \nendstream",
            "<</Length 34>>stream\nBT /F1 24 Tf 9 99 Td (Freed) Tj ET\nendstream",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            "(not used)",
        ],
        Form::Table,
        "",
    );
    let mut text = String::from_utf8(pdf).unwrap();
    let all = rows(text.as_bytes());
    let (freed, bad) = (*all.get(5).unwrap(), *all.get(7).unwrap());
    text.replace_range(freed..freed + 20, "0000000000 00001 f \n");
    text.replace_range(bad..bad + 10, "0000000003");
    assert_shows(text.as_bytes(), "Kept", "Freed", "freed");
}

/// The newest section is correct, but an older one is unreachable: the newest entries stay.
#[test]
fn a_broken_chain_of_sections_keeps_the_newest() {
    let first = one_page(
        "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>",
        "",
    );
    for previous in ["7", "999999999", "-1", "(x)"] {
        let mut pdf = first.clone();
        let new = "BT /F 24 Tf 72 200 Td (Current) Tj ET";
        let old = "BT /F 24 Tf 72 200 Td (Withdrawn) Tj ET";
        let at = pdf.len();
        for content in [new, old] {
            pdf.extend(
                format!(
                    "4 0 obj\n<</Length {}>>stream\n{content}\nendstream\nendobj\n",
                    content.len()
                )
                .bytes(),
            );
        }
        let start = pdf.len();
        pdf.extend(
            format!(
                "xref\n4 1\n{at:010} 00000 n \ntrailer\n<</Size 5/Root 1 0 R/Prev {previous}>>\n\
                 startxref\n{start}\n%%EOF\n"
            )
            .bytes(),
        );
        assert_shows(&pdf, "Current", "Withdrawn", previous);
    }
}

#[test]
fn an_entry_with_another_generation_is_corrected() {
    let pdf = String::from_utf8(withdrawn(false)).unwrap();
    let row = *rows(pdf.as_bytes()).get(4).unwrap();
    let mut text = pdf;
    text.replace_range(row + 11..row + 16, "00007");
    assert_shows(text.as_bytes(), "Current", "Withdrawn", "generation");
}

/// Breaks the entries of a cross-reference stream one by one.
#[test]
fn a_bad_entry_of_a_cross_reference_stream_is_searched_for() {
    let original = common::one_page_as(
        "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>",
        "BT /F 24 Tf 72 200 Td (Original) Tj ET",
        Form::Stream,
    );
    let rows = memchr::memmem::rfind(&original, b"stream\n00").unwrap() + 7;
    // The object stream does not contain the catalogue, the content and itself.
    for number in [1, 4, 5, 6] {
        let mut damaged = original.clone();
        let row = rows + number * 14;
        damaged.splice(row + 2..row + 10, *b"00000003");
        assert_shows(&damaged, "Original", "Withdrawn", &number.to_string());
    }
}
