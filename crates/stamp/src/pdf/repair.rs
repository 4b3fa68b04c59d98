//! Finds the objects of a file whose cross-reference data is missing or wrong, by looking through all of it.

use super::document::{Document, Misfits};
use super::lex::{Lexer, is_regular};
use super::object::{Dict, Object};
use super::xref::{Entry, MAX_NUMBER, Table};
use crate::budget::Budget;
use crate::error::Error;
use std::rc::Rc;

/// Objects in a damaged file. Bounds memory.
const MAX_OBJECTS: usize = 2_000_000;
/// How much of an object is looked at to see what it is.
const LOOK: usize = 512;

pub(super) fn open<'a>(data: &'a [u8], budget: Rc<Budget<'a>>) -> Result<Document<'a>, Error> {
    budget.spend(data.len())?;
    // In the order of the file: later objects replace earlier ones.
    let all = heads(data)?;
    let table = |heads: &[Head]| {
        let entries = heads
            .iter()
            .rev()
            .map(|head| (head.number, Entry::At(head.at, head.generation)));
        Table::new(entries.collect())
    };
    // Lengths of streams may be objects of their own: these are found among all heads.
    let mut document = Document::bare(data, table(&all), Dict::default(), budget);
    let heads = outside_of_streams(&document, all)?;
    document.table = table(&heads);
    // Each head is looked at twice.
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

/// Searches for the objects that a table has wrong, or lacks. What the table gives stays, whatever
/// else the file holds. `None` when that leads to no catalogue.
pub(super) fn complete(
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
    // The file's offsets cannot say what stands before its header.
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
        // Withdrawn objects stay withdrawn: what is not found is free.
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
        // The update lists everything.
        let packed = |(_, entry): &(u32, Entry)| matches!(entry, Entry::In(..));
        document.streams = streams || document.table.entries.iter().any(packed);
    }
    Ok(document.catalogue().is_ok().then_some(document))
}

/// Objects at `heads` and in the object streams among them, newest first: what is in an object
/// stream counts from where that is.
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

/// The heads of objects that stand neither in the data of a stream nor in another object: an
/// attached file may hold whatever it likes.
fn outside_of_streams(document: &Document<'_>, heads: Vec<Head>) -> Result<Vec<Head>, Error> {
    let data = document.data;
    let mut outside = Vec::with_capacity(heads.len());
    let mut end = 0;
    // Objects that do not end are read up to the end of the file: not again and again.
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

pub(crate) struct Head {
    pub(crate) number: u32,
    pub(crate) generation: u16,
    pub(crate) at: usize,
    /// Right after `obj`.
    pub(crate) after: usize,
}

/// All places where `N G obj` stands.
pub(crate) fn heads(data: &[u8]) -> Result<Vec<Head>, Error> {
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

/// Backwards from `obj`: white space, digits, white space, digits.
pub(crate) fn head_before(data: &[u8], place: usize) -> Option<usize> {
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

/// `endobj12 0 obj`: the end of line was lost.
fn is_end(data: &[u8], at: usize) -> bool {
    data.get(..at)
        .is_some_and(|before| before.ends_with(b"endobj"))
}

pub(crate) fn looks_like(data: &[u8], at: usize, what: &[u8]) -> bool {
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

/// The last object that says it is a catalogue.
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
