//! `letsesign-verify page`: writes a page, as one file, that verifies a signed document in the
//! browser. Its parts are in verify/web.
//!
//! Scripts and style are inline. The content security policy names them by their SHA-256 and allows
//! nothing else: no other script, no connection, no form. The same program with the same releases
//! writes the same bytes.

use crate::args::PageArgs;
use crate::attested::Root;
use crate::{Answer, measurements, print};
use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use letsesign_measurements::{Entry, History, Revocations, SignatureState};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const TEMPLATE: &str = include_str!("../web/page.html");
const STYLE: &str = include_str!("../web/style.css");

/// The scripts, in the order of the page.
const SCRIPTS: &[&str] = &[
    "\"use strict\";\n",
    include_str!("../web/src/bytes.js"),
    include_str!("../web/src/cbor.js"),
    include_str!("../web/src/der.js"),
    include_str!("../web/src/json.js"),
    include_str!("../web/src/zip.js"),
    include_str!("../web/src/attestation.js"),
    include_str!("../web/src/protocol2.js"),
    include_str!("../web/src/proof.js"),
    include_str!("../web/src/page.js"),
];

pub(crate) fn run(args: &PageArgs) -> Result<Answer> {
    let root = Root::read(args.root.root.as_deref())?;
    let history = args.releases.load()?;
    if args.require_signed {
        require_signed(&history)?;
    }
    let page = assemble(&settings(&history, &root)?)?;
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

/// The settings for the scripts: the root and the releases.
fn settings(history: &History, root: &Root) -> Result<Value> {
    // The page is trusted like this program, so it must not contain anything with a bad signature.
    if let SignatureState::Invalid { reason } = &history.status_signature {
        bail!("status.json has an invalid signature: {reason}");
    }
    let releases = history
        .releases
        .iter()
        .map(release)
        .collect::<Result<Vec<_>>>()?;
    let (name, test) = match root.test {
        None => ("AWS Nitro Enclaves root G1", false),
        Some(_) => ("TEST ROOT, NOT AWS's", true),
    };
    let fingerprint = root.fingerprint();
    Ok(json!({
        "root": { "name": format!("{name}, SHA-256 {fingerprint}"), "sha256": fingerprint, "test": test },
        "releases": releases,
        "revocations": {
            "signed": matches!(history.revocations(), Revocations::Signed { .. }),
            "text": measurements::revocations(&history.revocations()),
        },
    }))
}

fn release(entry: &Entry) -> Result<Value> {
    let name = &entry.release.ver_name;
    if let SignatureState::Invalid { reason } = &entry.signature {
        bail!("the file of release {name} has an invalid signature: {reason}");
    }
    let pcrs = entry
        .release
        .pcrs
        .numbered()
        .map(|(_, value)| value.to_string());
    Ok(json!({
        "name": name,
        "pcrs": pcrs,
        "status": entry.status,
        "signed": matches!(entry.signature, SignatureState::Signed { .. }),
        "signature": measurements::signature(&entry.signature),
    }))
}

fn assemble(settings: &Value) -> Result<String> {
    let script = SCRIPTS.concat();
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        source_hash(&script),
        source_hash(STYLE)
    );
    // In JSON, `<` occurs only in strings; escaped, it cannot end the script element around it.
    let settings = settings.to_string().replace('<', "\\u003c");
    // One pass from left to right, so that inserted text is not searched for marks.
    let mut page = String::new();
    let mut rest = TEMPLATE;
    for (mark, text) in [
        ("@POLICY@", policy.as_str()),
        ("@STYLE@", STYLE),
        ("@SETTINGS@", &settings),
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

/// A hash source for scripts or styles (Content Security Policy Level 3, section 2.3.1).
fn source_hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let page =
            assemble(&json!({ "reason": "</script><script>alert(1)</script>@SCRIPT@" })).unwrap();
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)\\u003c/script>@SCRIPT@"));
    }
}
