//! The findings of a check.

use letsesign_escape as escape;
use serde::Serialize;
use std::fmt;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// The key can be used, or the policy replaced, without a known enclave.
    Hole,
    /// Worth knowing, but not a hole by itself.
    Warning,
}

/// One problem of a policy.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Name of the statement, or `policy`.
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
            escape::line(&self.statement),
            escape::line(&self.problem)
        )
    }
}
