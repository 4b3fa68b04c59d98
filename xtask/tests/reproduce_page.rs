//! tests/reproduce-page.py runs what docs/reproduce.md says, and fails when the page is wrong.
//! Wants Python.

#![cfg(test)]

use std::process::{Command, Output};

/// Runs the script over a page in this tree. `None` where Python is missing; the reason was
/// printed.
fn script(page: Option<&str>, arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/reproduce-page.py"
        ))
        .arg("--here")
        .args(arguments)
        .env("CARGO_TARGET_DIR", folder.path().join("a target"));
    if let Some(text) = page {
        let file = folder.path().join("page.md");
        std::fs::write(&file, text).unwrap();
        command.arg("--page").arg(file);
    }
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            letsesign_tests::skip(&format!("python3 cannot run: {error}"));
            None
        }
    }
}

/// A page with one block of commands.
fn page(commands: &str) -> String {
    format!("# Page\n\n```console\n{commands}\n```\n\n```\n$ no command\n```\n")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_command_that_fails_is_named_with_its_line() {
    for command in [
        "false",
        "false | true",
        "(false && true)",
        "cmp /none /none",
    ] {
        let all = page(&format!("$ true\n$ {command}\n$ echo after"));
        let Some(output) = script(Some(&all), &[]) else {
            return;
        };
        let (printed, error) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{command}: {printed}{error}");
        assert!(printed.contains("page.md:5: FAILED"), "{printed}");
        assert!(printed.contains("\nafter\n"), "{printed}");
        assert!(
            error.contains("1 of 3 commands failed, in lines [5]"),
            "{error}"
        );
    }
}

#[test]
fn only_commands_of_the_page_run() {
    let all = page("$ echo target/enclave   # a remark\noutput, not a command");
    let Some(output) = script(Some(&all), &[]) else {
        return;
    };
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // In the target directory that the environment names.
    assert!(printed.contains("/a target/enclave\n"), "{printed}");
    assert!(!printed.contains("remark"), "{printed}");
    assert!(printed.contains("1 of 1 commands succeeded"), "{printed}");
}

#[test]
fn a_page_of_which_nothing_runs_fails() {
    for (all, complaint) in [
        (page("no command"), "has no commands"),
        (page("$ sudo true"), "no command of"),
    ] {
        let Some(output) = script(Some(&all), &[]) else {
            return;
        };
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(complaint), "{error}");
    }
}

/// A pattern on the script's lists that matches no command of the page fails the script.
#[test]
fn the_exceptions_are_those_of_docs_reproduce_md() {
    for arguments in [&["--list"][..], &["--list", "--doubles"]] {
        let Some(output) = script(None, arguments) else {
            return;
        };
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        for command in ["cargo xtask eif --check", "nix build .#eif -L"] {
            let runs = printed
                .lines()
                .any(|line| line.ends_with(&format!(": {command}")) && !line.contains("not run"));
            assert!(runs, "{command}: {printed}");
        }
    }
}
