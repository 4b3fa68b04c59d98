//! Finds the end of the data of inline images (ISO 32000-1, 8.9.7). The data may contain ` EI ` and
//! operators, so their length is computed from the image's dictionary.

use letsesign_pdf_reader::filter::measure;
use letsesign_pdf_reader::lex::{Lexer, is_regular, is_space};
use letsesign_pdf_reader::object::{Dict, Object};

/// The most white space between computed data and `EI`.
const MAX_GAP: usize = 16;
/// The largest output of a data filter, in bytes. Inline images are small.
const MAX_IMAGE: usize = 16 << 20;

/// The location of an inline image's data.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// The data lie between `ID` and `EI` for every reader; the content continues at `after`.
    Clean { after: usize },
    /// `EI` is elsewhere. The image has `want` bytes: `have` bytes from `from` on, then zeros.
    Uneven {
        from: usize,
        have: usize,
        want: usize,
        after: usize,
    },
    /// The data cannot be determined. The content continues at `after`.
    Broken { after: usize },
    /// Readers may disagree on which `EI` ends the data.
    Ambiguous,
}

/// The services that the page around the image provides.
pub(super) trait Surroundings {
    /// The number of components of a colour space that the page's resources name.
    fn components(&mut self, name: &[u8]) -> Option<usize>;
    /// Takes unpacked bytes from the budget; returns whether it sufficed.
    fn take(&mut self, bytes: usize) -> bool;
}

/// Finds the data of an image; `at` is right after `ID`.
pub(super) fn data(
    content: &[u8],
    at: usize,
    dict: &Dict,
    surroundings: &mut dyn Surroundings,
) -> Data {
    // One white space character separates the data; some writers put a complete end of line there.
    let start = at + usize::from(content.get(at).copied().is_some_and(is_space));
    let filters = entry(dict, b"F", b"Filter");
    let first = match filters {
        Some(Object::Array(filters)) => filters.first().and_then(Object::name),
        Some(Object::Name(name)) => Some(name.as_slice()),
        _ => None,
    };
    let Some(filter) = first else {
        let Some(want) = size(dict, surroundings) else {
            return search(content, at);
        };
        let line = usize::from(content.get(at..at + 2) == Some(b"\r\n"));
        for from in [start, start + line] {
            if let Some(after) = from.checked_add(want).and_then(|end| ends(content, end)) {
                return Data::Clean { after };
            }
        }
        // Decode only a part when the rest of the content is much longer than the image.
        let enough = start.checked_add(want).filter(|end| *end < content.len());
        let found = enough
            .and_then(|end| next(content, end))
            .or_else(|| next(content, start));
        let Some((end, after)) = found else {
            return Data::Broken {
                after: content.len(),
            };
        };
        let have = end.saturating_sub(start).min(want);
        // A few missing pixels become black. An image that is mostly missing is left out.
        return if want.saturating_sub(have) <= have && surroundings.take(want) {
            Data::Uneven {
                from: start,
                have,
                want,
                after,
            }
        } else {
            Data::Broken { after }
        };
    };
    let parameters = match entry(dict, b"DP", b"DecodeParms") {
        Some(Object::Array(items)) => items.first().and_then(Object::dict),
        Some(value) => value.dict(),
        None => None,
    };
    if matches!(filter, b"CCF" | b"CCITTFaxDecode") {
        return search(content, at);
    }
    let encoded = content.get(start..).unwrap_or_default();
    let measured = measure(filter, parameters, encoded, MAX_IMAGE, &mut |bytes| {
        surroundings.take(bytes)
    });
    if let Some(after) = measured.and_then(|length| ends(content, start + length)) {
        return Data::Clean { after };
    }
    // The whole rest was searched for an end, which counts as work.
    surroundings.take(encoded.len());
    let found = next(content, start + measured.unwrap_or(0));
    Data::Broken {
        after: found.map_or(content.len(), |(_, after)| after),
    }
}

/// Where the content continues after an image whose dictionary is unreadable.
pub(super) fn after(content: &[u8], at: usize) -> usize {
    next(content, at).map_or(content.len(), |(_, after)| after)
}

/// Finds the end of data of unknown length: the only `EI` before the next inline image.
fn search(content: &[u8], at: usize) -> Data {
    let Some((_, after)) = next(content, at) else {
        return Data::Broken {
            after: content.len(),
        };
    };
    match next(content, after) {
        Some((end, _)) if !has_image(content.get(after..end).unwrap_or_default()) => {
            Data::Ambiguous
        }
        _ => Data::Clean { after },
    }
}

fn has_image(content: &[u8]) -> bool {
    memchr::memmem::find_iter(content, b"ID").any(|at| {
        let before = content.get(..at).unwrap_or_default();
        memchr::memmem::find(before, b"BI").is_some()
    })
}

/// The next `EI` between white space: the end of the data before it, and its own end.
fn next(content: &[u8], from: usize) -> Option<(usize, usize)> {
    memchr::memmem::find_iter(content.get(from..)?, b"EI").find_map(|at| {
        let (end, after) = ((from + at).checked_sub(1)?, from + at + 2);
        let space = |at: usize| content.get(at).is_none_or(|byte| is_space(*byte));
        (space(end) && space(after) && end >= from.saturating_sub(1)).then_some((end, after))
    })
}

/// The end of an `EI` at `end`, after optional white space.
fn ends(content: &[u8], end: usize) -> Option<usize> {
    let rest = content.get(end..)?;
    let space = rest
        .iter()
        .take(MAX_GAP)
        .take_while(|byte| is_space(**byte))
        .count();
    let after = rest.get(space..)?.strip_prefix(b"EI")?;
    (!after.first().copied().is_some_and(is_regular)).then_some(end + space + 2)
}

/// An entry by its short or its long name; `None` also when the two disagree.
fn entry<'a>(dict: &'a Dict, short: &[u8], long: &[u8]) -> Option<&'a Object> {
    match (dict.get(short), dict.get(long)) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

/// Size in bytes of an image without a filter.
fn size(dict: &Dict, surroundings: &mut dyn Surroundings) -> Option<usize> {
    let number = |short: &[u8], long: &[u8]| {
        entry(dict, short, long)
            .and_then(Object::as_int)
            .and_then(|value| usize::try_from(value).ok())
    };
    let (width, height) = (number(b"W", b"Width")?, number(b"H", b"Height")?);
    let mask = entry(dict, b"IM", b"ImageMask") == Some(&Object::Bool(true));
    let bits = if mask {
        1
    } else {
        let components = match entry(dict, b"CS", b"ColorSpace")? {
            Object::Name(name) => match name.as_slice() {
                b"G" | b"DeviceGray" | b"CalGray" => 1,
                b"RGB" | b"DeviceRGB" | b"CalRGB" => 3,
                b"CMYK" | b"DeviceCMYK" => 4,
                name => surroundings.components(name)?,
            },
            Object::Array(parts) => match parts.first().and_then(Object::name)? {
                b"I" | b"Indexed" => 1,
                _ => return None,
            },
            _ => return None,
        };
        components.checked_mul(number(b"BPC", b"BitsPerComponent")?)?
    };
    width
        .checked_mul(bits)?
        .div_ceil(8)
        .checked_mul(height)
        .filter(|size| *size <= MAX_IMAGE)
}

/// The dictionary of an inline image, between `BI` and `ID`. `at` is right after `BI`.
pub(super) fn dict(content: &[u8], at: usize) -> Option<(Dict, usize)> {
    // Parse it like a dictionary; the keyword `ID` ends it.
    let mut lexer = Lexer::new(content, at);
    let mut dict = Dict::default();
    loop {
        lexer.skip_space();
        match lexer.peek()? {
            b'/' => {
                let Some(Object::Name(key)) = lexer.object() else {
                    return None;
                };
                let value = lexer.object()?;
                dict.0.push((key, value));
            }
            _ => return (lexer.word() == b"ID").then_some((dict, lexer.at)),
        }
        if dict.0.len() > 64 {
            return None;
        }
    }
}
