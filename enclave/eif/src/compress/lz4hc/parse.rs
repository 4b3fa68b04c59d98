//! Which matches to take. From the end of the block to its start, the fewest bytes that the rest
//! takes:
//!
//! * `from(p)` when a sequence starts at p: a token, some literals, and the match after them or the
//!   end of the block;
//! * `at(p)` when the literals end at p and its match follows.
//!
//! Both are exact, whatever the number of literals, with one exception: of a match longer than
//! `EVERY` only four ends are tried. Leaving out a beginning never makes a rest longer by more than
//! a byte, so little is lost.

use super::{BYTE, MIN_MATCH, Match, Matches, NIBBLE, extension};
use std::collections::VecDeque;

/// Matches up to this length are tried at every length.
const EVERY: usize = LONGEST_SECOND;
/// The longest matches without and with one byte of extension.
const LONGEST_FIRST: usize = MIN_MATCH + NIBBLE - 1;
const LONGEST_SECOND: usize = LONGEST_FIRST + BYTE;
/// Larger than any block.
const NEVER: u32 = u32::MAX / 2;

/// The choice for a whole block.
pub(super) struct Parse<'a> {
    matches: &'a Matches,
    /// `from(p)` for every p up to the block's length.
    from: Vec<u32>,
}

impl<'a> Parse<'a> {
    /// Blocks are 8 MiB at most; all sizes fit in 32 bits by far.
    pub(super) fn new(matches: &'a Matches, length: usize) -> Self {
        let mut parse = Parse {
            matches,
            from: vec![NEVER; length + 1],
        };
        let mut literals = Literals::new();
        for position in (0..=length).rev() {
            // The end of the block stands for a match that costs nothing.
            let at = match length - position {
                0 => 0,
                _ => parse.best(position).map_or(NEVER, |(_, size)| size),
            };
            let size = literals.push(position, at);
            if let Some(from) = parse.from.get_mut(position) {
                *from = size;
            }
        }
        parse
    }

    /// Bytes of the block.
    pub(super) fn size(&self) -> usize {
        self.from(0) as usize
    }

    fn from(&self, position: usize) -> u32 {
        self.from.get(position).copied().unwrap_or(NEVER)
    }

    /// How much of the match at `position` to take, and `at(position)`. `None` without a match.
    fn best(&self, position: usize) -> Option<(Match, u32)> {
        let longest = self.matches.at(position);
        if longest.length < MIN_MATCH {
            return None;
        }
        let mut best = (0, NEVER);
        let mut attempt = |length: usize| {
            let size = small(2 + extension(length - MIN_MATCH)) + self.from(position + length);
            // The longest of equals: fewer, longer copies.
            if size <= best.1 {
                best = (length, size);
            }
        };
        if longest.length <= EVERY {
            (MIN_MATCH..=longest.length).for_each(attempt);
        } else {
            let last = LONGEST_FIRST + (longest.length - LONGEST_FIRST) / BYTE * BYTE;
            [LONGEST_FIRST, LONGEST_SECOND, last, longest.length]
                .into_iter()
                .for_each(&mut attempt);
        }
        let (length, size) = best;
        Some((Match { length, ..longest }, size))
    }

    /// The sequences in their order: a number of literals and the match after them. What is left
    /// are the last literals.
    pub(super) fn sequences(&self) -> impl Iterator<Item = (usize, Match)> {
        let mut start = 0;
        std::iter::from_fn(move || {
            // The first match that makes the sequence as small as it can be.
            let goal = self.from(start);
            let (position, chosen) = (start..self.matches.starts()).find_map(|position| {
                let (chosen, size) = self.best(position)?;
                (sequence(position - start) + size == goal).then_some((position, chosen))
            })?;
            let literals = position - start;
            start = position + chosen.length;
            Some((literals, chosen))
        })
    }
}

/// A token and literals.
fn sequence(literals: usize) -> u32 {
    small(1 + extension(literals) + literals)
}

fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(NEVER)
}

/// The best run of literals from the position that was pushed last.
///
/// A run of up to 14 costs a byte for each. Of a run of 15 and more, the first 15 cost 16, and of
/// what is after them every 255th costs one more: `extended`, which is a run of fewer than 255 or
/// the best of what is 255 later.
struct Literals {
    short: Window,
    long: Window,
    /// `extended` of the last `BYTE` positions, the youngest first.
    extended: VecDeque<u32>,
}

impl Literals {
    fn new() -> Self {
        Literals {
            short: Window::new(NIBBLE),
            long: Window::new(BYTE),
            extended: VecDeque::with_capacity(BYTE + 2),
        }
    }

    /// `at(position)` in, `from(position)` out.
    fn push(&mut self, position: usize, at: u32) -> u32 {
        let later = |run: usize, extended: &VecDeque<u32>| {
            let size = extended.get(run - 1).copied().unwrap_or(NEVER);
            size.saturating_add(small(run + 1))
        };
        let extended = self
            .long
            .push(position, at)
            .min(later(BYTE, &self.extended));
        let short = self.short.push(position, at);
        let size = 1 + short.min(later(NIBBLE, &self.extended));
        self.extended.push_front(extended);
        self.extended.truncate(BYTE);
        size
    }
}

/// The fewest bytes of literals and what follows them, of all runs shorter than `width`.
struct Window {
    width: usize,
    /// Where runs may end, from near to far, with sizes counted from the start of the block. Each
    /// is smaller than all nearer ones.
    ends: VecDeque<(usize, u32)>,
}

impl Window {
    fn new(width: usize) -> Self {
        Window {
            width,
            ends: VecDeque::with_capacity(width + 1),
        }
    }

    fn push(&mut self, position: usize, at: u32) -> u32 {
        let counted = at.saturating_add(small(position));
        while self.ends.front().is_some_and(|end| end.1 >= counted) {
            self.ends.pop_front();
        }
        self.ends.push_front((position, counted));
        while self
            .ends
            .back()
            .is_some_and(|end| end.0 - position >= self.width)
        {
            self.ends.pop_back();
        }
        let best = self.ends.back().map_or(NEVER, |end| end.1);
        best.saturating_sub(small(position))
    }
}
