//! The longest match at every position of a block: a binary tree per hash of four bytes, sorted by
//! what follows, whose nodes are the positions of the last 64 KiB. Inserting a position visits
//! those that share the longest prefixes.

use super::{LAST_LITERALS, LAST_MATCH, MAX_OFFSET, MIN_MATCH};

const HASH_BITS: u32 = 16;
/// Nodes of the trees, a position modulo this; the oldest is just out of an offset's reach.
const WINDOW: usize = MAX_OFFSET + 1;
/// A match of so many bytes is followed to its end and ends the search; it bounds what one position
/// costs.
const ENOUGH: usize = 1024;
/// Most nodes that one position visits.
const DEPTH: usize = 256;
/// Longer matches are cut, which costs three bytes each time.
const LONGEST: usize = 65_535;
/// No position.
const NONE: u32 = u32::MAX;

/// A copy of earlier bytes. `length` is 0, or 4 and more; it is cut at 65,535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Match {
    pub(super) length: usize,
    /// How far back it starts, 1 to 65,535.
    pub(super) offset: u16,
}

/// The longest match at every position that may start one; all of them end early enough.
pub(super) struct Matches(Vec<(u16, u16)>);

impl Matches {
    pub(super) fn find(plain: &[u8]) -> Self {
        let mut finder = Finder {
            plain,
            end: plain.len().saturating_sub(LAST_LITERALS),
            heads: vec![NONE; 1 << HASH_BITS],
            children: vec![NONE; 2 * WINDOW],
        };
        // A match starts 12 bytes before the end at the latest.
        let starts = (plain.len() + 1).saturating_sub(LAST_MATCH);
        let mut previous = Match::default();
        let mut found = Vec::with_capacity(starts);
        for position in 0..starts {
            previous = finder.longest(position, previous);
            // `longest` cuts at 65,535.
            let length = u16::try_from(previous.length).unwrap_or_default();
            found.push((length, previous.offset));
        }
        Matches(found)
    }

    /// Positions that may start a match: all before this.
    pub(super) fn starts(&self) -> usize {
        self.0.len()
    }

    pub(super) fn at(&self, position: usize) -> Match {
        let (length, offset) = self.0.get(position).copied().unwrap_or_default();
        Match {
            length: usize::from(length),
            offset,
        }
    }
}

struct Finder<'a> {
    plain: &'a [u8],
    /// Where the last literals start.
    end: usize,
    /// The youngest position of each hash, which is the root of its tree.
    heads: Vec<u32>,
    /// Two per node: the positions whose bytes sort before it, and those that sort after it.
    children: Vec<u32>,
}

impl Finder<'_> {
    /// Inserts `position` and returns the longest match there. `previous` is the one a byte before:
    /// without its first byte it is a match here.
    fn longest(&mut self, position: usize, previous: Match) -> Match {
        let mut best = match previous.length.checked_sub(1) {
            Some(length) if length >= MIN_MATCH => Match { length, ..previous },
            _ => Match::default(),
        };
        let found = self.insert(position);
        if found.length < MIN_MATCH || found.length <= best.length {
            return best;
        }
        // A match that goes on from before is followed once, not at every byte of it: that would be
        // quadratic.
        if best.length < ENOUGH {
            best = found;
            if found.length >= ENOUGH {
                best.length = self.common(
                    position - usize::from(found.offset),
                    position,
                    found.length,
                    LONGEST,
                );
            }
        }
        best
    }

    /// Makes `position` the root of its tree and splits the old tree around it, which meets the
    /// longest match of up to `ENOUGH` bytes on the way. Offset 0 means that there is none.
    fn insert(&mut self, position: usize) -> Match {
        let mut best = Match::default();
        let limit = ENOUGH.min(self.end - position);
        let Some(here) = self.head(position) else {
            return best;
        };
        let root = u32::try_from(position).unwrap_or(NONE);
        let mut candidate = std::mem::replace(here, root);
        // Where the next smaller and the next greater node go, and how many bytes all of that side
        // share with us.
        let (mut smaller, mut greater) = (slot(position), slot(position) + 1);
        let (mut shared_smaller, mut shared_greater) = (0, 0);
        for _ in 0..DEPTH {
            let node = candidate as usize;
            let offset = match position.checked_sub(node) {
                Some(distance) if candidate != NONE => u16::try_from(distance).unwrap_or(0),
                _ => 0,
            };
            if offset == 0 {
                break;
            }
            let length = self.common(node, position, shared_smaller.min(shared_greater), limit);
            if length > best.length {
                best = Match { length, offset };
            }
            let (before, after) = (self.child(slot(node)), self.child(slot(node) + 1));
            if length >= limit {
                // Equal in every byte that matters: this position replaces the node.
                self.set(smaller, before);
                self.set(greater, after);
                return best;
            }
            if self.plain.get(node + length) < self.plain.get(position + length) {
                self.set(smaller, candidate);
                smaller = slot(node) + 1;
                shared_smaller = length;
                candidate = after;
            } else {
                self.set(greater, candidate);
                greater = slot(node);
                shared_greater = length;
                candidate = before;
            }
        }
        self.set(smaller, NONE);
        self.set(greater, NONE);
        best
    }

    fn head(&mut self, position: usize) -> Option<&mut u32> {
        let bytes = self.plain.get(position..)?.first_chunk()?;
        // Fibonacci hashing: the multiplier is 2^32 divided by the golden ratio.
        let hash = u32::from_le_bytes(*bytes).wrapping_mul(2_654_435_769) >> (32 - HASH_BITS);
        self.heads.get_mut(hash as usize)
    }

    fn child(&self, slot: usize) -> u32 {
        self.children.get(slot).copied().unwrap_or(NONE)
    }

    fn set(&mut self, slot: usize, position: u32) {
        if let Some(child) = self.children.get_mut(slot) {
            *child = position;
        }
    }

    /// How many bytes two positions share, `known` of which need no look; at most `limit`, and none
    /// of the last literals.
    fn common(&self, earlier: usize, later: usize, known: usize, limit: usize) -> usize {
        let side = |start: usize, end: usize| {
            let end = end.min(start.saturating_add(limit));
            self.plain.get(start + known..end).unwrap_or_default()
        };
        let (mut a, mut b) = (side(earlier, self.end), side(later, self.end));
        let mut length = known;
        while let (Some((x, rest_a)), Some((y, rest_b))) =
            (a.split_first_chunk::<8>(), b.split_first_chunk::<8>())
        {
            let difference = u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y);
            if difference != 0 {
                return length + (difference.trailing_zeros() / 8) as usize;
            }
            length += 8;
            (a, b) = (rest_a, rest_b);
        }
        length + a.iter().zip(b).take_while(|(x, y)| x == y).count()
    }
}

/// The first child of a position's node.
fn slot(position: usize) -> usize {
    2 * (position % WINDOW)
}
