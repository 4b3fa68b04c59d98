//! The demo (docs/demo.md) with this package's server, into a folder of its own.

#![cfg(test)]

use clap::Parser;
use letsesign_demo::args::DemoArgs;
use letsesign_demo::{Outcome, Programs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    demo: DemoArgs,
}

/// The verifier is of another package: cargo builds it, and says where.
fn verifier() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--locked",
                "--quiet",
                "--package",
                "letsesign-verify",
            ])
            .args(["--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut messages = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        messages
            .find_map(|message| {
                let ours = message["target"]["name"] == "letsesign-verify";
                message["executable"]
                    .as_str()
                    .filter(|_| ours)
                    .map(PathBuf::from)
            })
            .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    })
}

async fn demo(folder: &Path, arguments: &[&str]) -> anyhow::Result<Outcome> {
    let all = ["demo"].iter().chain(arguments);
    let programs = Programs {
        server: env!("CARGO_BIN_EXE_letsesign-server").into(),
        verifier: verifier().to_owned(),
        output: folder.join("out"),
    };
    letsesign_demo::run(&Typed::parse_from(all).demo, &programs, &|_| {}).await
}

/// Values of an attribute in a page's text.
fn attribute<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let values = page.split(&start).skip(1);
    values.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The page loads nothing from elsewhere, its links stay in the folder and lead somewhere, and its
/// elements close.
fn check_page(folder: &Path) -> String {
    let page = std::fs::read_to_string(folder.join("index.html")).unwrap();
    let values = |name| attribute(&page, name);
    for value in values("src").iter().chain(&values("data")) {
        assert!(
            value.starts_with("data:image/png;base64,") || value.starts_with("./"),
            "{value}"
        );
    }
    let names: BTreeSet<&str> = values("id").into_iter().collect();
    for value in values("href") {
        if let Some(name) = value.strip_prefix('#') {
            assert!(names.contains(name), "no {value}");
        } else {
            assert!(
                !value.contains(':') && !value.starts_with('/') && !value.contains(".."),
                "{value}"
            );
            assert!(
                value.contains('%') || folder.join(value).is_file(),
                "{value}"
            );
        }
    }
    for forbidden in [
        "<script",
        "<link",
        "@import",
        "url(http",
        "javascript:",
        "http-equiv=\"refresh",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for sandbox in page.split("<iframe").skip(1) {
        assert!(sandbox.split('>').next().unwrap().contains("sandbox=\"\""));
    }
    // Elements that must be closed are, in the right order. Mails stand in attributes, escaped, so
    // no `<` is part of them.
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let word = tag.split([' ', '>', '/', '\n']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            let closed = closed.split('>').next().unwrap();
            assert_eq!(open.pop(), Some(closed), "near {tag:.60}");
        } else if !["!doctype", "meta", "img", "br"].contains(&word)
            && !tag.split('>').next().unwrap().ends_with('/')
        {
            open.push(word);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    page
}

fn checks(summary: &Value) -> Vec<&str> {
    let list = summary["checks"].as_array().unwrap();
    list.iter()
        .map(|check| check["outcome"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_sign_and_the_verifier_agrees() {
    let place = tempfile::tempdir().unwrap();
    let outcome = demo(place.path(), &[]).await.unwrap();
    let folder = place.path().join("out");
    assert_eq!(outcome.folder, folder);
    for name in [
        "contract.pdf",
        "contract.spf",
        "sent.pdf",
        "preview.pdf",
        "server.log",
        "mails/mail-1.html",
        "check/root.pem",
    ] {
        assert!(
            std::fs::metadata(folder.join(name)).unwrap().len() > 0,
            "{name}"
        );
    }
    let text = std::fs::read_to_string(folder.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert!(summary == outcome.summary);

    // Right in every check, and for a test only.
    assert_eq!(summary["verdict"], "test-only");
    assert!(
        checks(&summary)
            .iter()
            .all(|outcome| *outcome == "passed" || *outcome == "warning"),
        "{text}"
    );
    let tampered = summary["tampered"].as_array().unwrap();
    assert_eq!(tampered.len(), 3);
    for verdict in tampered {
        assert_eq!(
            (&verdict["verdict"], &verdict["exitCode"]),
            (&"not-genuine".into(), &1.into())
        );
    }
    let attempts = summary["attempts"].as_array().unwrap();
    let codes: Vec<u64> = attempts
        .iter()
        .map(|attempt| attempt["code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [2005, 2006, 2302, 2303, 2002]);
    assert_eq!(
        summary["signers"],
        serde_json::json!(["Ada Example", "王小明"])
    );
    let steps = summary["steps"].as_array().unwrap();
    let codes: Vec<u64> = steps
        .iter()
        .filter_map(|step| step["code"].as_u64())
        .collect();
    assert_eq!(codes, [0, 0, 0, 2203, 0, 0]);

    // Pictures, where something draws.
    let drawn = folder.join("pages/page-2.png").is_file();
    let required = std::env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(
        drawn || !required,
        "REQUIRE_ALL=1, but neither pdftoppm nor mutool is installed"
    );
    if !drawn {
        println!(
            "skipped in part: neither pdftoppm (poppler-utils) nor mutool (mupdf-tools) is installed"
        );
    }

    let page = check_page(&folder);
    assert_eq!(page.contains("data:image/png;base64,iVBORw0KGgo"), drawn);
    for text in [
        "Ada Example",
        "王小明",
        "TEST ONLY",
        "NOT GENUINE",
        "twilio",
        "code 2203",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // Nothing but the folder stays; a second run replaces it.
    demo(place.path(), &["--phone=false"]).await.unwrap();
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ones_own_document_with_markup_in_its_name() {
    let place = tempfile::tempdir().unwrap();
    let own = place.path().join("a<b>&\"c\" d's.pdf");
    std::fs::write(&own, letsesign_testbed::pdf::document(7, 100_000)).unwrap();
    let arguments = [
        "--pdf",
        own.to_str().unwrap(),
        "--signers",
        "3",
        "--provider",
        "sg",
        "--enhanced-privacy",
        "--locale",
        "zh-TW",
    ];
    let outcome = demo(place.path(), &arguments).await.unwrap();
    assert_eq!(outcome.summary["verdict"], "test-only");
    let page = check_page(&outcome.folder);
    assert!(!page.contains("a<b>"));
    // Names of files are cleaned by the server (docs/mail.md, "File names").
    let document = outcome.summary["files"]["document"].as_str().unwrap();
    assert!(Path::new(document).is_file(), "{document}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_signed_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let signed = demo(place.path(), &["--signers", "1"]).await.unwrap();
    let again = place.path().join("again");
    let output = again.to_str().unwrap();
    let document = signed.summary["files"]["document"].as_str().unwrap();
    let error = demo(place.path(), &["--pdf", document, "--output", output])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("2105") && error.to_string().contains("signed already"),
        "{error}"
    );

    let text = place.path().join("text.pdf");
    std::fs::write(&text, "no PDF").unwrap();
    let error = demo(
        place.path(),
        &["--pdf", text.to_str().unwrap(), "--output", output],
    )
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains("is not a readable PDF"),
        "{error}"
    );
    assert!(!again.exists());
    // The folder of the first run, and the text.
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);

    // A folder with something else is left alone.
    let error = demo(place.path(), &["--output", place.path().to_str().unwrap()])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("--output"), "{error}");
}
