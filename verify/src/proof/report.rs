//! The report of a proof, as text for people and as JSON for programs.

use super::checks::{Checked, Outcome};
use super::input::Input;
use crate::attested::{Attested, Root};
use crate::{Answer, measurements, time};
use letsesign_escape as escape;
use letsesign_proof::{Hash, Origin, Spf};
use serde_json::{Value, json};
use std::fmt::Write;

/// The content of a report.
pub(super) struct Report<'a> {
    pub(super) input: &'a Input,
    pub(super) spf: &'a Spf,
    pub(super) result: &'a Checked<'a>,
    pub(super) answer: Answer,
    pub(super) root: &'a Root,
    /// Origin of the releases, for people.
    pub(super) origin: String,
    /// Time of verification, in seconds since 1970.
    pub(super) verified: u64,
}

impl Report<'_> {
    pub(super) fn verdict(&self) -> (&'static str, &'static str) {
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

    /// Whether the enclave is known to have attested the proof's statements.
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
            "protocol2": self.spf.summary.facts.as_ref().map(|facts| json!({
                "account": facts.account,
                "inOrder": facts.in_order,
                "statements": facts.statements,
                "signers": facts.signers.iter().map(|signer| json!({
                    "round": signer.round,
                    "porTime": signer.por_time,
                    "answeredAt": signer.answered_at,
                })).collect::<Vec<_>>(),
            })),
        })
    }

    fn origin_of(&self, member: fn(&Origin) -> Value) -> Option<Value> {
        self.spf.summary.origin.as_ref().map(member)
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a `String` never fails.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        // The verdict comes first, because many readers stop there.
        writeln!(out, "{}\n", self.verdict().1)?;
        if let Some(path) = &self.root.test {
            let path = escape::line(path);
            writeln!(
                out,
                "*** THE ROOT CERTIFICATE {path} WAS USED INSTEAD OF AWS'S. THIS IS A TEST. ***\n"
            )?;
        }
        // Everything from the files passes through `escape`: a name could otherwise forge lines of
        // this report on a terminal.
        writeln!(out, "Document   {}", escape::line(&self.input.pdf_name))?;
        writeln!(out, "           SHA-256 {}", Hash::of(&self.input.pdf))?;
        writeln!(out, "Proof      {}", escape::line(&self.input.spf_name))?;
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
        writeln!(out, "Releases   {}\n", escape::line(&self.origin))?;

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
                escape::line(&check.text)
            )?;
        }

        self.write_signers(out)?;
        writeln!(out, "\nMagic number  {}", self.spf.summary.magic_number)?;
        writeln!(out, "Binding hash  {}", self.spf.summary.binding_data_hash)?;
        if let Some(origin) = &self.spf.summary.origin {
            if let Some(facts) = &self.spf.summary.facts {
                writeln!(out, "Account       {}", facts.account)?;
                writeln!(out, "Statements    {}", facts.statements)?;
                let order = if facts.in_order {
                    "one after the other"
                } else {
                    "in any order"
                };
                writeln!(out, "Signing order {order}")?;
            } else {
                writeln!(out, "Payload hash  {}", origin.payload_hash)?;
            }
            let domain = escape::line(&origin.email_domain);
            writeln!(
                out,
                "Mails from    {domain}, sent with {}",
                origin.email_provider
            )?;
        }
        Ok(())
    }

    fn write_signers(&self, out: &mut String) -> std::fmt::Result {
        if self.attested() {
            writeln!(out, "\nSigners")?;
        } else {
            writeln!(
                out,
                "\nSigners, as the proof file claims; NOTHING OF THIS IS VERIFIED"
            )?;
        }
        let facts = self.spf.summary.facts.as_ref();
        for (index, signer) in self.spf.summary.signers.iter().enumerate() {
            let number = index + 1;
            writeln!(
                out,
                "  {number}. {} <{}>",
                escape::line(&signer.name),
                escape::line(&signer.email_addr)
            )?;
            writeln!(
                out,
                "     confirmed {}, from {}",
                time::utc(signer.signing_time),
                signer.ip_address
            )?;
            if let Some(facts) = facts.and_then(|facts| facts.signers.get(index)) {
                writeln!(
                    out,
                    "     asked     {} (round {}), answered {} by the signer's clock",
                    time::utc(facts.por_time / 1000),
                    facts.round,
                    time::utc(facts.answered_at / 1000)
                )?;
            }
            if let Some(phone) = &signer.phone_number {
                writeln!(out, "     phone     {}", escape::line(phone))?;
            }
            match signer.evidence {
                Some(evidence) => {
                    writeln!(out, "     checked by {}", evidence.checked_by)?;
                    writeln!(out, "     PoI hash  {}", evidence.poi_hash)?;
                }
                None => writeln!(out, "     checked   (a version 1 summary does not say how)")?,
            }
        }
        Ok(())
    }
}
