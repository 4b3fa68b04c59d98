//! `measurements/next.sha256`: the SHA-256 of the whole image file, in sha256sum's format. The
//! measurements leave the EIF's header and metadata out; this sum does not, and other builds
//! compare with it.

use crate::workspace::{IMAGE_NAME, Workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

fn path(workspace: &Workspace) -> PathBuf {
    workspace.path("measurements").join("next.sha256")
}

/// The recorded sum; `None` without the file.
pub(crate) fn of_next(workspace: &Workspace) -> Result<Option<String>> {
    let path = path(workspace);
    if !path.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let sum =
        parse(&text).with_context(|| format!("{} is not one line of sha256sum", path.display()))?;
    Ok(Some(sum.to_owned()))
}

/// Writes the sum of an image.
pub(super) fn write_next(workspace: &Workspace, image: &Path) -> Result<()> {
    let line = format!("{}  {}.eif\n", crate::files::sha256(image)?, IMAGE_NAME);
    crate::files::write_atomically(&path(workspace), line.as_bytes())
}

/// Fails when an image, whose measurements are known to be right, is not the very file of the sum.
pub(super) fn against_next(workspace: &Workspace, image: &Path) -> Result<()> {
    let expected = of_next(workspace)?.context("measurements/next.sha256 is missing")?;
    let actual = crate::files::sha256(image)?;
    if actual != expected {
        bail!(
            "{} has the measurements of measurements/next.json, but not its bytes: what is not measured (the header or the \
             metadata section) differs\n  SHA-256 is {actual}\n  should be  {expected}\n\
             `eif describe --json` shows both; if the difference is meant, write the new sum with: cargo xtask measure --write",
            image.display()
        );
    }
    Ok(())
}

/// The digest in `DIGEST  NAME`.
fn parse(text: &str) -> Option<&str> {
    let (digest, name) = text.strip_suffix('\n')?.split_once("  ")?;
    let hex = digest.len() == 64
        && digest
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (hex && name.strip_suffix(".eif") == Some(IMAGE_NAME)).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_line_of_sha256sum_is_a_sum() {
        let digest = "0a".repeat(32);
        let line = format!("{digest}  letsesign-enclave.eif\n");
        assert_eq!(parse(&line), Some(digest.as_str()));
        for bad in [
            digest.clone(),
            format!("{digest}  other.eif\n"),
            format!("{digest} letsesign-enclave.eif\n"),
            format!("{line}{line}"),
            line.to_uppercase(),
        ] {
            assert_eq!(parse(&bad), None, "{bad:?}");
        }
    }
}
