//! `letsesign-verify page`: writes a page, as one file, that verifies a signed document in the
//! browser. Its parts are in verify/web.
//!
//! Scripts and style are inline. The content security policy names them by their SHA-256 and allows
//! nothing else: no other script, no connection, no form. The same program with the same releases
//! writes the same bytes.

pub(crate) mod locales;
mod settings;
mod viewer;

use crate::args::PageArgs;
use crate::attested::Root;
use crate::{Answer, measurements, print};
use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use letsesign_measurements::{History, Revocations, SignatureState};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

const TEMPLATE: &str = include_str!("../web/page.html");
const STYLE: &str = include_str!("../web/style.css");

/// The scripts, in the order of the page.
const SCRIPTS: &[&str] = &[
    "\"use strict\";\n",
    include_str!("../web/src/say.js"),
    include_str!("../web/src/bytes.js"),
    include_str!("../web/src/cbor.js"),
    include_str!("../web/src/der.js"),
    include_str!("../web/src/json.js"),
    include_str!("../web/src/zip.js"),
    include_str!("../web/src/attestation.js"),
    include_str!("../web/src/protocol2.js"),
    include_str!("../web/src/proof.js"),
    include_str!("../web/src/language.js"),
    include_str!("../web/src/report.js"),
    include_str!("../web/src/certificate.js"),
    include_str!("../web/src/viewer.js"),
    include_str!("../web/src/page.js"),
];

pub(crate) fn run(args: &PageArgs) -> Result<Answer> {
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    if args.require_signed {
        require_signed(&history)?;
    }
    let page = assemble(&settings::settings(&history, &root)?, args.with_viewer)?;
    match &args.output {
        Some(path) => eif::write_file(path, page.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => print(page)?,
    }
    Ok(Answer::Yes)
}

/// Requires a maintainer's signature on everything that the page trusts.
fn require_signed(history: &History) -> Result<()> {
    for entry in &history.releases {
        if entry.signature == SignatureState::Unsigned {
            bail!(
                "the file of release {} is not signed",
                entry.release.ver_name
            );
        }
    }
    let list = history.revocations();
    match list {
        Revocations::Signed { .. } => Ok(()),
        list => bail!("{}", measurements::revocations(&list)),
    }
}

fn assemble(settings: &Value, with_viewer: bool) -> Result<String> {
    let script = SCRIPTS.concat();
    let policy = policy(&script, with_viewer);
    let viewer = if with_viewer {
        viewer::elements()
    } else {
        String::new()
    };
    // One pass from left to right, so that inserted text is not searched for marks.
    let mut page = String::new();
    let mut rest = TEMPLATE;
    for (mark, text) in [
        ("@POLICY@", policy.as_str()),
        ("@STYLE@", STYLE),
        ("@SETTINGS@", &inside_script(settings)),
        ("@LOCALES@", &inside_script(&locales::all()?)),
        ("@VIEWER@", &viewer),
        ("@SCRIPT@", &script),
    ] {
        let (before, after) = rest
            .split_once(mark)
            .with_context(|| format!("verify/web/page.html has no {mark}"))?;
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// The content security policy. A frame made by the page's own script inherits it.
fn policy(script: &str, with_viewer: bool) -> String {
    let mut scripts = vec![script];
    let mut styles = vec![STYLE];
    let mut more = "";
    if with_viewer {
        scripts.extend(viewer::SCRIPTS);
        styles.push(viewer::STYLE);
        // pdf.js parses in a worker, whose script the frame makes from a part of this page.
        more = "worker-src blob:; ";
    }
    format!(
        "default-src 'none'; script-src {}; style-src {}; {more}base-uri 'none'; \
         form-action 'none'",
        source_hashes(&scripts),
        source_hashes(&styles)
    )
}

/// Hash sources for scripts or styles (Content Security Policy Level 3, section 2.3.1).
fn source_hashes(texts: &[&str]) -> String {
    let mut sources = String::new();
    for text in texts {
        let separator = if sources.is_empty() { "" } else { " " };
        let hash = STANDARD.encode(Sha256::digest(text));
        // Writing to a `String` never fails.
        let _ = write!(sources, "{separator}'sha256-{hash}'");
    }
    sources
}

/// JSON for a script element. In JSON, `<` occurs only in strings; escaped, it cannot end the
/// element around it.
fn inside_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_in_the_scripts_ends_their_element() {
        let script = SCRIPTS.concat();
        for end in ["</script", "<script", "<!--"] {
            assert!(!script.contains(end), "{end}");
        }
        assert!(!STYLE.contains("</style"));
    }

    #[test]
    fn text_of_a_release_stays_inside_its_element() {
        let page = assemble(
            &json!({ "reason": "</script><script>alert(1)</script>@SCRIPT@" }),
            false,
        )
        .unwrap();
        assert_eq!(page.matches("</script>").count(), 3);
        assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)\\u003c/script>@SCRIPT@"));
    }

    #[test]
    fn a_page_without_the_viewer_allows_no_worker_and_has_no_library() {
        let page = assemble(&json!({}), false).unwrap();
        assert!(!page.contains("worker-src"));
        assert!(page.len() < 150_000, "{}", page.len());
        let page = assemble(&json!({}), true).unwrap();
        assert!(page.contains("; worker-src blob:; "));
        assert!(page.contains("globalThis.pdfjsLib="));
    }
}
