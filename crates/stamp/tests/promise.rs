//! What a signer sees is what is signed: a hostile sender's documents, and how preview and signed
//! document compare.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod common;

use common::{Form, MAGIC, SIGNED, file, fonts, pdf, pdf_as, run, signature, signer, vector};
use letsesign_stamp::{Error, Language, Limits, Output, Template, What};
use memchr::memmem::find;
use std::cell::Cell;
use std::fmt::Write as _;

/// Preview and signed document: the first of two signers has signed in the preview, or is hidden.
fn both(pdf: &[u8]) -> Result<[Vec<u8>; 2], Error> {
    let (first, second) = (
        [signature(1, 10.0, 10.0, 20.0)],
        [signature(1, 10.0, 40.0, 20.0)],
    );
    let of = |what: [What<'static>; 2], output| {
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
    let preview = of([What::Hidden, What::Hint(Language::English)], Output::Plain)?;
    let signed = of([SIGNED, SIGNED], Output::Signed)?;
    Ok([preview, signed])
}

/// All pages, 72 dots an inch: width, height, RGB.
type Image = (usize, usize, Vec<u8>);

fn render(pdf: &[u8], program: &str) -> Vec<Image> {
    let file = file(pdf);
    let path = file.path.to_str().unwrap();
    let folder = file.folder.path();
    if program == "pdftoppm" {
        let root = folder.join("page");
        run(program, &["-r", "72", path, root.to_str().unwrap()]);
    } else {
        let to = folder.join("page-%04d.ppm");
        run(
            program,
            &["draw", "-q", "-r", "72", "-o", to.to_str().unwrap(), path],
        );
    }
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
    let head: Vec<&[u8]> = ppm.splitn(4, u8::is_ascii_whitespace).collect();
    let [b"P6", wide, tall, rest] = *head.as_slice() else {
        panic!("not a PPM")
    };
    let number = |text: &[u8]| std::str::from_utf8(text).unwrap().parse::<usize>().unwrap();
    let pixels = rest.splitn(2, u8::is_ascii_whitespace).last().unwrap();
    (number(wide), number(tall), pixels.to_vec())
}

/// All pixels but those of the stamps, which lie in the 62 points at the top of the first page.
fn assert_same_outside_stamps(pdf: &[u8], what: &str) {
    let [preview, signed] = both(pdf).unwrap_or_else(|error| panic!("{what}: {error}"));
    for program in ["pdftoppm", "mutool"] {
        if !common::has(program) {
            continue;
        }
        let (before, after) = (render(&preview, program), render(&signed, program));
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
            // The comparison sees something: the stamps themselves differ.
            assert!(
                page > 0 || before.2 != after.2,
                "{what}: no stamp in {program}"
            );
        }
    }
}

/// Numbers of the objects that the update adds or replaces, but for fonts and seals.
fn numbers(original: &[u8], stamped: &[u8]) -> Vec<u32> {
    let update = String::from_utf8_lossy(stamped.get(original.len()..).unwrap()).into_owned();
    let mut numbers: Vec<u32> = update
        .lines()
        .filter_map(|line| line.strip_suffix(" 0 obj")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_dangling_reference_does_not_come_alive() {
    for (name, highest) in [("painted-over.pdf", 16), ("dangling.pdf", 25)] {
        let pdf = vector(name);
        let [preview, signed] = both(&pdf).unwrap();
        for out in [&preview, &signed] {
            let new = numbers(&pdf, out).into_iter().filter(|number| *number > 7);
            assert!(new.min().unwrap() > highest, "{name}");
        }
        assert_same_outside_stamps(&pdf, name);
    }
}

/// A page with these entries, and these further objects from 5 on.
fn page_with(entries: &str, more: &[&str], form: Form, trailer: &str) -> Vec<u8> {
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

#[test]
fn a_reference_hides_nowhere() {
    for number in [9_u32, 40, 70, 75, 80, 500_000] {
        for form in [Form::Table, Form::Stream, Form::Hybrid] {
            for place in 0..5 {
                let reference = format!("{number} 0 R");
                let entry = format!("/Resources<</XObject<</Z {reference}>>>>");
                let document = match place {
                    0 => page_with(&entry, &[], form, ""),
                    // Through another object, of another generation, with a comment in it.
                    1 => page_with(
                        "/Resources<</XObject 5 0 R>>",
                        &[&format!("<</Z {number} % comment\n 7 % comment\n R>>")],
                        form,
                        "",
                    ),
                    2 => page_with("", &[], form, &format!("/AdditionalStreams[{reference}]")),
                    // Only in a revision that another one replaces.
                    3 => {
                        let mut old = page_with(&entry, &[], form, "");
                        let at = old.len();
                        old.extend(b"3 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\n");
                        let start = old.len();
                        let last = memchr::memmem::rfind(&old, b"startxref").unwrap();
                        let before = String::from_utf8_lossy(old.get(last + 9..).unwrap());
                        let before = before.split_whitespace().next().unwrap().to_owned();
                        old.extend(
                            format!(
                                "xref\n3 1\n{at:010} 00000 n \ntrailer\n<</Size 5/Root 1 0 R/Prev {before}>>\nstartxref\n{start}\n%%EOF\n"
                            )
                            .bytes(),
                        );
                        old
                    }
                    _ => page_with("", &[&format!("[[<</A[{reference}]>>]]")], form, ""),
                };
                let [preview, signed] = both(&document).unwrap();
                let of = |out: &[u8]| {
                    let mut all = numbers(&document, out);
                    all.retain(|number| *number > 7);
                    all
                };
                for out in [&preview, &signed] {
                    assert!(*of(out).first().unwrap() > number, "{form:?} {place}");
                }
                // From the shared resources on, after the room for fonts and seals.
                let room = of(&preview).first().unwrap() + 64;
                let tail = |out: &[u8]| -> Vec<u32> {
                    of(out)
                        .into_iter()
                        .filter(|number| *number >= room - 10)
                        .collect()
                };
                assert_eq!(tail(&preview), tail(&signed), "{form:?} {place}");
            }
        }
    }
}

#[test]
fn numbers_without_room_are_refused_and_text_is_no_reference() {
    for number in ["8388607", "8388608", "4294967295"] {
        let entry = format!("/Resources<</XObject<</Z {number} 0 R>>>>");
        let document = page_with(&entry, &[], Form::Table, "");
        assert!(matches!(both(&document), Err(Error::Limit(_))), "{number}");
        let text = page_with("", &[&format!("({number} 0 R)")], Form::Table, "");
        assert!(both(&text).is_ok(), "{number}");
    }
}

const AT: &str = "/Type/Annot/Subtype/Link/Rect[0 0 9 9]";

#[test]
fn scripts_and_actions_are_taken_out_of_both() {
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

/// What a reader can reach in the document, as qpdf writes it: the newest revision alone.
fn plain(pdf: &[u8]) -> String {
    if !common::has("qpdf") {
        return String::new();
    }
    let file = file(pdf);
    let to = file.folder.path().join("plain.pdf");
    let arguments = ["--qdf", "--object-streams=disable"];
    let paths = [file.path.to_str().unwrap(), to.to_str().unwrap()];
    run("qpdf", &[&arguments[..], &paths].concat());
    String::from_utf8_lossy(&std::fs::read(to).unwrap()).into_owned()
}

#[test]
fn what_is_harmless_stays() {
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
fn what_comes_from_elsewhere_is_refused() {
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
    for kind in ["RichMedia", "3D", "Movie", "Sound"] {
        let annotation = format!("<</Type/Annot/Subtype/{kind}/Rect[0 0 9 9]>>");
        let document = page_with("/Annots[5 0 R]", &[&annotation], Form::Stream, "");
        assert!(matches!(both(&document), Err(Error::Active(_))), "{kind}");
    }
}

#[test]
fn work_is_bounded_and_stops_when_told() {
    let document = common::one_page("", "0 0 10 10 re f");
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        true
    };
    let limits = Limits {
        stop: Some(&stop),
        ..Limits::default()
    };
    assert_eq!(
        Template::open_within(&document, limits).err(),
        Some(Error::Stopped)
    );
    assert!(asked.get() > 0);
    let limits = Limits {
        work: 100,
        ..Limits::default()
    };
    assert_eq!(
        Template::open_within(&document, limits).err(),
        Some(Error::Budget)
    );
    // Entries that all point into one run of white space.
    let mut long = b"%PDF-1.7\n".to_vec();
    long.extend(b" ".repeat(1_000_000));
    long.extend(b"1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj\n");
    let start = long.len();
    long.extend(b"xref\n0 20000\n");
    long.extend(b"0000000009 00000 n \n".repeat(20_000));
    long.extend(format!("trailer<</Root 1 0 R/Size 20000>>\nstartxref\n{start}\n%%EOF").bytes());
    let _ = Template::open(&long).map(|template| template.check(fonts(), &[]));
    // Names that are taken, as many as fit.
    let mut names = String::new();
    for count in 2..200_000 {
        write!(names, "/Stamp{count} 4 0 R").unwrap();
    }
    let taken = page_with(
        &format!("/Resources<</XObject<</Stamp 4 0 R{names}>>>>"),
        &[],
        Form::Table,
        "",
    );
    let out = both(&taken).unwrap();
    assert!(
        out.iter()
            .all(|out| find(out, b"/Stamp200000 Do").is_some())
    );
    assert!(
        find(&out[1], MAGIC.get(..8).unwrap().as_bytes()).is_none(),
        "shown by glyphs alone"
    );
}
