//! Opens a file and decides whether to repair it.

use crate::budget::Budget;
use crate::document::Document;
use crate::error::Error;
use crate::lex::Lexer;
use crate::repair::{self, Misfits};
use crate::table::Entry;
use crate::xref;
use std::rc::Rc;

/// Opens a file by its cross-reference data if they are correct, or by a search through the file.
pub fn open<'a>(data: &'a [u8], budget: Budget<'a>) -> Result<Document<'a>, Error> {
    let budget = Rc::new(budget);
    // Readers tolerate a missing header, and one after the first 1024 bytes.
    let header = memchr::memmem::find(data, b"%PDF-");
    let mut bases = vec![0];
    bases.extend(header.filter(|at| *at != 0));
    // The best table so far, in case none is correct everywhere.
    let mut best: Option<(usize, Document<'a>, Misfits)> = None;
    for base in bases {
        let Some(sections) = xref::read(data, base, &budget) else {
            continue;
        };
        let mut document =
            Document::bare(data, sections.table, sections.trailer, Rc::clone(&budget));
        document.base = base;
        document.previous = sections.clean.then_some(sections.start);
        document.streams = sections.stream;
        let (fitting, misfits) = misfits(&document, sections.whole)?;
        if misfits.are_none() && document.previous.is_some() {
            document.open_crypt()?;
            if document.catalogue().is_ok() {
                return Ok(document);
            }
        } else if fitting > best.as_ref().map_or(0, |(before, ..)| *before) {
            best = Some((fitting, document, misfits));
        }
    }
    if let Some((_, document, misfits)) = best
        && let Some(document) = repair::complete(document, misfits)?
    {
        return Ok(document);
    }
    repair::open(data, budget).map_err(|error| match error {
        Error::Damaged(_) if header.is_none() => Error::NotPdf,
        other => other,
    })
}

/// Counts the objects that are where the table says, and lists the others. `whole` is whether all
/// sections were readable.
fn misfits(document: &Document<'_>, whole: bool) -> Result<(usize, Misfits), Error> {
    let mut misfits = Misfits {
        whole,
        ..Misfits::default()
    };
    let mut fitting = 0;
    for (number, entry) in &document.table.entries {
        let Entry::At(offset, generation) = entry else {
            continue;
        };
        let mut lexer = Lexer::new(document.data, *offset);
        let head = lexer.head();
        // Charged to the budget: many entries may point into one long run of white space.
        document.spend(lexer.at.saturating_sub(*offset))?;
        match head {
            Some((found, own)) if found == *number && own == *generation => fitting += 1,
            Some((found, own)) if found == *number => {
                misfits.moved.push((*number, Entry::At(*offset, own)));
            }
            _ => misfits.bad.push(*number),
        }
    }
    Ok((fitting, misfits))
}
