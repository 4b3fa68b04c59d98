//! `measurements/next.manifest.json`: what the measured sections of the image hold, file by file,
//! so that a difference can be explained without the other image at hand.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use eif::{Manifest, Silent};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn path(workspace: &Workspace) -> PathBuf {
    workspace.path("measurements").join("next.manifest.json")
}

/// Writes the manifest of an image.
pub(super) fn write_next(workspace: &Workspace, image: &Path) -> Result<()> {
    let manifest = Manifest::of(image, Arc::new(Silent))?;
    let mut json = serde_json::to_string_pretty(&manifest)?;
    json.push('\n');
    crate::files::write_atomically(&path(workspace), json.as_bytes())
}

/// Fails when an image, whose measurements are known to be right, has other files than the
/// committed manifest says.
pub(super) fn equal(workspace: &Workspace, image: &Path) -> Result<()> {
    let (expected, actual) = (read(workspace)?, Manifest::of(image, Arc::new(Silent))?);
    anyhow::ensure!(
        expected.same_sections(&actual),
        "{} is not what measurements/next.manifest.json says of it, although the measurements are right; write it anew with: \
         cargo xtask measure --write",
        image.display()
    );
    Ok(())
}

fn read(workspace: &Workspace) -> Result<Manifest> {
    let path = path(workspace);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a manifest", path.display()))
}

/// Says (committed first, built second) in which sections and files an image differs from the
/// committed manifest.
pub(super) fn explain(workspace: &Workspace, image: &Path) -> Result<Vec<String>> {
    let expected = read(workspace)?;
    let actual = Manifest::of(image, Arc::new(Silent))?;
    Ok(expected
        .compare(&actual)
        .iter()
        .map(|difference| format!("  {difference}"))
        .collect())
}
