//! One file, stamped, and the same update without the drawing. The difference between the two, as
//! readers draw them, is the stamp; nothing else may change.

use super::readers::{Reader, boxes};
use anyhow::Result;
use letsesign_stamp::{
    Error, Field, FieldKind, Fonts, Limits, Mark, ObjectPlace, Output, Signer, Template, Trace,
};
use std::path::Path;
use std::time::Instant;

/// Field heights: of a signature, and the least there may be.
const HEIGHT: f64 = 40.0;
const LEAST: f64 = 4.0;

pub(super) struct Stamper {
    pub(super) fonts: Fonts,
    pub(super) readers: Vec<Reader>,
    /// Pages that are drawn.
    pub(super) pages: u32,
}

/// A signed document, and the same with nothing drawn.
pub(super) struct Pair {
    signed: Vec<u8>,
    hidden: Vec<u8>,
}

/// Why a file was not stamped, and the object that was being read.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Error,
    pub(super) place: Option<ObjectPlace>,
}

impl Stamper {
    /// The pair or the refusal, and the seconds that opening and stamping took.
    pub(super) fn stamp(&self, file: &Path) -> Result<(Result<Pair, Refusal>, f64)> {
        let pdf = std::fs::read(file)?;
        let field = field(file);
        let trace = Trace::default();
        let start = Instant::now();
        let signed = self.one(&pdf, &field, &trace);
        let seconds = start.elapsed().as_secs_f64();
        let pair = signed.and_then(|signed| {
            let hidden = Template::open(&pdf)?.stamp(
                &self.fonts,
                &[signer(&field, Mark::Hidden)],
                Output::Signed,
            )?;
            Ok(Pair { signed, hidden })
        });
        let place = trace.last();
        Ok((pair.map_err(|error| Refusal { error, place }), seconds))
    }

    /// Readers that draw the first page of a file that was refused.
    pub(super) fn drawn_by(&self, file: &Path) -> Result<Vec<&'static str>> {
        let folder = tempfile::tempdir()?;
        let mut names = Vec::new();
        for reader in &self.readers {
            let pages = reader.pages(file, 1, folder.path())?;
            if pages.first().is_some_and(|page| !is_blank(page)) {
                names.push(reader.name());
            }
        }
        Ok(names)
    }

    fn one(&self, pdf: &[u8], field: &Field, trace: &Trace) -> Result<Vec<u8>, Error> {
        let magic_number = "0123456789abcdef".repeat(4);
        let what = Mark::Signed {
            magic_number: &magic_number,
            date: "2026/11/25 (UTC)",
        };
        let limits = Limits {
            trace: Some(trace),
            ..Limits::default()
        };
        Template::open_within(pdf, limits)?.stamp(
            &self.fonts,
            &[signer(field, what)],
            Output::Signed,
        )
    }

    /// Readers that do not show the stamp, and pages that look different without it.
    pub(super) fn look(&self, file: &Path, pair: &Pair) -> Result<(Vec<&'static str>, Vec<usize>)> {
        let folder = tempfile::tempdir()?;
        let (mut invisible, mut changed) = (Vec::new(), Vec::new());
        for reader in &self.readers {
            let draw = |pdf: &Path| reader.pages(pdf, self.pages, &folder.path().join("pages"));
            std::fs::create_dir_all(folder.path().join("pages"))?;
            let original = draw(file)?;
            // A reader that cannot open the original cannot compare.
            if original.is_empty() {
                continue;
            }
            let to = folder.path().join("stamped.pdf");
            std::fs::write(&to, &pair.hidden)?;
            let hidden = draw(&to)?;
            std::fs::write(&to, &pair.signed)?;
            let signed = draw(&to)?;
            if signed.is_empty() || signed.first() == hidden.first() {
                invisible.push(reader.name());
            }
            for (index, page) in original.iter().enumerate() {
                // Readers show an empty page in place of content that they cannot read.
                if is_blank(page) {
                    continue;
                }
                let same = hidden.get(index) == Some(page)
                    && (index == 0 || signed.get(index) == Some(page));
                if !same && !changed.contains(&(index + 1)) {
                    changed.push(index + 1);
                }
            }
        }
        changed.sort_unstable();
        Ok((invisible, changed))
    }
}

/// Whether all pixels of a picture are the same.
fn is_blank(ppm: &[u8]) -> bool {
    // A picture of many pixels is longer, whatever its header says.
    let pixels = ppm.get(64..).unwrap_or_default();
    pixels
        .windows(2)
        .all(|pair| matches!(pair, [one, other] if one == other))
}

fn signer<'a>(field: &'a Field, what: Mark<'a>) -> Signer<'a> {
    Signer {
        number: 1,
        name: "Jane Doe",
        fields: std::slice::from_ref(field),
        what,
    }
}

/// A field in the middle of what readers show of the first page, where protocol 1 can reach it.
fn field(file: &Path) -> Field {
    let letter = [0.0, 0.0, 612.0, 792.0];
    let [media, visible] = boxes(file).unwrap_or([letter, letter]);
    let (width, height) = (media[2] - media[0], media[3] - media[1]);
    let tall = ((visible[3] - visible[1]) / 4.0).clamp(LEAST, HEIGHT);
    // (x, height - y) of the page's user space is the corner.
    let x = f64::midpoint(visible[0], visible[2]) - 2.0 * tall;
    let y = height - f64::midpoint(visible[1], visible[3]) - tall / 2.0;
    Field {
        kind: FieldKind::Signature,
        page: 1,
        x: x.clamp(0.0, width.max(0.0)),
        y: y.clamp(0.0, (height - tall).max(0.0)),
        height: tall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    fn stamper(readers: Vec<Reader>) -> Stamper {
        Stamper {
            fonts: super::super::fonts(&Workspace::find().unwrap()).unwrap(),
            readers,
            pages: 1,
        }
    }

    /// The purpose of the tool: it detects a missing stamp and a changed page.
    #[test]
    fn witnesses_see_missing_stamps_and_other_pages() {
        let vectors = Workspace::find().unwrap().path("tests/vectors/pdf");
        let readers = Reader::installed();
        if readers.is_empty() {
            letsesign_tests::skip("no reader of PDFs is installed");
            return;
        }
        let stamper = stamper(readers.clone());
        let file = vectors.join("covered-square.pdf");
        let (pair, seconds) = stamper.stamp(&file).unwrap();
        let pair = pair.unwrap();
        assert!(seconds > 0.0);
        assert_eq!(stamper.look(&file, &pair).unwrap(), (vec![], vec![]));
        let all: Vec<&str> = readers.iter().map(|reader| reader.name()).collect();
        let missing = Pair {
            signed: pair.hidden.clone(),
            hidden: pair.hidden.clone(),
        };
        assert_eq!(stamper.look(&file, &missing).unwrap(), (all, vec![]));
        let other = vectors.join("active.pdf");
        let (another, _) = stamper.stamp(&other).unwrap();
        assert_eq!(stamper.look(&file, &another.unwrap()).unwrap().1, [1]);
        let file = vectors.join("kids-no-array.pdf");
        let refusal = stamper.stamp(&file).unwrap().0.err().unwrap();
        assert_eq!(refusal.place.unwrap().number, 3);
        stamper.drawn_by(&file).unwrap();
    }

    #[test]
    fn blank_pictures_are_known() {
        let blank = [b"P6 9 9 255\n".to_vec(), vec![255; 243]].concat();
        assert!(is_blank(&blank));
        let mut drawn = blank;
        *drawn.last_mut().unwrap() = 0;
        assert!(!is_blank(&drawn));
    }
}
