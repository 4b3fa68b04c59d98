//! Limits: each message names an option of this program that raises the limit.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use support::archive::app;
use support::bench::{Bench, good, run};

/// The words of a text that are long options.
fn options(text: &str) -> BTreeSet<String> {
    let of_option = |character: char| character.is_ascii_lowercase() || character == '-';
    text.split(|character: char| !of_option(character))
        .filter(|word| word.starts_with("--") && word.len() > 3)
        .map(|word| word.trim_end_matches('-').to_owned())
        .collect()
}

/// Each limit with a value that the image goes beyond.
const LIMITS: [(&str, &str); 6] = [
    ("--max-bytes", "1000"),
    ("--max-entries", "2"),
    ("--max-header-bytes", "8"),
    ("--max-json-bytes", "16"),
    ("--max-layers", "1"),
    ("--max-name-bytes", "16"),
];

#[test]
fn every_limit_names_an_option_of_this_program() {
    let bench = Bench::new();
    let top = app().xattr("user.note", "text").file("more", 0o644, "more");
    let image = bench.archive(vec![app(), top]);
    let help = options(&good(&run(&["build", "--help"], &[])));
    for (option, value) in LIMITS {
        let output = bench.build(&image, &["--drop-xattrs", option, value]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        bench.fails(&output, &[option]);
        for named in options(&error) {
            assert!(help.contains(&named), "no {named} in --help: {error}");
        }
    }
    // Room enough, and the image is built.
    let enough = LIMITS.map(|(option, _)| [option, "1000000"]).concat();
    good(&bench.build(&image, &[&enough[..], &["--drop-xattrs"]].concat()));
}

/// The options that the library's messages name are those above: a new limit gets a test.
#[test]
fn the_library_has_no_other_limit() {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("cli") {
                walk(&path, found);
            } else if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap();
                found.extend(options(&text));
            }
        }
    }
    let mut found = BTreeSet::new();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../canoni/src");
    walk(Path::new(source), &mut found);
    found.retain(|option| option.starts_with("--max"));
    let tested = LIMITS.map(|(option, _)| option.to_owned()).into();
    assert_eq!(found, tested);
}
