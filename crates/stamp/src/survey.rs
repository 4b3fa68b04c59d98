//! One look at every object before a stamp: which numbers are taken, and what has to be taken out.

use crate::active;
use crate::error::Error;
use crate::pdf::document::Document;
use crate::pdf::lex::{is_regular, is_space};
use crate::pdf::object::Object;
use crate::pdf::repair::{heads, looks_like};
use crate::pdf::xref::{Entry, MAX_NUMBER};
use crate::update::Changed;
use std::collections::BTreeSet;

/// New objects have room from here on. A reference above it is refused.
const HIGHEST: u32 = MAX_NUMBER - 1_000_000;
/// A reference that is longer, white space included, stands in no file.
const LOOK_BACK: usize = 64;

/// What was found.
pub(crate) struct Survey {
    /// The first number above everything that the document has or refers to.
    pub(crate) first: u32,
    /// A number that new objects must stay below. Text that reads like a reference may say anything.
    pub(crate) below: u32,
    /// Objects without what was active in them.
    pub(crate) changed: Vec<Changed>,
}

struct Numbers {
    highest: u32,
    /// The lowest of those in text that are too high.
    beyond: u32,
}

impl Numbers {
    /// From an object: exact.
    fn refers(&mut self, number: u32) -> Result<(), Error> {
        if number > HIGHEST {
            return Err(Error::Limit(
                "a reference to an object number that no file has",
            ));
        }
        self.highest = self.highest.max(number);
        Ok(())
    }

    /// From text in which something reads like a reference.
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
    // All revisions and trailers, and whatever stands between them.
    document.spend(document.data.len())?;
    text(document.data, &mut numbers);
    for (key, value) in &document.trailer.0 {
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

/// Object streams, those of older revisions included: all of their text.
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

/// Whatever reads like `12 0 R`.
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
