//! A PDF file: objects by number, decrypted, with bounded work.

use super::crypt::Crypt;
use super::lex::Lexer;
use super::object::{Dict, Object};
use super::packed::ObjectStream;
use super::repair;
use super::stream::Extent;
use super::xref::{self, Entry, Table};
use crate::budget::Budget;
use crate::error::Error;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// References to references.
const MAX_HOPS: u32 = 32;

/// What reading an object costs besides its bytes.
pub(super) const OBJECT: usize = 16;

pub(crate) struct Document<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) table: Table,
    pub(crate) trailer: Dict,
    /// Where the file's offsets count from: its header may have junk before it.
    pub(crate) base: usize,
    /// Offset of the newest cross-reference section; `None` when the file had to be repaired.
    pub(crate) previous: Option<usize>,
    /// Whether the newest section is a stream.
    pub(crate) streams: bool,
    /// Entries that the file's own sections have wrong. An update repeats them as they should be.
    pub(crate) corrections: Vec<(u32, Entry)>,
    pub(crate) crypt: Option<Crypt>,
    pub(super) object_streams: RefCell<HashMap<u32, Option<Arc<ObjectStream>>>>,
    /// Object streams being read, one because of the other. Bounds the stack.
    pub(super) nested: Cell<u32>,
    /// Work that may still be done: overlapping objects could make it quadratic.
    pub(crate) budget: Rc<Budget<'a>>,
}

/// An object, and the data of its stream.
pub(crate) struct Loaded {
    pub(crate) object: Object,
    /// Still encoded, and encrypted where the file is.
    pub(crate) stream: Option<Extent>,
    pub(crate) generation: u16,
}

/// What a table says that the file does not.
#[derive(Default)]
pub(super) struct Misfits {
    /// Whether all sections could be read: a number that none has is of no object.
    pub(super) whole: bool,
    /// Numbers of objects that are not where the table says, in their order.
    pub(super) bad: Vec<u32>,
    /// Objects that are where the table says, with another generation: the right entries.
    pub(super) moved: Vec<(u32, Entry)>,
}

impl Misfits {
    fn are_none(&self) -> bool {
        self.whole && self.bad.is_empty() && self.moved.is_empty()
    }
}

impl<'a> Document<'a> {
    pub(crate) fn open(data: &'a [u8], budget: Budget<'a>) -> Result<Self, Error> {
        let budget = Rc::new(budget);
        // Readers forgive a missing header, and one after the first 1024 bytes.
        let header = memchr::memmem::find(data, b"%PDF-");
        let mut bases = vec![0];
        bases.extend(header.filter(|at| *at != 0));
        // The table that fits best, when none fits everywhere.
        let mut best: Option<(usize, Self, Misfits)> = None;
        for base in bases {
            let Some(sections) = xref::read(data, base, &budget) else {
                continue;
            };
            let mut document =
                Self::bare(data, sections.table, sections.trailer, Rc::clone(&budget));
            document.base = base;
            document.previous = sections.clean.then_some(sections.start);
            document.streams = sections.stream;
            let (fitting, misfits) = document.misfits(sections.whole)?;
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

    /// A document that is nothing but bytes and a table.
    pub(super) fn bare(
        data: &'a [u8],
        table: Table,
        trailer: Dict,
        budget: Rc<Budget<'a>>,
    ) -> Self {
        Self {
            data,
            table,
            trailer,
            base: 0,
            previous: None,
            streams: false,
            corrections: Vec::new(),
            crypt: None,
            object_streams: RefCell::default(),
            nested: Cell::new(0),
            budget,
        }
    }

    /// How many objects are where the table says, and which are not. `whole` is whether all
    /// sections could be read.
    fn misfits(&self, whole: bool) -> Result<(usize, Misfits), Error> {
        let mut misfits = Misfits {
            whole,
            ..Misfits::default()
        };
        let mut fitting = 0;
        for (number, entry) in &self.table.entries {
            let Entry::At(offset, generation) = entry else {
                continue;
            };
            let mut lexer = Lexer::new(self.data, *offset);
            let head = lexer.head();
            // Many entries may point into one long run of white space.
            self.spend(lexer.at.saturating_sub(*offset))?;
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

    pub(super) fn open_crypt(&mut self) -> Result<(), Error> {
        let Some(encrypt) = self
            .trailer
            .get(b"Encrypt")
            .filter(|entry| **entry != Object::Null)
        else {
            return Ok(());
        };
        // Crypt filters and their values may be objects of their own.
        let encrypt = self.resolve_in(encrypt, 3)?;
        let dict = encrypt.dict().cloned().ok_or(Error::Encryption)?;
        let id = match self.trailer.get(b"ID") {
            Some(id) => self.resolve(id)?,
            None => Object::Null,
        };
        let first = id
            .array()
            .and_then(|parts| parts.first())
            .and_then(Object::string)
            .unwrap_or_default();
        self.crypt = Some(Crypt::open(&dict, first)?);
        // What was read before there was a key was read wrong.
        self.object_streams.borrow_mut().clear();
        Ok(())
    }

    /// The catalogue; it must have pages.
    pub(crate) fn catalogue(&self) -> Result<Dict, Error> {
        let root = self
            .trailer
            .get(b"Root")
            .ok_or(Error::Damaged("no catalogue"))?;
        match self.resolve(root)? {
            Object::Dict(dict) if dict.get(b"Pages").is_some() => Ok(dict),
            _ => Err(Error::Damaged("no catalogue with pages")),
        }
    }

    /// The value itself, or what it refers to. What is missing is null, as the specification says.
    pub(crate) fn resolve(&self, object: &Object) -> Result<Object, Error> {
        let mut current = object.clone();
        for _ in 0..MAX_HOPS {
            let Object::Ref(number, _) = current else {
                if matches!(current, Object::Array(_) | Object::Dict(_)) {
                    // Copies of one large value for many pages.
                    self.spend(current.values())?;
                }
                return Ok(current);
            };
            current = self
                .load(number)?
                .map_or(Object::Null, |loaded| loaded.object);
        }
        Err(Error::Limit("references in a circle"))
    }

    /// The value of `key`, resolved; null when there is none.
    pub(crate) fn value(&self, dict: &Dict, key: &[u8]) -> Result<Object, Error> {
        dict.get(key)
            .map_or(Ok(Object::Null), |value| self.resolve(value))
    }

    /// The object with this number, its strings decrypted. `None` when there is none, or nothing that can be read.
    pub(crate) fn load(&self, number: u32) -> Result<Option<Loaded>, Error> {
        match self.table.get(number) {
            Some(Entry::At(offset, generation)) => self.load_at(number, offset, generation),
            Some(Entry::In(stream, index)) => self.load_in(number, stream, index),
            Some(Entry::Free) | None => Ok(None),
        }
    }

    /// Takes from the budget of work.
    pub(crate) fn spend(&self, units: usize) -> Result<(), Error> {
        self.budget.spend(units)
    }

    pub(crate) fn load_at(
        &self,
        number: u32,
        offset: usize,
        generation: u16,
    ) -> Result<Option<Loaded>, Error> {
        let mut lexer = Lexer::new(self.data, offset);
        let head = lexer.head();
        let fits = head == Some((number, generation));
        let object = fits.then(|| lexer.object()).flatten();
        self.spend(OBJECT.saturating_add(lexer.at.saturating_sub(offset)))?;
        let Some(mut object) = object else {
            return Ok(None);
        };
        let stream = match &object {
            Object::Dict(dict) => self.stream_range(lexer.at, dict)?,
            _ => None,
        };
        if let Some(crypt) = &self.crypt {
            decrypt_strings(&mut object, crypt, number, generation);
        }
        Ok(Some(Loaded {
            object,
            stream,
            generation,
        }))
    }

    /// The version in the header.
    pub(crate) fn header_version(&self) -> Option<(u8, u8)> {
        let head = self
            .data
            .get(..self.data.len().min(1040))
            .unwrap_or_default();
        let at = memchr::memmem::find(head, b"%PDF-")?;
        crate::template::version(head.get(at + 5..)?)
    }
}

fn decrypt_strings(object: &mut Object, crypt: &Crypt, number: u32, generation: u16) {
    match object {
        Object::String(text) => *text = crypt.decrypt_string(number, generation, text),
        Object::Array(items) => {
            for item in items {
                decrypt_strings(item, crypt, number, generation);
            }
        }
        Object::Dict(dict) => {
            let signature = dict.get(b"ByteRange").is_some();
            for (key, value) in &mut dict.0 {
                if !(signature && key == b"Contents") {
                    decrypt_strings(value, crypt, number, generation);
                }
            }
        }
        _ => {}
    }
}
