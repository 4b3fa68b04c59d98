//! The table of objects and their locations in the file.

/// The highest object number that readers support (Annex C).
pub const MAX_NUMBER: u32 = 8_388_607;

/// Location of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The object does not exist.
    Free,
    /// Byte offset of the object's head, and its generation.
    At(usize, u16),
    /// Number of the object stream, and the index in it.
    In(u32, u32),
}

/// Locations of all objects, sorted by number, one entry each.
#[derive(Debug, Default)]
pub struct Table {
    /// Number and location of each object.
    pub entries: Vec<(u32, Entry)>,
}

impl Table {
    /// Builds the table from `entries`, newest first: the first of several for one number counts.
    pub fn new(mut entries: Vec<(u32, Entry)>) -> Self {
        entries.sort_by_key(|(number, _)| *number);
        entries.dedup_by_key(|(number, _)| *number);
        Self { entries }
    }

    /// The location of an object.
    pub fn get(&self, number: u32) -> Option<Entry> {
        let index = self
            .entries
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        self.entries.get(index).map(|(_, entry)| *entry)
    }

    /// The number after the highest one.
    pub fn end(&self) -> u32 {
        self.entries
            .last()
            .map_or(1, |(number, _)| number.saturating_add(1))
    }
}
