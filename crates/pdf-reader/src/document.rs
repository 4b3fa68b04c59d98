//! A PDF file: decrypted objects by number, with bounded work.

use crate::body::Extent;
use crate::budget::Budget;
use crate::crypt::Crypt;
use crate::error::Error;
use crate::lex::Lexer;
use crate::object::{Dict, Object};
use crate::table::{Entry, Table};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// The longest chain of references to references.
const MAX_HOPS: u32 = 32;

/// Work of reading an object, beside its bytes.
pub(crate) const OBJECT: usize = 16;

/// An open file.
pub struct Document<'a> {
    /// The whole file.
    pub data: &'a [u8],
    /// Locations of all objects.
    pub table: Table,
    /// The newest trailer dictionary.
    pub trailer: Dict,
    /// The base of the file's offsets: junk may precede the header.
    pub base: usize,
    /// Offset of the newest cross-reference section; `None` if the file was repaired.
    pub previous: Option<usize>,
    /// Whether the newest section is a stream.
    pub streams: bool,
    /// Corrected entries of the file's own sections. An update contains them.
    pub corrections: Vec<(u32, Entry)>,
    /// Keys of an encrypted file.
    pub crypt: Option<Crypt>,
    pub(crate) object_streams: RefCell<HashMap<u32, Option<Arc<ObjectStream>>>>,
    /// Nesting of object streams that are being read because of each other. Bounds the stack.
    pub(crate) nested: Cell<u32>,
    /// Remaining work: overlapping objects could make it quadratic.
    pub budget: Rc<Budget<'a>>,
}

/// An object, with the location of its stream's data.
pub struct Loaded {
    /// The object itself, its strings decrypted.
    pub object: Object,
    /// Data still encoded, and encrypted if the file is.
    pub stream: Option<Extent>,
    /// Generation of the object; 0 in an object stream.
    pub generation: u16,
}

/// An unpacked object stream.
pub(crate) struct ObjectStream {
    pub(crate) data: Vec<u8>,
    /// Object numbers and offsets in `data`, in the order of the stream.
    pub(crate) index: Vec<(u32, usize)>,
}

impl<'a> Document<'a> {
    /// A document with bytes and a table, without any cross-reference data.
    pub(crate) fn bare(
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

    pub(crate) fn open_crypt(&mut self) -> Result<(), Error> {
        let Some(encrypt) = self
            .trailer
            .get(b"Encrypt")
            .filter(|entry| **entry != Object::Null)
        else {
            return Ok(());
        };
        // Crypt filters and their values may be indirect objects.
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
        // Object streams that were read without the key are garbage.
        self.object_streams.borrow_mut().clear();
        Ok(())
    }

    /// The catalogue, which must have pages.
    pub fn catalogue(&self) -> Result<Dict, Error> {
        let root = self
            .trailer
            .get(b"Root")
            .ok_or(Error::Damaged("no catalogue"))?;
        match self.resolve(root)? {
            Object::Dict(dict) if dict.get(b"Pages").is_some() => Ok(dict),
            _ => Err(Error::Damaged("no catalogue with pages")),
        }
    }

    /// The value itself, or the target of the reference. A missing object is null, as the
    /// specification demands.
    pub fn resolve(&self, object: &Object) -> Result<Object, Error> {
        let mut current = object.clone();
        for _ in 0..MAX_HOPS {
            let Object::Ref(number, _) = current else {
                if matches!(current, Object::Array(_) | Object::Dict(_)) {
                    // Charged to the budget: many pages may copy one large value.
                    self.spend(current.values())?;
                }
                return Ok(current);
            };
            current = self
                .load(number)?
                .map_or(Object::Null, |loaded| loaded.object);
        }
        Err(Error::Limit("references in a cycle"))
    }

    /// The resolved value of `key`; null when there is none.
    pub fn value(&self, dict: &Dict, key: &[u8]) -> Result<Object, Error> {
        dict.get(key)
            .map_or(Ok(Object::Null), |value| self.resolve(value))
    }

    /// Reads the object with this number and decrypts its strings. `None` when it does not exist or
    /// is unreadable.
    pub fn load(&self, number: u32) -> Result<Option<Loaded>, Error> {
        let entry = self.table.get(number);
        match entry {
            Some(Entry::At(offset, _)) => self.budget.reads(number, Some(offset)),
            Some(Entry::In(..)) => self.budget.reads(number, None),
            Some(Entry::Free) | None => {}
        }
        match entry {
            Some(Entry::At(offset, generation)) => self.load_at(number, offset, generation),
            Some(Entry::In(stream, index)) => self.load_in(number, stream, index),
            Some(Entry::Free) | None => Ok(None),
        }
    }

    /// Takes work from the budget.
    pub fn spend(&self, units: usize) -> Result<(), Error> {
        self.budget.spend(units)
    }

    /// Reads the object at an offset, whatever the table says; `None` when none is there.
    pub fn load_at(
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
    pub fn header_version(&self) -> Option<(u8, u8)> {
        let head = self
            .data
            .get(..self.data.len().min(1040))
            .unwrap_or_default();
        let at = memchr::memmem::find(head, b"%PDF-")?;
        version(head.get(at + 5..)?)
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

/// Parses a version such as `1.7`.
pub fn version(text: &[u8]) -> Option<(u8, u8)> {
    match text {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}
