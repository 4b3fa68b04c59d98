//! The report of a proof: for a reader without programming, and for a program.

use super::checks::{Checked, Outcome};
use super::input::Input;
use crate::attested::{Attested, Root};
use crate::{Answer, measurements, shown, time};
use letsesign_proof::{Hash, Origin, Spf};
use serde_json::{Value, json};
use std::fmt::Write;

/// Everything a report says.
pub(super) struct Report<'a> {
    pub(super) input: &'a Input,
    pub(super) spf: &'a Spf,
    pub(super) result: &'a Checked<'a>,
    pub(super) answer: Answer,
    pub(super) root: &'a Root,
    /// Where the releases are from.
    pub(super) origin: String,
    /// Time of verification, seconds since 1970.
    pub(super) verified: u64,
}

impl Report<'_> {
    fn verdict(&self) -> (&'static str, &'static str) {
        match (self.answer, self.root.test.is_some()) {
            (Answer::Yes, false) => ("genuine", "GENUINE"),
            (Answer::Yes, true) => (
                "test-only",
                "TEST ONLY: right under a root that is NOT AWS's; this proves nothing about AWS Nitro",
            ),
            (Answer::Ended, false) => (
                "release-ended",
                "NOT ACCEPTED: signed by a release that was revoked or at its end",
            ),
            (Answer::Ended, true) => (
                "release-ended",
                "TEST ONLY, NOT ACCEPTED: signed by a release that was revoked or at its end",
            ),
            _ => ("not-genuine", "NOT GENUINE"),
        }
    }

    /// Whether what the proof says is known to be the enclave's word.
    fn attested(&self) -> bool {
        let hashes = self
            .result
            .checks
            .iter()
            .find(|check| check.name == "hashes");
        hashes.is_some_and(|check| check.outcome == Outcome::Passed)
    }

    pub(super) fn json(&self) -> Value {
        let attested = self.result.attested.as_ref();
        json!({
            "verdict": self.verdict().0,
            "genuine": self.answer == Answer::Yes && self.root.test.is_none(),
            "exitCode": self.answer as u8,
            "root": match self.root.test { None => "aws", Some(_) => "TEST ROOT, NOT AWS" },
            "document": { "name": self.input.pdf_name, "size": self.input.pdf.len(), "sha256": Hash::of(&self.input.pdf) },
            "proof": { "name": self.input.spf_name },
            "checks": self.result.checks,
            "release": self.result.release.map(measurements::release),
            "releasesFrom": self.origin,
            "signedAt": attested.map(Attested::made),
            "signedAtUtc": attested.map(|attested| time::utc(attested.made())),
            "verifiedAt": self.verified,
            "verifiedAtUtc": time::utc(self.verified),
            "pcrs": attested.map(|attested| attested.pcrs),
            "moduleId": attested.map(|attested| attested.document.module_id.as_str()),
            "signersAttested": self.attested(),
            "signers": self.spf.summary.signers,
            "magicNumber": self.spf.summary.magic_number,
            "bindingDataHash": self.spf.summary.binding_data_hash,
            "payloadHash": self.origin_of(|origin| json!(origin.payload_hash)),
            "emailServiceProvider": self.origin_of(|origin| json!(origin.email_provider)),
            "emailServiceDomain": self.origin_of(|origin| json!(origin.email_domain)),
        })
    }

    fn origin_of(&self, member: fn(&Origin) -> Value) -> Option<Value> {
        self.spf.summary.origin.as_ref().map(member)
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "{}\n", self.verdict().1)?;
        if let Some(path) = &self.root.test {
            let path = shown::line(path);
            writeln!(
                out,
                "*** THE ROOT CERTIFICATE {path} WAS USED INSTEAD OF AWS'S. THIS IS A TEST. ***\n"
            )?;
        }
        writeln!(out, "Document   {}", shown::line(&self.input.pdf_name))?;
        writeln!(out, "           SHA-256 {}", Hash::of(&self.input.pdf))?;
        writeln!(out, "Proof      {}", shown::line(&self.input.spf_name))?;
        match &self.result.attested {
            Some(attested) => writeln!(
                out,
                "Signed     {} (by the clock of AWS Nitro)",
                time::utc(attested.made())
            )?,
            None => writeln!(out, "Signed     unknown: the attestation is not genuine")?,
        }
        writeln!(
            out,
            "Verified   {} (by the clock of this machine)",
            time::utc(self.verified)
        )?;
        writeln!(out, "Releases   {}\n", shown::line(&self.origin))?;

        writeln!(out, "Checks")?;
        for check in &self.result.checks {
            let mark = match check.outcome {
                Outcome::Passed => "ok",
                Outcome::Warning => "warning",
                Outcome::Ended => "ENDED",
                Outcome::Failed => "FAILED",
            };
            writeln!(
                out,
                "  {mark:<8} {:<18} {}",
                check.name,
                shown::line(&check.text)
            )?;
        }

        if self.attested() {
            writeln!(out, "\nSigners")?;
        } else {
            writeln!(
                out,
                "\nSigners, as the proof file claims; NOTHING OF THIS IS VERIFIED"
            )?;
        }
        for (number, signer) in (1..).zip(&self.spf.summary.signers) {
            writeln!(
                out,
                "  {number}. {} <{}>",
                shown::line(&signer.name),
                shown::line(&signer.email_addr)
            )?;
            writeln!(
                out,
                "     confirmed {}, from {}",
                time::utc(signer.signing_time),
                signer.ip_address
            )?;
            if let Some(phone) = &signer.phone_number {
                writeln!(out, "     phone     {}", shown::line(phone))?;
            }
            match signer.evidence {
                Some(evidence) => {
                    writeln!(out, "     checked by {}", evidence.checked_by)?;
                    writeln!(out, "     PoI hash  {}", evidence.poi_hash)?;
                }
                None => writeln!(out, "     checked   (a version 1 summary does not say how)")?,
            }
        }
        writeln!(out, "\nMagic number  {}", self.spf.summary.magic_number)?;
        writeln!(out, "Binding hash  {}", self.spf.summary.binding_data_hash)?;
        if let Some(origin) = &self.spf.summary.origin {
            writeln!(out, "Payload hash  {}", origin.payload_hash)?;
            let domain = shown::line(&origin.email_domain);
            writeln!(
                out,
                "Mails from    {domain}, sent with {}",
                origin.email_provider
            )?;
        }
        Ok(())
    }
}
