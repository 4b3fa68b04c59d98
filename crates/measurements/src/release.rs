//! `NAME.json`: the description of one release.

use crate::{Error, Measurements, Result, Status, json};
use serde::{Deserialize, Serialize};

/// Name of the measurement of a working tree, which is not a release.
pub const NEXT: &str = "next";

/// Names of files in `measurements/` that a release must not have.
const RESERVED: &[&str] = &["tcb-info", "status"];

/// A released enclave image. Existing clients read the first three members; the others were added
/// later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The release's name; the file's name without `.json`.
    pub ver_name: String,
    /// PCR0, PCR1 and PCR2 of the image.
    pub pcrs: Measurements,
    /// When the image was released, in seconds since 1970 (UTC); 0 in `next.json`.
    pub issue_time: u64,
    /// Its status when it was released. Later changes are in `status.json`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
    /// Digest of the canonical container image: `sha256:` and 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_digest: Option<String>,
    /// SHA-256 of the whole image file (EIF), 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eif_sha256: Option<String>,
    /// SHA-256 of the bill of materials beside the image, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sbom_sha256: Option<String>,
    /// The compiler, as `rustc 1.95.0`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub toolchain: Option<String>,
    /// The commit that the image was built from, 40 or 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_revision: Option<String>,
}

impl Release {
    /// Reads `NAME.json`.
    ///
    /// # Errors
    /// [`Error`] when the text is not strict JSON, has an unknown member, lacks one, or has one
    /// with a bad value.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let file = format!("{name}.json");
        let release: Self = json::read(&file, bytes)?;
        release
            .check(name)
            .map_err(|problem| Error::new(&file, problem))?;
        Ok(release)
    }

    /// The text of `NAME.json`.
    ///
    /// # Errors
    /// [`Error`] when a member has a bad value.
    pub fn to_json(&self) -> Result<String> {
        let file = format!("{}.json", self.ver_name);
        self.check(&self.ver_name)
            .map_err(|problem| Error::new(&file, problem))?;
        json::write(&file, self)
    }

    fn check(&self, name: &str) -> std::result::Result<(), String> {
        check_name(name)?;
        if self.ver_name != name {
            return Err(format!(
                "verName is {:?}, but the file is named after {name:?}",
                self.ver_name
            ));
        }
        if (name == NEXT) != (self.issue_time == 0) {
            return Err("issueTime is 0 for next.json, and only there".to_owned());
        }
        if let Some(digest) = &self.image_digest {
            let digits = digest.strip_prefix("sha256:").unwrap_or_default();
            if !is_hex(digits, &[64]) {
                return Err(
                    "imageDigest is not sha256: and 64 lower-case hexadecimal digits".into(),
                );
            }
        }
        if self
            .eif_sha256
            .as_deref()
            .is_some_and(|digits| !is_hex(digits, &[64]))
        {
            return Err("eifSha256 is not 64 lower-case hexadecimal digits".into());
        }
        if self
            .sbom_sha256
            .as_deref()
            .is_some_and(|digits| !is_hex(digits, &[64]))
        {
            return Err("sbomSha256 is not 64 lower-case hexadecimal digits".into());
        }
        if self
            .source_revision
            .as_deref()
            .is_some_and(|digits| !is_hex(digits, &[40, 64]))
        {
            return Err("sourceRevision is not 40 or 64 lower-case hexadecimal digits".into());
        }
        let printable = |text: &str| {
            (1..=100).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        if self
            .toolchain
            .as_deref()
            .is_some_and(|text| !printable(text))
        {
            return Err("toolchain is not 1 to 100 printable ASCII characters".into());
        }
        self.status.iter().try_for_each(Status::check)
    }
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks that a text can name a release: 1 to 64 letters, digits, `-` and `_`, starting with a
/// letter or digit. A dot is refused because names with one belong to other files of the folder.
///
/// # Errors
/// The problem, for people.
pub fn check_name(name: &str) -> std::result::Result<(), String> {
    let good = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !good {
        return Err(format!(
            "{name:?} is not a name of a release: 1 to 64 letters, digits, - and _, starting with a letter or digit"
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!("{name:?} is the name of another file"));
    }
    Ok(())
}
