//! The preprocessor `repository-links` of docs/book.toml.
//!
//! Pages link to source files, vectors and folders, as readers of the repository want it. A book
//! holds pages and the files beside them, so those links lead to the repository instead. The
//! protocol is mdBook's: `[context, book]` as JSON on standard input, the book on standard output.

use crate::style::links::normal;
use anyhow::{Context, Result, bail};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Where the context has the repository's address.
const REPOSITORY: &str = "/config/output/html/git-repository-url";

/// Reads mdBook's request. Returns the book with its links rewritten, as JSON.
pub(super) fn run(root: &Path, input: impl Read) -> Result<String> {
    let request: Value =
        serde_json::from_reader(input).context("mdbook's request is not valid JSON")?;
    let Value::Array(parts) = request else {
        bail!("mdbook's request is not a list of context and book");
    };
    let Ok([context, mut book]) = <[Value; 2]>::try_from(parts) else {
        bail!("mdbook's request is not a list of context and book");
    };
    let repository = context
        .pointer(REPOSITORY)
        .and_then(Value::as_str)
        .context("docs/book.toml has no git-repository-url under output.html")?;
    visit(&mut book, &mut |page, text| {
        rewrite(root, repository, page, text)
    })?;
    serde_json::to_string(&book).context("cannot write the book")
}

/// Calls `change` for every chapter: an object with the members `path` and `content`, at any depth.
/// mdBook 0.4 and 0.5 differ in the lists around chapters and agree in this.
fn visit(value: &mut Value, change: &mut impl FnMut(&Path, &str) -> Result<String>) -> Result<()> {
    match value {
        Value::Array(values) => values.iter_mut().try_for_each(|value| visit(value, change)),
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str);
            let text = members.get("content").and_then(Value::as_str);
            if let (Some(path), Some(text)) = (path, text) {
                let changed = change(&Path::new("docs").join(path), text)?;
                members.insert("content".to_owned(), Value::String(changed));
            }
            members
                .values_mut()
                .try_for_each(|value| visit(value, change))
        }
        _ => Ok(()),
    }
}

/// A page with the links that leave the book replaced.
fn rewrite(root: &Path, repository: &str, page: &Path, text: &str) -> Result<String> {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let (link, image) = match &event {
            Event::Start(Tag::Link { dest_url, .. }) => (dest_url, false),
            Event::Start(Tag::Image { dest_url, .. }) => (dest_url, true),
            _ => continue,
        };
        let Some(target) = outside(root, repository, page, link, image) else {
            continue;
        };
        // The address follows the text, which may hold it too.
        let source = text.get(range.clone()).unwrap_or_default();
        let Some(at) = source.rfind(&**link) else {
            bail!(
                "{}: the link {link} is not written as [text](address)",
                page.display()
            );
        };
        let start = range.start + at;
        changes.push((start..start + link.len(), target));
    }
    let mut out = text.to_owned();
    // From the end, so that earlier places stay. A picture inside of a link comes after it.
    changes.sort_by_key(|(range, _)| range.start);
    for (range, target) in changes.into_iter().rev() {
        out.replace_range(range, &target);
    }
    Ok(out)
}

/// The address in the repository of a link that leads out of docs/, or to a folder.
fn outside(root: &Path, repository: &str, page: &Path, link: &str, image: bool) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() {
        return None;
    }
    let target = normal(&page.parent()?.join(path))?;
    let folder = root.join(&target).is_dir();
    if target.starts_with("docs") && !folder {
        return None;
    }
    let kind = match (folder, image) {
        (true, _) => "tree",
        (false, true) => "raw",
        (false, false) => "blob",
    };
    let anchor = if heading.is_empty() { "" } else { "#" };
    let target = target.display();
    Some(format!(
        "{repository}/{kind}/HEAD/{target}{anchor}{heading}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(content: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("docs/schemas")).unwrap();
        std::fs::create_dir_all(root.path().join("verify/web")).unwrap();
        let request = serde_json::json!([
            {"config": {"output": {"html": {"git-repository-url": "https://x.example/r"}}}},
            {"items": [{"PartTitle": "One"}, {"Chapter": {"path": null, "content": "", "sub_items":
                [{"Chapter": {"path": "adr/1.md", "content": content, "sub_items": []}}]}}]},
        ]);
        let out = run(root.path(), request.to_string().as_bytes()).unwrap();
        let out: Value = serde_json::from_str(&out).unwrap();
        let text = out.pointer("/items/1/Chapter/sub_items/0/Chapter/content");
        text.unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn links_out_of_the_book_lead_to_the_repository() {
        for (link, expected) in [
            (
                "../../SECURITY.md#a",
                "https://x.example/r/blob/HEAD/SECURITY.md#a",
            ),
            (
                "../../verify/web",
                "https://x.example/r/tree/HEAD/verify/web",
            ),
            ("../schemas", "https://x.example/r/tree/HEAD/docs/schemas"),
            ("../security.md", "../security.md"),
            ("#here", "#here"),
            ("https://y.example/../z", "https://y.example/../z"),
        ] {
            let page = format!("[{link}]({link}) and `[x]({link})`\n");
            let expected = format!("[{link}]({expected}) and `[x]({link})`\n");
            assert_eq!(book(&page), expected);
        }
        assert_eq!(
            book("[![p](../../a.png)](../../b.rs)\n"),
            "[![p](https://x.example/r/raw/HEAD/a.png)](https://x.example/r/blob/HEAD/b.rs)\n"
        );
    }

    #[test]
    fn requests_that_are_not_mdbooks_are_refused() {
        let root = Path::new(".");
        for bad in ["", "{}", "[1]", "[{}, {}]", "[{}, {}, {}]"] {
            assert!(run(root, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
