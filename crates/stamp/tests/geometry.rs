//! Positions of stamps in poppler, mupdf and Ghostscript: within a point of the position in
//! docs/stamp.md, on pages of all kinds.

#![cfg(test)]
#![allow(clippy::cast_precision_loss, reason = "tests")]

mod common;

use common::{SIGNED, date, one_page, run, signature, stamp};
use letsesign_stamp::{Error, Field, Language, Mark, Output, Placement, Template};

/// Pixels per point.
const SCALE: f64 = 3.0;
const HINT: [u8; 3] = [52, 152, 219];
const INK: [u8; 3] = [4, 28, 172];

/// A page, and how readers display it.
#[derive(Clone, Copy)]
struct Shape {
    entries: &'static str,
    /// The MediaBox: left, bottom, right, top.
    media: [f64; 4],
    /// The part that readers display.
    visible: [f64; 4],
    /// Clockwise rotation in degrees.
    rotate: u32,
    /// Points per unit of user space.
    unit: f64,
}

const fn shape(entries: &'static str, media: [f64; 4], visible: [f64; 4], rotate: u32) -> Shape {
    Shape {
        entries,
        media,
        visible,
        rotate,
        unit: 1.0,
    }
}

const PLAIN: [f64; 4] = [0.0, 0.0, 400.0, 300.0];
const CROP: [f64; 4] = [50.0, 40.0, 350.0, 260.0];
const ORIGIN: [f64; 4] = [100.0, 50.0, 500.0, 350.0];

const PAGES: &[Shape] = &[
    shape("", PLAIN, PLAIN, 0),
    shape("/Rotate 90", PLAIN, PLAIN, 90),
    shape("/Rotate 180", PLAIN, PLAIN, 180),
    shape("/Rotate 270", PLAIN, PLAIN, 270),
    shape("/Rotate -90", PLAIN, PLAIN, 270),
    shape("/Rotate 450", PLAIN, PLAIN, 90),
    shape("/MediaBox[100 50 500 350]", ORIGIN, ORIGIN, 0),
    shape("/MediaBox[500 350 100 50]/Rotate 90", ORIGIN, ORIGIN, 90),
    shape("/MediaBox[100 50 500 350]/Rotate 180", ORIGIN, ORIGIN, 180),
    shape("/MediaBox[100 50 500 350]/Rotate 270", ORIGIN, ORIGIN, 270),
    shape(
        "/MediaBox[-100 -50 300 250]",
        [-100.0, -50.0, 300.0, 250.0],
        [-100.0, -50.0, 300.0, 250.0],
        0,
    ),
    shape("/CropBox[50 40 350 260]", PLAIN, CROP, 0),
    shape("/CropBox[50 40 350 260]/Rotate 90", PLAIN, CROP, 90),
    shape("/CropBox[350 260 50 40]/Rotate 180", PLAIN, CROP, 180),
    shape("/CropBox[50 40 350 260]/Rotate 270", PLAIN, CROP, 270),
    shape(
        "/CropBox[-50 -40 350 400]",
        PLAIN,
        [0.0, 0.0, 350.0, 300.0],
        0,
    ),
    Shape {
        unit: 2.0,
        ..shape("/UserUnit 2", PLAIN, PLAIN, 0)
    },
    Shape {
        unit: 0.5,
        ..shape("/UserUnit 0.5/Rotate 90", PLAIN, PLAIN, 90)
    },
];

impl Shape {
    /// Position on the screen of a field with its top-left corner at (x, y), in units from the
    /// top-left corner: (x, height - y) of user space, without adding the origin of the box.
    fn shown(&self, x: f64, y: f64, width: f64, height: f64) -> [f64; 4] {
        let tall = self.media[3] - self.media[1];
        let [left, bottom, right, top] = self.visible;
        let corner = |x: f64, y: f64| match self.rotate {
            90 => (y - bottom, x - left),
            180 => (right - x, y - bottom),
            270 => (top - y, right - x),
            _ => (x - left, top - y),
        };
        let (a, b) = corner(x, tall - y);
        let (c, d) = corner(x + width, tall - y - height);
        [a.min(c), b.min(d), a.max(c), b.max(d)]
    }
}

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

    /// Renders page 1. Renderers that support UserUnit draw `unit` times as many pixels for each
    /// unit.
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

    /// Pixels per unit of the page's user space.
    fn pixels(self, page: &Shape) -> f64 {
        match self {
            Self::Poppler => SCALE,
            Self::MuPdf | Self::Ghostscript => SCALE * page.unit,
        }
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

    /// Left, top, right and bottom of the area with this colour, in points; the leftmost area if
    /// there are several side by side.
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

/// Runs a test with every installed renderer.
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
        for page in PAGES.iter().filter(|page| page.rotate == 0) {
            for content in CONTENTS {
                let pdf = one_page(page.entries, content);
                let (x, y, tall) = (131.5, 92.25, 50.0);
                let field = [signature(1, x, y, tall)];
                let out = stamp(&pdf, "Jane", &field, Mark::Hint(Language::English)).unwrap();
                let found = renderer.render(&out).bounds(HINT, renderer.pixels(page));
                let what = format!("{renderer:?} {} {content:?}", page.entries);
                let found = found.unwrap_or_else(|| panic!("{what}: nothing there"));
                assert_near(found, page.shown(x, y, 6.0, tall), 0.9, &what);
            }
        }
    });
}

/// In the middle of the page, and right at those corners of the MediaBox that are visible.
#[test]
fn the_seal_fills_its_square_where_the_client_puts_it() {
    each_renderer(|renderer| {
        for page in PAGES {
            for (content, (x, y, side)) in [
                (CONTENTS[1], (150.0, 100.0, 60.0)),
                (CONTENTS[2], (0.0, 0.0, 40.0)),
                (CONTENTS[0], (340.0, 240.0, 60.0)),
            ] {
                // At half the size, thin lines disappear between the pixels.
                if page.unit < 1.0 && side < 60.0 {
                    continue;
                }
                let pdf = one_page(page.entries, content);
                let out = stamp(&pdf, "", &[signature(1, x, y, side)], SIGNED).unwrap();
                let found = renderer.render(&out).bounds(INK, renderer.pixels(page));
                let what = format!("{renderer:?} {} {x}", page.entries);
                let expected = page.shown(x, y, side, side);
                let [left, bottom, right, top] = page.visible;
                let (wide, tall) = match page.rotate {
                    90 | 270 => (top - bottom, right - left),
                    _ => (right - left, top - bottom),
                };
                let whole = expected[0] >= 0.0
                    && expected[1] >= 0.0
                    && expected[2] <= wide
                    && expected[3] <= tall;
                assert!(whole || !(1.0..=300.0).contains(&x), "{what}");
                if whole {
                    let found = found.unwrap_or_else(|| panic!("{what}: nothing there"));
                    assert_near(found, expected, 0.9, &what);
                }
            }
        }
    });
}

/// Protocol 2: a place is what the reader displays, whatever rotation, crop box and origin.
#[test]
fn displayed_fields_are_upright_and_count_from_the_visible_corner() {
    each_renderer(|renderer| {
        for page in PAGES {
            let pdf = one_page(page.entries, CONTENTS[1]);
            let (x, y, tall) = (81.5, 62.25, 50.0);
            let field = [signature(1, x, y, tall)];
            let signers = [common::signer(
                "Jane",
                &field,
                Mark::Hint(Language::English),
            )];
            let out = Template::open(&pdf)
                .unwrap()
                .placed(Placement::Displayed)
                .stamp(common::fonts(), &signers, Output::Signed)
                .unwrap();
            let found = renderer.render(&out).bounds(HINT, renderer.pixels(page));
            let what = format!("{renderer:?} {}", page.entries);
            let found = found.unwrap_or_else(|| panic!("{what}: nothing there"));
            assert_near(found, [x, y, x + 6.0, y + tall], 0.9, &what);
        }
    });
}

#[test]
fn displayed_fields_must_lie_on_the_visible_area() {
    let pdf = one_page("/Rotate 90/CropBox[50 40 350 260]", "");
    let template = Template::open(&pdf).unwrap().placed(Placement::Displayed);
    // 220 wide and 300 high as displayed.
    for (field, inside) in [
        (signature(1, 220.0, 0.0, 20.0), true),
        (signature(1, 220.1, 0.0, 20.0), false),
        (signature(1, 0.0, 280.0, 20.0), true),
        (signature(1, 0.0, 280.1, 20.0), false),
    ] {
        let signers = [common::signer("Jane", std::slice::from_ref(&field), SIGNED)];
        let checked = template.check(common::fonts(), &signers);
        assert_eq!(checked.is_ok(), inside, "{field:?}");
    }
}

/// Baselines, from the boxes of words that poppler reports: a box extends from the word's ascent to
/// its descent.
#[test]
fn texts_stand_on_their_baselines() {
    if !common::has("pdftotext") {
        return;
    }
    for page in PAGES
        .iter()
        .filter(|page| page.rotate == 0 && page.visible == PLAIN && page.unit < 1.5)
    {
        let entries = page.entries;
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
        // The font's ascent is 0.92 em, and 26 times that is 23.92; the limit is 0.6 of the height.
        let name = word("Jane");
        assert!(
            (name[0] - (x + height + 3.0)).abs() < 1.0,
            "{entries}: {name:?}"
        );
        assert!((name[1] - y).abs() < 1.0, "{entries}: {name:?}");
        // Inconsolata rises 0.859 em above the baseline.
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

/// Words with their boxes: left, top, right, bottom.
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
        (signature(1, 400.0, 0.0, 20.0), None),
        (signature(1, 400.1, 0.0, 20.0), outside.clone()),
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
