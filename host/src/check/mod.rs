//! `letsesign-host check`: the machine and the configuration as a new operator meets them.
//!
//! Nothing is made. Each finding has what was looked at, what was found, and the way out. A queue
//! that is there is opened, which brings an older one up to date.

mod machine;
mod network;
mod storage;

use crate::config::{self, Config, Launcher};
use serde::Serialize;
use std::path::Path;

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// It works, and may not for long, or not well.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The thing that was looked at.
    pub subject: &'static str,
    /// The finding.
    pub text: String,
    /// How that is meant.
    pub grade: Grade,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
}

/// All findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which they were made.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether the host would work.
    pub fn is_good(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.grade != Grade::Problem)
    }

    fn good(&mut self, subject: &'static str, text: impl Into<String>) {
        self.add(subject, Grade::Good, text, None);
    }

    fn warn(&mut self, subject: &'static str, text: impl Into<String>, way_out: impl Into<String>) {
        self.add(subject, Grade::Warning, text, Some(way_out.into()));
    }

    fn problem(
        &mut self,
        subject: &'static str,
        text: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.add(subject, Grade::Problem, text, Some(way_out.into()));
    }

    fn add(
        &mut self,
        subject: &'static str,
        grade: Grade,
        text: impl Into<String>,
        way_out: Option<String>,
    ) {
        self.findings.push(Finding {
            subject,
            text: text.into(),
            grade,
            way_out,
        });
    }
}

/// Looks at everything.
pub async fn check(path: &Path) -> Report {
    let mut report = Report::default();
    let config = match config::load(path, std::env::vars()) {
        Ok(config) => {
            report.good("configuration", format!("{} is complete", path.display()));
            config
        }
        Err(error) => {
            let way_out = "correct these lines; host/host.toml of the repository has every key";
            report.problem("configuration", error.to_string(), way_out);
            // The rest does not depend on it.
            machine::open_files(&mut report);
            machine::clock(&mut report);
            return report;
        }
    };
    machine::look(&config, &mut report).await;
    let image = storage::image(&config, &mut report);
    storage::look(&config, &mut report).await;
    if let Some(image) = image {
        network::look(&config, &image, &mut report).await;
    }
    if config.enclave.launcher != Launcher::Nitro {
        report.warn(
            "launcher",
            "enclaves are emulated: whoever has this machine reads everything",
            "for operation, set launcher = \"nitro\" on an EC2 instance with enclaves enabled",
        );
    }
    report
}

/// Bytes as MiB, for people.
fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// Whether this configuration is for EC2.
fn is_nitro(config: &Config) -> bool {
    config.enclave.launcher == Launcher::Nitro
}

#[cfg(test)]
mod tests;
