//! The page that `cargo xtask release verify` prints: one check a row, and one verdict.

use anyhow::Result;
use std::fmt::Write;

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Good,
    Failed,
    /// Left out on request.
    LeftOut,
}

/// The rows so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    rows: Vec<(&'static str, Outcome, Vec<String>)>,
}

impl Page {
    /// Makes a check and records its result: the lines it gives, or why it failed.
    pub(super) fn check<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&mut Vec<String>) -> Result<T>,
    ) -> Option<T> {
        eprintln!("{name} ...");
        let mut lines = Vec::new();
        match check(&mut lines) {
            Ok(value) => {
                self.rows.push((name, Outcome::Good, lines));
                Some(value)
            }
            Err(error) => {
                lines.extend(format!("{error:#}").lines().map(str::to_owned));
                self.rows.push((name, Outcome::Failed, lines));
                None
            }
        }
    }

    /// A check that could not be made, because of one that failed. It counts as failed.
    pub(super) fn not_reached(&mut self, name: &'static str, because: &str) {
        let reason = format!("not reached: {because}");
        self.rows.push((name, Outcome::Failed, vec![reason]));
    }

    /// A check that was left out on request.
    pub(super) fn left_out(&mut self, name: &'static str, option: &str) {
        let reason = format!("left out ({option})");
        self.rows.push((name, Outcome::LeftOut, vec![reason]));
    }

    /// Names of the checks that failed.
    pub(super) fn failed(&self) -> Vec<&'static str> {
        self.with(&Outcome::Failed)
    }

    fn with(&self, outcome: &Outcome) -> Vec<&'static str> {
        let rows = self.rows.iter().filter(|(_, found, _)| found == outcome);
        rows.map(|(name, ..)| *name).collect()
    }

    /// The verdict in a few words.
    pub(super) fn verdict(&self) -> String {
        let (failed, left_out) = (self.failed(), self.with(&Outcome::LeftOut));
        match (failed.is_empty(), left_out.is_empty()) {
            (true, true) => "VERIFIED".to_owned(),
            (true, false) => format!("VERIFIED, BUT FOR: {}", left_out.join(", ")),
            (false, _) => format!("NOT VERIFIED: {}", failed.join(", ")),
        }
    }

    /// The page. Nothing in it acts on the terminal of whoever reads it.
    pub(super) fn text(&self, title: &str, head: &[(&str, String)]) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{title}: {}\n", self.verdict());
        for (name, value) in head {
            let _ = writeln!(text, "{name:<13} {value}");
        }
        for (name, outcome, lines) in &self.rows {
            let word = match outcome {
                Outcome::Good => "good",
                Outcome::Failed => "FAILED",
                Outcome::LeftOut => "LEFT OUT",
            };
            let _ = writeln!(text, "\n{name:<13} {word}");
            for line in lines {
                let _ = writeln!(text, "  {}", line.trim_end());
            }
        }
        letsesign_escape::lines(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_what_failed_and_what_was_left_out() {
        let mut page = Page::default();
        assert_eq!(
            page.check("history", |lines| {
                lines.push("3 commits".into());
                Ok(3)
            }),
            Some(3)
        );
        assert_eq!(page.verdict(), "VERIFIED");
        page.left_out("packages", "--without-packages");
        assert_eq!(page.verdict(), "VERIFIED, BUT FOR: packages");
        page.check("rebuild", |_| -> Result<()> {
            anyhow::bail!("PCR0 \u{202e}x")
        });
        page.not_reached("contents", "nothing was built");
        assert_eq!(page.failed(), ["rebuild", "contents"]);
        let text = page.text("release 1", &[("source", "here".into())]);
        assert!(
            text.starts_with("release 1: NOT VERIFIED: rebuild, contents\n"),
            "{text}"
        );
        assert!(
            text.contains("rebuild       FAILED\n  PCR0 \\u{202e}x\n"),
            "{text}"
        );
    }
}
