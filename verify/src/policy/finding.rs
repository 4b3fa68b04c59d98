//! What a check says.

use crate::shown;
use serde::Serialize;
use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// The key can be used, or the policy replaced, without a known enclave.
    Hole,
    /// Not a hole by itself.
    Warning,
}

/// Something about a policy.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The statement, or `policy`.
    pub(crate) statement: String,
    pub(crate) problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Hole => "HOLE",
            Severity::Warning => "warning",
        };
        write!(
            f,
            "{severity}: {}: {}",
            shown::line(&self.statement),
            shown::line(&self.problem)
        )
    }
}
