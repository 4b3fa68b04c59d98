//! `letsesign-verify report --pdf`: the certificate of a genuine document. The page prints the same
//! (verify/web/src/certificate.js).

use super::report::Report;
use crate::paper::{self, Font, Line};
use crate::{Answer, measurements, time};
use anyhow::{Context, Result};
use letsesign_escape as escape;
use letsesign_proof::Hash;
use std::path::{Path, PathBuf};

const TITLE: &str = "Certificate of signature";

/// A certificate to write.
pub(super) struct Order<'a> {
    pub(super) pdf: &'a Path,
    pub(super) font: Option<&'a PathBuf>,
}

/// Writes the certificate if the document deserves one; returns whether it does.
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
    let pdf = paper::write(TITLE, &lines(report), fonts)?;
    let name = order.pdf.display();
    eif::write_file(order.pdf, &pdf).with_context(|| format!("cannot write {name}"))?;
    Ok(true)
}

fn lines(report: &Report) -> Vec<Line> {
    let mut lines = vec![
        Line::Title(TITLE.to_owned()),
        Line::Text(report.verdict().1.to_owned()),
        Line::Text(
            "This paper proves nothing by itself: anybody can print one. The PDF and its proof \
             prove it to whoever checks them."
                .to_owned(),
        ),
    ];
    document(report, &mut lines);
    signers(report, &mut lines);
    attestation(report, &mut lines);
    lines.push(Line::Heading("How to check again".to_owned()));
    for way in [
        "1. With the program: letsesign-verify proof NAME.pdf NAME.spf, where NAME stands for the \
         names of the two files. Build it from the source code of the project.",
        "2. With the page: letsesign-verify page -o verify.html writes it. Open it in a browser and \
         choose the two files.",
        "3. The SHA-256 of the PDF that you have must be the one above.",
        "4. PCR0, PCR1 and PCR2 identify the enclave's image. Whoever builds the release from its \
         source code gets the same values.",
    ] {
        lines.push(Line::Text(way.to_owned()));
    }
    lines
}

fn document(report: &Report, lines: &mut Vec<Line>) {
    let summary = &report.spf.summary;
    // Of a path the name: folders are nobody's business.
    let path = Path::new(&report.input.pdf_name);
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = escape::line(&name.to_string_lossy());
    let size = report.input.pdf.len();
    lines.extend([
        Line::Heading("The document".to_owned()),
        Line::Field(
            "File",
            format!("{name} ({size} bytes). The name is not attested; the SHA-256 is."),
        ),
        Line::Field("SHA-256", Hash::of(&report.input.pdf).to_string()),
        Line::Field(
            "Mails from",
            summary.origin.as_ref().map_or_else(
                || "a version 1 summary does not say it".to_owned(),
                |origin| {
                    let domain = escape::line(&origin.email_domain);
                    format!("{domain}, sent with {}", origin.email_provider)
                },
            ),
        ),
        Line::Field("Magic number", summary.magic_number.to_string()),
    ]);
}

fn signers(report: &Report, lines: &mut Vec<Line>) {
    let summary = &report.spf.summary;
    lines.push(Line::Heading("Signers".to_owned()));
    for (index, signer) in summary.signers.iter().enumerate() {
        let number = index + 1;
        let (name, mail) = (escape::line(&signer.name), escape::line(&signer.email_addr));
        lines.push(Line::Text(format!("{number}. {name} <{mail}>")));
        let at = time::utc(signer.signing_time);
        lines.push(Line::Field(
            "   confirmed",
            format!("{at}, from {}", signer.ip_address),
        ));
        let facts = summary.facts.as_ref();
        if let Some(facts) = facts.and_then(|facts| facts.signers.get(index)) {
            let asked = time::utc(facts.por_time / 1000);
            let answered = time::utc(facts.answered_at / 1000);
            let round = facts.round;
            lines.push(Line::Field(
                "   asked",
                format!("{asked} (round {round}), answered {answered} by the signer's clock"),
            ));
        }
        if let Some(phone) = &signer.phone_number {
            lines.push(Line::Field("   phone", escape::line(phone)));
        }
        match signer.evidence {
            Some(evidence) => lines.extend([
                Line::Field("   checked by", evidence.checked_by.to_string()),
                Line::Field("   PoI hash", evidence.poi_hash.to_string()),
            ]),
            None => lines.push(Line::Field(
                "   checked",
                "a version 1 summary does not say how".to_owned(),
            )),
        }
    }
}

fn attestation(report: &Report, lines: &mut Vec<Line>) {
    lines.push(Line::Heading("The attestation".to_owned()));
    if let Some(attested) = &report.result.attested {
        let made = time::utc(attested.made());
        lines.push(Line::Field(
            "Signed",
            format!("{made} (by the clock of AWS Nitro)"),
        ));
    }
    let verified = time::utc(report.verified);
    lines.push(Line::Field(
        "Verified",
        format!("{verified} (by the clock of this machine)"),
    ));
    if let Some(entry) = report.result.release {
        let status = measurements::status(entry);
        lines.push(Line::Field(
            "Release",
            format!("{}, {status}", entry.release.ver_name),
        ));
    }
    if let Some(attested) = &report.result.attested {
        let names = ["PCR0", "PCR1", "PCR2"];
        for ((_, value), name) in attested.pcrs.numbered().into_iter().zip(names) {
            lines.push(Line::Field(name, value.to_string()));
        }
    }
}
