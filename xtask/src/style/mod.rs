//! The style that a program can check (docs/style.md): line length, words, links between
//! pages, and paths of modules.

pub(crate) mod links;
mod prose;
mod words;

use crate::measurements::git;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use prose::Piece;
use std::fmt;
use std::path::{Path, PathBuf};

/// Columns of a line of prose.
const COLUMNS: usize = 100;

/// Folders and files whose texts are not ours.
const FOREIGN: [&str; 6] = [
    "enclave/base/",
    "enclave/packages/",
    "enclave/sbom/",
    "reproducers/",
    "LICENSE-",
    "verify/page/vendor/",
];

/// Files whose words stay: the page that lists them and its reader, and texts that golden vectors
/// or a second implementation quote.
const QUOTING: [&str; 10] = [
    "docs/style.md",
    "xtask/src/style/words.rs",
    "crates/attestation/tests/cases/chain.rs",
    "crates/attestation/tests/cases/extensions.rs",
    "crates/proof/src/cbor.rs",
    "crates/proof/src/poi.rs",
    "crates/proof/src/por.rs",
    "verify/src/proof/archive.rs",
    "verify/tests/vectors/proofs.rs",
    "verify/tests/vectors/zips.rs",
];

/// One violation: its place, and the rule or the better wording.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    file: PathBuf,
    /// From 1.
    line: usize,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.text)
    }
}

/// Checks every tracked file.
///
/// # Errors
/// When there is a finding; all of them are printed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = git::paths(workspace, &["ls-files", "-z"])
        .context("the style is checked in a git checkout")?;
    let page = workspace.path("docs/style.md");
    let page = std::fs::read_to_string(&page)
        .with_context(|| format!("cannot read {}", page.display()))?;
    let words = words::Words::of_page(&page)?;
    let mut findings = Vec::new();
    let mut read = 0_usize;
    for file in &files {
        let name = file.to_string_lossy();
        if FOREIGN.iter().any(|foreign| name.starts_with(foreign)) {
            continue;
        }
        let Some(kind) = prose::Kind::of(file) else {
            continue;
        };
        let Ok(text) = std::fs::read_to_string(workspace.root().join(file)) else {
            continue;
        };
        read += 1;
        let pieces = prose::pieces(kind, &text);
        findings.extend(pieces.iter().filter_map(|piece| too_long(file, piece)));
        if !QUOTING.contains(&name.as_ref()) {
            for piece in &pieces {
                findings.extend(words.find(&piece.text).map(|text| Finding {
                    file: file.clone(),
                    line: piece.line,
                    text,
                }));
            }
        }
        if kind == prose::Kind::Markdown {
            findings.extend(links::check(workspace.root(), file, &text));
        }
        if file.extension().is_some_and(|extension| extension == "rs") {
            findings.extend(links::modules(workspace.root(), file, &text));
        }
    }
    ensure!(read > 0, "git tracks no file to check");
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 line against docs/style.md"),
        many => bail!("{many} lines against docs/style.md"),
    }
}

fn too_long(file: &Path, piece: &Piece) -> Option<Finding> {
    (piece.measured && piece.columns > COLUMNS).then(|| Finding {
        file: file.to_owned(),
        line: piece.line,
        text: format!("{} columns; {COLUMNS} are the limit", piece.columns),
    })
}
