//! Inline images (ISO 32000-1, 8.9.7): where their data end. Data may hold ` EI ` and operators, so
//! they are measured by what the image's dictionary says of them.

use crate::pdf::filter::measure;
use crate::pdf::lex::{Lexer, is_regular, is_space};
use crate::pdf::object::{Dict, Object};

/// White space between measured data and `EI`.
const MAX_GAP: usize = 16;
/// A data filter may give this much. Inline images are small.
const MAX_IMAGE: usize = 16 << 20;

/// The data of an inline image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// From after `ID` to before `EI`, as every reader sees it; where the content goes on.
    Clean { after: usize },
    /// `EI` is elsewhere. The image has `want` bytes: `have` from `from` on, and zeros.
    Uneven {
        from: usize,
        have: usize,
        want: usize,
        after: usize,
    },
    /// Data that cannot be had. The content goes on at `after`.
    Broken { after: usize },
    /// Readers may take any of several places for the end.
    Ambiguous,
}

/// What is needed from around the image.
pub(super) trait Surroundings {
    /// Components of a colour space that the page's resources name.
    fn components(&mut self, name: &[u8]) -> Option<usize>;
    /// Takes bytes that were unpacked; says whether there may be more.
    fn take(&mut self, bytes: usize) -> bool;
}

/// `at` is right after `ID`.
pub(super) fn data(
    content: &[u8],
    at: usize,
    dict: &Dict,
    surroundings: &mut dyn Surroundings,
) -> Data {
    // One white space character separates the data; some writers put a whole end of line there.
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
        // Not before all of it, where there is so much.
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
        // A few pixels that are missing become black. An image that is not there is left out.
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
    // The whole rest was searched for an end.
    surroundings.take(encoded.len());
    let found = next(content, start + measured.unwrap_or(0));
    Data::Broken {
        after: found.map_or(content.len(), |(_, after)| after),
    }
}

/// Where an image is over whose dictionary cannot be read.
pub(super) fn after(content: &[u8], at: usize) -> usize {
    next(content, at).map_or(content.len(), |(_, after)| after)
}

/// Data that cannot be measured end at the only `EI` before the next inline image.
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

/// The next `EI` between white space: where the data before it end, and where it ends itself.
fn next(content: &[u8], from: usize) -> Option<(usize, usize)> {
    memchr::memmem::find_iter(content.get(from..)?, b"EI").find_map(|at| {
        let (end, after) = ((from + at).checked_sub(1)?, from + at + 2);
        let space = |at: usize| content.get(at).is_none_or(|byte| is_space(*byte));
        (space(end) && space(after) && end >= from.saturating_sub(1)).then_some((end, after))
    })
}

/// Where `EI` ends, if it stands at `end`, but for white space.
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

/// An entry by its short or its long name; `None` also when they disagree.
fn entry<'a>(dict: &'a Dict, short: &[u8], long: &[u8]) -> Option<&'a Object> {
    match (dict.get(short), dict.get(long)) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

/// Bytes of an image without a filter.
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

/// The dictionary of an inline image: what stands between `BI` and `ID`. `at` is after `BI`.
pub(super) fn dict(content: &[u8], at: usize) -> Option<(Dict, usize)> {
    // As a dictionary that ends at the word that is no value.
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
