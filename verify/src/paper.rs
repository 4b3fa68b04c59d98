//! A small writer of PDFs: text on A4 pages, with the fonts in the file. Letters stand one after
//! the other in the order of the text; a script that needs more (Arabic, Devanagari) is not set
//! right.

mod font;

use anyhow::{Context, Result};
use font::Fonts;
pub(crate) use font::{Font, latin};
use lopdf::{Dictionary, Document, Object, Stream, StringFormat, dictionary};
use std::fmt::Write;

// Lengths are in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 50.0;
/// Width of the names of fields. With `SIZE`, a PCR's 96 digits fit beside it.
const NAMES: f32 = 80.0;
const SIZE: f32 = 8.5;
const INDENT: f32 = 14.0;
const TITLE: f32 = 16.0;
const HEADING: f32 = 11.0;
/// Distance of base lines, for a font size of one point.
const LEADING: f32 = 1.45;

/// A piece of a document.
#[derive(Debug)]
pub(crate) enum Line {
    Title(String),
    Heading(String),
    Text(String),
    /// Text that belongs to the text above it.
    Item(String),
    /// A name and its value, side by side.
    Field(String, String),
}

/// Writes a document. `tag` is its language; `fonts` are asked in their order for each character.
pub(crate) fn write(title: &str, tag: &str, lines: &[Line], fonts: Vec<Font>) -> Result<Vec<u8>> {
    let mut pages = Pages::new(Fonts::new(fonts));
    for line in lines {
        match line {
            Line::Title(text) => pages.text(text, 0.0, TITLE)?,
            Line::Heading(text) => {
                // A heading does not stand alone at the end of a page.
                pages.room(HEADING * LEADING + 4.0 * SIZE * LEADING);
                pages.down(SIZE * LEADING / 2.0);
                pages.text(text, 0.0, HEADING)?;
                pages.rule();
            }
            Line::Text(text) => pages.text(text, 0.0, SIZE)?,
            Line::Item(text) => pages.text(text, INDENT, SIZE)?,
            Line::Field(name, value) => {
                pages.room(SIZE * LEADING);
                let (page, y) = (pages.done.len(), pages.y);
                pages.text(name, 0.0, SIZE)?;
                if page == pages.done.len() {
                    pages.y = y;
                }
                pages.text(value, NAMES, SIZE)?;
            }
        }
    }
    pages.finish(title, tag)
}

/// Pages under construction: content streams (ISO 32000-1, 7.8.2).
struct Pages {
    fonts: Fonts,
    done: Vec<String>,
    content: String,
    /// Height of the next line's top above the page's lower edge.
    y: f32,
}

impl Pages {
    fn new(fonts: Fonts) -> Self {
        Self {
            fonts,
            done: Vec::new(),
            content: String::new(),
            y: HEIGHT - MARGIN,
        }
    }

    /// Starts a page unless this one has room for the height.
    fn room(&mut self, height: f32) {
        if self.y - height < MARGIN {
            self.done.push(std::mem::take(&mut self.content));
            self.y = HEIGHT - MARGIN;
        }
    }

    fn down(&mut self, height: f32) {
        self.y -= height;
    }

    /// A line across the page.
    fn rule(&mut self) {
        let y = self.y + 2.0;
        let right = WIDTH - MARGIN;
        let _ = writeln!(self.content, "0.7 G 0.5 w {MARGIN} {y} m {right} {y} l S");
    }

    /// Text, broken at blanks where possible.
    fn text(&mut self, text: &str, indent: f32, size: f32) -> Result<()> {
        let glyphs = self.fonts.glyphs(text)?;
        let left = MARGIN + indent;
        for line in self.fonts.lines(&glyphs, (WIDTH - MARGIN - left) / size) {
            self.room(size * LEADING);
            self.down(size * LEADING);
            // The base line, with room for descenders below it.
            let y = self.y + 0.35 * size;
            // Writing to a `String` never fails.
            let _ = write!(self.content, "BT {left} {y} Td ");
            let mut current = None;
            for glyph in line {
                if current != Some(glyph.font) {
                    let end = if current.is_some() { "> Tj " } else { "" };
                    let _ = write!(self.content, "{end}/F{} {size} Tf <", glyph.font);
                    current = Some(glyph.font);
                }
                let _ = write!(self.content, "{:04x}", glyph.number);
            }
            let end = if current.is_some() { "> Tj " } else { "" };
            let _ = writeln!(self.content, "{end}ET");
        }
        Ok(())
    }

    fn finish(mut self, title: &str, tag: &str) -> Result<Vec<u8>> {
        self.done.push(std::mem::take(&mut self.content));
        let mut document = Document::with_version("1.7");
        let mut fonts = Dictionary::new();
        for (number, font) in self.fonts.write(&mut document)?.into_iter().enumerate() {
            fonts.set(format!("F{number}"), font);
        }
        let resources = document.add_object(dictionary! { "Font" => fonts });
        let tree = document.new_object_id();
        let mut kids: Vec<Object> = Vec::new();
        for content in self.done {
            let content = document.add_object(Stream::new(Dictionary::new(), content.into_bytes()));
            let page = document.add_object(dictionary! {
                "Type" => "Page",
                "Parent" => tree,
                "Contents" => content,
            });
            kids.push(page.into());
        }
        let count = i64::try_from(kids.len())?;
        document.objects.insert(
            tree,
            Object::Dictionary(dictionary! {
                "Type" => "Pages",
                "Kids" => kids,
                "Count" => count,
                "MediaBox" => vec![0.into(), 0.into(), WIDTH.into(), HEIGHT.into()],
                "Resources" => resources,
            }),
        );
        let catalog = document.add_object(dictionary! {
            "Type" => "Catalog",
            "Pages" => tree,
            "Lang" => Object::string_literal(tag),
            "ViewerPreferences" => dictionary! { "DisplayDocTitle" => true },
        });
        let info = document.add_object(dictionary! {
            "Title" => text_string(title),
        });
        document.trailer.set("Root", catalog);
        document.trailer.set("Info", info);
        let mut bytes = Vec::new();
        document
            .save_to(&mut bytes)
            .context("cannot write the PDF")?;
        Ok(bytes)
    }
}

/// Text outside of pages: UTF-16 with a mark (ISO 32000-1, 7.9.2.2).
fn text_string(text: &str) -> Object {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    let bytes = units.flat_map(u16::to_be_bytes).collect();
    Object::String(bytes, StringFormat::Hexadecimal)
}
