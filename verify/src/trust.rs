//! Verification as a library: what a relying party trusts, and what it accepts by that.

use crate::attested::{self, Demand, Root};
use crate::proof::checks::{self, Outcome};
use crate::releases::ReleaseArgs;
use crate::{Answer, time};
use anyhow::{Context, Result};
use letsesign_measurements::History;
use letsesign_proof::{Function, Hash, Spf, UserData};
use std::path::Path;

/// The root of attestation documents, and the releases that are accepted.
pub struct Trust {
    root: Root,
    history: History,
}

/// The verdict on a signed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is genuine, and its release neither revoked nor past its end.
    pub genuine: bool,
    /// Whether the attestation is of a test root: then it proves nothing about a real enclave.
    pub test: bool,
    /// Reasons against it, a sentence each.
    pub problems: Vec<String>,
    /// Remarks, a sentence each.
    pub warnings: Vec<String>,
}

impl Trust {
    /// AWS's root, or for tests the certificate in a file; the releases that are built into this
    /// program, or those of a folder `measurements`.
    ///
    /// # Errors
    /// When a file cannot be read, or the measurements are not consistent.
    pub fn new(test_root: Option<&Path>, measurements: Option<&Path>) -> Result<Self> {
        let releases = ReleaseArgs {
            measurements: measurements.map(Path::to_owned),
            key: Vec::new(),
        };
        Ok(Self {
            root: Root::read(test_root)?,
            history: releases.load()?,
        })
    }

    /// Whether attestation documents are of a test root.
    pub fn is_test(&self) -> bool {
        self.root.test.is_some()
    }

    /// The name of the release with this PCR0 (96 lower-case hexadecimal digits), if it is one of
    /// those that are accepted: neither revoked nor past its end.
    pub fn accepts(&self, pcr0: &str) -> Option<&str> {
        let now = time::now().ok()?;
        let mut releases = self.history.releases.iter();
        let found = releases.find(|entry| entry.release.pcrs.pcr0().to_string() == pcr0)?;
        let is_current = found.status.at(now) == letsesign_measurements::State::Current;
        is_current.then_some(found.release.ver_name.as_str())
    }

    /// PCR0s of the releases that are accepted now.
    pub fn accepted(&self) -> Vec<String> {
        let releases = self.history.releases.iter();
        let all = releases.map(|entry| entry.release.pcrs.pcr0().to_string());
        all.filter(|pcr0| self.accepts(pcr0).is_some()).collect()
    }

    /// Verifies a signed PDF and its proof file.
    ///
    /// # Errors
    /// When the proof file is none.
    pub fn signed(&self, pdf: &[u8], spf: &[u8], binding: Option<Hash>) -> Result<Verdict> {
        let spf = Spf::parse(spf).context("the proof file")?;
        let demands = checks::Demands {
            binding,
            payload: None,
            sender_domain: None,
            require_signed: false,
            root: &self.root,
            history: &self.history,
            now: time::now()?,
        };
        let checked = checks::check(pdf, &spf, &demands);
        let texts = |wanted: &[Outcome]| {
            let found = checked.checks.iter();
            let found = found.filter(|check| wanted.contains(&check.outcome));
            found
                .map(|check| format!("{}: {}", check.name, check.text))
                .collect()
        };
        Ok(Verdict {
            genuine: checked.answer() == Answer::Yes,
            test: self.is_test(),
            problems: texts(&[Outcome::Failed, Outcome::Ended]),
            warnings: texts(&[Outcome::Warning]),
        })
    }

    /// Verifies that an accepted release has attested results of a task, as of the time of the
    /// attestation document. Gives that time, in milliseconds since 1970 (UTC).
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn attested(
        &self,
        document: &[u8],
        binding: Hash,
        function: Function,
        results: &[(&str, Hash)],
    ) -> Result<u64, String> {
        let demand = Demand::OneOf(attested::images(&self.history));
        let attested = self.root.recorded(document, &demand)?;
        if attested.state != letsesign_measurements::State::Current {
            return Err("its release is revoked or past its end".into());
        }
        let data = attested.document.user_data.as_deref();
        let data = data.ok_or("the attestation document has no user data")?;
        let data = UserData::parse(data).map_err(|error| error.to_string())?;
        data.expect_of(Some(binding), function, results)
            .map_err(|error| error.to_string())?;
        Ok(attested.document.timestamp)
    }
}
