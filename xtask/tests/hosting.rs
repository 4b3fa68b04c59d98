//! The files that a code host reads (`.github`, `docs/ci`): each parses, workflows have least
//! rights, and the commands that they run exist.

#![cfg(test)]

use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use yaml_rust2::{Yaml, YamlLoader};

/// Actions that workflows may use: GitHub's own.
const ACTIONS: [&str; 2] = ["actions/checkout", "actions/upload-artifact"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The YAML files of a folder, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    files
}

/// The one document of a text. A duplicate key is an error of the parser.
fn parse(text: &str) -> Result<Yaml, String> {
    let mut documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    match (documents.pop(), documents.pop()) {
        (Some(document @ Yaml::Hash(_)), None) => Ok(document),
        _ => Err("not one document with members".to_owned()),
    }
}

fn load(file: &Path) -> Yaml {
    let text = fs::read_to_string(file).unwrap();
    parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn strings<'a>(yaml: &'a Yaml, out: &mut Vec<&'a str>) {
    match yaml {
        Yaml::String(text) => out.push(text),
        Yaml::Array(values) => values.iter().for_each(|value| strings(value, out)),
        Yaml::Hash(members) => members.iter().for_each(|(key, value)| {
            strings(key, out);
            strings(value, out);
        }),
        _ => {}
    }
}

/// The rules of workflows that a text breaks.
fn problems(text: &str) -> Vec<String> {
    let workflow = match parse(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![error],
    };
    let mut problems = Vec::new();
    let mut rule = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    let permissions = workflow["permissions"].as_hash();
    let read = permissions.is_some_and(|all| all.len() == 1)
        && workflow["permissions"]["contents"].as_str() == Some("read");
    rule(read, "permissions are not contents: read alone");
    rule(
        workflow["concurrency"]["group"].as_str().is_some(),
        "no concurrency group",
    );
    let mut all = Vec::new();
    strings(&workflow, &mut all);
    rule(
        !all.iter()
            .any(|text| text.contains("secrets.") || *text == "secrets"),
        "uses secrets",
    );
    rule(
        !all.contains(&"pull_request_target"),
        "runs other people's code with this repository's rights",
    );
    let jobs = workflow["jobs"].as_hash();
    rule(jobs.is_some_and(|jobs| !jobs.is_empty()), "no jobs");
    for job in jobs.into_iter().flat_map(|jobs| jobs.values()) {
        rule(
            job["timeout-minutes"].as_i64().is_some(),
            "a job without a timeout",
        );
        rule(job["runs-on"].as_str().is_some(), "a job without a runner");
        rule(
            job["permissions"].is_badvalue(),
            "a job with rights of its own",
        );
        let steps = job["steps"].as_vec().map_or(&[][..], Vec::as_slice);
        rule(!steps.is_empty(), "a job without steps");
        for step in steps {
            if let Some(run) = step["run"].as_str() {
                // An expression in a script is replaced before the shell reads it.
                let safe = !run.contains("${{ github.") && !run.contains("${{github.");
                rule(safe, "a script with an event's text in it");
                continue;
            }
            let action = step["uses"].as_str().unwrap_or_default();
            let (name, tag) = action.split_once('@').unwrap_or_default();
            rule(ACTIONS.contains(&name), "an action of somebody else");
            let pinned = tag.starts_with('v') && tag.chars().any(|digit| digit.is_ascii_digit());
            rule(pinned, "an action without a tag");
            let checkout = name == "actions/checkout";
            let keeps = step["with"]["persist-credentials"].as_bool() != Some(false);
            rule(
                !(checkout && keeps),
                "a checkout that leaves its token behind",
            );
        }
    }
    problems
}

#[test]
fn workflows_have_least_rights() {
    let files = files(".github/workflows");
    let names: Vec<_> = files.iter().map(|file| file.file_stem().unwrap()).collect();
    assert_eq!(names, ["release", "reproduce", "test"]);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(problems(&text), Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn workflows_that_break_a_rule_are_found() {
    let good = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    for (from, to) in [
        ("contents: read", "contents: write"),
        ("contents: read", "contents: read\n  packages: write"),
        ("concurrency:", "other:"),
        ("  push:", "  pull_request_target:"),
        ("actions/checkout@v4", "somebody/checkout@v4"),
        ("actions/checkout@v4", "actions/checkout@main"),
        ("timeout-minutes: 180", "timeout-hours: 3"),
        ("persist-credentials: false", "persist-credentials: true"),
        ("page.txt\n", "${{ secrets.KEY }}\n"),
        ("\"$GITHUB_REF_NAME\"", "${{ github.ref_name }}"),
        ("permissions:", "name: again\npermissions:"),
        ("jobs:", "jobs: {"),
    ] {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        assert_ne!(problems(&bad), Vec::<String>::new(), "{to}");
    }
}

/// Help of a subcommand, or nothing where it does not exist.
fn help(subcommand: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(subcommand)
        .arg("--help")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}

/// A workflow once called a command by a name that it no longer had.
#[test]
fn commands_of_workflows_exist() {
    let call = Regex::new(r"(?:cargo xtask|#xtask --) ([a-z]+)( verify)?([^\n]*)").unwrap();
    let flag = Regex::new(r"--[a-z-]+").unwrap();
    let mut calls = 0;
    for file in [files(".github/workflows"), files("docs/ci")].concat() {
        let workflow = load(&file);
        let mut all = Vec::new();
        strings(&workflow, &mut all);
        for found in all.iter().flat_map(|text| call.captures_iter(text)) {
            calls += 1;
            let name = found.get(1).unwrap().as_str();
            let mut words = vec![name];
            words.extend(found.get(2).map(|word| word.as_str().trim()));
            let text = help(&words).unwrap_or_else(|| panic!("{}: {words:?}", file.display()));
            for flag in flag.find_iter(found.get(3).unwrap().as_str()) {
                assert!(
                    text.contains(flag.as_str()),
                    "{words:?} has no {}",
                    flag.as_str()
                );
            }
        }
    }
    assert!(calls >= 5, "{calls} calls were found");
    assert_eq!(help(&["measurements"]), None);
}

#[test]
fn issue_forms_ask_for_something() {
    let mut names = BTreeSet::new();
    for file in files(".github/ISSUE_TEMPLATE") {
        let form = load(&file);
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "config" {
            let links = form["contact_links"].as_vec().unwrap();
            assert!(links.iter().all(|link| link["url"].as_str().is_some()));
            continue;
        }
        for member in ["name", "description"] {
            assert!(form[member].as_str().is_some(), "{name}: {member}");
        }
        let mut ids = BTreeSet::new();
        let mut required = 0;
        for element in form["body"].as_vec().unwrap() {
            let kind = element["type"].as_str().unwrap();
            let attributes = &element["attributes"];
            if kind == "markdown" {
                assert!(attributes["value"].as_str().is_some(), "{name}");
                continue;
            }
            let known = ["checkboxes", "dropdown", "input", "textarea"];
            assert!(known.contains(&kind), "{name}: {kind}");
            let id = element["id"].as_str().unwrap();
            assert!(ids.insert(id), "{name}: {id} is there twice");
            assert!(attributes["label"].as_str().is_some(), "{name}: {id}");
            let choice = ["checkboxes", "dropdown"].contains(&kind);
            assert_eq!(
                attributes["options"].as_vec().is_some(),
                choice,
                "{name}: {id}"
            );
            required += usize::from(element["validations"]["required"].as_bool() == Some(true));
        }
        assert!(required > 0, "{name} requires nothing");
        names.insert(name);
    }
    let expected = ["bug", "feature", "measurement-mismatch"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn updates_are_looked_for_in_every_workspace() {
    let file = load(&root().join(".github/dependabot.yml"));
    assert_eq!(file["version"].as_i64(), Some(2));
    let mut watched = Vec::new();
    for update in file["updates"].as_vec().unwrap() {
        let directory = update["directory"]
            .as_str()
            .unwrap()
            .trim_start_matches('/');
        let system = update["package-ecosystem"].as_str().unwrap();
        assert!(
            update["schedule"]["interval"].as_str().is_some(),
            "{system}"
        );
        if system == "cargo" {
            let manifest = root().join(directory).join("Cargo.toml");
            assert!(manifest.is_file(), "{}", manifest.display());
        }
        watched.push((system, directory));
    }
    watched.sort_unstable();
    assert_eq!(
        watched,
        [("cargo", ""), ("cargo", "fuzz"), ("github-actions", "")]
    );
}
