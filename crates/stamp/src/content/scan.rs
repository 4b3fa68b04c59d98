//! Scans content to its end: whether every reader reads the same, and what it leaves open. Where
//! readers would differ, it writes the same content in a form that all of them read alike.

use super::image::{self, Data, Surroundings};
use super::operators::{Fit, Kind, fit, operands};
use letsesign_pdf_reader::lex::{Lexer, is_regular};

/// How a string, an array or a dictionary ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    /// At its end, but it contains something that does not belong there.
    Odd,
    /// Nowhere: readers do not see what follows.
    Never,
}

/// The most operands before an operator that readers keep.
const MAX_OPERANDS: usize = 33;
/// The most ignored errors. Readers ignore what they do not know, but some give up a page with too
/// much of it.
const MAX_ERRORS: usize = 16;
/// Bytes of content between two charges to the budget.
const STEP: usize = 1 << 16;

/// Operators that the content leaves open at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// Unmatched `q`.
    pub(super) states: usize,
    /// Unmatched `Q`.
    pub(super) missing: usize,
    /// Unmatched `BT`.
    pub(super) text: bool,
    /// Unmatched `BMC` and `BDC`, outside of an open text object.
    pub(super) marked: usize,
    /// Unmatched `BMC` and `BDC` within the open text object.
    pub(super) marked_in_text: usize,
}

/// Some readers would interpret the content differently from others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Uneven;

/// Why scanning stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Two readers may see the end of an inline image in different places.
    Image,
    /// The budget is used up.
    Budget,
}

/// The services that a page provides to the scanner.
pub(super) trait Page: Surroundings {
    /// Takes work from the budget; returns whether it sufficed.
    fn spend(&mut self, bytes: usize) -> bool;
    /// Whether the page's resources contain what the operator names.
    fn has(&mut self, operator: &[u8], name: &[u8]) -> bool;
}

/// Scans content that readers agree about and returns what it leaves open, or [`Uneven`]. `joints`
/// are the offsets where one stream ends and the next begins.
pub(super) fn check(
    content: &[u8],
    joints: &[usize],
    page: &mut dyn Page,
) -> Result<Result<Open, Uneven>, Stop> {
    let mut scan = Scan::new(content, joints, page, None);
    scan.run()?;
    let uneven = scan.uneven || scan.errors > MAX_ERRORS;
    Ok(if uneven { Err(Uneven) } else { Ok(scan.open) })
}

/// Rewrites the readable part without anything that a reader could misinterpret. The result leaves
/// nothing open except for what [`Open`] lists.
pub(super) fn rewrite(content: &[u8], page: &mut dyn Page) -> Result<(Vec<u8>, Open), Stop> {
    let mut scan = Scan::new(content, &[], page, Some(Vec::new()));
    scan.run()?;
    Ok((scan.out.unwrap_or_default(), scan.open))
}

struct Operand {
    kind: Kind,
    start: usize,
    end: usize,
    /// Whether readers interpret the content differently.
    odd: bool,
}

pub(super) struct Scan<'c> {
    pub(super) lexer: Lexer<'c>,
    pub(super) joints: &'c [usize],
    page: &'c mut dyn Page,
    /// The rewritten content, if requested.
    out: Option<Vec<u8>>,
    operands: Vec<Operand>,
    open: Open,
    pub(super) uneven: bool,
    errors: usize,
}

impl<'c> Scan<'c> {
    fn new(
        content: &'c [u8],
        joints: &'c [usize],
        page: &'c mut dyn Page,
        out: Option<Vec<u8>>,
    ) -> Self {
        Self {
            lexer: Lexer::new(content, 0),
            joints,
            page,
            out,
            operands: Vec::new(),
            open: Open::default(),
            uneven: false,
            errors: 0,
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut paid = 0;
        loop {
            if self.lexer.at.saturating_sub(paid) >= STEP {
                let read = self.lexer.at.saturating_sub(paid);
                paid = self.lexer.at;
                if !self.page.spend(read) {
                    return Err(Stop::Budget);
                }
            }
            self.lexer.skip_space();
            let start = self.lexer.at;
            let Some(byte) = self.lexer.peek() else {
                // Operands without an operator.
                self.uneven |= !self.operands.is_empty();
                return Ok(());
            };
            if byte == b'/' || matches!(byte, b'(' | b'<' | b'[') {
                let (end, kind) = self.value();
                self.uneven |= end != End::Closed;
                if end == End::Never {
                    return Ok(());
                }
                self.operand(kind, start);
                if let Some(last) = self.operands.last_mut() {
                    last.odd = end == End::Odd;
                }
            } else if is_regular(byte) {
                if self.number() {
                    self.operand(Kind::Number, start);
                } else {
                    self.word(start)?;
                }
            } else {
                // An unmatched closing bracket.
                self.lexer.at += 1;
                self.errors += 1;
            }
        }
    }

    fn operand(&mut self, kind: Kind, start: usize) {
        if self.operands.len() >= MAX_OPERANDS {
            self.operands.remove(0);
            self.errors += 1;
        }
        self.operands.push(Operand {
            kind,
            start,
            end: self.lexer.at,
            odd: false,
        });
    }

    fn word(&mut self, start: usize) -> Result<(), Stop> {
        let word = self.lexer.word();
        if matches!(word, b"true" | b"false" | b"null") {
            self.operand(Kind::Other, start);
            return Ok(());
        }
        let given: Vec<Kind> = self.operands.iter().map(|operand| operand.kind).collect();
        let odd = self.operands.iter().any(|operand| operand.odd);
        match operands(word).map(|wanted| (wanted, fit(wanted, &given))) {
            Some((_, Fit::TooFew)) => self.uneven = true,
            Some((wanted, Fit::Right)) if !odd && self.names_something(word) => {
                let count = if wanted == "*" {
                    given.len()
                } else {
                    wanted.len()
                };
                self.operation(word, start, count)?;
            }
            Some((_, Fit::Right | Fit::Wrong)) | None => self.errors += 1,
        }
        self.operands.clear();
        Ok(())
    }

    /// Whether the resource that the operator names exists.
    fn names_something(&mut self, word: &[u8]) -> bool {
        let ((b"Tf", [.., first, _]) | (b"Do" | b"gs" | b"sh" | b"cs" | b"CS", [.., first])) =
            (word, self.operands.as_slice())
        else {
            return true;
        };
        let name = self.lexer.data.get(first.start + 1..first.end);
        let name = name.unwrap_or_default();
        // Names with more than one spelling are not looked up.
        name.contains(&b'#') || self.page.has(word, name)
    }

    fn operation(&mut self, word: &[u8], start: usize, count: usize) -> Result<(), Stop> {
        let open = &mut self.open;
        // Rewriting leaves an operator out if it closes nothing.
        let mut keep = true;
        match word {
            b"q" => open.states += 1,
            b"Q" if open.states > 0 => open.states -= 1,
            b"Q" => {
                open.missing += 1;
                keep = false;
            }
            b"BT" => {
                keep = !open.text;
                open.text = true;
            }
            b"ET" => {
                keep = open.text;
                open.text = false;
                open.marked += std::mem::take(&mut open.marked_in_text);
            }
            b"BMC" | b"BDC" if open.text => open.marked_in_text += 1,
            b"BMC" | b"BDC" => open.marked += 1,
            b"EMC" if open.marked_in_text > 0 => open.marked_in_text -= 1,
            b"EMC" => {
                keep = open.marked > 0;
                open.marked = open.marked.saturating_sub(1);
            }
            b"BI" => return self.image(start),
            _ => {}
        }
        if keep && let Some(out) = &mut self.out {
            let spare = self.operands.len().saturating_sub(count);
            for operand in self.operands.iter().skip(spare) {
                let text = self.lexer.data.get(operand.start..operand.end);
                out.extend_from_slice(text.unwrap_or_default());
                out.push(b' ');
            }
            out.extend_from_slice(word);
            out.push(b'\n');
        }
        Ok(())
    }

    /// Handles an inline image whose `BI` is at `start`.
    fn image(&mut self, start: usize) -> Result<(), Stop> {
        let content = self.lexer.data;
        let Some((dict, at)) = image::dict(content, self.lexer.at) else {
            // The bytes up to the end belong to the image.
            self.uneven = true;
            self.lexer.at = image::after(content, self.lexer.at);
            return Ok(());
        };
        let mut page = Borrowed(&mut *self.page);
        let found = image::data(content, at, &dict, &mut page);
        let (after, kept) = match found {
            Data::Ambiguous => return Err(Stop::Image),
            Data::Clean { after } => {
                self.lexer.at = after;
                self.apart(start);
                (after, content.get(start..after))
            }
            Data::Uneven { after, .. } | Data::Broken { after } => {
                self.uneven = true;
                (after, None)
            }
        };
        self.lexer.at = after.max(at);
        if !self.page.spend(self.lexer.at.saturating_sub(start)) {
            return Err(Stop::Budget);
        }
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        if let Data::Uneven {
            from, have, want, ..
        } = found
        {
            out.extend_from_slice(content.get(start..at).unwrap_or_default());
            out.push(b' ');
            out.extend_from_slice(content.get(from..from + have).unwrap_or_default());
            out.resize(out.len() + want.saturating_sub(have), 0);
            out.extend_from_slice(b"\nEI");
        }
        out.extend_from_slice(kept.unwrap_or_default());
        out.push(b'\n');
        Ok(())
    }
}

/// Adapts a page to the needs of its images.
struct Borrowed<'p>(&'p mut dyn Page);

impl Surroundings for Borrowed<'_> {
    fn components(&mut self, name: &[u8]) -> Option<usize> {
        self.0.components(name)
    }

    fn take(&mut self, bytes: usize) -> bool {
        self.0.take(bytes)
    }
}
