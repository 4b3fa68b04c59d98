//! Attacks, each against the real server.

use crate::model::Attempt;
use crate::play::{self, Stage};
use anyhow::{Result, bail};
use letsesign_proof::{Function, Hash, UserData};
use letsesign_testbed::{Attested, Json, pdf};

/// Runs attacks that a host, a stranger or another program might try.
pub(crate) async fn run(stage: &mut Stage, pois: &[Attested]) -> Result<Vec<Attempt>> {
    let mut attempts = Vec::new();
    let sealed = stage.sealed.clone();

    let mut job = sealed.send_req(0);
    job.set(
        "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.x",
        5_i64,
    );
    let why = "places of fields are bound by a hash inside the ciphertext";
    attempts.push(
        attempt(
            stage,
            "the host",
            "moves a signature to another place",
            "sendReq",
            &job,
            2005,
            why,
        )
        .await?,
    );

    let mut other = sealed.clone();
    other.replace("encryptedTemplateData", &pdf::document(1, 0));
    let why = "everybody can seal, but the document's hash is bound by the sender's secret part";
    let job = other.send_req(0);
    attempts.push(
        attempt(
            stage,
            "the host",
            "seals a document of its own into the task",
            "sendReq",
            &job,
            2006,
            why,
        )
        .await?,
    );

    let mut changed = stage.testbed.nsm.pcrs();
    changed[0][0] ^= 1;
    let mut list: Vec<Attested> = pois.to_vec();
    if let Some(first) = list.first_mut() {
        *first = forge(stage, first.result("poi"), changed)?;
    }
    let why = "the attestation document is genuine, but of no program that may confirm";
    let job = sealed.attach_esig(&list);
    attempts.push(
        attempt(
            stage,
            "another enclave",
            "attests a confirmation that nobody gave",
            "attachEsig",
            &job,
            2302,
            why,
        )
        .await?,
    );

    let mut swapped = pois.to_vec();
    swapped.reverse();
    if swapped.len() > 1 {
        let why = "each proof says whose it is, and its document vouches for it";
        let job = sealed.attach_esig(&swapped);
        attempts.push(
            attempt(
                stage,
                "the host",
                "swaps the signers' confirmations",
                "attachEsig",
                &job,
                2303,
                why,
            )
            .await?,
        );
    }

    // This comes last because another program runs from here on. It would do the same work, but KMS
    // refuses it.
    stage.restart(changed).await?;
    let why = "KMS compares PCR0 to PCR2 with the key policy, and gives it no data key";
    let job = sealed.send_req(0);
    attempts.push(
        attempt(
            stage,
            "the operator",
            "boots an image that differs in one bit",
            "sendReq",
            &job,
            2002,
            why,
        )
        .await?,
    );
    Ok(attempts)
}

/// A proof of intent attested by an enclave with other registers.
fn forge(stage: &Stage, poi: &[u8], pcrs: letsesign_testbed::Pcrs) -> Result<Attested> {
    let data = UserData::new(Function::ConfirmIntent, &[("poi", Hash::of(poi))]).to_json()?;
    let document = stage.testbed.nsm.attest(Some(data.as_bytes()), |document| {
        for (place, value) in document.pcrs.iter_mut().zip(pcrs) {
            place.1 = value.to_vec();
        }
    });
    Ok(Attested {
        results: vec![("poi".to_owned(), poi.to_vec())],
        document,
    })
}

async fn attempt(
    stage: &mut Stage,
    who: &'static str,
    what: &str,
    job_name: &'static str,
    job: &Json,
    expected: u16,
    why: &'static str,
) -> Result<Attempt> {
    let ran = stage.run(job_name, job).await?;
    let code = u64::from(play::code(&ran.result));
    if code == 0 {
        bail!("{who} {what}, and the server did not refuse it");
    }
    Ok(Attempt {
        who,
        what: what.to_owned(),
        job: job_name,
        expected,
        code,
        why,
    })
}
