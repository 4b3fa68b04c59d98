//! `attachEsig` after decryption.

use crate::{Rig, task};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::{Hash, Poi, Spf, UserData};
use letsesign_testbed::{Attested, Json, Sealed, Task, client, pdf};

async fn attach(rig: &Rig, sealed: &Sealed, pois: &[Attested]) -> u64 {
    rig.code("attachEsig", &sealed.attach_esig(pois)).await
}

/// A PoI with a document of the testbed's NSM.
fn forged(rig: &Rig, poi: &Poi) -> Attested {
    let bytes = poi.to_cbor().unwrap();
    let hash = Hash::of(&bytes);
    let user_data =
        format!(r#"{{"fnName":"confirmIntent","hashList":[{{"name":"poi","hash":"{hash}"}}]}}"#);
    Attested {
        results: vec![("poi".into(), bytes)],
        document: rig.testbed.nsm.attest(Some(user_data.as_bytes()), |_| {}),
    }
}

fn poi(attested: &Attested) -> Poi {
    Poi::parse(attested.result("poi")).unwrap()
}

#[tokio::test]
async fn proofs_are_checked_signer_by_signer() {
    let rig = Rig::start().await;
    let mut base = task().with_signers(2);
    base.in_order = true;
    let sealed = base.seal();
    let first = rig.confirmed(&sealed, 0).await;
    let second = rig.confirmed(&sealed, 1).await;
    let both = [first.clone(), second.clone()];

    assert_eq!(attach(&rig, &sealed, &both[..1]).await, 2301);
    let three = [first.clone(), second.clone(), second.clone()];
    assert_eq!(attach(&rig, &sealed, &three).await, 2301);

    // A PoR is not a PoI, a document belongs to its proof, and malformed proofs are invalid ones.
    let crossed = Attested {
        document: second.document.clone(),
        ..first.clone()
    };
    assert_eq!(
        attach(&rig, &sealed, &[crossed, second.clone()]).await,
        2302
    );
    for text in ["AAAA", "AAA", "\u{e9}"] {
        let mut job = sealed.attach_esig(&both);
        job.set("proofList.0.poi", text);
        assert_eq!(rig.code("attachEsig", &job).await, 2302, "{text}");
        let mut job = sealed.attach_esig(&both);
        job.set("proofList.1.poiAttestDocument", text);
        assert_eq!(rig.code("attachEsig", &job).await, 2302, "{text}");
    }

    // Another order of signers, another task, another payload, a confirmation before its request.
    let swapped = [second.clone(), first.clone()];
    assert_eq!(attach(&rig, &sealed, &swapped).await, 2303);
    let mut job = sealed.attach_esig(&both);
    job.set("taskID", "another");
    assert_eq!(rig.code("attachEsig", &job).await, 2303);
    assert_eq!(attach(&rig, &base.seal(), &both).await, 2303);
    let mut early = poi(&first);
    early.por_time += 86_400_000;
    let early = forged(&rig, &early);
    assert_eq!(attach(&rig, &sealed, &[early, second.clone()]).await, 2303);

    // Asked before the one before had confirmed.
    let mut hasty = poi(&second);
    hasty.por_time = poi(&first).por_time - 1;
    let hasty = forged(&rig, &hasty);
    assert_eq!(attach(&rig, &sealed, &[first.clone(), hasty]).await, 2304);

    // The first signer's proof decides before the server reads the second's.
    let mut job = sealed.attach_esig(&swapped);
    job.set("proofList.1.poi", "AAAA");
    assert_eq!(rig.code("attachEsig", &job).await, 2303);
    assert_eq!(rig.testbed.mailbox.count(), 2, "nothing was mailed");
    assert_eq!(attach(&rig, &sealed, &both).await, 0);
}

/// A proof with the hash of this task's payload: another template changes the payload, so the
/// proof must be forged to match.
fn proof_for(rig: &Rig, sealed: &Sealed, signer: u16, template: &Attested) -> Attested {
    let mut poi = poi(template);
    poi.payload_hash = Hash::parse(&sealed.payload_hash()).unwrap();
    poi.signer_idx = signer;
    forged(rig, &poi)
}

#[tokio::test]
async fn documents_and_keys_are_checked_before_anything_is_mailed() {
    let rig = Rig::start().await;
    let example = rig.confirmed(&task().seal(), 0).await;
    let count = rig.testbed.mailbox.count();

    let mut signed = task();
    signed.pdf.extend_from_slice(b"\nletsesign=true\n");
    let sealed = signed.seal();
    let proof = proof_for(&rig, &sealed, 0, &example);
    assert_eq!(attach(&rig, &sealed, &[proof]).await, 2105);

    let mut broken = task();
    broken.pdf = b"no PDF".to_vec();
    let sealed = broken.seal();
    let proof = proof_for(&rig, &sealed, 0, &example);
    assert_eq!(attach(&rig, &sealed, &[proof]).await, 2305);

    for key in [
        BASE64_STANDARD.encode([7; 32]),
        BASE64_STANDARD.encode([7; 31]),
        "no base64".into(),
    ] {
        let mut bound = task().parts().bind();
        bound.binding.set("bindingData.accessKey", key.as_str());
        let sealed = bound.seal();
        let proof = proof_for(&rig, &sealed, 0, &example);
        assert_eq!(attach(&rig, &sealed, &[proof]).await, 2306, "{key}");
    }

    let mut parts = task().with_signers(2).parts();
    parts.public.remove("templateInfo.signerList.1");
    let sealed = parts.bind().seal();
    let proofs = [0, 1].map(|signer| proof_for(&rig, &sealed, signer, &example));
    assert_eq!(attach(&rig, &sealed, &proofs).await, 2101);
    assert_eq!(rig.testbed.mailbox.count(), count);
}

async fn whole(rig: &Rig, base: &Task) -> client::Signed {
    client::sign(&rig.testbed, &base.seal()).await
}

#[tokio::test]
async fn all_get_the_document_and_its_proof() {
    let rig = Rig::start().await;
    let mut base = Task::new(pdf::document(3, 0)).with_signers(2);
    base.notificant = "office@example.com".into();
    base.notificant_locale = "zh-TW".into();
    base.file_name = "\u{5951}\u{7d04}.v1.pdf".into();
    let before = rig.testbed.mailbox.count();
    let signed = whole(&rig, &base).await;
    let names: Vec<&str> = signed.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["\u{5951}\u{7d04}.v1.pdf", "\u{5951}\u{7d04}.v1.spf"]
    );
    let (pdf, spf) = (&signed.files[0].1, Spf::parse(&signed.files[1].1).unwrap());
    assert!(pdf.ends_with(b"letsesign=true\n"));
    let document = letsesign_nsm::document::Unverified::parse(&spf.attestation).unwrap();
    UserData::parse(document.user_data.unwrap())
        .unwrap()
        .expect(
            letsesign_proof::Function::AttachEsig,
            &[("esigPDF", Hash::of(pdf)), ("summary", spf.summary.hash())],
        )
        .unwrap();
    assert_eq!(spf.summary.signers[1].name, "Signer B");
    assert_eq!(spf.summary.signers[1].signing_time, {
        let poi = letsesign_nsm::document::Unverified::parse(&signed.pois[1].document).unwrap();
        poi.timestamp / 1000
    });

    // received, two requests, two confirmations, and the three of the end.
    let mails = rig.testbed.mailbox.since(before);
    let last: Vec<_> = mails.iter().rev().take(3).collect();
    let mut recipients: Vec<&str> = last
        .iter()
        .map(|mail| mail.recipients[0].as_str())
        .collect();
    recipients.sort_unstable();
    assert_eq!(
        recipients,
        [
            "office@example.com",
            "signer0@example.com",
            "signer1@example.com"
        ]
    );
    for mail in last {
        let parsed = mail.parsed();
        let zip = &parsed.attachments[0];
        assert_eq!(zip.name, "\u{5951}\u{7d04}.v1.zip");
        assert_eq!(client::unzip(&zip.bytes, None), signed.files);
    }
}

#[tokio::test]
async fn with_enhanced_privacy_mails_need_the_password() {
    let rig = Rig::start().await;
    let mut base = task();
    base.enhanced_privacy = true;
    base.password = "p\u{e4}ss word".into();
    let signed = whole(&rig, &base).await;
    let mails = rig.testbed.mailbox.mails();
    let preview = &mails[0].parsed().attachments[0].bytes.clone();
    assert!(preview.windows(8).any(|window| window == b"/Encrypt"));
    let last = mails.last().unwrap().parsed();
    let zip = &last.attachments[0];
    assert_eq!(zip.name, "contract (signer0@example.com).zip");
    assert_eq!(
        client::unzip(&zip.bytes, Some("p\u{e4}ss word")),
        signed.files
    );
}

/// The relying party's verifier accepts the enclave's results.
#[tokio::test]
async fn a_job_with_unknown_members_is_the_same_job() {
    let rig = Rig::start().await;
    let sealed = task().seal();
    let proof = rig.confirmed(&sealed, 0).await;
    let mut job = sealed.attach_esig(&[proof]);
    job.add("more", Json::raw("[1e-7]"));
    let result = rig.result("attachEsig", &job).await;
    assert_eq!(result["code"], 0, "{result}");
    let members: Vec<&String> = result.as_object().unwrap().keys().collect();
    assert_eq!(members, ["code", "encryptedResult"]);
}
