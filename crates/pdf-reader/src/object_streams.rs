//! Objects in object streams (ISO 32000-1, 7.5.7).

use crate::document::{Document, Loaded, OBJECT, ObjectStream};
use crate::error::Error;
use crate::lex::Lexer;
use crate::table::Entry;
use std::sync::Arc;

/// The largest object stream after unpacking, in bytes.
const MAX_OBJECT_STREAM: usize = 32 << 20;
/// The most objects in one object stream.
const MAX_PACKED: usize = 1_000_000;
/// The most nested object streams, each read because another one needs a number from it. Bounds the
/// stack.
const MAX_NESTED: u32 = 4;

impl Document<'_> {
    pub(crate) fn load_in(
        &self,
        number: u32,
        stream: u32,
        index: u32,
    ) -> Result<Option<Loaded>, Error> {
        let Some(objects) = self.object_stream(stream)? else {
            return Ok(None);
        };
        let hint = usize::try_from(index)
            .ok()
            .and_then(|index| objects.index.get(index));
        let mut entry = hint.filter(|(found, _)| *found == number);
        if entry.is_none() {
            self.spend(objects.index.len())?;
            entry = objects.index.iter().find(|(found, _)| *found == number);
        }
        let Some((_, offset)) = entry else {
            return Ok(None);
        };
        let mut lexer = Lexer::new(&objects.data, *offset);
        let object = lexer.object();
        self.spend(OBJECT.saturating_add(lexer.at.saturating_sub(*offset)))?;
        Ok(object.map(|object| Loaded {
            object,
            stream: None,
            generation: 0,
        }))
    }

    /// Passes the text of an object stream to `see`, including objects that the table does not
    /// name.
    pub fn with_text(&self, stream: u32, see: impl FnOnce(&[u8])) -> Result<(), Error> {
        if let Some(objects) = self.object_stream(stream)? {
            self.spend(objects.data.len())?;
            see(&objects.data);
        }
        Ok(())
    }

    /// Whether the object stream is readable. An object that is not a stream is unreadable to every
    /// reader.
    pub fn is_readable(&self, stream: u32) -> Result<bool, Error> {
        if self.object_stream(stream)?.is_some() {
            return Ok(true);
        }
        let loaded = self.load(stream)?;
        Ok(loaded.is_none_or(|loaded| loaded.stream.is_none()))
    }

    fn object_stream(&self, number: u32) -> Result<Option<Arc<ObjectStream>>, Error> {
        if let Some(known) = self.object_streams.borrow().get(&number) {
            return Ok(known.clone());
        }
        // While a stream is being read, references into itself find nothing.
        if self.nested.get() >= MAX_NESTED {
            return Err(Error::Limit("object streams that need each other"));
        }
        self.object_streams.borrow_mut().insert(number, None);
        self.nested.set(self.nested.get() + 1);
        let read = self.read_object_stream(number);
        self.nested.set(self.nested.get().saturating_sub(1));
        let read = match read {
            Ok(read) => read.map(Arc::new),
            Err(error) => {
                self.object_streams.borrow_mut().remove(&number);
                return Err(error);
            }
        };
        self.object_streams
            .borrow_mut()
            .insert(number, read.clone());
        Ok(read)
    }

    fn read_object_stream(&self, number: u32) -> Result<Option<ObjectStream>, Error> {
        // An object stream must not be in another one (7.5.7).
        let Some(Entry::At(offset, generation)) = self.table.get(number) else {
            return Ok(None);
        };
        let Some(loaded) = self.load_at(number, offset, generation)? else {
            return Ok(None);
        };
        let (Some(dict), Some(extent)) = (loaded.object.dict(), loaded.stream) else {
            return Ok(None);
        };
        let Some(data) = self.decode(number, generation, dict, extent.range, MAX_OBJECT_STREAM)?
        else {
            return Ok(None);
        };
        let count = self
            .value(dict, b"N")?
            .as_int()
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(0);
        let first = self
            .value(dict, b"First")?
            .as_int()
            .and_then(|first| usize::try_from(first).ok())
            .unwrap_or(0);
        let mut lexer = Lexer::new(&data, 0);
        let mut index = Vec::new();
        if count > MAX_PACKED {
            return Err(Error::Limit("objects in an object stream"));
        }
        // `N` may lie: memory grows only with the pairs that are really there.
        for _ in 0..count {
            let (Some(number), Some(offset)) = (lexer.unsigned(), lexer.unsigned()) else {
                break;
            };
            let (Ok(number), Ok(offset)) = (u32::try_from(number), usize::try_from(offset)) else {
                break;
            };
            index.push((number, first.saturating_add(offset)));
        }
        Ok(Some(ObjectStream { data, index }))
    }

    /// The object numbers in an object stream, for repair.
    pub(crate) fn numbers_in(&self, stream: u32) -> Result<Vec<u32>, Error> {
        let objects = self.object_stream(stream)?;
        Ok(objects
            .map(|objects| objects.index.iter().map(|(number, _)| *number).collect())
            .unwrap_or_default())
    }
}
