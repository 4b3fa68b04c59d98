//! `canoni diff`.

use super::args::DiffOptions;
use super::progress::progress;
use super::{input, print, print_json, shown};
use anyhow::{Result, bail};
use canoni::command::Bar;
use canoni::{CompareOptions, Difference, Image, compare};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::ExitCode;

pub(super) fn run(options: &DiffOptions) -> Result<ExitCode> {
    if options.left == "-" && options.right == "-" {
        bail!("only one of the two images can come from standard input");
    }
    let equal = if options.from.select.all_platforms() {
        all_platforms(options)?
    } else {
        let (selector, limits) = (options.from.select.selector(), options.from.limits.limits());
        let bar = Bar::new();
        let registry = options.from.select.registry(progress(&bar));
        let left = input::open(&options.left, &selector, &limits, &registry)?;
        let right = input::open(&options.right, &selector, &limits, &registry)?;
        bar.clear();
        let found = differences(options, &left.image, &right.image)?;
        if options.json {
            print_json(&value(&found))?;
        } else {
            print(&words(options, &found))?;
        }
        found.is_empty()
    };
    Ok(if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn differences(options: &DiffOptions, left: &Image, right: &Image) -> Result<Vec<Difference>> {
    let compare_options = CompareOptions {
        flatten: options.flatten,
        tree: options.from.tree.options(),
    };
    let mut all = compare(left, right, &compare_options)?;
    if options.meaning {
        all.retain(|difference| difference.meaning);
    }
    Ok(all)
}

fn same_meaning(found: &[Difference]) -> bool {
    !found.iter().any(|difference| difference.meaning)
}

fn value(found: &[Difference]) -> Value {
    json!({
        "equal": found.is_empty(),
        "sameMeaning": same_meaning(found),
        "differences": found,
    })
}

fn words(options: &DiffOptions, found: &[Difference]) -> String {
    let mut text = shown::differences(found, options.all, "not kept by the canonical form");
    if !found.is_empty() && same_meaning(found) {
        text.push_str("both have the same canonical form\n");
    }
    text
}

/// The images of both sides by platform. linux/arm64 and linux/arm64/v8 are one.
fn by_platform(options: &DiffOptions, argument: &OsStr) -> Result<BTreeMap<String, Image>> {
    let (selector, limits) = (options.from.select.selector(), options.from.limits.limits());
    let bar = Bar::new();
    let registry = options.from.select.registry(progress(&bar));
    let images = input::open_all(argument, &selector, &limits, &registry)?;
    bar.clear();
    let mut found = BTreeMap::new();
    for image in images {
        let platform = image.platform();
        let platform = platform
            .strip_suffix("/arm64/v8")
            .map_or_else(|| platform.clone(), |os| format!("{os}/arm64"));
        if found.contains_key(&platform) {
            bail!("{} has two images for {platform}", image.name());
        }
        found.insert(platform, image);
    }
    Ok(found)
}

fn all_platforms(options: &DiffOptions) -> Result<bool> {
    let left = by_platform(options, &options.left)?;
    let mut right = by_platform(options, &options.right)?;
    let (mut equal, mut meaning, mut list, mut text) = (true, true, Vec::new(), String::new());
    let mut note = |platform: &str, found: Option<&[Difference]>, only: &str| {
        equal &= found.is_some_and(<[Difference]>::is_empty);
        meaning &= found.is_some_and(same_meaning);
        let mut entry = found.map_or_else(|| json!({"onlyIn": only}), value);
        if let Value::Object(members) = &mut entry {
            members.insert("platform".to_owned(), platform.into());
        }
        list.push(entry);
        let words = found.map_or_else(
            || format!("only in the {only}\n"),
            |all| words(options, all),
        );
        if !words.is_empty() {
            text.extend([platform, "\n"]);
            text.extend(words.lines().map(|line| format!("  {line}\n")));
        }
    };
    for (platform, one) in &left {
        match right.remove(platform) {
            Some(other) => note(platform, Some(&differences(options, one, &other)?), ""),
            None => note(platform, None, "first"),
        }
    }
    for platform in right.keys() {
        note(platform, None, "second");
    }
    if options.json {
        print_json(&json!({"equal": equal, "sameMeaning": meaning, "platforms": list}))?;
    } else {
        print(&text)?;
    }
    Ok(equal)
}
