//! Renders the page as a single self-contained file.

mod diagram;

use crate::model::{Crossing, Party, Step, Story};
use crate::pictures::Picture;
use crate::play::meaning;
use crate::verdict::Verdicts;
use crate::{show, story};
use anyhow::{Context, Result};
use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_nsm::document::Unverified;
use letsesign_proof::Spf;

#[derive(Template)]
#[template(path = "index.html")]
struct Page<'a> {
    style: &'static str,
    story: &'a Story,
    verdicts: &'a Verdicts,
    pdf_url: String,
    spf_url: String,
    map: String,
    /// HTML of the steps.
    steps: String,
    pictures: Vec<Embedded>,
    preview: Option<Embedded>,
    pages: i64,
    seconds: String,
    jobs: usize,
    mails: usize,
    host_size: String,
    proof: Vec<Member>,
    people: Vec<Person>,
    magic: String,
}

/// A step with its diagram.
struct Shown<'a> {
    number: usize,
    step: &'a Step,
    time: String,
    code: Option<(&'static str, u16, &'static str)>,
    diagram: String,
}

struct Embedded {
    page: i64,
    data: String,
}

/// A member of the proof: name, value and meaning.
struct Member {
    name: &'static str,
    value: String,
    says: &'static str,
}

struct Person {
    name: String,
    address: String,
    ip: String,
    time: String,
    phone: String,
}

#[derive(Template)]
#[template(path = "step.html")]
struct StepTemplate<'a> {
    shown: &'a Shown<'a>,
}

/// Renders the page.
pub(crate) fn render(
    story: &Story,
    verdicts: &Verdicts,
    pictures: &[Picture],
    preview: Option<&Picture>,
    pages: i64,
    seconds: f64,
) -> Result<String> {
    let spf = Spf::parse(&story.spf.1).context("a proof that cannot be read")?;
    let steps = (1..).zip(&story.steps).map(|(number, step)| Shown {
        number,
        step,
        time: step.millis.map(show::millis).unwrap_or_default(),
        code: step
            .job
            .map(|(name, code)| (name, code, meaning(u64::from(code)))),
        diagram: diagram::sequence(&step.crossings),
    });
    let steps = steps
        .map(|shown| StepTemplate { shown: &shown }.render())
        .collect::<askama::Result<String>>()
        .context("cannot make the page")?;
    let people = spf.summary.signers.iter().map(|signer| Person {
        name: signer.name.clone(),
        address: signer.email_addr.clone(),
        ip: signer.ip_address.to_string(),
        time: show::time(signer.signing_time),
        phone: signer.phone_number.clone().unwrap_or_default(),
    });
    let page = Page {
        style: include_str!("../../templates/style.css"),
        story,
        verdicts,
        // A name may look like a URL scheme: "a:b.pdf".
        pdf_url: format!("./{}", show::url(&story.pdf.0)),
        spf_url: format!("./{}", show::url(&story.spf.0)),
        map: diagram::map(),
        steps,
        pictures: pictures.iter().map(embed).collect(),
        preview: preview.map(embed),
        pages,
        seconds: format!("{seconds:.1} s"),
        jobs: story.steps.iter().filter(|step| step.job.is_some()).count(),
        mails: story::letters(story).count(),
        host_size: show::size(story.host_bytes),
        proof: proof(&spf)?,
        people: people.collect(),
        magic: spf.summary.magic_number.on_page(),
    };
    page.render().context("cannot make the page")
}

fn embed(picture: &Picture) -> Embedded {
    Embedded {
        page: picture.page,
        data: format!(
            "data:image/png;base64,{}",
            BASE64_STANDARD.encode(&picture.png)
        ),
    }
}

fn proof(spf: &Spf) -> Result<Vec<Member>> {
    let document = Unverified::parse(&spf.attestation)
        .context("an attestation document that cannot be read")?;
    let mut members = vec![
        Member {
            name: "summary.magicNumber",
            value: spf.summary.magic_number.to_string(),
            says: "32 random bytes, made for this document. The pages show the first 32 digits beside each signature.",
        },
        Member {
            name: "summary.bindingDataHash",
            value: spf.summary.binding_data_hash.to_string(),
            says: "What the sender asked for: order, configuration, places of fields, document. The sender can show that it was this task.",
        },
        Member {
            name: "attestDoc.user_data",
            value: String::from_utf8_lossy(document.user_data.unwrap_or_default()).into_owned(),
            says: "What the enclave attested: the hashes of this PDF and of this summary. Nothing else passes.",
        },
        Member {
            name: "attestDoc.timestamp",
            value: format!(
                "{} = {}",
                document.timestamp,
                show::time(document.timestamp / 1000)
            ),
            says: "By the clock of the Nitro hypervisor. Certificates and the release are checked as of this moment, so the proof does not expire.",
        },
    ];
    let registers = [
        ("attestDoc.pcrs[0]", "PCR0: the whole enclave image."),
        ("attestDoc.pcrs[1]", "PCR1: its kernel and boot ramdisk."),
        (
            "attestDoc.pcrs[2]",
            "PCR2: its application. With PCR0 and PCR1 it names the release; anybody can rebuild the image and compare.",
        ),
    ];
    for (number, (name, says)) in (0_u8..).zip(registers) {
        let value = document.pcrs.get(&number).copied().unwrap_or_default();
        members.push(Member {
            name,
            value: hex::encode(value),
            says,
        });
    }
    members.push(Member {
        name: "attestDoc, signature and certificates",
        value: format!("{} of COSE_Sign1, ES384", show::size(spf.attestation.len() as u64)),
        says: "Signed by the Nitro Security Module, whose certificates lead to a root: AWS's in production, a test root here.",
    });
    Ok(members)
}

/// The columns for a list of messages; includes the host if it carries any of them.
fn parties(crossings: &[Crossing]) -> Vec<Party> {
    let takes_part = |party: &Party| {
        crossings.iter().any(|crossing| {
            let carries = *party == Party::Host && crossing.by_host();
            carries || crossing.from == *party || crossing.to == *party
        })
    };
    Party::ALL.into_iter().filter(takes_part).collect()
}

#[cfg(test)]
mod tests;
