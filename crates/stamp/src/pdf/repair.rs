//! Finds the objects of a file whose cross-reference data is missing or wrong, by looking through all of it.

use super::document::Document;
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
    // (number, place, generation), in the order of the file: later objects replace earlier ones.
    let heads = heads(data)?;
    let entries = heads
        .iter()
        .rev()
        .map(|head| (head.number, Entry::At(head.at, head.generation)));
    let table = Table::new(entries.collect());
    let mut document = Document::bare(data, table, Dict::default(), budget);
    // Each head is looked at twice.
    document.spend(heads.len().saturating_mul(2 * LOOK / 8))?;
    document.trailer = trailer(&document, &heads)?;
    document.open_crypt()?;
    // Objects in object streams count from where their stream is.
    let mut placed: Vec<(usize, u32, Entry)> = heads
        .iter()
        .map(|head| (head.at, head.number, Entry::At(head.at, head.generation)))
        .collect();
    for head in heads
        .iter()
        .filter(|head| looks_like(data, head.after, b"/ObjStm"))
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
    document.table = Table::new(
        placed
            .into_iter()
            .rev()
            .map(|(_, number, entry)| (number, entry))
            .collect(),
    );
    if document.catalogue().is_err() {
        let catalogue = find_catalogue(&document)?;
        document.trailer.set(b"Root", catalogue);
    }
    document.catalogue()?;
    Ok(document)
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
