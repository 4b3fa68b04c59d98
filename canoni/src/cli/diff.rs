//! `canoni diff`.

use super::args::DiffOptions;
use super::{input, shown};
use anyhow::{Context, Result, bail};
use canoni::{CompareOptions, compare};
use std::io::Write;
use std::process::ExitCode;

pub(super) fn run(options: &DiffOptions) -> Result<ExitCode> {
    if options.from.select.all_platforms() {
        bail!("images are compared one platform at a time; name one with --platform");
    }
    if options.left == "-" && options.right == "-" {
        bail!("only one of the two images can come from standard input");
    }
    let (selector, limits) = (options.from.select.selector(), options.from.limits.limits());
    let left = input::open(&options.left, &selector, &limits)?;
    let right = input::open(&options.right, &selector, &limits)?;
    let compare_options = CompareOptions {
        flatten: options.flatten,
        tree: options.from.tree.options(),
    };
    let mut all = compare(&left.image, &right.image, &compare_options)?;
    if options.meaning {
        all.retain(|difference| difference.meaning);
    }
    let meaning = all.iter().any(|difference| difference.meaning);
    let text = if options.json {
        let value = serde_json::json!({
            "equal": all.is_empty(),
            "sameMeaning": !meaning,
            "differences": all,
        });
        serde_json::to_string_pretty(&value).context("cannot print JSON")? + "\n"
    } else {
        let mut text = shown::differences(&all, options.all, "not kept by the canonical form");
        if !all.is_empty() && !meaning {
            text.push_str("both have the same canonical form\n");
        }
        text
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write standard output")?;
    Ok(if all.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
