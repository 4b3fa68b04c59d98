//! Repairs missing or wrong cross-reference data by searching the whole file for objects.

use crate::budget::Budget;
use crate::document::Document;
use crate::error::Error;
use crate::lex::{Lexer, is_regular};
use crate::object::{Dict, Object};
use crate::table::{Entry, MAX_NUMBER, Table};
use std::rc::Rc;

/// The most objects of a damaged file, which bounds memory.
const MAX_OBJECTS: usize = 2_000_000;
/// Bytes of an object that are examined to classify it.
const LOOK: usize = 512;

/// The differences between a table and the file.
#[derive(Default)]
pub(crate) struct Misfits {
    /// Whether all sections were readable, so that numbers in none of them have no object.
    pub(crate) whole: bool,
    /// Numbers of the objects that are not where the table says, in ascending order.
    pub(crate) bad: Vec<u32>,
    /// Corrected entries of objects that are where the table says, but with another generation.
    pub(crate) moved: Vec<(u32, Entry)>,
}

impl Misfits {
    pub(crate) fn are_none(&self) -> bool {
        self.whole && self.bad.is_empty() && self.moved.is_empty()
    }
}

pub(crate) fn open<'a>(data: &'a [u8], budget: Rc<Budget<'a>>) -> Result<Document<'a>, Error> {
    budget.spend(data.len())?;
    // In file order: later objects replace earlier ones.
    let all = heads(data)?;
    let table = |heads: &[Head]| {
        let entries = heads
            .iter()
            .rev()
            .map(|head| (head.number, Entry::At(head.at, head.generation)));
        Table::new(entries.collect())
    };
    // Lengths of streams may be indirect objects, so all heads are available for lookup.
    let mut document = Document::bare(data, table(&all), Dict::default(), budget);
    let heads = outside_of_streams(&document, all)?;
    document.table = table(&heads);
    // Each head is examined twice.
    document.spend(heads.len().saturating_mul(2 * LOOK / 8))?;
    document.trailer = trailer(&document, &heads)?;
    document.open_crypt()?;
    let found = with_packed(&mut document, &heads)?;
    document.table = Table::new(found);
    if document.catalogue().is_err() {
        let catalogue = find_catalogue(&document)?;
        document.trailer.set(b"Root", catalogue);
    }
    document.catalogue()?;
    Ok(document)
}

/// Searches for the objects that a table lacks or has wrong. Correct entries stay, whatever else
/// the file holds. `None` when that does not lead to a catalogue.
pub(crate) fn complete(
    mut document: Document<'_>,
    misfits: Misfits,
) -> Result<Option<Document<'_>>, Error> {
    let data = document.data;
    document.spend(data.len())?;
    let Misfits { whole, bad, moved } = misfits;
    let is_bad = |number: u32| bad.binary_search(&number).is_ok();
    let mut known = std::mem::take(&mut document.table.entries);
    known.retain(|(number, _)| !is_bad(*number));
    let mut corrected: Vec<(u32, Entry)> = moved.clone();
    corrected.extend(known.iter().copied());
    // The first of two entries for a number counts.
    document.table = Table::new(corrected);
    let given = std::mem::take(&mut document.table.entries);
    let is_given = |number: u32| {
        given
            .binary_search_by_key(&number, |(number, _)| *number)
            .is_ok()
    };
    let wanted = |number: u32| is_bad(number) || (!whole && !is_given(number));
    document.table = Table {
        entries: given.clone(),
    };
    let mut heads = outside_of_streams(&document, heads(data)?)?;
    // Offsets in the file cannot refer to bytes before its header.
    heads.retain(|head| head.at >= document.base);
    document.spend(heads.len().saturating_mul(LOOK / 8))?;
    let join = |found: Vec<(u32, Entry)>| {
        let mut entries: Vec<(u32, Entry)> = found
            .into_iter()
            .filter(|(number, _)| wanted(*number))
            .collect();
        entries.extend(given.iter().copied());
        Table::new(entries)
    };
    let places = heads
        .iter()
        .rev()
        .map(|head| (head.number, Entry::At(head.at, head.generation)));
    document.table = join(places.collect());
    document.open_crypt()?;
    let streams = document.streams;
    let found = with_packed(&mut document, &heads)?;
    document.table = join(found);
    if whole {
        // Deleted objects stay deleted: a number without an object becomes free.
        document.corrections = moved;
        document.corrections.extend(bad.iter().map(|number| {
            let entry = document.table.get(*number).unwrap_or(Entry::Free);
            (*number, entry)
        }));
        let packed = |(_, entry): &(u32, Entry)| matches!(entry, Entry::In(..));
        document.streams = streams || document.corrections.iter().any(packed);
    } else {
        document.previous = None;
    }
    if document.previous.is_none() {
        // The update lists all entries.
        let packed = |(_, entry): &(u32, Entry)| matches!(entry, Entry::In(..));
        document.streams = streams || document.table.entries.iter().any(packed);
    }
    Ok(document.catalogue().is_ok().then_some(document))
}

/// The objects at `heads` and in the object streams among them, newest first. An object in an
/// object stream is as new as the stream.
fn with_packed(document: &mut Document<'_>, heads: &[Head]) -> Result<Vec<(u32, Entry)>, Error> {
    let mut placed: Vec<(usize, u32, Entry)> = heads
        .iter()
        .map(|head| (head.at, head.number, Entry::At(head.at, head.generation)))
        .collect();
    for head in heads
        .iter()
        .filter(|head| looks_like(document.data, head.after, b"/ObjStm"))
    {
        if document.table.get(head.number) != Some(Entry::At(head.at, head.generation)) {
            continue;
        }
        document.streams = true;
        for (index, number) in (0_u32..).zip(document.numbers_in(head.number)?) {
            if placed.len() >= MAX_OBJECTS {
                return Err(Error::Limit("number of objects"));
            }
            if number != 0 && number <= MAX_NUMBER {
                placed.push((head.at, number, Entry::In(head.number, index)));
            }
        }
    }
    placed.sort_by_key(|(at, ..)| *at);
    Ok(placed
        .into_iter()
        .rev()
        .map(|(_, number, entry)| (number, entry))
        .collect())
}

/// The heads of objects that lie neither in the data of a stream nor in another object: an attached
/// file may contain text that looks like objects.
fn outside_of_streams(document: &Document<'_>, heads: Vec<Head>) -> Result<Vec<Head>, Error> {
    let data = document.data;
    let mut outside = Vec::with_capacity(heads.len());
    let mut end = 0;
    // Unterminated objects extend to the end of the file. This limit keeps many of them from being
    // read in full.
    let mut patience = data.len().saturating_mul(4);
    for head in heads {
        if head.at < end {
            continue;
        }
        let after = head.after;
        outside.push(head);
        if patience == 0 {
            continue;
        }
        let mut lexer = Lexer::new(data, after);
        let object = lexer.object();
        let read = lexer.at.saturating_sub(after);
        document.spend(read)?;
        let place = lexer.at;
        lexer.skip_space();
        let rest = data.get(lexer.at..).unwrap_or_default();
        let ends = rest.starts_with(b"endobj") || rest.starts_with(b"stream");
        let Some(object) = object.filter(|_| ends) else {
            patience = patience.saturating_sub(read);
            continue;
        };
        end = place;
        if let Object::Dict(dict) = &object
            && let Some(stream) = document.stream_end(place, dict)?
        {
            end = stream;
        }
    }
    Ok(outside)
}

/// The head of an object, `N G obj`, found by searching.
pub struct Head {
    /// Number of the object.
    pub number: u32,
    /// Its generation.
    pub generation: u16,
    /// Offset of the head.
    pub at: usize,
    /// Offset right after `obj`.
    pub after: usize,
}

/// All occurrences of `N G obj`.
pub fn heads(data: &[u8]) -> Result<Vec<Head>, Error> {
    let mut heads = Vec::new();
    for place in memchr::memmem::find_iter(data, b"obj") {
        let Some(at) = head_before(data, place) else {
            continue;
        };
        let mut lexer = Lexer::new(data, at);
        if let Some((number, generation)) = lexer.head()
            && number != 0
            && number <= MAX_NUMBER
        {
            if heads.len() >= MAX_OBJECTS {
                return Err(Error::Limit("number of objects"));
            }
            heads.push(Head {
                number,
                generation,
                at,
                after: lexer.at,
            });
        }
    }
    Ok(heads)
}

/// Parses backwards from `obj`: white space, digits, white space, digits.
pub fn head_before(data: &[u8], place: usize) -> Option<usize> {
    let back = |from: usize, test: fn(&u8) -> bool| {
        let before = data.get(from.saturating_sub(32)..from).unwrap_or_default();
        from - before.iter().rev().take_while(|byte| test(byte)).count()
    };
    let space = |byte: &u8| super::lex::is_space(*byte);
    let generation_end = back(place, space);
    let generation = back(generation_end, u8::is_ascii_digit);
    let number_end = back(generation, space);
    let number = back(number_end, u8::is_ascii_digit);
    let whole = number < number_end && number_end < generation && generation < generation_end;
    let apart = number == 0
        || !data.get(number - 1).copied().is_some_and(is_regular)
        || is_end(data, number);
    (whole && apart).then_some(number)
}

/// Whether `endobj` ends right at `at`, as in `endobj12 0 obj` when an end of line was lost.
fn is_end(data: &[u8], at: usize) -> bool {
    data.get(..at)
        .is_some_and(|before| before.ends_with(b"endobj"))
}

/// Whether the bytes occur in the first bytes after an offset: a cheap test before reading.
pub fn looks_like(data: &[u8], at: usize, what: &[u8]) -> bool {
    let look = data
        .get(at..at.saturating_add(LOOK).min(data.len()))
        .unwrap_or_default();
    memchr::memmem::find(look, what).is_some()
}

/// The last trailer that names a catalogue, or the dictionary of a cross-reference stream.
fn trailer(document: &Document<'_>, heads: &[Head]) -> Result<Dict, Error> {
    let data = document.data;
    let mut found: Option<(usize, Dict)> = None;
    let tables = memchr::memmem::find_iter(data, b"trailer").map(|at| at + 7);
    let streams = heads
        .iter()
        .map(|head| head.after)
        .filter(|at| looks_like(data, *at, b"/XRef"));
    for at in tables.chain(streams) {
        let mut lexer = Lexer::new(data, at);
        let object = lexer.object();
        document.spend(lexer.at.saturating_sub(at))?;
        if let Some(Object::Dict(dict)) = object
            && dict.get(b"Root").is_some()
            && found.as_ref().is_none_or(|(before, _)| *before < at)
        {
            found = Some((at, dict));
        }
    }
    Ok(found.map(|(_, dict)| dict).unwrap_or_default())
}

/// The last object whose type is Catalog.
fn find_catalogue(document: &Document<'_>) -> Result<Object, Error> {
    let mut found = None;
    for (number, entry) in &document.table.entries {
        if let Entry::At(offset, _) = entry
            && !looks_like(document.data, *offset, b"/Catalog")
        {
            continue;
        }
        if let Some(loaded) = document.load(*number)?
            && let Some(dict) = loaded.object.dict()
            && dict.is(b"Type", b"Catalog")
            && dict.get(b"Pages").is_some()
        {
            found = Some(Object::Ref(*number, loaded.generation));
        }
    }
    found.ok_or(Error::Damaged("no catalogue"))
}
