//! The record of an image, computed from its finished files: the content of `next.json` and, with a
//! name, a time and a revision, of a release.

use crate::workspace::{IMAGE_NAME as NAME, RUSTC_RELEASE, Workspace};
use anyhow::{Context, Result, ensure};
use canoni::Selector;
use eif::{Image, Silent};
use letsesign_measurements::{Measurements, NEXT, Release};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The record of the image in a directory of artefacts, of a tree.
pub(crate) fn of(workspace: &Workspace, directory: &Path) -> Result<Release> {
    of_files(workspace, directory, &directory.join(format!("{NAME}.tar")))
}

/// The same of an image whose container image lies elsewhere. The record has no source revision: a
/// commit cannot name itself.
pub(crate) fn of_files(workspace: &Workspace, directory: &Path, archive: &Path) -> Result<Release> {
    let file = |extension: &str| directory.join(format!("{NAME}.{extension}"));
    let (_, image) = Image::open(&file("eif"), Arc::new(Silent))?;
    ensure!(
        image.signature.is_none(),
        "{} is signed; what is recorded is the image itself",
        file("eif").display()
    );
    let opened =
        canoni::Archive::open(archive, &canoni::Limits::default())?.image(&Selector::default())?;
    let sbom = file("cdx.json");
    Ok(Release {
        ver_name: NEXT.to_owned(),
        pcrs: Measurements::new(image.pcrs.pcr0, image.pcrs.pcr1, image.pcrs.pcr2)?,
        issue_time: 0,
        status: None,
        image_digest: Some(super::canonical(&opened)?.digest()),
        eif_sha256: Some(crate::files::sha256(&file("eif"))?),
        sbom_sha256: Some(crate::files::sha256(&sbom)?),
        toolchain: Some(toolchain(workspace)?),
        source_revision: None,
    })
}

/// Whether everything must be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// All of it: a release is made from the record and signed.
    All,
    /// All but the bill of materials, which records of earlier versions do not have.
    AllButSbom,
    /// The members that the record has: releases of earlier implementations record the measurements
    /// alone.
    Recorded,
}

/// Differences between an image, with the record `built`, and an expected record; a line each.
pub(crate) fn differences(recorded: &Release, built: &Release, demand: Demand) -> Vec<String> {
    let mut lines = Vec::new();
    let registers = recorded
        .pcrs
        .numbered()
        .into_iter()
        .zip(built.pcrs.numbered());
    for ((register, wanted), (_, value)) in registers {
        if wanted != value {
            lines.push(format!(
                "PCR{register} is     {value}\n  should be  {wanted}"
            ));
        }
    }
    for (name, wanted, value) in [
        ("imageDigest", &recorded.image_digest, &built.image_digest),
        ("eifSha256", &recorded.eif_sha256, &built.eif_sha256),
        ("sbomSha256", &recorded.sbom_sha256, &built.sbom_sha256),
        ("toolchain", &recorded.toolchain, &built.toolchain),
    ] {
        let needed = match demand {
            Demand::All => true,
            Demand::AllButSbom => name != "sbomSha256",
            Demand::Recorded => false,
        };
        let shown = value.as_deref().unwrap_or("absent");
        match wanted {
            Some(wanted) if Some(wanted) != value.as_ref() => {
                lines.push(format!("{name} is     {shown}\n  should be  {wanted}"));
            }
            None if needed => lines.push(format!("{name} is {shown}, but is not recorded")),
            _ => {}
        }
    }
    lines
}

/// The compiler, as rust-toolchain.toml pins it: `rustc 1.95.0`.
pub(crate) fn toolchain(workspace: &Workspace) -> Result<String> {
    let path = workspace.path("rust-toolchain.toml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: toml::Table =
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
    let channel = file
        .get("toolchain")
        .and_then(|table| table.get("channel"))
        .and_then(toml::Value::as_str)
        .with_context(|| format!("{} has no toolchain.channel", path.display()))?;
    // The build refuses any other compiler, so this is the one that built the image.
    ensure!(
        channel == RUSTC_RELEASE,
        "{} names {channel}, but the measured programs are built by {RUSTC_RELEASE}",
        path.display()
    );
    Ok(format!("rustc {channel}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Release {
        Release {
            ver_name: NEXT.to_owned(),
            pcrs: Measurements::new([0xaa; 48], [0xbb; 48], [0xcc; 48]).unwrap(),
            issue_time: 0,
            status: None,
            image_digest: Some("sha256:1".into()),
            eif_sha256: Some("2".into()),
            sbom_sha256: Some("3".into()),
            toolchain: Some("rustc 1".into()),
            source_revision: None,
        }
    }

    /// The error names each wrong or missing member, not only the registers.
    #[test]
    fn a_record_is_compared_as_a_whole() {
        type Member = fn(&mut Release) -> &mut Option<String>;
        let built = record();
        assert_eq!(
            differences(&built, &built, Demand::All),
            Vec::<String>::new()
        );
        let members: [(&str, Member); 4] = [
            ("imageDigest", |release| &mut release.image_digest),
            ("eifSha256", |release| &mut release.eif_sha256),
            ("sbomSha256", |release| &mut release.sbom_sha256),
            ("toolchain", |release| &mut release.toolchain),
        ];
        for (name, member) in members {
            for demand in [Demand::All, Demand::AllButSbom, Demand::Recorded] {
                let mut wrong = record();
                *member(&mut wrong) = Some("0".into());
                let lines = differences(&wrong, &built, demand);
                assert!(lines.len() == 1 && lines[0].contains(name), "{lines:?}");
            }
            let mut absent = record();
            *member(&mut absent) = None;
            assert_eq!(differences(&absent, &built, Demand::All).len(), 1, "{name}");
            assert!(differences(&absent, &built, Demand::Recorded).is_empty());
            let allowed = usize::from(name != "sbomSha256");
            assert_eq!(
                differences(&absent, &built, Demand::AllButSbom).len(),
                allowed
            );
        }
        let mut other = record();
        let [pcr0, _, pcr2] = *built.pcrs.registers();
        other.pcrs = Measurements::new(pcr0, pcr2, pcr2).unwrap();
        assert!(differences(&other, &built, Demand::Recorded)[0].starts_with("PCR1 is"));
    }
}
