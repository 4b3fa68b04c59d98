//! `attachEsig` of protocol 2: all signers have confirmed.

use super::open::{Opened, open};
use super::payload::{Payload, SentProof};
use super::proofs::{self, Confirmed};
use super::undefined;
use crate::failure::Failure;
use crate::functions::Data;
use crate::functions::delivery::{Archives, Finished, deliver};
use crate::functions::drawing::magic_number;
use crate::functions::result::attest_bound;
use crate::tools::Tools;
use letsesign_job_protocol::fields::{FieldError, Fields};
use letsesign_job_protocol::{Code, JobResult};
use letsesign_kms::to_base64;
use letsesign_mail::stem;
use letsesign_proof::protocol2::{New, SignerFacts, TaskFacts};
use letsesign_proof::{EmailProvider, Evidence, Function, Hash, MagicNumber, Signer, Spf, Summary};
use letsesign_protocol2::{EmailAccount, Part};

pub(super) fn input(job: &Data<'_>) -> Result<(Payload, Vec<SentProof>), FieldError> {
    let proofs = job
        .fields
        .list("proofs")?
        .into_iter()
        .map(|raw| SentProof::parse(&Fields::of(raw)?, "poi", "poiDocument"))
        .collect::<Result<_, _>>()?;
    Ok((Payload::parse_with_document(job)?, proofs))
}

pub(super) async fn run(
    (payload, proofs): (Payload, Vec<SentProof>),
    tools: &Tools,
) -> Result<JobResult, Failure> {
    let mut opened = open(payload, false, tools).await?;
    let confirmed = check(&proofs, &opened, tools)?;
    let magic = magic_number()?;
    let times = confirmed.iter().map(|one| one.time / 1000).collect();
    let document = opened.take_document();
    let pdf = opened.drawing().sign(times, magic, document, tools).await?;
    let summary = summary(&opened, &confirmed, magic)?;
    let results = [("esigPDF", Hash::of(&pdf)), ("summary", summary.hash())];
    let binding = Some(opened.binding);
    let attested = attest_bound(Function::AttachEsig, binding, &results, tools).await?;
    let spf = Spf {
        summary,
        attestation: attested.document,
    }
    .to_json()
    .map_err(|error| Failure::new(Code::SigningFailed, error))?;
    let name = stem(&opened.configuration.file_name);
    let archives = Archives::pack(name, pdf, spf, opened.password(), tools).await?;
    // Sealed before the first mail: after the mails nothing may fail.
    let sealed = opened
        .root
        .seal_for_sender(Part::Result, opened.binding, &archives.plain)
        .map_err(|error| Failure::new(Code::ResultEncryption, error))?;
    tools.job.begin().await?;
    let mails = opened.mails(tools);
    let signed: Vec<Finished<'_>> = opened
        .signers
        .iter()
        .zip(&confirmed)
        .map(|(info, one)| Finished {
            info,
            time: one.time / 1000,
        })
        .collect();
    deliver(&mails, &signed, archives.mailed).await;
    Ok(JobResult::success().with("encryptedResult", to_base64(&sealed)))
}

/// Checks the proofs in the signers' order: the first wrong one decides the code.
fn check(sent: &[SentProof], opened: &Opened, tools: &Tools) -> Result<Vec<Confirmed>, Failure> {
    if sent.len() != opened.signers.len() {
        return Err(Failure::new(
            Code::ProofListLength,
            "proofs and signers differ in number",
        ));
    }
    let mut confirmed: Vec<Confirmed> = Vec::with_capacity(sent.len());
    for (number, sent) in sent.iter().enumerate() {
        let one = proofs::poi(sent, number, opened, tools)?;
        let before = confirmed.last().map(|before| before.hash);
        let follows = before.filter(|_| opened.header.header().in_order);
        if one.poi.previous != follows {
            return Err(Failure::new(
                Code::Order,
                "a signer was asked before the one before had confirmed",
            ));
        }
        confirmed.push(one);
    }
    Ok(confirmed)
}

fn summary(
    opened: &Opened,
    confirmed: &[Confirmed],
    magic: MagicNumber,
) -> Result<Summary, Failure> {
    let signers = opened.signers.iter().zip(confirmed);
    let signers = signers.map(|(info, one)| Signer {
        name: info.name.clone(),
        email_addr: info.email.clone(),
        ip_address: one.poi.ip_address,
        signing_time: one.time / 1000,
        // A number is published only where this very number was checked.
        phone_number: info.phone.clone().filter(|_| one.poi.phone.is_some()),
        evidence: Some(Evidence {
            poi_hash: one.hash,
            checked_by: one.poi.checked_by(),
        }),
    });
    let facts = confirmed.iter().map(|one| SignerFacts {
        round: one.poi.request.round,
        por_time: one.poi.por_time,
        answered_at: one.poi.answered_at,
    });
    Summary::protocol2(New {
        signers: signers.collect(),
        magic_number: magic,
        binding: opened.binding,
        email_provider: match &*opened.account.email {
            EmailAccount::Ses { .. } => EmailProvider::Ses,
            EmailAccount::Sendgrid { .. } => EmailProvider::SendGrid,
        },
        email_domain: opened.configuration.domain.clone(),
        facts: TaskFacts {
            account: opened.header.header().account,
            in_order: opened.header.header().in_order,
            statements: opened.statements.hash(),
            signers: facts.collect(),
        },
    })
    .map_err(undefined)
}
