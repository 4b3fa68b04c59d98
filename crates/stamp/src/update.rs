//! New and changed objects, and their serialization as an incremental update (ISO 32000-1, 7.5.6).

use crate::error::Error;
use letsesign_pdf_reader::crypt::Crypt;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object, write_hex};
use letsesign_pdf_reader::table::Entry;
use sha2::{Digest, Sha256};

/// Added and replaced objects, in the order of their addition.
pub(crate) struct Update {
    /// The next unused object number.
    next: u32,
    pub(crate) objects: Vec<Changed>,
}

#[derive(Clone)]
pub(crate) struct Changed {
    pub(crate) number: u32,
    pub(crate) generation: u16,
    pub(crate) object: Object,
    /// Encoded as the dictionary states, not encrypted.
    pub(crate) stream: Option<Vec<u8>>,
}

impl Update {
    /// An empty update; `first` is above every number that anything refers to.
    pub(crate) fn new(first: u32) -> Self {
        Self {
            next: first.max(1),
            objects: Vec::new(),
        }
    }

    /// Continues with `number`, so that earlier additions take the same room in every document.
    pub(crate) fn go_on_with(&mut self, number: u32) {
        self.next = self.next.max(number);
    }

    pub(crate) fn add(&mut self, object: Object) -> u32 {
        self.push(object, None)
    }

    /// Adds a stream. `data` is encoded as `dict` states; the length is filled in when the stream
    /// is written.
    pub(crate) fn add_stream(&mut self, dict: Dict, data: Vec<u8>) -> u32 {
        self.push(Object::Dict(dict), Some(data))
    }

    fn push(&mut self, object: Object, stream: Option<Vec<u8>>) -> u32 {
        let number = self.reserve();
        self.objects.push(Changed {
            number,
            generation: 0,
            object,
            stream,
        });
        number
    }

    /// Reserves a number for an object that [`Self::replace`] adds.
    pub(crate) fn reserve(&mut self) -> u32 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    /// Replaces an object of the document, or adds one whose number is reserved.
    pub(crate) fn replace(&mut self, number: u32, generation: u16, object: Object) {
        self.objects.push(Changed {
            number,
            generation,
            object,
            stream: None,
        });
    }

    /// The number after all those of the document and the update.
    pub(crate) fn end(&self) -> u32 {
        self.next
    }
}

/// Derives an initialization vector for every string and stream: not secret, but different each
/// time. It depends on the document and the update, so that equal input gives equal output.
pub(crate) struct Vectors {
    seed: [u8; 32],
    count: u64,
}

impl Vectors {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        self.count += 1;
        let hash = Sha256::new()
            .chain_update(self.seed)
            .chain_update(self.count.to_le_bytes())
            .finalize();
        <[u8; 32]>::from(hash)
            .first_chunk()
            .copied()
            .unwrap_or_default()
    }
}

/// Writes one indirect object.
pub(crate) fn write_object(
    changed: &Changed,
    crypt: Option<&Crypt>,
    vectors: &mut Vectors,
    out: &mut Vec<u8>,
) {
    let (number, generation) = (changed.number, changed.generation);
    out.extend_from_slice(format!("{number} {generation} obj\n").as_bytes());
    let sealed = match (&changed.object, &changed.stream, crypt) {
        (Object::Dict(dict), Some(data), Some(crypt)) => {
            Some(crypt.encrypt_stream(number, generation, dict, data, vectors.next()))
        }
        _ => None,
    };
    let mut string = |text: &[u8]| match crypt {
        Some(crypt) => crypt.encrypt_string(number, generation, text, vectors.next()),
        None => text.to_vec(),
    };
    match (&changed.object, sealed.as_ref().or(changed.stream.as_ref())) {
        (Object::Dict(dict), Some(data)) => {
            let mut dict = dict.clone();
            dict.set(b"Length", Object::int(data.len()));
            dict.write(out, &mut string);
            out.extend_from_slice(b"\nstream\n");
            out.extend_from_slice(data);
            out.extend_from_slice(b"\nendstream");
        }
        (object, _) => object.write(out, &mut string),
    }
    out.extend_from_slice(b"\nendobj\n");
}

/// The original bytes followed by the update. After a repair, the new cross-reference section lists
/// all objects found, so that readers without a repair find them, too.
pub(crate) fn append(document: &Document<'_>, update: &Update) -> Result<Vec<u8>, Error> {
    let data = document.data;
    let room: usize = update
        .objects
        .iter()
        .filter_map(|changed| changed.stream.as_ref())
        .map(Vec::len)
        .sum();
    document.spend(data.len().saturating_add(room))?;
    let mut out = Vec::with_capacity(data.len() + room + 8192);
    out.extend_from_slice(data);
    if !data.ends_with(b"\n") && !data.ends_with(b"\r") {
        out.push(b'\n');
    }
    let digest = digest(document, update);
    let mut vectors = Vectors::new(digest);
    let mut entries: Vec<(u32, Entry)> = Vec::new();
    for changed in &update.objects {
        entries.push((
            changed.number,
            Entry::At(out.len() - document.base, changed.generation),
        ));
        let before = out.len();
        write_object(changed, document.crypt.as_ref(), &mut vectors, &mut out);
        document.spend(out.len() - before)?;
    }
    // The update corrects the file's own entries for every reader.
    entries.extend(document.corrections.iter().map(|(number, entry)| {
        let entry = match entry {
            Entry::At(offset, generation) => Entry::At(offset - document.base, *generation),
            other => *other,
        };
        (*number, entry)
    }));
    if document.previous.is_none() {
        let known = document
            .table
            .entries
            .iter()
            .filter(|(_, entry)| *entry != Entry::Free);
        entries.extend(known.map(|(number, entry)| match entry {
            Entry::At(offset, generation) => {
                (*number, Entry::At(offset - document.base, *generation))
            }
            other => (*number, *other),
        }));
        entries.push((0, Entry::Free));
    }
    // The sort is stable: of two entries for one number, the update's comes first.
    entries.sort_by_key(|(number, _)| *number);
    entries.dedup_by_key(|(number, _)| *number);
    let start = out.len() - document.base;
    let trailer = trailer(document, &digest);
    if document.streams {
        stream(document, update.end(), entries, trailer, &mut out)?;
    } else {
        let trailer = trailer.with("Size", Object::Int(i64::from(update.end())));
        table(&entries, &trailer, &mut out);
    }
    out.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
    Ok(out)
}

/// A hash over everything that determines this update: the length and the end of the original, and
/// all additions.
fn digest(document: &Document<'_>, update: &Update) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(document.data.len().to_le_bytes());
    hash.update(
        document
            .data
            .get(document.data.len().saturating_sub(4096)..)
            .unwrap_or_default(),
    );
    let mut text = Vec::new();
    for changed in &update.objects {
        text.clear();
        changed
            .object
            .write(&mut text, &mut |string| string.to_vec());
        hash.update(&text);
        hash.update(changed.stream.as_deref().unwrap_or_default());
    }
    hash.finalize().into()
}

fn trailer(document: &Document<'_>, digest: &[u8; 32]) -> Dict {
    let mut trailer = Dict::default();
    for key in [&b"Root"[..], b"Info", b"Encrypt"] {
        if let Some(value) = document.trailer.get(key) {
            trailer.set(key, value.clone());
        }
    }
    let second = Object::String(digest.get(..16).unwrap_or_default().to_vec());
    let id = document
        .trailer
        .get(b"ID")
        .and_then(|id| document.resolve(id).ok());
    match id
        .as_ref()
        .and_then(Object::array)
        .and_then(|parts| parts.first())
    {
        Some(first) => trailer.set(b"ID", Object::Array(vec![first.clone(), second])),
        // The ID enters the keys of encrypted documents, so a missing one must stay missing.
        None if document.crypt.is_some() => {}
        None => trailer.set(b"ID", Object::Array(vec![second.clone(), second])),
    }
    if let Some(previous) = document.previous {
        trailer.set(b"Prev", Object::int(previous));
    }
    trailer
}

/// Groups entries with consecutive numbers.
fn runs(entries: &[(u32, Entry)]) -> impl Iterator<Item = &[(u32, Entry)]> {
    entries.chunk_by(|(before, _), (after, _)| before.checked_add(1) == Some(*after))
}

pub(crate) fn table(entries: &[(u32, Entry)], trailer: &Dict, out: &mut Vec<u8>) {
    out.extend_from_slice(b"xref\n");
    for run in runs(entries) {
        let first = run.first().map_or(0, |(number, _)| *number);
        out.extend_from_slice(format!("{first} {}\n", run.len()).as_bytes());
        for (_, entry) in run {
            let line = match entry {
                Entry::At(offset, generation) => format!("{offset:010} {generation:05} n \n"),
                Entry::Free | Entry::In(..) => "0000000000 65535 f \n".to_owned(),
            };
            out.extend_from_slice(line.as_bytes());
        }
    }
    out.extend_from_slice(b"trailer\n");
    plain(trailer, out);
    out.push(b'\n');
}

fn plain(dict: &Dict, out: &mut Vec<u8>) {
    dict.write(out, &mut |text| text.to_vec());
}

fn stream(
    document: &Document<'_>,
    number: u32,
    mut entries: Vec<(u32, Entry)>,
    trailer: Dict,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    // The stream contains an entry for itself.
    entries.push((number, Entry::At(out.len() - document.base, 0)));
    let mut rows = Vec::with_capacity(entries.len() * 11);
    let mut index = Vec::new();
    for run in runs(&entries) {
        let first = run.first().map_or(0, |(number, _)| *number);
        index.push(Object::Int(i64::from(first)));
        index.push(Object::int(run.len()));
        for (_, entry) in run {
            let (kind, second, third) = match entry {
                Entry::Free => (0_u8, 0, 65535),
                Entry::At(offset, generation) => (
                    1,
                    u32::try_from(*offset).unwrap_or(u32::MAX),
                    u32::from(*generation),
                ),
                Entry::In(stream, index) => (2, *stream, *index),
            };
            rows.push(kind);
            rows.extend_from_slice(&second.to_be_bytes());
            rows.extend_from_slice(&third.to_be_bytes());
        }
    }
    let data = letsesign_pdf_reader::filter::deflate_within(&rows, &document.budget)?;
    let dict = Dict::default()
        .with("Type", Object::named("XRef"))
        .with("Size", Object::Int(i64::from(number) + 1))
        .with("Index", Object::Array(index))
        .with("W", Object::Array([1, 4, 4].map(Object::Int).to_vec()))
        .with("Filter", Object::named("FlateDecode"))
        .with("Length", Object::int(data.len()));
    let mut dict = dict;
    dict.0.extend(trailer.0);
    out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    plain(&dict, out);
    out.extend_from_slice(b"\nstream\n");
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\nendstream\nendobj\n");
    Ok(())
}

/// Writes a `<...>` string for content streams.
pub(crate) fn hex_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    write_hex(bytes, out);
    out.push(b'>');
}
