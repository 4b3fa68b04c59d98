//! The checks of a proof and their outcomes. docs/verify.md explains each one.

use super::pdf::{self, Shown};
use crate::Answer;
use crate::attested::{self, Attested, Demand, Root};
use crate::{measurements, time};
use letsesign_escape as escape;
use letsesign_measurements::{Entry, History, Revocations, SignatureState, State};
use letsesign_proof::{Function, Hash, Spf, UserData};
use serde::Serialize;

/// Tolerance in seconds. Nitro clocks of two machines differ by seconds; a confirmation that is
/// later than the signed document by more than this is wrong.
const CLOCK_TOLERANCE: u64 = 300;

/// The reader's requirements.
pub(crate) struct Demands<'a> {
    pub(crate) binding: Option<Hash>,
    /// SHA-256 of the task payload's compact JSON.
    pub(crate) payload: Option<Hash>,
    /// Domain that the sender's mails should come from.
    pub(crate) sender_domain: Option<&'a str>,
    pub(crate) require_signed: bool,
    pub(crate) root: &'a Root,
    pub(crate) history: &'a History,
    /// The current time of this machine, in seconds since 1970.
    pub(crate) now: u64,
}

/// The outcome of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Passed,
    /// Unknown, or worth knowing; the verdict does not depend on it.
    Warning,
    /// The release is revoked or past its end of life.
    Ended,
    Failed,
}

/// One check: its name, outcome and explanation.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
}

/// The checks of a proof, collected one by one.
pub(crate) struct Checked<'a> {
    pub(crate) checks: Vec<Check>,
    /// The content of the attestation document, if it is genuine.
    pub(crate) attested: Option<Attested>,
    /// The release with these measurements, if there is one.
    pub(crate) release: Option<&'a Entry>,
}

impl Checked<'_> {
    pub(crate) fn answer(&self) -> Answer {
        let has = |outcome| self.checks.iter().any(|check| check.outcome == outcome);
        if has(Outcome::Failed) || self.attested.is_none() {
            Answer::No
        } else if has(Outcome::Ended) {
            Answer::Ended
        } else {
            Answer::Yes
        }
    }

    fn add(&mut self, name: &'static str, outcome: Outcome, text: impl Into<String>) {
        self.checks.push(Check {
            name,
            outcome,
            text: text.into(),
        });
    }
}

pub(crate) fn check<'a>(pdf: &[u8], spf: &Spf, demands: &Demands<'a>) -> Checked<'a> {
    let mut checked = Checked {
        checks: Vec::new(),
        attested: None,
        release: None,
    };
    let demand = Demand::OneOf(attested::images(demands.history));
    let result = demands.root.recorded(&spf.attestation, &demand);
    match result {
        Ok(attested) => {
            let (outcome, text) = match demands.root.test {
                None => (
                    Outcome::Passed,
                    "made by an AWS Nitro enclave, certificates valid up to AWS's root when it was made",
                ),
                Some(_) => (
                    Outcome::Warning,
                    "certificates valid up to the TEST ROOT that was given, which is NOT AWS's",
                ),
            };
            checked.add("attestation", outcome, text);
            release(&mut checked, &attested, demands);
            hashes(&mut checked, pdf, spf, &attested);
            signing_times(&mut checked, spf, &attested, demands.now);
            checked.attested = Some(attested);
        }
        Err(problem) => checked.add("attestation", Outcome::Failed, problem),
    }
    if pdf::has_trailer(pdf) {
        checked.add(
            "trailer",
            Outcome::Passed,
            "the PDF ends as signed documents do",
        );
    } else {
        // The attestation covers all bytes of the PDF, so a missing trailer alone decides nothing.
        let text = "the PDF does not end with the line letsesign=true, as signed documents do; was it saved again?";
        checked.add("trailer", Outcome::Warning, text);
    }
    magic_number(&mut checked, pdf, spf);
    binding(&mut checked, spf, demands.binding);
    origin(&mut checked, spf, demands);
    checked
}

/// Compares what version 2 of the summary states about task and mail account with what the reader
/// knows.
fn origin(checked: &mut Checked<'_>, spf: &Spf, demands: &Demands<'_>) {
    let Some(origin) = &spf.summary.origin else {
        let text = "version 1 summary, does not say which payload and mail account it came from, nor how each signer was checked";
        checked.add("summary-version", Outcome::Warning, text);
        // The reader asked for a check that version 1 does not allow, so it fails instead of being
        // skipped.
        for (name, asked) in [
            ("payload", demands.payload.is_some()),
            ("sender-domain", demands.sender_domain.is_some()),
        ] {
            if asked {
                let text = "a version 1 summary does not say it";
                checked.add(name, Outcome::Failed, text);
            }
        }
        return;
    };
    let text = match spf.summary.facts {
        None => "version 2: names the payload, the mail account and how each signer was checked",
        Some(_) => {
            "version 3 (protocol 2): names the task, the account, and how and in which round each signer was checked"
        }
    };
    checked.add("summary-version", Outcome::Passed, text);
    if let Some(hash) = demands.payload {
        if hash == origin.payload_hash {
            let text = "the document was signed for the given task payload";
            checked.add("payload", Outcome::Passed, text);
        } else {
            let text = format!(
                "the document was signed for another task payload: its hash is {}",
                origin.payload_hash
            );
            checked.add("payload", Outcome::Failed, text);
        }
    }
    if let Some(domain) = demands.sender_domain {
        let found = escape::line(&origin.email_domain);
        if domain.eq_ignore_ascii_case(&origin.email_domain) {
            let text = format!("the mails came from {found}");
            checked.add("sender-domain", Outcome::Passed, text);
        } else {
            let text = format!("the mails came from another domain, {found}");
            checked.add("sender-domain", Outcome::Failed, text);
        }
    }
}

fn release<'a>(checked: &mut Checked<'a>, attested: &Attested, demands: &Demands<'a>) {
    let Some(entry) = demands.history.find(&attested.pcrs) else {
        let text = "PCR0, PCR1 and PCR2 are not those of one release";
        return checked.add("release", Outcome::Failed, text);
    };
    checked.release = Some(entry);
    let name = &entry.release.ver_name;
    let status = measurements::status(entry);
    // An end of life after the signature is only reported; a revocation applies at any time.
    let (outcome, text) = match (attested.state, entry.status.state) {
        (State::Current, State::Current) => (Outcome::Passed, format!("{name}, {status}")),
        (State::Current, _) => (
            Outcome::Passed,
            format!("{name}, in use when it signed; {status}"),
        ),
        (_, _) => (Outcome::Ended, format!("{name}, {status}")),
    };
    checked.add("release", outcome, text);
    let text = measurements::signature(&entry.signature);
    let outcome = match &entry.signature {
        SignatureState::Signed { .. } => Outcome::Passed,
        SignatureState::Unsigned if demands.require_signed => Outcome::Failed,
        SignatureState::Unsigned => Outcome::Warning,
        SignatureState::Invalid { .. } => Outcome::Failed,
    };
    checked.add(
        "release-signature",
        outcome,
        format!("the file of release {name}: {text}"),
    );
    // Without a valid signature on status.json, whoever delivered it may have removed a revocation.
    let list = demands.history.revocations();
    let outcome = match &list {
        Revocations::Signed { .. } => Outcome::Passed,
        Revocations::Invalid { .. } => Outcome::Failed,
        _ if demands.require_signed => Outcome::Failed,
        _ => Outcome::Warning,
    };
    checked.add(
        "status-signature",
        outcome,
        measurements::revocations(&list),
    );
}

fn hashes(checked: &mut Checked<'_>, pdf: &[u8], spf: &Spf, attested: &Attested) {
    let results = [("esigPDF", Hash::of(pdf)), ("summary", spf.summary.hash())];
    // A summary of protocol 2 needs a statement of protocol 2 about the same task.
    let binding = (spf.summary.facts.as_ref()).map(|_| spf.summary.binding_data_hash);
    let outcome = attested
        .document
        .user_data
        .as_deref()
        .ok_or_else(|| "nothing is attested: the user data is missing".to_owned())
        .and_then(|data| {
            UserData::parse(data)
                .and_then(|data| data.expect_of(binding, Function::AttachEsig, &results))
                .map_err(|error| error.to_string())
        });
    match outcome {
        Ok(()) => checked.add(
            "hashes",
            Outcome::Passed,
            "this PDF and this list of signers are what the enclave attested",
        ),
        Err(problem) => checked.add("hashes", Outcome::Failed, escape::line(&problem)),
    }
}

fn signing_times(checked: &mut Checked<'_>, spf: &Spf, attested: &Attested, now: u64) {
    let signed = attested.made();
    if signed > now.saturating_add(CLOCK_TOLERANCE) {
        let text = format!(
            "it claims to be signed at {}, which is still to come by this machine's clock",
            time::utc(signed)
        );
        return checked.add("times", Outcome::Failed, text);
    }
    let latest = spf
        .summary
        .signers
        .iter()
        .map(|signer| signer.signing_time)
        .max()
        .unwrap_or(0);
    if latest > signed.saturating_add(CLOCK_TOLERANCE) {
        let text = format!(
            "a signer confirmed at {}, after the document was signed",
            time::utc(latest)
        );
        checked.add("times", Outcome::Failed, text);
    } else {
        checked.add(
            "times",
            Outcome::Passed,
            "everybody confirmed before the document was signed",
        );
    }
}

fn magic_number(checked: &mut Checked<'_>, pdf: &[u8], spf: &Spf) {
    let (outcome, text) = match pdf::magic_number(pdf, &spf.summary.magic_number) {
        Shown::On(pages) => {
            let pages: Vec<String> = pages.iter().map(ToString::to_string).collect();
            (
                Outcome::Passed,
                format!("shown on page {}", pages.join(", ")),
            )
        }
        // The attestation covers the pages with every other byte of the PDF, and the sender's own
        // text may look like a magic number. So this is a warning.
        Shown::Another { number, on } => (
            Outcome::Warning,
            if on.is_empty() {
                format!(
                    "a page shows {number}, which looks like another one; look at the page yourself"
                )
            } else {
                let pages: Vec<String> = on.iter().map(ToString::to_string).collect();
                format!(
                    "shown on page {}, and {number}, which looks like another one",
                    pages.join(", ")
                )
            },
        ),
        Shown::Nowhere => (
            Outcome::Warning,
            "no page shows it as text; look for it on the page yourself".to_owned(),
        ),
        Shown::Unreadable(problem) => (
            Outcome::Warning,
            format!("not checked: {}", escape::line(&problem)),
        ),
    };
    checked.add("magic-number", outcome, text);
}

fn binding(checked: &mut Checked<'_>, spf: &Spf, wanted: Option<Hash>) {
    match wanted {
        Some(hash) if hash == spf.summary.binding_data_hash => {
            checked.add(
                "binding",
                Outcome::Passed,
                "the signature belongs to the task with the given hash",
            );
        }
        Some(_) => {
            let text = format!(
                "the signature belongs to another task: its hash is {}",
                spf.summary.binding_data_hash
            );
            checked.add("binding", Outcome::Failed, text);
        }
        None => {}
    }
}
