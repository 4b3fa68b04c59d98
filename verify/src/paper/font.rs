//! Fonts for paper: OpenType files, of which the glyphs in use are put into the PDF.

use anyhow::{Context, Result, bail, ensure};
use harfrust::GlyphId;
use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use subsetter::GlyphRemapper;

/// The face of numbers and Latin text; the server stamps magic numbers with it.
static LATIN: &[u8] = include_bytes!("../../../enclave/packages/fonts/Inconsolata.otf");

/// The font of all that is not from the document.
pub(crate) fn latin() -> Result<Font> {
    Font::new(LATIN.to_vec(), "Inconsolata")
}

/// A font, and the glyphs of it that are in use.
pub(crate) struct Font {
    bytes: Arc<Vec<u8>>,
    index: u32,
    face: harfrust::Font,
    units: f32,
    name: &'static str,
    used: GlyphRemapper,
    /// By number in the subset: advance in thousandths of an em, and the character.
    glyphs: BTreeMap<u16, (f32, char)>,
}

impl Font {
    /// Reads a font: OpenType, TrueType or a collection, of which the third face is taken (AR PL
    /// UKai has Taiwan's there), or the last.
    pub(crate) fn new(bytes: Vec<u8>, name: &'static str) -> Result<Self> {
        let index = match (bytes.starts_with(b"ttcf"), bytes.get(8..12)) {
            (true, Some(&[a, b, c, d])) => {
                u32::from_be_bytes([a, b, c, d]).saturating_sub(1).min(2)
            }
            _ => 0,
        };
        let bytes = Arc::new(bytes);
        let shared: Arc<dyn AsRef<[u8]> + Send + Sync> = bytes.clone();
        let face = harfrust::Font::new(shared, index).context("it is not an OpenType font")?;
        let units = f32::from(face.metrics().units_per_em);
        ensure!(units > 0.0, "its em has no units");
        Ok(Self {
            bytes,
            index,
            face,
            units,
            name,
            used: GlyphRemapper::new(),
            glyphs: BTreeMap::new(),
        })
    }

    /// Number of a character's glyph in the subset, and its advance in ems; `None` if the font
    /// lacks it.
    fn glyph(&mut self, character: char) -> Option<(u16, f32)> {
        let glyph = self.face.charmap().map_unicode(character)?;
        let glyph = u16::try_from(glyph.to_u32()).ok()?;
        let metrics = self.face.glyph_metrics();
        let advance = metrics.h_advance(GlyphId::from(glyph)) / self.units;
        let number = self.used.remap(glyph);
        self.glyphs
            .entry(number)
            .or_insert((advance * 1000.0, character));
        Some((number, advance))
    }

    /// Adds a Type 0 font with its descendant, descriptor, file and texts (ISO 32000-1, 9.7).
    fn write(&self, document: &mut Document) -> Result<ObjectId> {
        let file = subsetter::subset(&self.bytes, self.index, &self.used)
            .map_err(|error| anyhow::anyhow!("cannot take glyphs of {}: {error}", self.name))?;
        let compact = file.starts_with(b"OTTO");
        let (kind, key) = if compact {
            ("CIDFontType0", "FontFile3")
        } else {
            ("CIDFontType2", "FontFile2")
        };
        let mut about = dictionary! { "Length1" => i64::try_from(file.len())? };
        if compact {
            about = dictionary! { "Subtype" => "OpenType" };
        }
        let file = document.add_object(Stream::new(about, file));
        // A tag of six letters says that it is a subset (9.6.4).
        let name = format!("LETSES+{}", self.name);
        let descriptor = document.add_object(dictionary! {
            "Type" => "FontDescriptor",
            "FontName" => name.as_str(),
            "Flags" => 4,
            "FontBBox" => vec![0.into(), (-250).into(), 1000.into(), 1000.into()],
            "ItalicAngle" => 0,
            "Ascent" => 860,
            "Descent" => -190,
            "CapHeight" => 700,
            "StemV" => 80,
            key => file,
        });
        let mut widths: Vec<Object> = Vec::new();
        for (number, (advance, _)) in &self.glyphs {
            widths.push(i64::from(*number).into());
            widths.push(Object::Array(vec![(*advance).into()]));
        }
        let mut descendant = dictionary! {
            "Type" => "Font",
            "Subtype" => kind,
            "BaseFont" => name.as_str(),
            "CIDSystemInfo" => dictionary! {
                "Registry" => Object::string_literal("Adobe"),
                "Ordering" => Object::string_literal("Identity"),
                "Supplement" => 0,
            },
            "DW" => 1000,
            "W" => widths,
            "FontDescriptor" => descriptor,
        };
        if !compact {
            descendant.set("CIDToGIDMap", "Identity");
        }
        let descendant = document.add_object(descendant);
        let texts = Stream::new(Dictionary::new(), self.texts().into_bytes());
        let texts = document.add_object(texts);
        Ok(document.add_object(dictionary! {
            "Type" => "Font",
            "Subtype" => "Type0",
            "BaseFont" => name.as_str(),
            "Encoding" => "Identity-H",
            "DescendantFonts" => vec![descendant.into()],
            "ToUnicode" => texts,
        }))
    }

    /// A CMap from glyphs to characters, so that text can be searched and copied (9.10.3).
    fn texts(&self) -> String {
        let mut map = "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
             /CMapName /Texts def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\n\
             endcodespacerange\n"
            .to_owned();
        let all: Vec<_> = self.glyphs.iter().collect();
        // A list has 100 entries at most.
        for part in all.chunks(100) {
            let _ = writeln!(map, "{} beginbfchar", part.len());
            for (number, (_, character)) in part {
                let _ = write!(map, "<{number:04x}> <");
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(map, "{unit:04x}");
                }
                let _ = writeln!(map, ">");
            }
            let _ = writeln!(map, "endbfchar");
        }
        map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    }
}

/// A character on paper.
pub(super) struct Glyph {
    pub(super) font: usize,
    pub(super) number: u16,
    advance: f32,
    /// Whether a line may end behind it.
    ends: bool,
}

pub(super) struct Fonts(Vec<Font>);

impl Fonts {
    pub(super) fn new(fonts: Vec<Font>) -> Self {
        Self(fonts)
    }

    pub(super) fn glyphs(&mut self, text: &str) -> Result<Vec<Glyph>> {
        text.chars()
            .map(|character| self.glyph(character))
            .collect()
    }

    fn glyph(&mut self, character: char) -> Result<Glyph> {
        for (font, one) in self.0.iter_mut().enumerate() {
            if let Some((number, advance)) = one.glyph(character) {
                return Ok(Glyph {
                    font,
                    number,
                    advance,
                    // CJK text has no blanks.
                    ends: character == ' ' || advance >= 1.0,
                });
            }
        }
        bail!(
            "no font has the character {character} (U+{:04X}): name a font that has it with --font",
            u32::from(character)
        )
    }

    /// Breaks a text into lines of a width in ems.
    #[allow(
        clippy::unused_self,
        reason = "lines belong to the fonts of their glyphs"
    )]
    pub(super) fn lines<'a>(&self, glyphs: &'a [Glyph], width: f32) -> Vec<&'a [Glyph]> {
        let mut lines = Vec::new();
        let mut rest = glyphs;
        loop {
            let mut used = 0.0;
            let fitting = rest
                .iter()
                .take_while(|glyph| {
                    used += glyph.advance;
                    used <= width
                })
                .count();
            if fitting == rest.len() {
                lines.push(rest);
                return lines;
            }
            let blank = rest.iter().take(fitting).rposition(|glyph| glyph.ends);
            let end = blank.map_or(fitting, |at| at + 1).max(1);
            let (line, more) = rest.split_at(end);
            lines.push(line);
            rest = more;
        }
    }

    pub(super) fn write(&self, document: &mut Document) -> Result<Vec<ObjectId>> {
        let used = self.0.iter();
        used.map(|font| font.write(document)).collect()
    }
}
