//! An lz4 block as small as the format allows, for images that are built once and booted often. The
//! decoder's work is that of any lz4 block.
//!
//! Every offset costs two bytes, so only the longest match at each position matters: a shorter one
//! is its beginning. `matches` finds them, `parse` chooses among them by dynamic programming over
//! the whole block, and the sequences are written here. Rules of the format: `lz4_Block_format.md`
//! of lz4, "End of block conditions".

mod matches;
mod parse;

use matches::{Match, Matches};
use parse::Parse;

/// Shortest match that can be expressed.
const MIN_MATCH: usize = 4;
/// Most bytes that an offset reaches back.
const MAX_OFFSET: usize = 65_535;
/// The last match starts at least this many bytes before the end.
const LAST_MATCH: usize = 12;
/// At least so many bytes at the end are literals.
const LAST_LITERALS: usize = 5;
/// A half of the token that says "more follows".
const NIBBLE: usize = 15;
/// The value of a length byte that says "another byte follows".
const BYTE: usize = 255;

/// Bytes that a length takes besides its half of the token.
fn extension(length: usize) -> usize {
    match length.checked_sub(NIBBLE) {
        Some(rest) => 1 + rest / BYTE,
        None => 0,
    }
}

/// Appends to `out` the smallest block for `plain`, but for the limits in `matches` and `parse`:
/// they cost a few bytes on programs and fonts, some percent on long runs that are broken now and
/// then. Memory is eight times the input and less than 1 MiB; the block depends on nothing but the
/// input.
pub(super) fn encode(plain: &[u8], mut out: Vec<u8>) -> Vec<u8> {
    let matches = Matches::find(plain);
    let parse = Parse::new(&matches, plain.len());
    let before = out.len();
    out.reserve_exact(parse.size());
    let mut rest = plain;
    for (literals, chosen) in parse.sequences() {
        let (literals, after) = rest.split_at_checked(literals).unwrap_or((rest, &[]));
        sequence(&mut out, literals, chosen);
        rest = after.get(chosen.length..).unwrap_or_default();
    }
    put_token(&mut out, rest.len(), 0);
    put_extension(&mut out, rest.len());
    out.extend_from_slice(rest);
    debug_assert_eq!(out.len() - before, parse.size());
    out
}

fn sequence(out: &mut Vec<u8>, literals: &[u8], chosen: Match) {
    let length = chosen.length.saturating_sub(MIN_MATCH);
    put_token(out, literals.len(), length);
    put_extension(out, literals.len());
    out.extend_from_slice(literals);
    out.extend_from_slice(&chosen.offset.to_le_bytes());
    put_extension(out, length);
}

fn put_token(out: &mut Vec<u8>, literals: usize, length: usize) {
    let half = |length: usize| u8::try_from(length.min(NIBBLE)).unwrap_or_default();
    out.push(half(literals) << 4 | half(length));
}

fn put_extension(out: &mut Vec<u8>, length: usize) {
    if let Some(rest) = length.checked_sub(NIBBLE) {
        out.resize(out.len() + rest / BYTE, u8::MAX);
        out.push(u8::try_from(rest % BYTE).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
