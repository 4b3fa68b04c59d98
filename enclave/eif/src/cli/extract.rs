//! `eif extract`.

use super::args::ExtractArgs;
use super::print;
use super::progress::Bar;
use anyhow::Result;
use eif::UnfinishedDir;
use std::fmt::Write;
use std::process::ExitCode;

pub(super) fn run(args: &ExtractArgs) -> Result<ExitCode> {
    let output = UnfinishedDir::create(&args.output)?;
    let length = std::fs::metadata(&args.file).map_or(0, |metadata| metadata.len());
    // Read twice: once to check, once to copy.
    let written = eif::extract(
        &args.file,
        output.path(),
        Bar::new("extracting", length * 2),
    )
    .map_err(|error| super::describe::named(&args.file, error))?;
    output.complete()?;
    let mut text = String::new();
    for (name, size) in written {
        writeln!(text, "{size:>12}  {}", args.output.join(name).display())?;
    }
    print(text)
}
