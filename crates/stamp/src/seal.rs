//! The seal, drawn once as paths in a square of 100 units and placed by scaling.

use crate::update::Update;
use letsesign_pdf_reader::filter::deflate;
use letsesign_pdf_reader::object::{Dict, Object, decimal};
use std::f64::consts::TAU;

const CENTRE: f64 = 50.0;
/// Colour of signatures (RGB).
pub(crate) const INK: &str = ".015 .109 .674";
/// A tint of the same colour, for fine lines.
const TINT: &str = ".45 .53 .86";
const LEGEND: &str = "LET'S ESIGN";

/// The compressed content of the form.
pub(crate) struct Seal(Vec<u8>);

impl Seal {
    /// A ring with the legend, a rosette of fine lines, and a check mark.
    pub(crate) fn signed() -> Self {
        let mut out = frame("SIGNED");
        // The check mark has a white outline that separates it from the fine lines.
        let mark = "31 50.5 m 44.5 36.5 l 70.5 65.5 l S\n";
        put(
            &mut out,
            &format!("1 J 1 j 1 1 1 RG 12 w {mark}{INK} RG 7.6 w {mark}"),
        );
        Self(deflate(out.as_bytes()))
    }

    /// The same seal with three dots in place of the check mark, because nothing is signed yet.
    pub(crate) fn pending() -> Self {
        let mut out = frame("PENDING");
        for (width, colour) in [(12.0, "1 1 1"), (7.6, INK)] {
            put(&mut out, &format!("1 J {colour} RG {} w\n", decimal(width)));
            for x in [35.0, 50.0, 65.0] {
                put(&mut out, &format!("{0} 50 m {0} 50 l S\n", decimal(x)));
            }
        }
        Self(deflate(out.as_bytes()))
    }

    /// Adds the form and returns its number.
    pub(crate) fn write(&self, update: &mut Update) -> u32 {
        let side = [0, 0, 100, 100].map(Object::Int).to_vec();
        let dict = Dict::default()
            .with("Type", Object::named("XObject"))
            .with("Subtype", Object::named("Form"))
            .with("BBox", Object::Array(side))
            .with("Resources", Object::Dict(Dict::default()))
            .with("Filter", Object::named("FlateDecode"));
        update.add_stream(dict, self.0.clone())
    }
}

fn frame(word: &str) -> String {
    let mut out = String::new();
    put(&mut out, &format!("{TINT} RG .35 w\n"));
    // The rosette: waves around the centre, shifted against each other.
    for (radius, height, waves, turns) in [(25.0, 5.5, 12, 4), (14.0, 5.5, 12, 4)] {
        for turn in 0..turns {
            let phase = f64::from(turn) / f64::from(turns) * TAU / f64::from(waves);
            wave(&mut out, radius, height, waves, phase);
        }
    }
    put(&mut out, &format!("{INK} RG 1.8 w\n"));
    circle(&mut out, 49.1);
    out.push_str(".6 w\n");
    circle(&mut out, 46.6);
    circle(&mut out, 33.4);
    legend(&mut out, LEGEND, word);
    out
}

fn put(out: &mut String, text: &str) {
    out.push_str(text);
}

fn point(radius: f64, angle: f64) -> (f64, f64) {
    (CENTRE + radius * angle.cos(), CENTRE + radius * angle.sin())
}

fn pair((x, y): (f64, f64)) -> String {
    format!("{} {}", short(x), short(y))
}

/// Two decimals are a fiftieth of a pixel on any screen.
fn short(value: f64) -> String {
    decimal((value * 100.0).round() / 100.0)
}

fn circle(out: &mut String, radius: f64) {
    // The usual approximation by four curves: its error is below 0.03 % of the radius.
    let handle = radius * 0.552_284_75;
    let at = |x: f64, y: f64| pair((CENTRE + x, CENTRE + y));
    put(out, &format!("{} m", at(radius, 0.0)));
    let (mut x, mut y) = (radius, 0.0);
    for _ in 0..4 {
        let (hx, hy) = (x / radius * handle, y / radius * handle);
        // A quarter turn: (x, y) becomes (-y, x).
        let (nx, ny) = (-y, x);
        put(
            out,
            &format!(
                " {} {} {} c",
                at(x - hy, y + hx),
                at(nx + hx, ny + hy),
                at(nx, ny)
            ),
        );
        (x, y) = (nx, ny);
    }
    out.push_str(" h S\n");
}

/// A closed curve whose distance from the centre oscillates by `height` around `radius`.
fn wave(out: &mut String, radius: f64, height: f64, waves: i32, phase: f64) {
    let steps = waves * 2;
    let distance = |angle: f64| radius + height * (f64::from(waves) * (angle - phase)).sin();
    let slope = |angle: f64| height * f64::from(waves) * (f64::from(waves) * (angle - phase)).cos();
    let step = TAU / f64::from(steps);
    // From crest to trough: Hermite tangents as Bézier handles.
    let handle = |angle: f64, sign: f64| {
        let (x, y) = point(distance(angle), angle);
        let dx = slope(angle) * angle.cos() - distance(angle) * angle.sin();
        let dy = slope(angle) * angle.sin() + distance(angle) * angle.cos();
        (x + sign * dx * step / 3.0, y + sign * dy * step / 3.0)
    };
    let start = phase + step / 2.0;
    put(out, &format!("{} m", pair(point(distance(start), start))));
    for index in 0..steps {
        let (from, to) = (
            start + f64::from(index) * step,
            start + f64::from(index + 1) * step,
        );
        put(
            out,
            &format!(
                " {} {} {} c",
                pair(handle(from, 1.0)),
                pair(handle(to, -1.0)),
                pair(point(distance(to), to))
            ),
        );
    }
    out.push_str(" h S\n");
}

/// The legend on the upper half of the ring and the word on the lower one, both upright, with
/// diamonds between them.
fn legend(out: &mut String, above: &str, below: &str) {
    // The ring's middle has radius 40; letters are 7.4 high.
    const HEIGHT: f64 = 7.4;
    out.push_str("1 J 1 j 1.25 w\n");
    curve(out, above, HEIGHT, 40.0 - HEIGHT / 2.0, 1.0);
    curve(out, below, HEIGHT, 40.0 + HEIGHT / 2.0, -1.0);
    put(out, &format!("{INK} rg\n"));
    for x in [10.0, 90.0] {
        let (size, y) = (2.0, CENTRE);
        put(
            out,
            &format!(
                "{} m {} l {} l {} l f\n",
                pair((x - size, y)),
                pair((x, y - size)),
                pair((x + size, y)),
                pair((x, y + size))
            ),
        );
    }
}

/// Letters on a circle: clockwise over the top (`side` 1), counter-clockwise under the bottom (-1).
fn curve(out: &mut String, text: &str, height: f64, radius: f64, side: f64) {
    const GAP: f64 = 0.36;
    let letters: Vec<_> = text.chars().map(letter).collect();
    let width: f64 = letters.iter().map(|(width, _)| width + GAP).sum::<f64>() - GAP;
    let mut along = -width / 2.0;
    for (width, strokes) in letters {
        let angle = (along + width / 2.0) * height / radius;
        let (sin, cos) = (angle * side).sin_cos();
        let (x0, y0) = (
            CENTRE + radius * angle.sin(),
            CENTRE + side * radius * angle.cos(),
        );
        let mut numbers = Vec::new();
        for word in strokes.split_whitespace() {
            if let Ok(number) = word.parse::<f64>() {
                numbers.push(number);
                continue;
            }
            for coordinates in numbers.chunks_exact(2) {
                if let [x, y] = coordinates {
                    // The upright of a letter points outwards above, and inwards below.
                    let (x, y) = ((x - width / 2.0) * height, y * height);
                    out.push_str(&pair((x0 + x * cos + y * sin, y0 - x * sin + y * cos)));
                    out.push(' ');
                }
            }
            out.push_str(word);
            out.push(' ');
            numbers.clear();
        }
        out.push_str("S\n");
        along += width + GAP;
    }
}

/// Capitals as single strokes, 1 unit high: the width, and path operators with their operands
/// before them.
fn letter(letter: char) -> (f64, &'static str) {
    match letter {
        'D' => (
            0.62,
            "0 0 m 0 1 l .2 1 l .48 1 .62 .8 .62 .5 c .62 .2 .48 0 .2 0 c h",
        ),
        'E' => (0.5, ".5 0 m 0 0 l 0 1 l .5 1 l 0 .52 m .42 .52 l"),
        'G' => (
            0.64,
            ".6 .84 m .52 .95 .42 1 .32 1 c .12 1 0 .8 0 .5 c 0 .2 .12 0 .34 0 c .46 0 .56 .04 .62 .12 c .62 .45 l .36 .45 l",
        ),
        'I' => (0.0, "0 0 m 0 1 l"),
        'L' => (0.48, "0 1 m 0 0 l .48 0 l"),
        'N' => (0.6, "0 0 m 0 1 l .6 0 l .6 1 l"),
        'P' => (
            0.54,
            "0 0 m 0 1 l .28 1 l .45 1 .54 .89 .54 .74 c .54 .59 .45 .48 .28 .48 c 0 .48 l",
        ),
        'S' => (
            0.54,
            ".5 .84 m .44 .95 .36 1 .27 1 c .12 1 .03 .9 .03 .76 c .03 .6 .14 .56 .28 .51 c .44 .46 .54 .4 .54 .25 c \
             .54 .1 .44 0 .27 0 c .16 0 .06 .06 0 .18 c",
        ),
        'T' => (0.58, "0 1 m .58 1 l .29 1 m .29 0 l"),
        '\'' => (0.0, "0 1 m 0 .8 l"),
        // A space between words.
        _ => (0.3, ""),
    }
}
