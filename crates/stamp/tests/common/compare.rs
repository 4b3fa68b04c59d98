//! Compares previews and signed documents as readers render them.

use super::{Form, SIGNED, file, fonts, has, pdf_as, run, signature, signer};
use letsesign_stamp::{Error, Language, Mark, Output, Template};

/// A preview and a signed document: the first of two signers is hidden in the preview.
pub fn both(pdf: &[u8]) -> Result<[Vec<u8>; 2], Error> {
    both_as(pdf, Output::Plain)
}

/// As [`both`], with a preview in this form.
pub fn both_as(pdf: &[u8], preview: Output<'_>) -> Result<[Vec<u8>; 2], Error> {
    let (first, second) = (
        [signature(1, 10.0, 10.0, 20.0)],
        [signature(1, 10.0, 40.0, 20.0)],
    );
    let of = |what: [Mark<'static>; 2], output| {
        let [one, two] = what;
        let signers = [
            signer("Jane Doe", &first, one),
            letsesign_stamp::Signer {
                number: 2,
                ..signer("John \u{738b}", &second, two)
            },
        ];
        Template::open(pdf)?.stamp(fonts(), &signers, output)
    };
    let preview = of([Mark::Hidden, Mark::Hint(Language::English)], preview)?;
    let signed = of([SIGNED, SIGNED], Output::Signed)?;
    Ok([preview, signed])
}

/// All pages at 72 dots per inch: width, height, RGB.
pub type Image = (usize, usize, Vec<u8>);

pub fn render(pdf: &[u8], program: &str) -> Vec<Image> {
    render_with(pdf, program, "")
}

/// As [`render`], for a document that opens with this password.
pub fn render_with(pdf: &[u8], program: &str, password: &str) -> Vec<Image> {
    let file = file(pdf);
    let path = file.path.to_str().unwrap();
    let folder = file.folder.path();
    let to = folder.join("page-%04d.ppm");
    let to = to.to_str().unwrap();
    match program {
        "pdftoppm" => run(
            program,
            &[
                "-r",
                "72",
                "-upw",
                password,
                path,
                to.strip_suffix("-%04d.ppm").unwrap(),
            ],
        ),
        "mutool" => run(
            program,
            &["draw", "-q", "-p", password, "-r", "72", "-o", to, path],
        ),
        "pdfjs" => {
            let [script, modules] = letsesign_tests::pdfjs().unwrap();
            let [script, modules] = [&script, &modules].map(|path| path.to_str().unwrap());
            let folder = folder.to_str().unwrap();
            run(
                "node",
                &[script, modules, path, folder, "72", "0", password],
            )
        }
        _ => run(
            "gs",
            &[
                "-q",
                "-dNOPAUSE",
                "-dBATCH",
                "-sDEVICE=ppmraw",
                "-r72",
                &format!("-sPDFPassword={password}"),
                &format!("-sOutputFile={to}"),
                path,
            ],
        ),
    };
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ppm"))
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| image(&std::fs::read(name).unwrap()))
        .collect()
}

fn image(ppm: &[u8]) -> Image {
    let mut rest = ppm;
    let mut numbers = Vec::new();
    while numbers.len() < 4 {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap();
        let (word, after) = rest.split_at(end);
        rest = after.get(1..).unwrap();
        if word.starts_with(b"#") {
            // A comment by Ghostscript, up to the end of the line.
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            rest = rest.get(end + 1..).unwrap();
        } else {
            numbers.push(word);
        }
    }
    let number = |index: usize| {
        let text = std::str::from_utf8(numbers.get(index).unwrap()).unwrap();
        text.parse::<usize>().unwrap()
    };
    (number(1), number(2), rest.to_vec())
}

/// Compares all pixels except the stamps, which lie in the top 62 points of the first page.
pub fn assert_same_outside_stamps(pdf: &[u8], what: &str) {
    let [preview, signed] = both(pdf).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_same(&preview, "", &signed, what);
}

/// The same comparison for a preview that opens with a password.
pub fn assert_same_when_protected(pdf: &[u8], what: &str) {
    let password = "secret";
    let [preview, signed] = both_as(pdf, Output::Protected { password })
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_same(&preview, password, &signed, what);
}

fn assert_same(preview: &[u8], password: &str, signed: &[u8], what: &str) {
    for program in ["pdftoppm", "mutool"] {
        if !has(program) {
            continue;
        }
        let before = render_with(preview, program, password);
        let after = render(signed, program);
        assert!(!before.is_empty(), "{what}: {program} shows nothing");
        assert_eq!(before.len(), after.len(), "{what}: {program}");
        for (page, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(
                (before.0, before.1),
                (after.0, after.1),
                "{what}: {program}"
            );
            let skip = if page == 0 { 62 * before.0 * 3 } else { 0 };
            assert!(
                before.2.get(skip..) == after.2.get(skip..),
                "{what}: page {} differs in {program}",
                page + 1
            );
            // Proof that the comparison detects differences: the stamps themselves differ.
            assert!(
                page > 0 || before.2 != after.2,
                "{what}: no stamp in {program}"
            );
        }
    }
}

/// A page with these entries, and these objects from number 5 on.
pub fn page_with(entries: &str, more: &[&str], form: Form, trailer: &str) -> Vec<u8> {
    let page = format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R{entries}>>");
    let content = "q 1 0 0 1 0 -80 cm /Z Do Q";
    let content = format!("<</Length {}>>stream\n{content}\nendstream", content.len());
    let mut bodies = vec![
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        &page,
        &content,
    ];
    bodies.extend(more);
    pdf_as(&bodies, form, trailer)
}

/// The reachable objects of a document as qpdf writes them, newest revision only.
pub fn plain(pdf: &[u8]) -> String {
    if !has("qpdf") {
        return String::new();
    }
    let file = file(pdf);
    let to = file.folder.path().join("plain.pdf");
    let arguments = ["--qdf", "--object-streams=disable"];
    let paths = [file.path.to_str().unwrap(), to.to_str().unwrap()];
    run("qpdf", &[&arguments[..], &paths].concat());
    String::from_utf8_lossy(&std::fs::read(to).unwrap()).into_owned()
}
