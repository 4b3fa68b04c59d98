//! Comparison of a built image with what `measurements/` records of it.

use super::record::{Demand, differences};
use crate::measurements;
use crate::workspace::Workspace;
use anyhow::{Result, bail, ensure};
use letsesign_measurements::{NEXT, Release};
use std::path::Path;

/// Fails when an image is not all that `measurements/next.json` records, when its bytes are not
/// those of `next.sha256`, or when its files are not those of `next.manifest.json`, and says what
/// differs.
pub(super) fn against_next(workspace: &Workspace, image: &Path, built: &Release) -> Result<()> {
    let expected = measurements::read(workspace, NEXT)?;
    ensure!(
        expected.status.is_none() && expected.source_revision.is_none(),
        "measurements/next.json has a status or a source revision, which only a release has"
    );
    let found = differences(&expected, built, Demand::AllButSbom);
    if found.is_empty() {
        super::manifest::equal(workspace, image)?;
        return super::sum::against_next(workspace, image);
    }
    let mut lines = vec![format!(
        "{} is not as measurements/next.json records it",
        image.display()
    )];
    lines.extend(found.iter().map(|line| format!("  {line}")));
    if expected.pcrs != built.pcrs {
        lines.extend(super::manifest::explain(workspace, image)?);
    }
    lines.push(
        "If the difference is meant, write the new measurements with: cargo xtask measure --write. If not, docs/reproduce.md \
         says how to find its cause."
            .to_owned(),
    );
    bail!(lines.join("\n"))
}

/// Fails when an image is not what a release records. What was compared, in words.
pub(super) fn against_release(
    workspace: &Workspace,
    name: &str,
    built: &Release,
) -> Result<String> {
    let expected = measurements::read(workspace, name)?;
    let demand = if name == NEXT {
        Demand::AllButSbom
    } else {
        Demand::Recorded
    };
    let found = differences(&expected, built, demand);
    ensure!(
        found.is_empty(),
        "the image is not as measurements/{name}.json records it\n  {}",
        found.join("\n  ")
    );
    Ok(format!("what measurements/{name}.json records"))
}
