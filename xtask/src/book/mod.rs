//! `cargo xtask book`: the pages of docs/ as a book (docs/book.toml), built by the program mdbook.

mod preprocess;

use crate::style::links;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use pulldown_cmark::{Event, Parser, Tag};
use std::collections::HashMap;
use std::io::{ErrorKind, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The pages, relative to the root.
const DOCS: &str = "docs";
/// The table of contents, the one Markdown file that is not a page itself.
const SUMMARY: &str = "docs/SUMMARY.md";
/// How to get mdbook.
pub(crate) const INSTALL: &str = "cargo install mdbook --locked";

/// Arguments of `cargo xtask book`.
#[derive(Args, Debug)]
#[command(
    after_help = "mdbook must be on the PATH: cargo install mdbook --locked\n\nExamples:\n  \
    cargo xtask book           check the pages, write target/book/index.html\n  \
    cargo xtask book --open    ... and show it in the browser\n  \
    cargo xtask book --check   check the pages alone, without mdbook\n  \
    mdbook serve docs          show the pages again after every change"
)]
pub(crate) struct BookArgs {
    /// Open the book in the browser
    #[arg(long)]
    open: bool,
    /// Check that SUMMARY.md lists every page and that all links lead somewhere; build nothing
    #[arg(long, conflicts_with = "open")]
    check: bool,
    /// Rewrite links for mdbook, which calls this itself (docs/book.toml)
    #[arg(long, hide = true, num_args = 0.., conflicts_with_all = ["open", "check"])]
    preprocess: Option<Vec<String>>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &BookArgs) -> Result<()> {
    if let Some(words) = &arguments.preprocess {
        // mdbook first asks which renderers are supported; the exit code is the answer.
        if words.first().is_some_and(|word| word == "supports") {
            return Ok(());
        }
        let out = preprocess::run(workspace.root(), stdin().lock())?;
        return stdout()
            .write_all(out.as_bytes())
            .context("cannot write the book for mdbook");
    }
    check(workspace.root())?;
    if arguments.check {
        return Ok(());
    }
    let index = build(workspace, arguments.open)?;
    println!("{}", index.display());
    Ok(())
}

/// Whether mdbook is on the PATH.
pub(crate) fn is_installed() -> bool {
    Command::new("mdbook")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs mdbook. Returns the book's first page.
pub(crate) fn build(workspace: &Workspace, open: bool) -> Result<PathBuf> {
    let output = workspace.target()?.join("book");
    let mut command = Command::new("mdbook");
    command
        .arg("build")
        .arg(workspace.path(DOCS))
        .arg("--dest-dir")
        .arg(&output)
        .current_dir(workspace.root());
    if open {
        command.arg("--open");
    }
    // The preprocessor without another cargo, which would wait for a build that is under way.
    if let Some(program) = plain_program() {
        let variable = "MDBOOK_PREPROCESSOR__REPOSITORY_LINKS__COMMAND";
        command.env(variable, format!("{program} book --preprocess"));
    }
    let status = match command.status() {
        Ok(status) => status,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("mdbook is not installed; get it with: {INSTALL}")
        }
        Err(error) => return Err(error).context("cannot run mdbook"),
    };
    ensure!(status.success(), "mdbook failed ({status})");
    let index = output.join("index.html");
    ensure!(
        index.is_file(),
        "mdbook wrote no {}; SUMMARY.md has no page",
        index.display()
    );
    stays_inside(&output)?;
    Ok(index)
}

/// Refuses a book with links that leave it: mdbook leaves out a preprocessor that does not answer,
/// without an error. Pages at the top have no other reason to name the folder above.
fn stays_inside(book: &Path) -> Result<()> {
    for entry in std::fs::read_dir(book).context("cannot list the book")? {
        let path = entry.context("cannot list the book")?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let page = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            ensure!(
                !page.contains("href=\"../"),
                "{}: a link leaves the book; the preprocessor of docs/book.toml did not run",
                path.display()
            );
        }
    }
    Ok(())
}

/// This program's path, if it is still there and mdbook reads it as one word.
fn plain_program() -> Option<String> {
    let program = std::env::current_exe().ok().filter(|path| path.is_file())?;
    let program = program.into_os_string().into_string().ok()?;
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    program.chars().all(plain).then_some(program)
}

/// Checks that [`SUMMARY`] lists every page once, and that the pages' links lead somewhere.
///
/// # Errors
/// When there is a finding; all of them are printed.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut findings = Vec::new();
    let summary = read(root, Path::new(SUMMARY))?;
    let listed = listed(&summary);
    let pages = pages(root)?;
    ensure!(!pages.is_empty(), "{DOCS} has no page");
    for page in &pages {
        match listed.get(page).copied().unwrap_or_default() {
            0 => findings.push(format!("{SUMMARY}: {} is missing", page.display())),
            1 => {}
            many => findings.push(format!(
                "{SUMMARY}: {} is there {many} times",
                page.display()
            )),
        }
    }
    for page in pages
        .iter()
        .map(PathBuf::as_path)
        .chain([Path::new(SUMMARY)])
    {
        let found = links::check(root, page, &read(root, page)?);
        findings.extend(found.iter().map(ToString::to_string));
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("the book has 1 mistake"),
        many => bail!("the book has {many} mistakes"),
    }
}

fn read(root: &Path, page: &Path) -> Result<String> {
    std::fs::read_to_string(root.join(page))
        .with_context(|| format!("cannot read {}", page.display()))
}

/// How often the summary links to each page, by path from the root.
fn listed(summary: &str) -> HashMap<PathBuf, usize> {
    let mut listed = HashMap::new();
    for event in Parser::new(summary) {
        if let Event::Start(Tag::Link { dest_url, .. }) = event
            && let Some(page) = links::normal(&Path::new(DOCS).join(&*dest_url))
        {
            *listed.entry(page).or_default() += 1;
        }
    }
    listed
}

/// Every Markdown file below docs/ but the summary, by path from the root, sorted.
fn pages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    let mut folders = vec![PathBuf::from(DOCS)];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(root.join(&folder))
            .with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && path != Path::new(SUMMARY)
            {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_lists_every_page_once() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("docs/adr")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        write("docs/a.md", "# A\n");
        write("docs/adr/1.md", "[a](../a.md)\n");
        let summary = |text: &str| {
            write(SUMMARY, text);
            check(root.path()).map_err(|error| error.to_string())
        };
        assert_eq!(summary("- [A](a.md)\n  - [1](adr/1.md)\n"), Ok(()));
        for bad in [
            "- [A](a.md)\n",
            "- [A](a.md)\n- [A](./a.md)\n- [1](adr/1.md)\n",
            "- [A](a.md)\n- [1](adr/1.md)\n- [2](adr/2.md)\n",
        ] {
            let expected = Err("the book has 1 mistake".to_owned());
            assert_eq!(summary(bad), expected, "{bad}");
        }
        write("docs/adr/1.md", "[a](../b.md)\n");
        assert!(summary("- [A](a.md)\n  - [1](adr/1.md)\n").is_err());
    }

    #[test]
    fn a_book_whose_preprocessor_did_not_run_is_refused() {
        let book = tempfile::tempdir().unwrap();
        let page = book.path().join("a.html");
        std::fs::write(&page, "<a href=\"adr/1.html\">1</a>").unwrap();
        stays_inside(book.path()).unwrap();
        std::fs::write(&page, "<a href=\"../SECURITY.html\">x</a>").unwrap();
        let error = stays_inside(book.path()).unwrap_err().to_string();
        assert!(error.contains("a.html"), "{error}");
    }

    #[test]
    fn the_summary_of_this_tree_is_whole() {
        check(Workspace::find().unwrap().root()).unwrap();
    }
}
