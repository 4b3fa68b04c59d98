//! `canoni check`.

use super::args::CheckOptions;
use super::progress::progress;
use super::{input, print, print_json, shown};
use anyhow::Result;
use canoni::command::Bar;
use canoni::{Check, check, check_platforms};
use std::process::ExitCode;

const WRITING: &str =
    "not as the canonical form is written (first: this image, second: its canonical form)";

pub(super) fn run(options: &CheckOptions) -> Result<ExitCode> {
    let limits = options.from.limits.limits();
    let selector = options.from.select.selector();
    let (file, tree) = (input::file(&options.image), options.from.tree.options());
    let bar = Bar::new();
    let registry = options.from.select.registry(progress(&bar));
    let canonical = if options.from.select.all_platforms() {
        let images = input::open_all(&options.image, &selector, &limits, &registry)?;
        let report = check_platforms(&images, file.as_deref(), &tree, &progress(&bar))?;
        bar.clear();
        if options.json {
            print_json(&report)?;
        } else {
            let mut text = String::new();
            for one in &report.platforms {
                text.extend([&*one.platform, "\n"]);
                let words = words(&one.check, options.all);
                text.extend(words.lines().map(|line| format!("  {line}\n")));
            }
            text += &shown::differences(&report.findings, options.all, WRITING);
            let digest = &report.digest;
            let verdict = if report.canonical {
                "canonical form v1, "
            } else {
                "not in canonical form; that would be "
            };
            text.extend([verdict, digest, "\n"]);
            print(&text)?;
        }
        report.canonical
    } else {
        let input = input::open(&options.image, &selector, &limits, &registry)?;
        let report = check(&input.image, file.as_deref(), &tree, &progress(&bar))?;
        bar.clear();
        if options.json {
            print_json(&report)?;
        } else {
            print(&words(&report, options.all))?;
        }
        report.canonical
    };
    Ok(if canonical {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn words(report: &Check, all: bool) -> String {
    let digest = &report.digest;
    if report.canonical {
        return format!("canonical form v1, {digest}\n");
    }
    let list = shown::differences(&report.findings, all, WRITING);
    format!("{list}not in canonical form; that would be {digest}\n")
}
