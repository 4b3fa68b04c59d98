//! Comparison of a built image with `measurements/next.json`.

use crate::measurements;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use eif::{Image, Silent};
use letsesign_measurements::NEXT;
use std::path::Path;
use std::sync::Arc;

/// Fails when the image's PCRs are not those of `measurements/next.json`, or its bytes not those of `measurements/next.sha256`, and
/// says what differs.
pub(super) fn against_next(workspace: &Workspace, image: &Path) -> Result<()> {
    let expected = measurements::read(workspace, NEXT)?;
    let (_, read) = Image::open(image, Arc::new(Silent))?;
    let wanted = expected.pcrs.numbered();
    let actual = [&read.pcrs.pcr0, &read.pcrs.pcr1, &read.pcrs.pcr2];
    let equal: Vec<bool> = wanted
        .iter()
        .zip(actual)
        .map(|((_, wanted), actual)| wanted.as_bytes() == &actual.0)
        .collect();
    if equal.iter().all(|equal| *equal) {
        return super::sum::against_next(workspace, image);
    }
    let mut lines = vec![format!(
        "{} does not have the measurements of measurements/next.json",
        image.display()
    )];
    for (((register, wanted), value), equal) in wanted.iter().zip(actual).zip(&equal) {
        if !equal {
            lines.push(format!(
                "  PCR{register} is     {value}\n  should be  {wanted}"
            ));
        }
    }
    lines.extend(super::manifest::explain(workspace, image)?);
    lines.push(
        "If the difference is meant, write the new measurements with: cargo xtask measure --write. If not, docs/reproduce.md \
         says how to find its cause."
            .to_owned(),
    );
    bail!(lines.join("\n"))
}
