//! The three faces, and their subsets as PDF objects.

use crate::error::FontError;
use crate::update::Update;
use harfrust::Font;
use letsesign_pdf_reader::filter::deflate;
use letsesign_pdf_reader::object::{Dict, Object, write_hex};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use subsetter::GlyphRemapper;

/// The bytes of a font file.
type File = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A parsed font file. Clones share the bytes.
pub(crate) struct Face {
    bytes: File,
    index: u32,
    pub(crate) font: Font,
    /// PostScript name for errors and PDF, such as `DancingScript-Regular`.
    name: &'static str,
    units: f64,
    ascent: f64,
    descent: f64,
    bounds: [f64; 4],
    compact: bool,
    italic: bool,
}

impl Face {
    pub(crate) fn new(
        bytes: File,
        index: u32,
        name: &'static str,
        italic: bool,
    ) -> Result<Self, FontError> {
        let font = Font::new(Arc::clone(&bytes), index).ok_or(FontError::Read(name))?;
        let metrics = font.metrics();
        let line = metrics.hhea_line.as_ref().ok_or(FontError::Read(name))?;
        let bounds = &metrics.bounds;
        let units = f64::from(metrics.units_per_em);
        let per_mille = |value: f64| value * 1000.0 / units;
        let face = Self {
            units,
            ascent: line.ascender.to_f64() / units,
            descent: line.descender.to_f64() / units,
            bounds: [
                per_mille(bounds.x_min.to_f64()),
                per_mille(bounds.y_min.to_f64()),
                per_mille(bounds.x_max.to_f64()),
                per_mille(bounds.y_max.to_f64()),
            ],
            compact: table((*bytes).as_ref(), index, *b"CFF ").is_some(),
            bytes,
            index,
            font: font.clone(),
            name,
            italic,
        };
        let usable = face.ascent > 0.1 && face.ascent < 4.0 && face.units > 0.0;
        usable.then_some(face).ok_or(FontError::Read(name))
    }

    /// The hhea ascent, for a font size of one point.
    pub(crate) fn ascent(&self) -> f64 {
        self.ascent
    }

    pub(crate) fn units(&self) -> f64 {
        self.units
    }

    pub(crate) fn has(&self, character: char) -> bool {
        self.font.charmap().map_unicode(character).is_some()
    }

    /// The advance of a glyph, in units of the em.
    pub(crate) fn advance(&self, glyph: u16) -> f64 {
        f64::from(
            self.font
                .glyph_metrics()
                .h_advance(harfrust::GlyphId::from(glyph)),
        )
    }
}

/// The glyphs of a face that a document uses.
#[derive(Default)]
pub(crate) struct Used {
    glyphs: GlyphRemapper,
    /// By number in the subset: advance in thousandths of an em, and the text of the glyph.
    entries: BTreeMap<u16, (f64, String)>,
}

impl Used {
    /// Adds a glyph and returns its number in the subset. `text` is the text that it represents;
    /// the first of several texts is kept.
    pub(crate) fn add(&mut self, face: &Face, glyph: u16, text: &str) -> u16 {
        let number = self.glyphs.remap(glyph);
        let entry = self
            .entries
            .entry(number)
            .or_insert_with(|| (face.advance(glyph) * 1000.0 / face.units, String::new()));
        if entry.1.is_empty() {
            text.clone_into(&mut entry.1);
        }
        number
    }

    /// The text of a glyph of the subset.
    pub(crate) fn text(&self, number: u16) -> &str {
        self.entries.get(&number).map_or("", |(_, text)| text)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Builds the subset font file.
    pub(crate) fn subset(&self, face: &Face) -> Result<Subset, FontError> {
        let file = subsetter::subset((*face.bytes).as_ref(), face.index, &self.glyphs)
            .map_err(|_| FontError::Subset(face.name))?;
        // A CIDFontType0C is the bare CFF table.
        let file = if face.compact {
            table(&file, 0, *b"CFF ").ok_or(FontError::Subset(face.name))?
        } else {
            &file
        };
        let tag: String = Sha256::digest(file)
            .iter()
            .take(6)
            .map(|byte| char::from(b'A' + byte % 26))
            .collect();
        let mut widths = Vec::new();
        for (number, (advance, _)) in &self.entries {
            widths.push(Object::Int(i64::from(*number)));
            widths.push(Object::Array(vec![Object::number(*advance)]));
        }
        Ok(Subset {
            name: format!("{tag}+{}", face.name),
            compact: face.compact,
            italic: face.italic,
            length: file.len(),
            file: deflate(file),
            unicode: deflate(&to_unicode(&self.entries)),
            widths,
            ascent: face.ascent * 1000.0,
            descent: face.descent * 1000.0,
            bounds: face.bounds,
        })
    }
}

/// A subset that is ready to be written.
#[derive(Clone)]
pub(crate) struct Subset {
    name: String,
    compact: bool,
    italic: bool,
    length: usize,
    file: Vec<u8>,
    unicode: Vec<u8>,
    widths: Vec<Object>,
    ascent: f64,
    descent: f64,
    bounds: [f64; 4],
}

impl Subset {
    /// Adds the font's objects and returns the number of the Type 0 font.
    pub(crate) fn write(&self, update: &mut Update) -> u32 {
        let flate = || Dict::default().with("Filter", Object::named("FlateDecode"));
        let file = if self.compact {
            flate().with("Subtype", Object::named("CIDFontType0C"))
        } else {
            flate().with("Length1", Object::int(self.length))
        };
        let file = update.add_stream(file, self.file.clone());
        let unicode = update.add_stream(flate(), self.unicode.clone());
        let name = Object::named(&self.name);
        // Bit 3: symbolic, that is, with an encoding of its own. Bits 4 and 7: script, italic.
        let flags = if self.italic { 4 + 8 + 64 } else { 4 };
        let descriptor = Dict::default()
            .with("Type", Object::named("FontDescriptor"))
            .with("FontName", name.clone())
            .with("Flags", Object::Int(flags))
            .with(
                "FontBBox",
                Object::Array(
                    self.bounds
                        .iter()
                        .map(|side| Object::number(*side))
                        .collect(),
                ),
            )
            .with(
                "ItalicAngle",
                Object::Int(if self.italic { -12 } else { 0 }),
            )
            .with("Ascent", Object::number(self.ascent))
            .with("Descent", Object::number(self.descent))
            .with("CapHeight", Object::number(self.ascent))
            .with("StemV", Object::Int(80))
            .with(
                if self.compact {
                    "FontFile3"
                } else {
                    "FontFile2"
                },
                Object::Ref(file, 0),
            );
        let descriptor = update.add(Object::Dict(descriptor));
        let system = Dict::default()
            .with("Registry", Object::String(b"Adobe".to_vec()))
            .with("Ordering", Object::String(b"Identity".to_vec()))
            .with("Supplement", Object::Int(0));
        let mut descendant = Dict::default()
            .with("Type", Object::named("Font"))
            .with(
                "Subtype",
                Object::named(if self.compact {
                    "CIDFontType0"
                } else {
                    "CIDFontType2"
                }),
            )
            .with("BaseFont", name)
            .with("CIDSystemInfo", Object::Dict(system))
            .with("DW", Object::Int(1000))
            .with("W", Object::Array(self.widths.clone()))
            .with("FontDescriptor", Object::Ref(descriptor, 0));
        if !self.compact {
            descendant.set(b"CIDToGIDMap", Object::named("Identity"));
        }
        let descendant = update.add(Object::Dict(descendant));
        // A Type 0 font with CFF appends the name of the CMap (9.7.6.1).
        let base = if self.compact {
            format!("{}-Identity-H", self.name)
        } else {
            self.name.clone()
        };
        let font = Dict::default()
            .with("Type", Object::named("Font"))
            .with("Subtype", Object::named("Type0"))
            .with("BaseFont", Object::named(&base))
            .with("Encoding", Object::named("Identity-H"))
            .with(
                "DescendantFonts",
                Object::Array(vec![Object::Ref(descendant, 0)]),
            )
            .with("ToUnicode", Object::Ref(unicode, 0));
        update.add(Object::Dict(font))
    }
}

/// A CMap from glyph numbers to text (9.10.3).
fn to_unicode(entries: &BTreeMap<u16, (f64, String)>) -> Vec<u8> {
    let mut out = b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
        /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n\
        /CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        .to_vec();
    let entries: Vec<_> = entries
        .iter()
        .filter(|(_, (_, text))| !text.is_empty())
        .collect();
    for part in entries.chunks(100) {
        out.extend_from_slice(format!("{} beginbfchar\n", part.len()).as_bytes());
        for (number, (_, text)) in part {
            out.push(b'<');
            write_hex(&number.to_be_bytes(), &mut out);
            out.extend_from_slice(b"> <");
            for unit in text.encode_utf16() {
                write_hex(&unit.to_be_bytes(), &mut out);
            }
            out.extend_from_slice(b">\n");
        }
        out.extend_from_slice(b"endbfchar\n");
    }
    out.extend_from_slice(b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    out
}

/// A table of an OpenType file or of one font in a collection.
fn table(bytes: &[u8], index: u32, tag: [u8; 4]) -> Option<&[u8]> {
    let int = |at: usize| {
        bytes
            .get(at..at.checked_add(4)?)
            .and_then(|part| part.try_into().ok())
            .map(u32::from_be_bytes)
            .and_then(|value| usize::try_from(value).ok())
    };
    let start = if bytes.starts_with(b"ttcf") {
        int(usize::try_from(index)
            .ok()?
            .checked_mul(4)?
            .checked_add(12)?)?
    } else {
        0
    };
    let count = int(start.checked_add(4)?)? >> 16;
    for record in 0..count {
        let at = start
            .checked_add(12)?
            .checked_add(record.checked_mul(16)?)?;
        if bytes.get(at..at.checked_add(4)?)? == tag {
            let (offset, length) = (int(at.checked_add(8)?)?, int(at.checked_add(12)?)?);
            return bytes.get(offset..offset.checked_add(length)?);
        }
    }
    None
}
