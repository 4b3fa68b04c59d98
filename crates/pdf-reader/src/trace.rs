//! Records the object that was being read when a document was refused.

use std::cell::Cell;
use std::fmt;

/// Location of an object in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    /// The object's number.
    pub number: u32,
    /// Byte offset of the object in the file; `None` in an object stream.
    pub offset: Option<usize>,
}

impl fmt::Display for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "object {} at byte {offset}", self.number),
            None => write!(f, "object {} in an object stream", self.number),
        }
    }
}

/// Records the most recently read object, for the owner of the document.
///
/// Numbers and offsets follow from the document's content. The signing server must not log them,
/// because its log belongs to the host, and so errors do not contain them.
///
/// ```
/// # use letsesign_pdf_reader::{Budget, Limits, Trace, open};
/// let trace = Trace::default();
/// let limits = Limits { trace: Some(&trace), ..Limits::default() };
/// if let Err(error) = open(b"%PDF-1.7 ...", Budget::new(limits)) {
///     match trace.last() {
///         Some(place) => eprintln!("{error} (reading {place})"),
///         None => eprintln!("{error}"),
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Trace(Cell<Option<ObjectPlace>>);

impl Trace {
    /// The object that was read most recently; `None` before the first one.
    pub fn last(&self) -> Option<ObjectPlace> {
        self.0.get()
    }

    /// Records an object; its offset is `None` in an object stream.
    pub fn read(&self, number: u32, offset: Option<usize>) {
        self.0.set(Some(ObjectPlace { number, offset }));
    }
}
