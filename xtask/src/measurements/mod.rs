//! The folder `measurements/`: one file per release, `next.json` for what this tree builds, and the aggregate that existing
//! clients read.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the measurement of this very tree; not a release, and so not in the aggregate.
pub(crate) const NEXT: &str = "next";

/// The aggregate's file name.
const AGGREGATE: &str = "tcb-info.json";

/// `measurements/NAME.json`: the form that existing clients read (docs/measurements.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measurement {
    /// The release's name; the file's name without `.json`.
    pub(crate) ver_name: String,
    /// PCR number to 96 hexadecimal digits; exactly "0", "1" and "2".
    pub(crate) pcrs: BTreeMap<String, String>,
    /// Seconds since 1970; 0 for what is not released.
    pub(crate) issue_time: u64,
}

impl Measurement {
    /// The measurement of this tree.
    pub(crate) fn next(pcrs: [String; 3]) -> Self {
        Self {
            ver_name: NEXT.to_owned(),
            pcrs: (0..)
                .map(|index: u32| index.to_string())
                .zip(pcrs)
                .collect(),
            issue_time: 0,
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        ensure!(
            self.ver_name == name,
            "verName is {:?}, but the file is named after {name:?}",
            self.ver_name
        );
        let registers: Vec<&str> = self.pcrs.keys().map(String::as_str).collect();
        ensure!(
            registers == ["0", "1", "2"],
            "pcrs must be 0, 1 and 2, but are {}",
            registers.join(", ")
        );
        for (register, value) in &self.pcrs {
            let digits = value.len() == 96
                && value
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            ensure!(
                digits,
                "PCR{register} is not 96 lower-case hexadecimal digits"
            );
        }
        Ok(())
    }
}

/// Reads `measurements/NAME.json`.
pub(crate) fn read(workspace: &Workspace, name: &str) -> Result<Measurement> {
    read_file(&path(workspace, name), name)
}

pub(crate) fn path(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.path("measurements").join(format!("{name}.json"))
}

fn read_file(path: &Path, name: &str) -> Result<Measurement> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let measurement: Measurement = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a measurement", path.display()))?;
    measurement
        .check(name)
        .with_context(|| path.display().to_string())?;
    Ok(measurement)
}

/// Writes `measurements/next.json` and brings the aggregate up to date.
pub(crate) fn write_next(workspace: &Workspace, measurement: &Measurement) -> Result<()> {
    measurement.check(NEXT)?;
    write_json(&path(workspace, NEXT), measurement)?;
    write_json(
        &workspace.path("measurements").join(AGGREGATE),
        &aggregate(workspace)?,
    )
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    crate::files::write_atomically(path, text.as_bytes())
}

/// What existing clients read: `{"versionList":[...]}`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aggregate {
    version_list: Vec<Measurement>,
}

/// All releases, oldest first.
fn aggregate(workspace: &Workspace) -> Result<Aggregate> {
    let folder = workspace.path("measurements");
    let mut version_list = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".json"))
        else {
            continue;
        };
        // `tcb-info.json` is the aggregate itself, and names with a dot or "next" are about this tree.
        if name != NEXT && !name.contains('.') && path.file_name() != Some(AGGREGATE.as_ref()) {
            version_list.push(read_file(&path, name)?);
        }
    }
    version_list.sort_by(|a, b| (a.issue_time, &a.ver_name).cmp(&(b.issue_time, &b.ver_name)));
    Ok(Aggregate { version_list })
}

/// Arguments of `cargo xtask measurements`.
#[derive(Args, Debug)]
pub(crate) struct MeasurementsArgs {
    /// Write tcb-info.json anew instead of comparing it
    #[arg(long)]
    write: bool,
}

/// Checks every file and the aggregate, or writes the aggregate.
pub(crate) fn run(workspace: &Workspace, arguments: &MeasurementsArgs) -> Result<()> {
    let expected = aggregate(workspace)?;
    let path = workspace.path("measurements").join(AGGREGATE);
    if arguments.write {
        return write_json(&path, &expected);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let actual: Aggregate = serde_json::from_str(&text)
        .with_context(|| format!("{} is not an aggregate", path.display()))?;
    if actual != expected {
        bail!(
            "{} does not agree with the files beside it; write it anew with: cargo xtask measurements --write",
            path.display()
        );
    }
    println!(
        "{} releases, tcb-info.json agrees",
        expected.version_list.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement() -> Measurement {
        Measurement::next(["0", "1", "2"].map(|digit| digit.repeat(96)))
    }

    #[test]
    fn the_form_of_existing_clients_is_kept() {
        let json = serde_json::to_value(measurement()).unwrap();
        assert_eq!(json["verName"], "next");
        assert_eq!(json["pcrs"]["1"], "1".repeat(96));
        assert_eq!(json["issueTime"], 0);
    }

    #[test]
    fn bad_measurements_are_refused() {
        measurement().check(NEXT).unwrap();
        assert!(measurement().check("1909").is_err());
        let mut short = measurement();
        short.pcrs.insert("0".to_owned(), "00".to_owned());
        assert!(short.check(NEXT).unwrap_err().to_string().contains("PCR0"));
        let mut missing = measurement();
        missing.pcrs.remove("2");
        assert!(
            missing
                .check(NEXT)
                .unwrap_err()
                .to_string()
                .contains("0, 1 and 2")
        );
    }
}
