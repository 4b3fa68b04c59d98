//! `attachEsig`: all signers have confirmed. Stamps the PDF, makes the summary, has both attested
//! and sends them to signers and sender.

use super::delivery::{Archives, Finished, deliver};
use super::drawing::magic_number;
use super::input::{Extra, Ids, TEXT, access};
use super::mails::{Mails, TaskView};
use super::proofs::Claim;
use super::{Data, fill_random, result};
use crate::failure::Failure;
use crate::kms::Access;
use crate::task::{Binding, Opened, Parts, Payload, Provider, SignerInfo, open};
use crate::tools::Tools;
use letsesign_job_protocol::fields::{FieldError, Fields};
use letsesign_job_protocol::{Code, JobResult};
use letsesign_kms::{encrypt, from_base64, to_base64};
use letsesign_mail::stem;
use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Function, Hash, MagicNumber, Origin, Poi, Spf, Summary,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "attachEsig";

pub(super) struct Input {
    ids: Ids,
    payload: Payload,
    /// PoI and document of each signer.
    proofs: Vec<(String, String)>,
    password: Zeroizing<String>,
}

pub(super) fn input(job: &Data<'_>) -> Result<(Input, Parts, Access), FieldError> {
    let data = &job.fields;
    let extra = data.object("extraData")?;
    Extra::parse(&extra)?;
    let proof = |raw| {
        let fields = Fields::of(raw)?;
        Ok((
            fields.text("poi", 1..=1024)?,
            fields.text("poiAttestDocument", 1..=10240)?,
        ))
    };
    let (payload, parts) = Payload::parse(data.raw("taskPayload")?, job.payload()?)?;
    let input = Input {
        ids: Ids::parse(data)?,
        proofs: data
            .list("proofList")?
            .into_iter()
            .map(proof)
            .collect::<Result<_, _>>()?,
        password: data.text("taskPassword", TEXT).map(Zeroizing::new)?,
        payload,
    };
    Ok((input, parts, access(&extra)?))
}

/// A signer who has confirmed.
struct Confirmed<'a> {
    info: &'a SignerInfo,
    poi: Poi,
    /// Hash of the PoI's bytes.
    poi_hash: Hash,
    /// When, in milliseconds since 1970.
    time: u64,
}

pub(super) async fn run(
    (input, parts, access): (Input, Parts, Access),
    tools: &Tools,
) -> Result<JobResult, Failure> {
    let mut task = open(&input.payload, parts, &access, tools).await?;
    let template = task.take_template();
    let confirmed = check(&input, &task, tools)?;
    let magic = magic_number()?;
    let times = confirmed.iter().map(|signer| signer.time / 1000).collect();
    let drawing = input.payload.drawing(&task);
    let pdf = drawing.sign(times, magic, template, tools).await?;
    let origin = Origin {
        payload_hash: input.payload.hash,
        email_provider: match task.email.provider() {
            Provider::Ses => EmailProvider::Ses,
            Provider::SendGrid => EmailProvider::SendGrid,
        },
        email_domain: task.email.domain().to_owned(),
    };
    let summary = summary(&task.binding, &confirmed, magic, origin)?;
    // Look for the key before the first mail: after the mails, its absence must not fail the job.
    let access_key = access_key(&task.binding)?;
    let mut iv = [0; 16];
    fill_random(&mut iv)?;
    let results = [("esigPDF", Hash::of(&pdf)), ("summary", summary.hash())];
    let attested = result::attest(Function::AttachEsig, &results, tools).await?;
    let spf = Spf {
        summary,
        attestation: attested.document,
    }
    .to_json()
    .map_err(|error| Failure::new(Code::SigningFailed, error))?;
    let password = input
        .payload
        .enhanced_privacy
        .then(|| input.password.clone());
    let name = stem(&task.config.file_name);
    let archives = Archives::pack(name, pdf, spf, password, tools).await?;
    let mails = Mails {
        tools,
        task: TaskView::of(&task, &input.payload, &input.ids.task),
    };
    tools.job.begin().await?;
    let signed: Vec<Finished<'_>> = confirmed
        .iter()
        .map(|signer| Finished {
            info: signer.info,
            time: signer.time / 1000,
        })
        .collect();
    deliver(&mails, &signed, archives.mailed).await;
    // After the mails, so that a slow provider does not hold the result's megabytes as well.
    // Nothing here can fail.
    let encrypted = to_base64(&encrypt(&access_key, &iv, &archives.plain));
    Ok(JobResult::success().with("encryptedResult", encrypted))
}

/// Check the signers' proofs in order: the first wrong one decides the code.
fn check<'a>(
    input: &Input,
    task: &'a Opened,
    tools: &Tools,
) -> Result<Vec<Confirmed<'a>>, Failure> {
    let signers = &task.config.signers;
    if input.proofs.len() != signers.len() {
        return Err(Failure::new(
            Code::ProofListLength,
            "proofList and signerInfoList differ in length",
        ));
    }
    if input.payload.signers.len() != signers.len() {
        return Err(Failure::new(
            Code::SignerListLength,
            "signerList and signerInfoList differ in length",
        ));
    }
    let mut confirmed = Vec::with_capacity(signers.len());
    let mut before = 0;
    for (index, ((poi, document), info)) in input.proofs.iter().zip(signers).enumerate() {
        let claim = Claim {
            function: Function::ConfirmIntent,
            proof: poi,
            document,
            code: Code::PoiInvalid,
        };
        let proof = claim.check(tools)?;
        let poi =
            Poi::parse(&proof.bytes).map_err(|error| Failure::new(Code::PoiInvalid, error))?;
        let content = |reason: &str| Failure::new(Code::PoiContent, reason);
        if !bool::from(poi.payload_hash.0.ct_eq(&input.payload.hash.0)) {
            return Err(content("the proof is for another payload"));
        }
        if usize::from(poi.signer_idx) != index {
            return Err(content("the proof is another signer's"));
        }
        if poi.por_time > proof.time {
            return Err(content("the confirmation is older than its request"));
        }
        if poi.task_hash.is_some_and(|hash| hash != input.ids.hash()) {
            return Err(content("taskID differs from the proof's"));
        }
        // The enclave that confirmed checked the number of this very payload, so this differs only
        // for a proof that should not exist.
        if poi
            .phone
            .is_some_and(|checked| !info.phone.as_deref().is_some_and(|own| checked.is(own)))
        {
            return Err(content("another phone number was checked"));
        }
        if input.payload.in_order && poi.por_time < before {
            return Err(Failure::new(
                Code::Order,
                "a signer was asked before the one before had confirmed",
            ));
        }
        before = proof.time;
        confirmed.push(Confirmed {
            info,
            poi,
            poi_hash: Hash::of(&proof.bytes),
            time: proof.time,
        });
    }
    Ok(confirmed)
}

fn summary(
    binding: &Binding,
    confirmed: &[Confirmed<'_>],
    magic: MagicNumber,
    origin: Origin,
) -> Result<Summary, Failure> {
    let signers = confirmed
        .iter()
        .map(|signer| {
            // A number is published only where this very number was checked, and the PoI says so.
            let phone_number = signer
                .info
                .phone
                .clone()
                .filter(|number| signer.poi.phone.is_some_and(|record| record.is(number)));
            letsesign_proof::Signer {
                name: signer.info.name.clone(),
                email_addr: signer.info.email.clone(),
                ip_address: signer.poi.ip_address.into(),
                signing_time: signer.time / 1000,
                evidence: Some(Evidence {
                    poi_hash: signer.poi_hash,
                    checked_by: match phone_number {
                        Some(_) => CheckedBy::MailAndSms,
                        None => CheckedBy::Mail,
                    },
                }),
                phone_number,
            }
        })
        .collect();
    Summary::new(signers, magic, binding.hash(), Some(origin))
        .map_err(|error| Failure::new(Code::SigningFailed, error))
}

/// The key that results are encrypted with: `base64(SHA-256(bearerSecret || bindingDataHash))`, as
/// the sender must have made it.
fn access_key(binding: &Binding) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let wrong = || Failure::new(Code::ResultEncryption, "accessKey is not what it should be");
    let found = from_base64(&binding.access_key, "accessKey").map_err(|_| wrong())?;
    let found = Zeroizing::new(found);
    let mut text = Zeroizing::new(binding.bearer_secret.as_bytes().to_vec());
    text.extend_from_slice(binding.hash().to_string().as_bytes());
    let expected = Zeroizing::new(Hash::of(&text).0);
    if bool::from(found.as_slice().ct_eq(expected.as_slice())) {
        Ok(expected)
    } else {
        Err(wrong())
    }
}
