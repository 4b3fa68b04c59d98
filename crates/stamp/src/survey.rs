//! Examines every object before stamping: which numbers are in use, and which active content must
//! go.

use crate::active;
use crate::error::Error;
use crate::update::Changed;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::lex::{is_regular, is_space};
use letsesign_pdf_reader::object::Object;
use letsesign_pdf_reader::repair::{heads, looks_like};
use letsesign_pdf_reader::table::{Entry, MAX_NUMBER};
use std::collections::BTreeSet;

/// New objects must fit above this number. A reference above it is refused.
const HIGHEST: u32 = MAX_NUMBER - 1_000_000;
/// No writer produces a longer reference, white space included.
const LOOK_BACK: usize = 64;

/// The result of the survey.
pub(crate) struct Survey {
    /// The first number above all numbers that the document has or refers to.
    pub(crate) first: u32,
    /// The limit for numbers of new objects. Text that merely looks like a reference may contain
    /// any number.
    pub(crate) below: u32,
    /// The objects that had active content, without it.
    pub(crate) changed: Vec<Changed>,
}

struct Numbers {
    highest: u32,
    /// The lowest number above the limit that occurs in text.
    beyond: u32,
}

impl Numbers {
    /// Records a number from a parsed object, which is exact.
    fn refers(&mut self, number: u32) -> Result<(), Error> {
        if number > HIGHEST {
            return Err(Error::Limit(
                "a reference to an object number that no file has",
            ));
        }
        self.highest = self.highest.max(number);
        Ok(())
    }

    /// Records a number from text that looks like a reference.
    fn seems(&mut self, number: u64) {
        match u32::try_from(number) {
            Ok(number) if number <= HIGHEST => self.highest = self.highest.max(number),
            Ok(number) => self.beyond = self.beyond.min(number),
            Err(_) => {}
        }
    }
}

pub(crate) fn survey(document: &Document<'_>) -> Result<Survey, Error> {
    let mut numbers = Numbers {
        highest: document.table.end().saturating_sub(1),
        beyond: MAX_NUMBER,
    };
    if numbers.highest > HIGHEST {
        return Err(Error::Limit("object numbers leave no room"));
    }
    // All revisions and trailers, and the bytes between them.
    document.spend(document.data.len())?;
    text(document.data, &mut numbers);
    for (key, value) in &document.trailer.0 {
        // Other programs take `Size` as the first free number.
        if key == b"Size" {
            let size = value.as_int().and_then(|size| u64::try_from(size).ok());
            numbers.seems(size.unwrap_or(0).saturating_sub(1));
        }
        references(value, &mut numbers)?;
    }
    packed(document, &mut numbers)?;
    let mut changed = Vec::new();
    for (number, entry) in &document.table.entries {
        if *number == 0 || *entry == Entry::Free {
            continue;
        }
        let Some(mut loaded) = document.load(*number)? else {
            // An object that one reader can read and another cannot makes them show different
            // things.
            if let Entry::In(stream, _) = entry
                && !document.is_readable(*stream)?
            {
                return Err(Error::Active(
                    "an object stream that not every reader can read",
                ));
            }
            continue;
        };
        references(&loaded.object, &mut numbers)?;
        let encrypt = document.trailer.get(b"Encrypt");
        // The strings of the encryption dictionary are not encrypted, and changing them would lock
        // the document.
        if matches!(encrypt, Some(Object::Ref(encrypt, _)) if encrypt == number) {
            continue;
        }
        let stream = loaded.stream.is_some();
        if !active::clean(document, &mut loaded.object, stream)? {
            continue;
        }
        let stream = match (&loaded.object, loaded.stream) {
            (Object::Dict(dict), Some(extent)) => {
                Some(document.plain_stream(*number, loaded.generation, dict, extent.range)?)
            }
            _ => None,
        };
        changed.push(Changed {
            number: *number,
            generation: loaded.generation,
            object: loaded.object,
            stream,
        });
    }
    Ok(Survey {
        first: numbers.highest.saturating_add(1),
        below: numbers.beyond,
        changed,
    })
}

fn references(object: &Object, numbers: &mut Numbers) -> Result<(), Error> {
    match object {
        Object::Ref(number, _) => numbers.refers(*number),
        Object::Array(items) => items.iter().try_for_each(|item| references(item, numbers)),
        Object::Dict(dict) => dict
            .0
            .iter()
            .try_for_each(|(_, value)| references(value, numbers)),
        _ => Ok(()),
    }
}

/// Scans the text of all object streams, those of older revisions included.
fn packed(document: &Document<'_>, numbers: &mut Numbers) -> Result<(), Error> {
    let streams: BTreeSet<u32> = document
        .table
        .entries
        .iter()
        .filter_map(|(_, entry)| match entry {
            Entry::In(stream, _) => Some(*stream),
            Entry::At(..) | Entry::Free => None,
        })
        .collect();
    for stream in streams {
        document.with_text(stream, |data| text(data, numbers))?;
    }
    for head in heads(document.data)? {
        document.spend(64)?;
        if !looks_like(document.data, head.after, b"/ObjStm") {
            continue;
        }
        let Some(loaded) = document.load_at(head.number, head.at, head.generation)? else {
            continue;
        };
        if let (Some(dict), Some(extent)) = (loaded.object.dict(), loaded.stream)
            && document.table.get(head.number) != Some(Entry::At(head.at, head.generation))
            && let Some(data) =
                document.decode(head.number, head.generation, dict, extent.range, usize::MAX)?
        {
            text(&data, numbers);
        }
    }
    Ok(())
}

/// Scans for all text of the form `12 0 R`.
fn text(data: &[u8], numbers: &mut Numbers) {
    for at in memchr::memchr_iter(b'R', data) {
        let after = data.get(at + 1).copied();
        if after.is_some_and(is_regular) {
            continue;
        }
        let before = data
            .get(at.saturating_sub(LOOK_BACK)..at)
            .unwrap_or_default();
        let back = |end: usize, test: fn(&u8) -> bool| {
            let part = before.get(..end).unwrap_or_default();
            end - part.iter().rev().take_while(|byte| test(byte)).count()
        };
        let space = |byte: &u8| is_space(*byte);
        let generation_end = back(before.len(), space);
        let generation = back(generation_end, u8::is_ascii_digit);
        let number_end = back(generation, space);
        let number = back(number_end, u8::is_ascii_digit);
        if number < number_end && number_end < generation && generation < generation_end {
            let digits = before.get(number..number_end).unwrap_or_default();
            let value = digits.iter().fold(0_u64, |value, digit| {
                value
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit.saturating_sub(b'0')))
            });
            numbers.seems(value);
        }
    }
}
