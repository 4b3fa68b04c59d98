//! Words with a better term in the field, listed in docs/style.md.

use super::prose::OPENING;
use anyhow::{Context, Result, ensure};
use regex::Regex;

/// The heading of the list.
const HEADING: &str = "\n## Words\n";

/// The list: a pattern for all words of a row, and the words to write.
pub(super) struct Words(Vec<(Regex, String)>);

impl Words {
    /// Reads the table below the heading "Words": `| not, not | but |`.
    ///
    /// # Errors
    /// When the page has no such table, or a row is malformed.
    pub(super) fn of_page(page: &str) -> Result<Self> {
        let at = page
            .find(HEADING)
            .context("docs/style.md has no section \"Words\"")?;
        let section = page.get(at + HEADING.len()..).unwrap_or_default();
        let mut list = Vec::new();
        for row in section.lines().filter(|line| line.starts_with('|')).skip(2) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [not, but] = cells.as_slice() else {
                anyhow::bail!("docs/style.md: {row:?} has not two cells");
            };
            let words: Vec<String> = not
                .split(',')
                .map(|word| regex::escape(word.trim()))
                .collect();
            let pattern = format!(r"(?i)(?:^|[^\w-])({})(?:$|[^\w-])", words.join("|"));
            let pattern = Regex::new(&pattern)
                .with_context(|| format!("docs/style.md: {not:?} is not a list of words"))?;
            list.push((pattern, (*but).to_owned()));
        }
        ensure!(!list.is_empty(), "docs/style.md lists no words");
        Ok(Self(list))
    }

    /// A sentence for each row that a line violates.
    pub(super) fn find(&self, text: &str) -> impl Iterator<Item = String> {
        // "There is no" is plain English; "this is no" is archaic.
        let plain = text
            .replace("here is no ", "here lacks ")
            .replace("here are no ", "here lack ");
        let opening = text
            .strip_prefix(OPENING)
            .is_some_and(|text| text.starts_with("What "))
            .then(|| "a comment opens with \"What\"; name the thing".to_owned());
        let words = self.0.iter().filter_map(move |(pattern, but)| {
            let word = pattern.captures(&plain)?.get(1)?.as_str();
            Some(format!("{word:?}: write {but}"))
        });
        opening.into_iter().chain(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_page_are_found_as_whole_words() {
        let page = "x\n\n## Words\n\n| not | but |\n|---|---|\n| frob, frobs | adjust |\n";
        let words = Words::of_page(page).unwrap();
        let count = |text: &str| words.find(text).count();
        assert_eq!(count("Many Frobs help"), 1);
        assert_eq!(count("\u{2}What a frob"), 2);
        for good in ["frobnicate", "frob_map", "cross-frob", "adjust"] {
            assert_eq!(count(good), 0, "{good}");
        }
        let page = page.replace("frob, frobs", "is no, are no");
        let words = Words::of_page(&page).unwrap();
        assert_eq!(
            words
                .find("There is no file, and this is no folder")
                .count(),
            1
        );
        assert_eq!(words.find("there are no files").count(), 0);
        for bad in ["", "\n## Words\n", "\n## Words\n|a|b|\n|-|-|\n|a|\n"] {
            assert!(Words::of_page(bad).is_err(), "{bad:?}");
        }
    }
}
