//! Where stamps are, as poppler, mupdf and Ghostscript show them: within a point of where docs/stamp.md says, on pages of all kinds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{SIGNED, date, one_page, run, signature, stamp};
use letsesign_stamp::{Error, Field, Language, What};

/// Pixels for one point.
const SCALE: f64 = 3.0;
const HINT: [u8; 3] = [52, 152, 219];
const INK: [u8; 3] = [4, 28, 172];

/// Page entries, and the size of the page as displayed in units of its user space; and how many points a unit has.
const PAGES: &[(&str, f64, f64, f64)] = &[
    ("", 400.0, 300.0, 1.0),
    ("/Rotate 90", 300.0, 400.0, 1.0),
    ("/Rotate 180", 400.0, 300.0, 1.0),
    ("/Rotate 270", 300.0, 400.0, 1.0),
    ("/Rotate -90", 300.0, 400.0, 1.0),
    ("/Rotate 450", 300.0, 400.0, 1.0),
    ("/MediaBox[100 50 500 350]", 400.0, 300.0, 1.0),
    ("/MediaBox[-100 -50 300 250]", 400.0, 300.0, 1.0),
    ("/MediaBox[500 350 100 50]/Rotate 90", 300.0, 400.0, 1.0),
    ("/CropBox[50 40 350 260]", 300.0, 220.0, 1.0),
    ("/CropBox[50 40 350 260]/Rotate 90", 220.0, 300.0, 1.0),
    ("/CropBox[350 260 50 40]/Rotate 180", 300.0, 220.0, 1.0),
    ("/CropBox[50 40 350 260]/Rotate 270", 220.0, 300.0, 1.0),
    ("/CropBox[-50 -40 350 400]", 350.0, 300.0, 1.0),
    (
        "/MediaBox[-20.5 10.25 379.5 310.25]/CropBox[0.5 20.25 300.5 300.25]/Rotate 90",
        280.0,
        300.0,
        1.0,
    ),
    ("/UserUnit 2", 400.0, 300.0, 2.0),
    ("/UserUnit 0.5/Rotate 90", 300.0, 400.0, 0.5),
];

/// Content that leaves the graphics state in disorder.
const CONTENTS: &[&str] = &[
    "",
    "q 2 0 0 2 30 30 cm q 0 0 1 1 re W n 0 1 0 rg",
    "Q 0.5 0 0 0.5 0 0 cm BT 30 TL 3 Tr",
];

struct Image {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

#[derive(Clone, Copy, Debug)]
enum Renderer {
    Poppler,
    MuPdf,
    Ghostscript,
}

impl Renderer {
    const ALL: [Self; 3] = [Self::Poppler, Self::MuPdf, Self::Ghostscript];

    fn program(self) -> &'static str {
        match self {
            Self::Poppler => "pdftoppm",
            Self::MuPdf => "mutool",
            Self::Ghostscript => "gs",
        }
    }

    /// Renders page 1. A unit of a page with a UserUnit takes `unit` times the pixels in those that know it.
    fn render(self, pdf: &[u8]) -> Image {
        let file = common::file(pdf);
        let path = file.path.to_str().unwrap();
        let image = file.folder.path().join("image.ppm");
        let to = image.to_str().unwrap();
        let dpi = (72.0 * SCALE).to_string();
        let ran = match self {
            Self::Poppler => run(
                "pdftoppm",
                &[
                    "-cropbox",
                    "-singlefile",
                    "-r",
                    &dpi,
                    path,
                    to.strip_suffix(".ppm").unwrap(),
                ],
            ),
            Self::MuPdf => run(
                "mutool",
                &["draw", "-q", "-r", &dpi, "-F", "ppm", "-o", to, path, "1"],
            ),
            Self::Ghostscript => run(
                "gs",
                &[
                    "-q",
                    "-dNOPAUSE",
                    "-dBATCH",
                    "-dUseCropBox",
                    "-dTextAlphaBits=4",
                    "-dGraphicsAlphaBits=4",
                    "-sDEVICE=ppmraw",
                    &format!("-r{dpi}"),
                    &format!("-sOutputFile={to}"),
                    path,
                ],
            ),
        };
        assert!(
            ran.status.success(),
            "{self:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        ppm(&std::fs::read(&image).unwrap())
    }

    fn knows_units(self) -> bool {
        !matches!(self, Self::Poppler)
    }
}

fn ppm(bytes: &[u8]) -> Image {
    let mut at = 0;
    let mut numbers = Vec::new();
    while numbers.len() < 4 {
        while bytes[at] == b'#' {
            at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
        }
        let end = at
            + bytes[at..]
                .iter()
                .position(u8::is_ascii_whitespace)
                .unwrap();
        numbers.push(std::str::from_utf8(&bytes[at..end]).unwrap());
        at = end + 1;
    }
    assert_eq!((numbers[0], numbers[3]), ("P6", "255"));
    Image {
        width: numbers[1].parse().unwrap(),
        height: numbers[2].parse().unwrap(),
        pixels: bytes[at..]
            .chunks_exact(3)
            .map(|pixel| pixel.try_into().unwrap())
            .collect(),
    }
}

impl Image {
    fn is(&self, x: usize, y: usize, colour: [u8; 3]) -> bool {
        self.pixels[y * self.width + x]
            .iter()
            .zip(colour)
            .all(|(a, b)| a.abs_diff(b) < 40)
    }

    /// Left, top, right and bottom of what has this colour, in points; of several shapes side by side the leftmost.
    fn bounds(&self, colour: [u8; 3], pixels_per_unit: f64) -> Option<[f64; 4]> {
        let column = |x: usize| (0..self.height).any(|y| self.is(x, y, colour));
        let left = (0..self.width).find(|x| column(*x))?;
        let right = (left..self.width)
            .find(|x| !column(*x))
            .unwrap_or(self.width);
        let row = |y: &usize| (left..right).any(|x| self.is(x, *y, colour));
        let top = (0..self.height).find(row)?;
        let bottom = (0..self.height).rev().find(row)? + 1;
        Some([left, top, right, bottom].map(|side| side as f64 / pixels_per_unit))
    }
}

fn assert_near(found: [f64; 4], expected: [f64; 4], slack: f64, what: &str) {
    for (found_side, expected_side) in found.iter().zip(expected) {
        assert!(
            (found_side - expected_side).abs() <= slack,
            "{what}: {found:?}, expected {expected:?}"
        );
    }
}

/// Renders with whatever is installed.
fn each_renderer(test: impl Fn(Renderer)) {
    for renderer in Renderer::ALL {
        if common::has(renderer.program()) {
            test(renderer);
        }
    }
}

#[test]
fn the_hints_bar_is_in_its_place() {
    each_renderer(|renderer| {
        for (entries, width, height, unit) in PAGES {
            for content in CONTENTS {
                let pdf = one_page(entries, content);
                // Somewhere in the page, and right at its right and lower edges.
                for (x, y, tall) in [
                    (31.5, 42.25, 50.0),
                    (0.0, 0.0, 20.0),
                    (*width - 60.0, *height - 30.0, 30.0),
                ] {
                    let field = [signature(1, x, y, tall)];
                    let out = stamp(&pdf, "Jane", &field, What::Hint(Language::English)).unwrap();
                    let image = renderer.render(&out);
                    let pixels = if renderer.knows_units() {
                        SCALE * unit
                    } else {
                        SCALE
                    };
                    let found = image.bounds(HINT, pixels);
                    let what = format!("{renderer:?} {entries} {content:?} {x} {y}");
                    let found = found.unwrap_or_else(|| panic!("{what}: nothing there"));
                    assert_near(found, [x, y, x + 6.0, y + tall], 0.9, &what);
                }
            }
        }
    });
}

#[test]
fn the_seal_fills_its_square() {
    each_renderer(|renderer| {
        for (entries, ..) in &PAGES[..10] {
            let out = stamp(
                &one_page(entries, CONTENTS[1]),
                "",
                &[signature(1, 20.0, 30.0, 60.0)],
                SIGNED,
            )
            .unwrap();
            let found = renderer.render(&out).bounds(INK, SCALE).unwrap();
            assert_near(
                found,
                [20.0, 30.0, 80.0, 90.0],
                0.9,
                &format!("{renderer:?} {entries}"),
            );
        }
    });
}

/// Baselines, by the boxes of words that poppler reports: the box of a word goes from its ascent to its descent.
#[test]
fn texts_stand_on_their_baselines() {
    if !common::has("pdftotext") {
        return;
    }
    for (entries, ..) in PAGES
        .iter()
        .filter(|(entries, ..)| !entries.contains("CropBox") && !entries.contains("UserUnit"))
    {
        let (x, y, height) = (20.0, 30.0, 40.0);
        let fields = [signature(1, x, y, height), date(1, 20.0, 100.0, 10.0)];
        let out = stamp(&one_page(entries, ""), "Jane", &fields, SIGNED).unwrap();
        let words = words(&out);
        let word = |text: &str| {
            words
                .iter()
                .find(|(word, _)| word == text)
                .unwrap_or_else(|| panic!("{text} in {words:?}"))
                .1
        };
        // The font's ascent is 0.92 em, and 26 times that is 23.92, 0.6 of the height at most.
        let name = word("Jane");
        assert!(
            (name[0] - (x + height + 3.0)).abs() < 1.0,
            "{entries}: {name:?}"
        );
        assert!((name[1] - y).abs() < 1.0, "{entries}: {name:?}");
        // Inconsolata: 0.859 em above the baseline.
        let magic = word(&common::MAGIC[..32]);
        let size = height / 5.0;
        assert!(
            (magic[0] - (x + height + 3.0)).abs() < 1.0,
            "{entries}: {magic:?}"
        );
        let baseline = y + height - 0.859 * size / 5.0;
        assert!(
            (magic[1] - (baseline - 0.859 * size)).abs() < 1.0,
            "{entries}: {magic:?} {baseline}"
        );
        assert!(
            (magic[2] - (x + height + 3.0 + 16.0 * size)).abs() < 1.0,
            "{entries}: {magic:?}"
        );
        let date = word("2026/11/25");
        assert!(
            (date[0] - 20.0).abs() < 1.0 && (date[1] - (110.0 - 8.59)).abs() < 1.0,
            "{entries}: {date:?}"
        );
    }
}

/// Words and their boxes: left, top, right, bottom.
fn words(pdf: &[u8]) -> Vec<(String, [f64; 4])> {
    let file = common::file(pdf);
    let ran = run("pdftotext", &["-bbox", file.path.to_str().unwrap(), "-"]);
    let html = String::from_utf8(ran.stdout).unwrap();
    html.lines()
        .filter_map(|line| {
            let rest = line.trim().strip_prefix("<word ")?;
            let mut parts = rest.split('"');
            let mut number = || {
                parts.next()?;
                parts.next()?.parse::<f64>().ok()
            };
            let sides = [number()?, number()?, number()?, number()?];
            let text = rest.split_once('>')?.1.split_once('<')?.0;
            Some((text.to_owned(), sides))
        })
        .collect()
}

#[test]
fn fields_must_lie_on_their_page() {
    let pdf = one_page("/Rotate 90/CropBox[50 40 350 260]", "");
    let outside = Some(Error::Outside {
        signer: 1,
        field: 1,
        page: 1,
    });
    for (field, error) in [
        (signature(1, 220.0, 0.0, 20.0), None),
        (signature(1, 220.1, 0.0, 20.0), outside.clone()),
        (signature(1, 0.0, 280.0, 20.0), None),
        (signature(1, 0.0, 280.1, 20.0), outside.clone()),
        (signature(1, -0.1, 0.0, 20.0), outside.clone()),
        (signature(1, 0.0, -0.1, 20.0), outside.clone()),
        (signature(1, f64::NAN, 0.0, 20.0), outside.clone()),
        (signature(1, 0.0, f64::INFINITY, 20.0), outside.clone()),
        (signature(1, 0.0, 0.0, f64::NAN), outside.clone()),
        (signature(1, 0.0, 0.0, 2.0), None),
        (
            signature(1, 0.0, 0.0, 1.99),
            Some(Error::Height {
                signer: 1,
                field: 1,
            }),
        ),
        (
            signature(1, 0.0, 0.0, -5.0),
            Some(Error::Height {
                signer: 1,
                field: 1,
            }),
        ),
        (
            signature(0, 0.0, 0.0, 20.0),
            Some(Error::Page {
                signer: 1,
                field: 1,
                page: 0,
            }),
        ),
        (
            signature(2, 0.0, 0.0, 20.0),
            Some(Error::Page {
                signer: 1,
                field: 1,
                page: 2,
            }),
        ),
        (
            signature(9999, 0.0, 0.0, 20.0),
            Some(Error::Page {
                signer: 1,
                field: 1,
                page: 9999,
            }),
        ),
    ] {
        let fields: [Field; 1] = [field];
        assert_eq!(
            stamp(&pdf, "Jane", &fields, SIGNED).err(),
            error,
            "{field:?}"
        );
    }
}

#[test]
fn names_stay_on_the_page() {
    each_renderer(|renderer| {
        let name = "Maximiliana Alexandra Wilhelmina von und zu Hohenstein-Falkenberg";
        let out = stamp(
            &one_page("", ""),
            name,
            &[signature(1, 20.0, 30.0, 40.0)],
            SIGNED,
        )
        .unwrap();
        let image = renderer.render(&out);
        let edge = image.width - 2;
        assert!(
            (0..image.height).all(|y| !image.is(edge, y, INK)),
            "{renderer:?}: cut off"
        );
        if matches!(renderer, Renderer::Poppler) && common::has("pdftotext") {
            let words = words(&out);
            assert!(
                words.iter().all(|(_, sides)| sides[2] <= 400.5),
                "{words:?}"
            );
            assert!(common::text(&out).contains(name));
        }
    });
}
