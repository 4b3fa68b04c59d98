//! Draws fields in a space with its origin in the page's top-left corner and y upwards.

use crate::error::Error;
use crate::face::{Face, Used};
use crate::font_set::Shared;
use crate::hint;
use crate::seal::INK;
use crate::text::{Fixed, Hand, Run, runs};
use crate::update::hex_string;
use crate::{Field, FieldKind, Language, Mark, Signer};
use letsesign_pdf_reader::object::{decimal, write_hex};
use std::collections::BTreeSet;

/// Colour of the signing hint (RGB).
const HINT: &str = ".203 .596 .858";
/// Distance from the seal to the text right of it, and from the hint's bar to its text, in points.
const GAP: f64 = 3.0;
/// Width of the hint's bar, in points.
const BAR: f64 = 6.0;
/// The smallest font size of a text that is scaled down to fit.
const SMALLEST: f64 = 0.1;

/// The resources that the stamps of a document use.
#[derive(Default)]
pub(crate) struct Uses {
    pub(crate) script: Used,
    pub(crate) cjk: Used,
    /// Names of the faces and seals that are the same in every document.
    pub(crate) fixed: BTreeSet<&'static str>,
}

/// A signer's texts, laid out once for all fields.
pub(crate) struct Prepared<'a> {
    what: Mark<'a>,
    name: &'a str,
    runs: Vec<Run>,
    /// The line below the name.
    line: String,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(fonts: &Shared, signer: &Signer<'a>) -> Result<Self, Error> {
        let runs = match signer.what {
            Mark::Hint(_) | Mark::Hidden => Vec::new(),
            Mark::Signed { .. } | Mark::Pending => runs(signer.name, &fonts.script, &fonts.cjk)
                .map_err(|refused| refused.of(signer.number))?,
        };
        let malformed = |what| Error::Malformed {
            signer: signer.number,
            what,
        };
        let line = match signer.what {
            Mark::Signed { magic_number, date } => {
                if magic_number.len() != 64
                    || !magic_number.bytes().all(|byte| byte.is_ascii_hexdigit())
                {
                    return Err(malformed("magic number"));
                }
                if date.len() > 64 || fonts.mono.line(date).is_none() {
                    return Err(malformed("date"));
                }
                let shown = magic_number
                    .get(..32)
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                format!("{shown} ({:02})", signer.number)
            }
            Mark::Pending => format!("pending ({:02})", signer.number),
            Mark::Hint(_) | Mark::Hidden => String::new(),
        };
        Ok(Self {
            what: signer.what,
            name: signer.name,
            runs,
            line,
        })
    }
}

/// Draws one field; `width` is that of the page.
pub(crate) fn field(
    fonts: &Shared,
    uses: &mut Uses,
    prepared: &Prepared<'_>,
    field: &Field,
    width: f64,
    out: &mut Vec<u8>,
) {
    match (prepared.what, field.kind) {
        (Mark::Hint(language), FieldKind::Signature) => {
            draw_hint(fonts, uses, language, field, width, out);
        }
        (Mark::Signed { date, .. }, FieldKind::Date) => {
            uses.fixed.insert("Mono");
            let line = Line {
                fixed: &fonts.mono,
                font: "Mono",
                colour: "0 0 0",
                text: date,
            };
            line.draw(field.x, field.y + field.height, field.height, width, out);
        }
        (Mark::Signed { .. }, FieldKind::Signature) => {
            uses.fixed.insert("Signed");
            draw_signature(fonts, uses, prepared, "Signed", field, width, out);
        }
        (Mark::Pending, FieldKind::Signature) => {
            uses.fixed.insert("Pending");
            draw_signature(fonts, uses, prepared, "Pending", field, width, out);
        }
        // The date is not known yet.
        (Mark::Hint(_) | Mark::Pending, FieldKind::Date)
        | (Mark::Hidden, _)
        | (_, FieldKind::Other) => {}
    }
}

fn draw_signature(
    fonts: &Shared,
    uses: &mut Uses,
    prepared: &Prepared<'_>,
    seal: &str,
    field: &Field,
    width: f64,
    out: &mut Vec<u8>,
) {
    let Field { x, y, height, .. } = *field;
    let scale = height / 100.0;
    out.extend_from_slice(
        format!(
            "q {0} 0 0 {0} {1} {2} cm /{seal} Do Q\n",
            decimal6(scale),
            decimal(x),
            decimal(-y - height)
        )
        .as_bytes(),
    );
    let left = x + height + GAP;
    let name = Written {
        text: prepared.name,
        runs: &prepared.runs,
        left,
        top: y,
        ascent: 0.6 * height,
        colour: INK,
    };
    name.draw(fonts, uses, width, out);
    uses.fixed.insert("Mono");
    let size = height / 5.0;
    let line = Line {
        fixed: &fonts.mono,
        font: "Mono",
        colour: "0 0 0",
        text: &prepared.line,
    };
    line.draw(
        left,
        y + height - fonts.mono.ascent * size / 5.0,
        size,
        width,
        out,
    );
}

/// A text in the faces that have its characters.
pub(crate) struct Written<'a> {
    /// The text.
    pub(crate) text: &'a str,
    /// Its glyphs.
    pub(crate) runs: &'a [Run],
    /// Distance of its left edge.
    pub(crate) left: f64,
    /// Distance of its top edge.
    pub(crate) top: f64,
    /// Height of the letters above the baseline, if the width of the page suffices for it.
    pub(crate) ascent: f64,
    /// RGB.
    pub(crate) colour: &'static str,
}

impl Written<'_> {
    /// Draws it; `width` is that of the page.
    pub(crate) fn draw(&self, fonts: &Shared, uses: &mut Uses, width: f64, out: &mut Vec<u8>) {
        let face = |hand| match hand {
            Hand::Script => &fonts.script,
            Hand::Cjk => &fonts.cjk,
        };
        let full = |hand| tenths(self.ascent / face(hand).ascent());
        let natural: f64 = self.runs.iter().map(|run| run.width * full(run.hand)).sum();
        let shrink = fit(natural, width - self.left);
        let size = |hand| {
            if shrink < 1.0 {
                tenths(full(hand) * shrink)
            } else {
                full(hand)
            }
        };
        let ascent = self
            .runs
            .iter()
            .map(|run| face(run.hand).ascent() * size(run.hand))
            .fold(0.0, f64::max);
        let baseline = self.top + ascent;
        // The text that extraction yields from the glyphs alone. If it differs from the text,
        // ActualText is added.
        let mut found = String::new();
        let mut text = Vec::new();
        for run in self.runs {
            let (used, font) = match run.hand {
                Hand::Script => (&mut uses.script, "Script"),
                Hand::Cjk => (&mut uses.cjk, "Cjk"),
            };
            text.extend_from_slice(format!("/{font} {} Tf ", decimal(size(run.hand))).as_bytes());
            draw_run(
                face(run.hand),
                used,
                run,
                size(run.hand),
                &mut found,
                &mut text,
            );
        }
        let exact = found == self.text;
        if !exact {
            let mut name = vec![0xfe, 0xff];
            name.extend(self.text.encode_utf16().flat_map(u16::to_be_bytes));
            out.extend_from_slice(b"/Span <</ActualText ");
            hex_string(&name, out);
            out.extend_from_slice(b">> BDC\n");
        }
        out.extend_from_slice(
            format!(
                "BT {} rg 1 0 0 1 {} {} Tm ",
                self.colour,
                decimal(self.left),
                decimal(-baseline)
            )
            .as_bytes(),
        );
        out.extend_from_slice(&text);
        out.extend_from_slice(b"ET\n");
        if !exact {
            out.extend_from_slice(b"EMC\n");
        }
    }
}

/// Draws a run and appends the text of its glyphs to `found`.
fn draw_run(
    face: &Face,
    used: &mut Used,
    run: &Run,
    size: f64,
    found: &mut String,
    out: &mut Vec<u8>,
) {
    let per_mille = 1000.0 / face.units();
    let mut open = false;
    // The displacement of the next glyph, positive to the left as TJ counts.
    let mut shift = 0.0;
    let mut rise = 0.0;
    for glyph in &run.glyphs {
        let number = used.add(face, glyph.id, &glyph.text);
        found.push_str(used.text(number));
        let y = glyph.y / face.units() * size;
        #[expect(
            clippy::float_cmp,
            reason = "the same number until the next glyph says otherwise"
        )]
        if y != rise {
            if open {
                out.extend_from_slice(b">] TJ ");
                open = false;
            }
            out.extend_from_slice(format!("{} Ts ", decimal(y)).as_bytes());
            rise = y;
        }
        shift -= glyph.x * per_mille;
        if !open {
            out.extend_from_slice(b"[<");
        }
        if shift.abs() >= 0.05 {
            out.extend_from_slice(format!("> {} <", decimal(shift)).as_bytes());
        }
        open = true;
        write_hex(&number.to_be_bytes(), out);
        shift = glyph.x * per_mille + (face.advance(glyph.id) - glyph.advance) * per_mille;
    }
    if open {
        if shift.abs() >= 0.05 {
            out.extend_from_slice(format!("> {} <", decimal(shift)).as_bytes());
        }
        out.extend_from_slice(b">] TJ ");
    }
    if rise != 0.0 {
        out.extend_from_slice(b"0 Ts ");
    }
}

fn draw_hint(
    fonts: &Shared,
    uses: &mut Uses,
    language: Language,
    field: &Field,
    width: f64,
    out: &mut Vec<u8>,
) {
    let (fixed, font) = match language {
        Language::English => {
            uses.fixed.insert("English");
            (&fonts.english, "English")
        }
        Language::Chinese => {
            uses.fixed.insert("Chinese");
            (&fonts.chinese, "Chinese")
        }
    };
    let Field { x, y, height, .. } = *field;
    out.extend_from_slice(
        format!(
            "{HINT} rg {} {} {BAR} {} re f\n",
            decimal(x),
            decimal(-y - height),
            decimal(height)
        )
        .as_bytes(),
    );
    let lines = hint::lines(language);
    // Each line takes a quarter of the height; `draw` shrinks one that would leave the page.
    let size = tenths(0.25 * height / (1.2 * fixed.ascent));
    let step = 1.2 * fixed.ascent * size;
    #[expect(clippy::cast_precision_loss, reason = "one or two lines")]
    let mut baseline = y + (height - step * lines.len() as f64) / 2.0;
    for text in lines {
        baseline += step;
        Line {
            fixed,
            font,
            colour: HINT,
            text,
        }
        .draw(x + BAR + GAP, baseline, size, width, out);
    }
}

/// A short text in one of the fixed faces.
struct Line<'a> {
    fixed: &'a Fixed,
    font: &'a str,
    colour: &'a str,
    text: &'a str,
}

impl Line<'_> {
    fn draw(&self, x: f64, baseline: f64, size: f64, width: f64, out: &mut Vec<u8>) {
        let Some((numbers, ems)) = self.fixed.line(self.text) else {
            return;
        };
        let size = (size * fit(ems * size, width - x)).max(SMALLEST);
        out.extend_from_slice(
            format!(
                "BT {} rg /{} {} Tf 1 0 0 1 {} {} Tm ",
                self.colour,
                self.font,
                decimal(size),
                decimal(x),
                decimal(-baseline)
            )
            .as_bytes(),
        );
        let bytes: Vec<u8> = numbers.into_iter().flat_map(u16::to_be_bytes).collect();
        hex_string(&bytes, out);
        out.extend_from_slice(b" Tj ET\n");
    }
}

/// The scale that makes a text of this width fit. A text without any room keeps its size: the
/// page's edge cuts it off, because its field lies there.
fn fit(natural: f64, room: f64) -> f64 {
    if natural <= room || room < 1.0 {
        1.0
    } else {
        room / natural
    }
}

/// Rounds down to a multiple of 0.1.
fn tenths(size: f64) -> f64 {
    ((size * 10.0 + 1e-6).floor() / 10.0).max(SMALLEST)
}

fn decimal6(value: f64) -> String {
    format!("{value:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_tenths() {
        for (size, expected) in [(12.0, 12.0), (12.09, 12.0), (0.3, 0.3), (0.01, 0.1)] {
            assert!((tenths(size) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn texts_shrink_only_when_they_must() {
        assert!((fit(100.0, 200.0) - 1.0).abs() < 1e-9);
        assert!((fit(100.0, 50.0) - 0.5).abs() < 1e-9);
        assert!((fit(100.0, -5.0) - 1.0).abs() < 1e-9);
    }
}
