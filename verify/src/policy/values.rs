//! Compares the register values in statements with the releases.

use super::check::Checker;
use super::finding::Severity;
use letsesign_measurements::{Pcr, State};

impl Checker<'_> {
    pub(super) fn known(&self, register: u8, value: &str) -> bool {
        Pcr::parse(&value.to_ascii_lowercase()).is_ok_and(|pcr| {
            self.history.releases.iter().any(|entry| {
                entry.status.state != State::Revoked
                    && entry.release.pcrs.numbered().contains(&(register, pcr))
            })
        })
    }

    /// Reports the problems of the values that a statement allows for a register.
    pub(super) fn values(&mut self, statement: &str, register: u8, values: &[String]) {
        for value in values {
            // Policies spell the digits in either case, but a `Pcr` has one spelling.
            let text = value.to_ascii_lowercase();
            let parsed = Pcr::parse(&text);
            let Some(pcr) = parsed.ok().filter(|pcr| !pcr.is_zero()) else {
                let problem = if parsed.is_ok() {
                    format!(
                        "PCR{register} may be all zeros, which every enclave in debug mode has: its operator reads its memory"
                    )
                } else {
                    format!("PCR{register} is {value:?}, not 96 hexadecimal digits")
                };
                self.add(Severity::Hole, statement, problem);
                continue;
            };
            let holds = |pcrs: &letsesign_measurements::Measurements| {
                pcrs.numbered().contains(&(register, pcr))
            };
            let entries = self
                .history
                .releases
                .iter()
                .filter(|entry| holds(&entry.release.pcrs));
            // Several releases may share a register. The best status decides, because the value is
            // right for that release.
            let best = entries.min_by_key(|entry| entry.status.state);
            let next = self
                .history
                .next
                .as_ref()
                .is_some_and(|next| holds(&next.pcrs));
            let (severity, problem) = match best {
                Some(entry) => match entry.status.state {
                    State::Current => continue,
                    State::EndOfLife => (
                        Severity::Warning,
                        format!(
                            "PCR{register} is that of release {}, which is at its end",
                            entry.release.ver_name
                        ),
                    ),
                    State::Revoked => (
                        Severity::Hole,
                        format!(
                            "PCR{register} is that of release {}, which was revoked",
                            entry.release.ver_name
                        ),
                    ),
                },
                None if next => (
                    Severity::Warning,
                    format!("PCR{register} is that of a source tree which was not released"),
                ),
                None => (
                    Severity::Hole,
                    format!("PCR{register} {value} is of no known release"),
                ),
            };
            self.add(severity, statement, problem);
        }
    }
}
