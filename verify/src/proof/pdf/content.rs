//! Decodes the content of pages and forms: the library's filters, under all names that readers
//! accept.

use lopdf::{Dictionary, Document, Object, Stream};

/// Abbreviated filter names of inline images (ISO 32000-1, table 94). Readers accept them
/// everywhere.
const ABBREVIATIONS: [(&[u8], &[u8]); 5] = [
    (b"A85", b"ASCII85Decode"),
    (b"AHx", b"ASCIIHexDecode"),
    (b"Fl", b"FlateDecode"),
    (b"LZW", b"LZWDecode"),
    (b"RL", b"RunLengthDecode"),
];

/// The greatest expansion of one filter: deflate turns two bits into 258 bytes.
const EXPANSION_MAX: usize = 1032;

/// Decoded bytes, or the reason for a failure and the work that it may have cost.
pub(super) type Decoded = Result<Vec<u8>, (String, usize)>;

/// The streams of a page's content, one by one.
pub(super) fn streams<'a>(document: &'a Document, page: &'a Dictionary) -> Vec<&'a Stream> {
    let Ok(contents) = page.get_deref(b"Contents", document) else {
        return Vec::new();
    };
    match contents {
        Object::Stream(stream) => vec![stream],
        Object::Array(list) => list
            .iter()
            .filter_map(|item| document.dereference(item).ok())
            .filter_map(|(_, object)| object.as_stream().ok())
            .collect(),
        _ => Vec::new(),
    }
}

/// Decodes a stream, at most `limit` bytes.
pub(super) fn decode(document: &Document, stream: &Stream, limit: usize) -> Decoded {
    let filters: Vec<Object> = listed(document, &stream.dict, b"Filter")
        .into_iter()
        .map(full_name)
        .collect();
    if filters.is_empty() {
        let fits = stream.content.len() <= limit;
        return fits
            .then(|| stream.content.clone())
            .ok_or_else(|| ("its content is too long".to_owned(), 0));
    }
    // Each filter of a chain may expand the output of the one before.
    let cost = match filters.len() {
        1 => stream.content.len().saturating_mul(EXPANSION_MAX),
        _ => limit,
    };
    let mut plain = Dictionary::new();
    plain.set("Filter", Object::Array(filters));
    let parameters = listed(document, &stream.dict, b"DecodeParms");
    if !parameters.is_empty() {
        plain.set("DecodeParms", Object::Array(parameters));
    }
    Stream::new(plain, stream.content.clone())
        .decompressed_content_with_limit(limit)
        .map_err(|error| (error.to_string(), cost.min(limit)))
}

/// The elements of a member that is a single object or an array, with references resolved.
fn listed(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Vec<Object> {
    let resolved = |object: &Object| {
        let (_, object) = document.dereference(object).ok()?;
        Some(match object {
            Object::Dictionary(dictionary) => {
                Object::Dictionary(resolved_members(document, dictionary))
            }
            other => other.clone(),
        })
    };
    match dictionary.get_deref(key, document) {
        Err(_) | Ok(Object::Null) => Vec::new(),
        // A missing element keeps its position: parameters belong to filters by position.
        Ok(Object::Array(list)) => list
            .iter()
            .map(|item| resolved(item).unwrap_or(Object::Null))
            .collect(),
        Ok(one) => resolved(one).into_iter().collect(),
    }
}

fn resolved_members(document: &Document, dictionary: &Dictionary) -> Dictionary {
    let members = dictionary.iter().filter_map(|(key, value)| {
        let (_, value) = document.dereference(value).ok()?;
        Some((key.clone(), value.clone()))
    });
    members.collect()
}

fn full_name(filter: Object) -> Object {
    let Object::Name(name) = &filter else {
        return filter;
    };
    let known = ABBREVIATIONS.iter().find(|(short, _)| short == name);
    known.map_or(filter.clone(), |(_, long)| Object::Name(long.to_vec()))
}
