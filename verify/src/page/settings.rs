//! Trust of a page, as JSON for its scripts: the root certificate and the releases. A sentence is a
//! list: a template, then its values. The page says it in the reader's language.

use crate::attested::Root;
use crate::time::utc;
use anyhow::{Result, bail};
use letsesign_escape as escape;
use letsesign_measurements::{Entry, History, Revocations, SignatureState};
use serde_json::{Value, json};

const AWS_ROOT: &str = "AWS Nitro Enclaves root G1, SHA-256 {0}";
const TEST_ROOT: &str = "TEST ROOT, NOT AWS's, SHA-256 {0}";
const UNSIGNED: &str = "not signed";
const SIGNED: &str = "signed with key {0} ({1})";
const LIST_MISSING: &str = "status.json is missing: nothing is known about revocations";
const LIST_UNSIGNED: &str = "status.json is not signed: whoever changed it could undo a revocation";
const LIST_UNDATED: &str = "status.json is signed, but its signature does not say when";
const LIST_OLDER: &str = "status.json was signed {0}, before the newest release was made ({1}): \
                          it is not the newest";
const LIST_SIGNED: &str = "status.json was signed {0}";

/// All templates, for the test of the languages.
#[cfg(test)]
pub(super) const TEMPLATES: &[&str] = &[
    AWS_ROOT,
    TEST_ROOT,
    UNSIGNED,
    SIGNED,
    LIST_MISSING,
    LIST_UNSIGNED,
    LIST_UNDATED,
    LIST_OLDER,
    LIST_SIGNED,
];

/// The root and the releases. The page is trusted like this program, so anything with a bad
/// signature is an error.
pub(super) fn settings(history: &History, root: &Root) -> Result<Value> {
    let releases = history
        .releases
        .iter()
        .map(release)
        .collect::<Result<Vec<_>>>()?;
    let (name, test) = match root.test {
        None => (AWS_ROOT, false),
        Some(_) => (TEST_ROOT, true),
    };
    let fingerprint = root.fingerprint();
    let list = history.revocations();
    Ok(json!({
        "root": { "name": [name, fingerprint], "sha256": fingerprint, "test": test },
        "releases": releases,
        "revocations": {
            "signed": matches!(list, Revocations::Signed { .. }),
            "text": revocations(&list)?,
        },
    }))
}

fn release(entry: &Entry) -> Result<Value> {
    let name = &entry.release.ver_name;
    let signature = match &entry.signature {
        SignatureState::Unsigned => json!([UNSIGNED]),
        SignatureState::Signed {
            key,
            trusted_comment,
        } => json!([SIGNED, escape::line(key), escape::line(trusted_comment)]),
        SignatureState::Invalid { reason } => {
            bail!("the file of release {name} has an invalid signature: {reason}")
        }
    };
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
        "signature": signature,
    }))
}

fn revocations(list: &Revocations) -> Result<Value> {
    Ok(match list {
        Revocations::Missing => json!([LIST_MISSING]),
        Revocations::Unsigned => json!([LIST_UNSIGNED]),
        Revocations::Undated => json!([LIST_UNDATED]),
        Revocations::Older { time, released } => json!([LIST_OLDER, utc(*time), utc(*released)]),
        Revocations::Signed { time } => json!([LIST_SIGNED, utc(*time)]),
        Revocations::Invalid { reason } => {
            bail!("status.json has an invalid signature: {reason}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurements;

    /// The sentence that the scripts make of a list.
    fn said(list: &Value) -> String {
        let mut text = list[0].as_str().unwrap().to_owned();
        for (number, value) in list.as_array().unwrap().iter().skip(1).enumerate() {
            text = text.replace(&format!("{{{number}}}"), value.as_str().unwrap());
        }
        text
    }

    #[test]
    fn the_page_says_of_the_list_what_the_program_says() {
        for list in [
            Revocations::Missing,
            Revocations::Unsigned,
            Revocations::Undated,
            Revocations::Older {
                time: 1,
                released: 2,
            },
            Revocations::Signed { time: 3 },
        ] {
            let sentence = revocations(&list).unwrap();
            assert_eq!(said(&sentence), measurements::revocations(&list));
            assert!(TEMPLATES.contains(&sentence[0].as_str().unwrap()));
        }
    }
}
