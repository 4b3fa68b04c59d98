//! `LEDGER`: the SHA-256 of every released file, in the order of release.

use crate::{Error, Result};
use sha2::{Digest, Sha256};

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    sha256: String,
    /// Name of the release.
    name: String,
}

/// The ledger. `sha256sum --check` reads its text: one line `DIGEST  NAME.json` for each release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    lines: Vec<Line>,
}

impl Ledger {
    /// Reads the ledger.
    ///
    /// # Errors
    /// [`Error`] with the number of the line that is malformed or repeats a release.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let fail = |number: usize, problem: String| {
            Error::new(crate::LEDGER, format!("line {number}: {problem}"))
        };
        let text = std::str::from_utf8(bytes).map_err(|_| fail(1, "no UTF-8".to_owned()))?;
        let mut ledger = Self::default();
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let parts = line
                .strip_suffix(".json\n")
                .and_then(|line| line.split_once("  "));
            let digits = |text: &str| {
                text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            };
            let Some((sha256, name)) = parts.filter(|(sha256, _)| digits(sha256)) else {
                let form = "is not a SHA-256, two spaces, NAME.json and a line break";
                return Err(fail(number, form.to_owned()));
            };
            ledger
                .add(name, sha256.to_owned())
                .map_err(|problem| fail(number, problem))?;
        }
        Ok(ledger)
    }

    fn add(&mut self, name: &str, sha256: String) -> std::result::Result<(), String> {
        crate::check_name(name)?;
        if name == crate::NEXT {
            return Err("next is not a release".to_owned());
        }
        if self.sha256(name).is_some() {
            return Err(format!("release {name} is there already"));
        }
        self.lines.push(Line {
            sha256,
            name: name.to_owned(),
        });
        Ok(())
    }

    /// Adds a released file under the name of its release.
    ///
    /// # Errors
    /// [`Error`] when the ledger already has the release.
    pub fn append(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.add(name, hex::encode(Sha256::digest(bytes)))
            .map_err(|problem| Error::new(crate::LEDGER, problem))
    }

    fn sha256(&self, name: &str) -> Option<&str> {
        let mut lines = self.lines.iter();
        lines
            .find(|line| line.name == name)
            .map(|line| line.sha256.as_str())
    }

    /// Names of the releases, in the order of release.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.name.as_str())
    }

    /// Checks that a released file is unchanged.
    ///
    /// # Errors
    /// [`Error`] when the file changed or was never entered.
    pub fn check(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let file = format!("{name}.json");
        match self.sha256(name) {
            None => Err(Error::new(
                &file,
                "is not in LEDGER; releases are made with: cargo xtask release new",
            )),
            Some(sha256) if sha256 == hex::encode(Sha256::digest(bytes)) => Ok(()),
            Some(_) => Err(Error::new(
                &file,
                "changed after its release: its SHA-256 is not the one in LEDGER. Restore the file; a change of status goes into \
                 status.json",
            )),
        }
    }

    /// Checks that this ledger is `before` with releases added at the end.
    ///
    /// # Errors
    /// [`Error`] naming the first release whose line was changed or removed.
    pub fn grew_from(&self, before: &Self) -> Result<()> {
        for (index, line) in before.lines.iter().enumerate() {
            if self.lines.get(index) != Some(line) {
                return Err(Error::new(
                    crate::LEDGER,
                    format!(
                        "the line of release {} was changed or removed; lines are only added at the end",
                        line.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The text of `LEDGER`.
    pub fn to_text(&self) -> String {
        let lines = self.lines.iter();
        lines.fold(String::new(), |text, line| {
            text + &line.sha256 + "  " + &line.name + ".json\n"
        })
    }
}
