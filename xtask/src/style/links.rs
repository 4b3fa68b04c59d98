//! Links between pages: their files and headings exist.

use super::Finding;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// A finding for every link of a page whose file or heading does not exist.
pub(crate) fn check(root: &Path, file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else {
            continue;
        };
        if let Some(problem) = problem(root, file, text, &dest_url) {
            let before = text.get(..range.start).unwrap_or_default();
            findings.push(Finding {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                text: format!("link {dest_url}: {problem}"),
            });
        }
    }
    findings
}

/// A finding for every `#[path = "..."]` of a Rust file whose file does not exist. The packages of
/// fuzz/ and other workspaces take files of this one in, and no build of this one compiles them.
pub(crate) fn modules(root: &Path, file: &Path, text: &str) -> Vec<Finding> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let missing = |(line, text): (usize, &str)| {
        let path = text.strip_prefix("#[path = \"")?.strip_suffix("\"]")?;
        let target = normal(&folder.join(path));
        let exists = target.is_some_and(|target| root.join(target).is_file());
        (!exists).then(|| Finding {
            file: file.to_owned(),
            line: line + 1,
            text: format!("module {path}: the file does not exist"),
        })
    };
    text.lines().enumerate().filter_map(missing).collect()
}

fn problem(root: &Path, file: &Path, text: &str, link: &str) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        file.to_owned()
    } else {
        let folder = file.parent().unwrap_or(Path::new(""));
        let Some(target) = normal(&folder.join(path)) else {
            return Some("leaves the repository");
        };
        target
    };
    let place = root.join(&target);
    if !place.exists() {
        return Some("the file does not exist");
    }
    if heading.is_empty() {
        return None;
    }
    let other;
    let page = if target == file {
        text
    } else {
        other = std::fs::read_to_string(&place).unwrap_or_default();
        &other
    };
    let known = anchors(page).iter().any(|anchor| anchor == heading);
    (!known).then_some("the page has no such heading")
}

/// A relative path without `.` and `..`. `None` when it leads out of the root.
pub(crate) fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir if out.pop() => {}
            _ => return None,
        }
    }
    Some(out)
}

/// The anchors of a page's headings, as GitHub and mdBook make them: lower case, spaces become
/// hyphens, other punctuation goes; of equal ones the second gets `-1`.
fn anchors(page: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut heading: Option<(HeadingLevel, String)> = None;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((_, text)) = heading.take() {
                    let anchor = anchor(&text);
                    let count = seen.entry(anchor.clone()).or_default();
                    anchors.push(match *count {
                        0 => anchor,
                        count => format!("{anchor}-{count}"),
                    });
                    *count += 1;
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, heading)) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ => character.is_alphanumeric().then_some(character),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("docs/b.md"), "# One, `two`\n# One, two\n").unwrap();
        let page = "# Here\n\n[a](b.md#one-two-1) [b](#here) [c](https://x.example) [d](../docs)\n";
        let file = Path::new("docs/a.md");
        std::fs::write(root.path().join(file), page).unwrap();
        assert_eq!(check(root.path(), file, page), []);
        for (link, problem) in [
            ("c.md", "does not exist"),
            ("b.md#three", "no such heading"),
            ("#there", "no such heading"),
            ("../../etc/passwd", "leaves the repository"),
        ] {
            let findings = check(root.path(), file, &format!("one\n\n[x]({link})\n"));
            assert_eq!(findings.len(), 1, "{link}");
            assert_eq!(findings[0].line, 3);
            assert!(findings[0].text.contains(problem), "{}", findings[0].text);
        }
    }
    /// The fuzz target `policy` took in a file that had moved, and only CI compiled it.
    #[test]
    fn a_module_whose_file_has_moved_is_found() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("fuzz/targets")).unwrap();
        std::fs::write(root.path().join("moved.rs"), "").unwrap();
        let file = Path::new("fuzz/targets/policy.rs");
        let text = |name: &str| format!("//! A.\n#[path = \"../../{name}.rs\"]\nmod {name};\n");
        assert_eq!(modules(root.path(), file, &text("moved")), []);
        let findings = modules(root.path(), file, &text("shown"));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 2);
        assert!(
            findings[0].text.contains("../../shown.rs"),
            "{}",
            findings[0].text
        );
    }
}
