//! `attachEsig`: all have confirmed. The PDF is stamped, the summary made, both attested; signers and sender get them.

use super::input::{Extra, Ids, TEXT, access};
use super::mails::Mails;
use super::proofs::Claim;
use super::{Failure, Tools, compute, limits, refuse_signed, result};
use crate::archive::{Archive, archive};
use crate::mailer::MailFailure;
use crate::task::{Access, Binding, Document, Opened, Parts, Payload, Provider, SignerInfo, open};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use letsesign_job::fields::{FieldError, Fields};
use letsesign_job::{Code, Job, JobResult};
use letsesign_kms::{encrypt, from_base64, to_base64};
use letsesign_mail::{Signature, stem};
use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Function, Hash, MagicNumber, Origin, Poi, Spf, Summary,
};
use letsesign_stamp::{Error as StampError, Output, Signer, Template, What};
use letsesign_utc::Utc;
use serde_json::value::RawValue;
use subtle::ConstantTimeEq;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "attachEsig";

/// Mails that are under way at a time.
const MAILS: usize = 2;

struct Input {
    ids: Ids,
    payload: Payload,
    /// PoI and document of each signer.
    proofs: Vec<(String, String)>,
    password: Zeroizing<String>,
}

fn input(raw: &RawValue) -> Result<(Input, Parts, Access), FieldError> {
    let data = Fields::of(raw)?;
    let extra = data.object("extraData")?;
    Extra::parse(&extra)?;
    let proof = |raw| {
        let fields = Fields::of(raw)?;
        Ok((
            fields.text("poi", 1..=1024)?,
            fields.text("poiAttestDocument", 1..=10240)?,
        ))
    };
    let (payload, parts) = Payload::parse(data.raw("taskPayload")?)?;
    let input = Input {
        ids: Ids::parse(&data)?,
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

pub(crate) async fn run(job: Job, tools: &Tools) -> Result<JobResult, Failure> {
    let (input, parts, access) = input(job.data())?;
    drop(job);
    let mut task = open(&input.payload, parts, &access, tools).await?;
    let template = task.take_template();
    let confirmed = check(&input, &task, tools)?;
    let magic = magic_number()?;
    let pdf = sign(&input, template, &confirmed, magic, tools).await?;
    let origin = Origin {
        payload_hash: input.payload.hash,
        email_provider: match task.email.provider() {
            Provider::Ses => EmailProvider::Ses,
            Provider::SendGrid => EmailProvider::SendGrid,
        },
        email_domain: task.email.domain().to_owned(),
    };
    let summary = summary(&task.binding, &confirmed, magic, origin)?;
    // Found before anything is mailed: after the mails the job must not fail for it.
    let access_key = access_key(&task.binding)?;
    let mut iv = [0; 16];
    getrandom::fill(&mut iv)
        .map_err(|_| Failure::new(Code::Undefined, "there are no random numbers"))?;
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
    let time = tools.nsm.clock().seconds();
    let archives = compute(tools, move || {
        let password = password.as_ref().map(|password| password.as_str());
        archives(&name, &pdf, &spf, password, time)
    })
    .await?;
    let mails = Mails {
        tools,
        task: &task,
        payload: &input.payload,
        task_id: &input.ids.task,
    };
    tools.job.begin().await?;
    // As many as the job's time allows: the result is there anyway.
    let until = tools.job.mails_until().into();
    let mailed = deliver(&mails, &confirmed, archives.mailed);
    if timeout_at(until, mailed).await.is_err() {
        tracing::warn!("not all mails with a signed document were sent in the job's time");
    }
    // After the mails, so that a slow provider does not hold the result's megabytes as well. Nothing here can fail.
    let encrypted = to_base64(&encrypt(&access_key, &iv, &archives.plain));
    Ok(JobResult::success().with("encryptedResult", encrypted))
}

/// Every signer's proof, one after the other: the first that is wrong decides the code.
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
            return Err(content("taskID is another one"));
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

fn magic_number() -> Result<MagicNumber, Failure> {
    let mut magic = MagicNumber([0; 32]);
    getrandom::fill(&mut magic.0)
        .map_err(|_| Failure::new(Code::Undefined, "there are no random numbers"))?;
    Ok(magic)
}

async fn sign(
    input: &Input,
    pdf: Document,
    confirmed: &[Confirmed<'_>],
    magic: MagicNumber,
    tools: &Tools,
) -> Result<Vec<u8>, Failure> {
    let fields = input.payload.signers.clone();
    let shown: Vec<(String, String)> = confirmed
        .iter()
        .map(|signer| {
            let utc = Utc::of(signer.time / 1000);
            let date = format!("{:04}/{:02}/{:02} (UTC)", utc.year, utc.month, utc.day);
            (signer.info.name.clone(), date)
        })
        .collect();
    let fonts = tools.fonts.clone();
    let stop = tools.job.stop().clone();
    compute(tools, move || {
        refuse_signed(&pdf)?;
        // The reason would tell the console what is in the document.
        let failed = |_: StampError| Failure::new(Code::SigningFailed, "the PDF cannot be stamped");
        let magic = magic.to_string();
        let signers: Vec<Signer<'_>> = (1..)
            .zip(shown.iter().zip(&fields))
            .map(|(number, ((name, date), fields))| Signer {
                number,
                name,
                fields,
                what: What::Signed {
                    magic_number: &magic,
                    date,
                },
            })
            .collect();
        let stopped = || stop.is_stopped();
        let template = Template::open_within(&pdf, limits(&stopped)).map_err(failed)?;
        template
            .stamp(&fonts, &signers, Output::Signed)
            .map_err(failed)
    })
    .await
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
                ip_address: signer.poi.ip_address,
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

/// The key that results are encrypted with: `base64(SHA-256(bearerSecret || bindingDataHash))`, as the sender must have made it.
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

struct Archives {
    /// For the mails; encrypted with the task's password where privacy is enhanced.
    mailed: Bytes,
    /// For the sender. The same one where it may be.
    plain: Bytes,
}

fn archives(
    name: &str,
    pdf: &[u8],
    spf: &str,
    password: Option<&str>,
    time: u64,
) -> Result<Archives, Failure> {
    let failed = |error: crate::archive::Error| Failure::new(Code::ResultEncryption, error);
    let contents = |password| Archive {
        name,
        pdf,
        spf: spf.as_bytes(),
        password,
        time,
    };
    let plain = Bytes::from(archive(&contents(None)).map_err(failed)?);
    let mailed = match password {
        Some(_) => archive(&contents(password)).map_err(failed)?.into(),
        None => plain.clone(),
    };
    Ok(Archives { mailed, plain })
}

/// Mails the archive to whoever wanted to be told and to every signer, as well as that goes: the sender has the result anyway.
async fn deliver(mails: &Mails<'_>, confirmed: &[Confirmed<'_>], archive: Bytes) {
    let signatures: Vec<Signature<'_>> = confirmed
        .iter()
        .map(|signer| Signature {
            name: &signer.info.name,
            time: Some(signer.time / 1000),
        })
        .collect();
    let mut all: Vec<BoxFuture<'_, Result<(), MailFailure>>> =
        vec![mails.finished(&signatures, archive.clone()).boxed()];
    for signer in confirmed {
        let mail = mails.done(signer.info, &signatures, archive.clone());
        all.push(mail.boxed());
    }
    let mut all = all.into_iter();
    loop {
        let some: Vec<_> = all.by_ref().take(MAILS).collect();
        if some.is_empty() {
            return;
        }
        for error in join_all(some).await.into_iter().filter_map(Result::err) {
            tracing::warn!("a mail with a signed document is not sent: {error}");
        }
    }
}
