//! `letsesign-verify report --pdf`: the certificate of a genuine document. The page prints the same
//! in the same words (verify/web/src/certificate.js).

use super::report::Report;
use crate::page::locales::Language;
use crate::paper::{self, Font, Line};
use crate::{Answer, time};
use anyhow::{Context, Result};
use letsesign_escape as escape;
use letsesign_measurements::{Entry, State};
use letsesign_proof::{Hash, Signer};
use std::path::Path;

/// A certificate to write.
pub(super) struct Order<'a> {
    pub(super) pdf: &'a Path,
    pub(super) font: Option<&'a Path>,
    /// Tag of the language.
    pub(super) tag: &'a str,
    pub(super) language: Language,
}

/// Writes the certificate if the document is accepted; returns whether it is.
pub(super) fn write(report: &Report, order: &Order) -> Result<bool> {
    if report.answer != Answer::Yes {
        return Ok(false);
    }
    let mut fonts = vec![paper::latin()?];
    if let Some(path) = order.font {
        let name = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        fonts.push(Font::new(bytes, "Names").with_context(|| name.to_string())?);
    }
    let content = Content {
        report,
        language: &order.language,
        lines: Vec::new(),
    };
    let title = order.language.text("certificate", &[]);
    let pdf = paper::write(&title, order.tag, &content.lines(), fonts)?;
    let name = order.pdf.display();
    eif::write_file(order.pdf, &pdf).with_context(|| format!("cannot write {name}"))?;
    Ok(true)
}

/// The lines under construction.
struct Content<'a> {
    report: &'a Report<'a>,
    language: &'a Language,
    lines: Vec<Line>,
}

impl Content<'_> {
    fn lines(mut self) -> Vec<Line> {
        let verdict = self.report.verdict().0;
        let sentence = self.text(&format!("{verdict}Text"), &[]);
        let verdict = self.text(verdict, &[]);
        self.lines.extend([
            Line::Title(self.text("certificate", &[])),
            Line::Text(self.text("certificateVerdict", &[&verdict, &sentence])),
            Line::Text(self.text("certificateProves", &[])),
        ]);
        self.document();
        self.signers();
        self.attestation();
        self.heading("again");
        let release = self.report.result.release;
        let release = release.map_or("", |entry| &entry.release.ver_name);
        for (index, name) in ["againProgram", "againPage", "againHash", "againImage"]
            .into_iter()
            .enumerate()
        {
            let way = self.text(name, &[release]);
            self.lines.push(Line::Text(format!("{}. {way}", index + 1)));
        }
        self.lines
    }

    fn text(&self, name: &str, values: &[&str]) -> String {
        self.language.text(name, values)
    }

    fn heading(&mut self, name: &str) {
        self.lines.push(Line::Heading(self.text(name, &[])));
    }

    fn field(&mut self, name: &str, value: String) {
        self.lines.push(Line::Field(self.text(name, &[]), value));
    }

    fn item(&mut self, name: &str, values: &[&str]) {
        self.lines.push(Line::Item(self.text(name, values)));
    }

    fn document(&mut self) {
        let (input, summary) = (self.report.input, &self.report.spf.summary);
        // Of a path the name: folders are nobody's business.
        let path = Path::new(&input.pdf_name);
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = escape::line(&name.to_string_lossy());
        let size = input.pdf.len().to_string();
        let origin = summary.origin.as_ref().map_or_else(
            || self.text("mailsFromUnknown", &[]),
            |origin| {
                let domain = escape::line(&origin.email_domain);
                self.text(
                    "mailsFromIs",
                    &[&domain, &origin.email_provider.to_string()],
                )
            },
        );
        self.heading("certificateDocument");
        self.field("fileName", self.text("fileNameIs", &[&name, &size]));
        self.field("sha256", Hash::of(&input.pdf).to_string());
        self.field("mailsFrom", origin);
        self.field("magicNumber", summary.magic_number.to_string());
    }

    fn signers(&mut self) {
        let summary = &self.report.spf.summary;
        self.heading("signers");
        for (index, signer) in summary.signers.iter().enumerate() {
            self.signer(index + 1, signer);
            let facts = summary.facts.as_ref();
            if let Some(facts) = facts.and_then(|facts| facts.signers.get(index)) {
                let [asked, answered] = [facts.por_time, facts.answered_at]
                    .map(|milliseconds| time::utc(milliseconds / 1000));
                self.item("asked", &[&asked, &facts.round.to_string(), &answered]);
            }
        }
    }

    fn signer(&mut self, number: usize, signer: &Signer) {
        let name = escape::line(&signer.name);
        let mail = escape::line(&signer.email_addr);
        self.lines
            .push(Line::Text(format!("{number}. {name} <{mail}>")));
        let at = time::utc(signer.signing_time);
        let mut confirmed = self.text("confirmed", &[&at, &signer.ip_address.to_string()]);
        if let Some(phone) = &signer.phone_number {
            confirmed += &self.text("phone", &[&escape::line(phone)]);
        }
        self.lines.push(Line::Item(confirmed));
        let Some(evidence) = signer.evidence else {
            return self.item("checkedUnknown", &[]);
        };
        let by = evidence.checked_by.to_string();
        let by = self.language.sentence(&by, &[]);
        self.item("checkedBy", &[&by]);
        let hash = self.text("poiHash", &[]);
        self.lines
            .push(Line::Item(format!("{hash} {}", evidence.poi_hash)));
    }

    fn attestation(&mut self) {
        self.heading("certificateAttested");
        let attested = self.report.result.attested.as_ref();
        if let Some(attested) = attested {
            let made = time::utc(attested.made());
            self.field("signed", self.text("signedAt", &[&made]));
        }
        let verified = time::utc(self.report.verified);
        self.field("verified", self.text("verifiedAt", &[&verified]));
        if let Some(entry) = self.report.result.release {
            let status = self.status(entry);
            let name = &entry.release.ver_name;
            self.field("release", self.text("releaseIs", &[name, &status]));
        }
        if let Some(attested) = attested {
            for (register, value) in attested.pcrs.numbered() {
                let name = format!("PCR{register}");
                self.lines.push(Line::Field(name, value.to_string()));
            }
        }
    }

    /// The status of a release, as the page words it.
    fn status(&self, entry: &Entry) -> String {
        let status = &entry.status;
        let state = self.language.sentence(&status.state.to_string(), &[]);
        if status.state == State::Current {
            return state;
        }
        let since = status.since.map(time::utc).unwrap_or_default();
        let reason = status.reason.as_deref().map(escape::line);
        let reason = reason.unwrap_or_default();
        self.language
            .sentence("{0} since {1}: {2}", &[&state, &since, &reason])
    }
}
