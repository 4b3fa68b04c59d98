//! `eif diff`.

use super::args::DiffArgs;
use super::progress::Bar;
use super::{NO, print, print_json};
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;

fn shown(path: &Path) -> String {
    letsesign_escape::line(&path.display().to_string())
}

pub(super) fn run(args: &DiffArgs) -> Result<ExitCode> {
    let length = |path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let found = eif::diff(
        &args.a,
        &args.b,
        Bar::new("comparing", length(&args.a) + length(&args.b)),
    )?;
    if args.json {
        print_json(&found)?;
    } else if found.is_empty() {
        print(format!(
            "{} and {} are equal\n",
            shown(&args.a),
            shown(&args.b)
        ))?;
    } else {
        for difference in &found {
            print(format!("{difference}\n"))?;
        }
    }
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}
