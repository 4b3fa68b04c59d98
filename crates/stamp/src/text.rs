//! Lays out names as shaped glyphs, each part in a suitable face, and short texts of known
//! characters.

use crate::error::{Error, FontError};
use crate::face::{Face, Subset, Used};
use harfrust::{Buffer, BufferFlags, ClusterLevel, ShapeOptions, ShaperFont, shape};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The most characters of a name.
const MAX_CHARACTERS: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hand {
    Script,
    Cjk,
}

/// A glyph; lengths are in units of its face's em.
pub(crate) struct Glyph {
    pub(crate) id: u16,
    pub(crate) advance: f64,
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// The part of the name that it represents; empty for further glyphs of one part.
    pub(crate) text: String,
}

pub(crate) struct Run {
    pub(crate) hand: Hand,
    pub(crate) glyphs: Vec<Glyph>,
    /// Width in ems.
    pub(crate) width: f64,
}

/// Why a name cannot be laid out; positions count characters from 1.
pub(crate) enum Refused {
    NoGlyph(usize),
    Control(usize),
    TooLong,
}

impl Refused {
    pub(crate) fn of(self, signer: u32) -> Error {
        match self {
            Self::NoGlyph(position) => Error::NoGlyph { signer, position },
            Self::Control(position) => Error::Control { signer, position },
            Self::TooLong => Error::TooLong { signer },
        }
    }
}

/// Lays out a name from left to right. The faces have no glyphs of right-to-left scripts.
pub(crate) fn runs(name: &str, script: &Face, cjk: &Face) -> Result<Vec<Run>, Refused> {
    if name.chars().nth(MAX_CHARACTERS).is_some() {
        return Err(Refused::TooLong);
    }
    let mut parts: Vec<(Hand, usize, String)> = Vec::new();
    for (position, unit) in units(name) {
        if let Some(offset) = unit.chars().position(is_control) {
            return Err(Refused::Control(position + offset));
        }
        let last = parts.last().map(|(hand, ..)| *hand);
        let blank = unit
            .chars()
            .all(|character| is_ignorable(character) || is_space(character));
        let hand = match last {
            // An invisible character does not change the face.
            Some(hand) if blank => hand,
            _ if covers(script, &unit) => Hand::Script,
            _ if covers(cjk, &unit) => Hand::Cjk,
            _ => return Err(Refused::NoGlyph(position)),
        };
        match parts.last_mut() {
            Some((known, _, text)) if *known == hand => text.push_str(&unit),
            _ => parts.push((hand, position, unit)),
        }
    }
    parts
        .into_iter()
        .map(|(hand, position, text)| {
            let face = match hand {
                Hand::Script => script,
                Hand::Cjk => cjk,
            };
            run(hand, face, &text, position)
        })
        .collect()
}

fn run(hand: Hand, face: &Face, text: &str, position: usize) -> Result<Run, Refused> {
    let mut buffer = Buffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    buffer.set_flags(
        BufferFlags::REMOVE_DEFAULT_IGNORABLES | BufferFlags::DO_NOT_INSERT_DOTTED_CIRCLE,
    );
    buffer.set_cluster_level(ClusterLevel::MonotoneCharacters);
    let missing = |cluster: usize| {
        Refused::NoGlyph(position + text.get(..cluster).unwrap_or_default().chars().count())
    };
    if buffer.direction() != harfrust::Direction::LeftToRight {
        return Err(missing(0));
    }
    shape(
        &ShaperFont::new(&face.font),
        &mut buffer,
        ShapeOptions::new(),
    )
    .map_err(|_| missing(0))?;
    let infos = buffer.glyph_infos();
    let starts: Vec<usize> = infos
        .iter()
        .map(|info| usize::try_from(info.cluster).unwrap_or(0))
        .collect();
    let mut glyphs = Vec::with_capacity(infos.len());
    let mut width = 0.0;
    for (index, (info, place)) in infos.iter().zip(buffer.glyph_positions()).enumerate() {
        let start = starts.get(index).copied().unwrap_or(0);
        let id = u16::try_from(info.glyph_id)
            .ok()
            .filter(|id| *id != 0)
            .ok_or_else(|| missing(start))?;
        let first = index == 0 || starts.get(index - 1) != Some(&start);
        let end = starts
            .iter()
            .skip(index)
            .copied()
            .find(|next| *next > start)
            .unwrap_or(text.len());
        // Invisible characters before the first glyph belong to it.
        let start = if index == 0 { 0 } else { start };
        let text = if first {
            text.get(start..end).unwrap_or_default()
        } else {
            ""
        };
        // Readers cannot handle variation selectors beyond the basic plane; ActualText contains
        // them.
        let text = text
            .chars()
            .filter(|character| !is_ignorable(*character))
            .collect();
        width += f64::from(place.x_advance);
        glyphs.push(Glyph {
            id,
            advance: f64::from(place.x_advance),
            x: f64::from(place.x_offset),
            y: f64::from(place.y_offset),
            text,
        });
    }
    Ok(Run {
        hand,
        glyphs,
        width: width / face.units(),
    })
}

/// Splits into characters with the marks that follow them, each with its position.
fn units(name: &str) -> Vec<(usize, String)> {
    let mut units: Vec<(usize, String)> = Vec::new();
    for (position, character) in (1_usize..).zip(name.chars()) {
        match units.last_mut() {
            Some((_, unit)) if is_combining_mark(character) || is_ignorable(character) => {
                unit.push(character);
            }
            _ => units.push((position, character.to_string())),
        }
    }
    units
}

/// Whether the face covers the unit, composed or decomposed; shaping uses whichever exists.
fn covers(face: &Face, unit: &str) -> bool {
    let has = |character: char| {
        is_ignorable(character) || face.has(character) || (is_space(character) && face.has(' '))
    };
    unit.nfc().all(has) || unit.nfd().all(has)
}

/// Whether it is a line end, a control, or a character that reorders surrounding text.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
}

/// Whether it is a character without a shape of its own, such as a joiner or a variation selector.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

fn is_space(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// A face with the few characters that are the same in every document, subset once.
pub(crate) struct Fixed {
    /// Characters with their numbers in the subset and their advances in ems.
    glyphs: Vec<(char, u16, f64)>,
    pub(crate) subset: Subset,
    pub(crate) ascent: f64,
}

impl Fixed {
    pub(crate) fn new(
        face: &Face,
        name: &'static str,
        characters: &str,
    ) -> Result<Self, FontError> {
        let mut used = Used::default();
        let mut glyphs: Vec<(char, u16, f64)> = Vec::new();
        for character in characters.chars() {
            if glyphs.iter().any(|(known, ..)| *known == character) {
                continue;
            }
            let id = face
                .font
                .charmap()
                .map_unicode(character)
                .and_then(|id| u16::try_from(id.to_u32()).ok())
                .ok_or(FontError::Lacks {
                    font: name,
                    code: u32::from(character),
                })?;
            let number = used.add(face, id, character.encode_utf8(&mut [0; 4]));
            glyphs.push((character, number, face.advance(id) / face.units()));
        }
        Ok(Self {
            glyphs,
            subset: used.subset(face)?,
            ascent: face.ascent(),
        })
    }

    /// Glyph numbers and width in ems; `None` when a character is not among the fixed ones.
    pub(crate) fn line(&self, text: &str) -> Option<(Vec<u16>, f64)> {
        let mut width = 0.0;
        let numbers = text
            .chars()
            .map(|character| {
                let (_, number, advance) =
                    self.glyphs.iter().find(|(known, ..)| *known == character)?;
                width += advance;
                Some(*number)
            })
            .collect::<Option<_>>()?;
        Some((numbers, width))
    }
}
