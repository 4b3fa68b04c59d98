//! Matches digits against a pattern of a numbering plan.
//!
//! The patterns are regular expressions of a small kind: digits, `\d`, `[0-46-8]`, `(?:...)`, `|`,
//! `?`, `{n}`, `{n,m}`. A number has at most 15 digits, so the places a match may have reached fit
//! in the bits of an integer; each part of the pattern maps the set of places before it to the set
//! after it. Time is linear in the pattern, nothing is allocated or compiled.

/// Digits of a national number (ITU-T E.164: 15 with the country code).
pub(crate) const DIGITS_MAX: usize = 15;

/// Levels of groups. The deepest pattern has 8.
const DEPTH_MAX: usize = 32;

/// A number, digit by digit.
pub(crate) struct Number {
    /// For each digit the set of places where it stands.
    places: [u32; 10],
    length: usize,
}

impl Number {
    /// `None` unless `digits` are 1..=[`DIGITS_MAX`] digits.
    pub(crate) fn new(digits: &str) -> Option<Self> {
        if digits.is_empty() || digits.len() > DIGITS_MAX {
            return None;
        }
        let mut places = [0; 10];
        for (place, byte) in digits.bytes().enumerate() {
            let digit = byte.checked_sub(b'0')?;
            *places.get_mut(usize::from(digit))? |= 1 << place;
        }
        Some(Self {
            places,
            length: digits.len(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether `pattern` matches all digits. `false` also for a pattern of another kind.
    pub(crate) fn matches(&self, pattern: &str) -> bool {
        let mut reader = Reader {
            number: self,
            rest: pattern.as_bytes(),
        };
        match reader.choice(1, 0) {
            Some(ends) => reader.rest.is_empty() && ends & (1 << self.length) != 0,
            None => false,
        }
    }
}

struct Reader<'a> {
    number: &'a Number,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Sequences separated by `|`.
    fn choice(&mut self, starts: u32, depth: usize) -> Option<u32> {
        if depth > DEPTH_MAX {
            return None;
        }
        let mut ends = self.sequence(starts, depth)?;
        while self.take(b'|') {
            ends |= self.sequence(starts, depth)?;
        }
        Some(ends)
    }

    /// Atoms with their counts.
    fn sequence(&mut self, starts: u32, depth: usize) -> Option<u32> {
        let mut places = starts;
        while !matches!(self.rest.first(), None | Some(b'|' | b')')) {
            let atom = self.rest;
            let mut after = self.atom(places, depth)?;
            let (least, most) = self.count()?;
            if (least, most) != (1, 1) {
                // The atom is read again for each repetition, from its own text.
                let follow = self.rest;
                let mut reached = places;
                after = if least == 0 { places } else { 0 };
                for round in 1..=most {
                    self.rest = atom;
                    reached = self.atom(reached, depth)?;
                    if round >= least {
                        after |= reached;
                    }
                }
                self.rest = follow;
            }
            places = after;
        }
        Some(places)
    }

    fn atom(&mut self, places: u32, depth: usize) -> Option<u32> {
        let set = match self.next()? {
            b'(' => {
                if !(self.take(b'?') && self.take(b':')) {
                    return None;
                }
                let ends = self.choice(places, depth + 1)?;
                return self.take(b')').then_some(ends);
            }
            b'[' => self.class()?,
            b'\\' => self.take(b'd').then_some(u32::MAX)?,
            digit => self.digit(digit)?,
        };
        let inside = (1_u32 << self.number.length) - 1;
        Some((places & set & inside) << 1)
    }

    /// The places where a digit stands.
    fn digit(&self, byte: u8) -> Option<u32> {
        let index = usize::from(byte.checked_sub(b'0')?);
        self.number.places.get(index).copied()
    }

    /// The rest of `[0-46-8]`.
    fn class(&mut self) -> Option<u32> {
        let mut set = 0;
        loop {
            let first = self.next()?;
            if first == b']' {
                return Some(set);
            }
            let last = if self.take(b'-') { self.next()? } else { first };
            if last < first {
                return None;
            }
            for byte in first..=last {
                set |= self.digit(byte)?;
            }
        }
    }

    /// `?`, `{n}`, `{n,m}` or nothing: how often the atom before may stand.
    fn count(&mut self) -> Option<(usize, usize)> {
        if self.take(b'?') {
            return Some((0, 1));
        }
        if !self.take(b'{') {
            return Some((1, 1));
        }
        let least = self.number()?;
        let most = if self.take(b',') {
            self.number()?
        } else {
            least
        };
        (self.take(b'}') && least <= most && (1..=DIGITS_MAX + 1).contains(&most))
            .then_some((least, most))
    }

    fn number(&mut self) -> Option<usize> {
        let mut value: Option<usize> = None;
        while let Some(byte @ b'0'..=b'9') = self.rest.first().copied() {
            self.next();
            let digit = usize::from(byte - b'0');
            value = Some(value.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
        }
        value
    }
}
