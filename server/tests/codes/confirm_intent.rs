//! `confirmIntent` after decryption.

use crate::{Rig, task};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::{Hash, Poi, Por};
use letsesign_testbed::twilio::PIN;
use letsesign_testbed::{Attested, Fault, Json, Options, Sealed, Server, Testbed};

const PHONE: &str = "+886912345678";
const DAY: i64 = 86_400_000;

fn user_data(function: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"fnName":"{function}","hashList":[{{"name":"{name}","hash":"{}"}}]}}"#,
        Hash::of(bytes)
    )
    .into_bytes()
}

/// A proof of arbitrary content, with a document of the testbed's NSM.
fn forged(rig: &Rig, por: &[u8], user_data: &[u8]) -> Attested {
    Attested {
        results: vec![("por".into(), por.to_vec())],
        document: rig.testbed.nsm.attest(Some(user_data), |_| {}),
    }
}

/// A document of the NSM's present time, which sets the server's clock.
async fn set_clock(rig: &Rig) {
    let nonce = Json::object([("nonce", BASE64_STANDARD.encode([1; 16]).into())]);
    assert_eq!(rig.code("selfTest", &nonce).await, 0);
}

async fn confirm(rig: &Rig, sealed: &Sealed, secret: &str, por: &Attested) -> u64 {
    rig.code("confirmIntent", &sealed.confirm_intent(secret, por))
        .await
}

#[tokio::test]
async fn documents_that_prove_nothing_are_2201() {
    let rig = Rig::start().await;
    let sealed = task().seal();
    let (good, secret) = rig.asked(&sealed, 0).await;
    let por = good.result("por").to_vec();
    let right = user_data("sendReq", "por", &por);
    assert_eq!(
        confirm(&rig, &sealed, &secret, &forged(&rig, &por, &right)).await,
        0
    );

    // Another function, another name, another hash, one more of them, another spelling, none.
    let hash = Hash::of(&por);
    for text in [
        user_data("confirmIntent", "por", &por),
        user_data("attachEsig", "por", &por),
        user_data("sendReq", "poi", &por),
        user_data("sendReq", "por", b"another"),
        format!(
            r#"{{"fnName":"sendReq","hashList":[{{"name":"por","hash":"{hash}"}},{{"name":"x","hash":"{hash}"}}]}}"#
        )
        .into_bytes(),
        format!(r#"{{"fnName": "sendReq","hashList":[{{"name":"por","hash":"{hash}"}}]}}"#)
            .into_bytes(),
        br#"{"fnName":"sendReq","hashList":[]}"#.to_vec(),
        b"nonsense".to_vec(),
    ] {
        let proof = forged(&rig, &por, &text);
        assert_eq!(confirm(&rig, &sealed, &secret, &proof).await, 2201);
    }

    // Documents of others: another image, debug mode, a changed byte, the future, an algorithm that
    // was not asked for.
    type Change = fn(&mut letsesign_test_authority::Document);
    let changes: [Change; 7] = [
        |document| document.pcrs[0].1 = vec![0x77; 48],
        |document| document.pcrs[2].1 = vec![0x77; 48],
        |document| {
            for pcr in document.pcrs.iter_mut().take(3) {
                pcr.1 = vec![0; 48];
            }
        },
        |document| document.signature = Some(vec![1; 96]),
        |document| document.protected = vec![0xa1, 0x01, 0x26],
        |document| document.module_id = String::new(),
        |document| document.behind = vec![0],
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let proof = Attested {
            results: vec![("por".into(), por.clone())],
            document: rig.testbed.nsm.attest(Some(&right), change),
        };
        assert_eq!(
            confirm(&rig, &sealed, &secret, &proof).await,
            2201,
            "change {number}"
        );
    }
    rig.testbed.nsm.clock().set_offset(2 * 3_600_000);
    let future = forged(&rig, &por, &right);
    rig.testbed.nsm.clock().set_offset(0);
    assert_eq!(confirm(&rig, &sealed, &secret, &future).await, 2201);

    // Text that is not base64, and bytes that are not a proof.
    for (member, text) in [
        ("por", "AAA"),
        ("por", "\u{e9}"),
        ("porAttestDocument", "AAAA"),
        ("porAttestDocument", "AAAA\n"),
    ] {
        let mut job = sealed.confirm_intent(&secret, &good);
        job.set(member, text);
        assert_eq!(
            rig.code("confirmIntent", &job).await,
            2201,
            "{member} {text}"
        );
    }
    for por in [&b""[..], b"\xa0", b"\xff", &[&por[..], b"\0"].concat()] {
        let proof = forged(&rig, por, &user_data("sendReq", "por", por));
        if por.is_empty() {
            continue; // an empty text is a matter of the schema
        }
        assert_eq!(confirm(&rig, &sealed, &secret, &proof).await, 2201);
    }
}

#[tokio::test]
async fn requests_for_something_else_are_2202() {
    let rig = Rig::start().await;
    let sealed = task().seal();
    let (por, secret) = rig.asked(&sealed, 0).await;
    assert_eq!(confirm(&rig, &sealed, "another", &por).await, 2202);
    // The same task sealed again has another payload.
    assert_eq!(confirm(&rig, &task().seal(), &secret, &por).await, 2202);
    let mut job = sealed.confirm_intent(&secret, &por);
    job.set("taskID", "another");
    assert_eq!(rig.code("confirmIntent", &job).await, 2202);
    // An index without a signer.
    let mut proof = Por::parse(por.result("por")).unwrap();
    proof.signer_idx = 7;
    let bytes = proof.to_cbor().unwrap();
    let proof = forged(&rig, &bytes, &user_data("sendReq", "por", &bytes));
    assert_eq!(confirm(&rig, &sealed, &secret, &proof).await, 2202);
}

/// Proofs of earlier releases neither bind a task nor expire; they stay valid.
#[tokio::test]
async fn proofs_without_the_later_members_are_accepted() {
    let rig = Rig::with(&[("kms-document-ms", "1")]).await;
    let sealed = task().seal();
    let (por, secret) = rig.asked(&sealed, 0).await;
    let mut proof = Por::parse(por.result("por")).unwrap();
    (proof.task_hash, proof.expiry_time) = (None, None);
    let bytes = proof.to_cbor().unwrap();
    let old = forged(&rig, &bytes, &user_data("sendReq", "por", &bytes));
    rig.testbed.nsm.clock().set_offset(185 * DAY);
    rig.testbed.kms.clock().set_offset(185 * DAY);
    set_clock(&rig).await;
    assert_eq!(confirm(&rig, &sealed, &secret, &old).await, 0);
}

#[tokio::test]
async fn a_request_expires() {
    let rig = Rig::with(&[("kms-document-ms", "1")]).await;
    let sealed = task().seal();
    let (por, secret) = rig.asked(&sealed, 0).await;
    for (days, code) in [(179, 0), (181, 2201)] {
        rig.testbed.nsm.clock().set_offset(days * DAY);
        rig.testbed.kms.clock().set_offset(days * DAY);
        set_clock(&rig).await;
        assert_eq!(
            confirm(&rig, &sealed, &secret, &por).await,
            code,
            "{days} days"
        );
    }
}

#[tokio::test]
async fn a_phone_is_checked() {
    let rig = Rig::start().await;
    let sealed = task().with_phone(0, PHONE).seal();
    let (por, secret) = rig.asked(&sealed, 0).await;
    let job = sealed.confirm_intent(&secret, &por);
    let result = rig.result("confirmIntent", &job).await;
    assert_eq!(result["code"], 2203);
    let sid = result["twilioVerificationSID"].as_str().unwrap().to_owned();
    assert_eq!(result.as_object().unwrap().len(), 2, "{result}");
    let sms = rig.testbed.twilio.sms();
    assert_eq!(
        (sms.len(), sms[0].to.as_str(), sms[0].channel.as_str()),
        (1, PHONE, "sms")
    );
    // Not twice in a row.
    assert_eq!(rig.code("confirmIntent", &job).await, 2205);
    assert_eq!(rig.testbed.twilio.sms().len(), 1);

    // Either of the two alone counts as missing.
    let mut half = job.clone();
    half.add("twilioVerificationSID", &sid);
    assert_eq!(rig.code("confirmIntent", &half).await, 2205);

    let with = |sid: &str, pin: &str| {
        let mut job = job.clone();
        job.add("twilioVerificationSID", sid);
        job.add("twilioVerificationPIN", pin);
        job
    };
    assert_eq!(rig.code("confirmIntent", &with(&sid, "000000")).await, 2204);
    assert_eq!(
        rig.code("confirmIntent", &with("VEunknown", PIN)).await,
        2204
    );
    let result = rig.result("confirmIntent", &with(&sid, PIN)).await;
    let poi = Attested::of(&result);
    let poi = Poi::parse(poi.result("poi")).unwrap();
    assert!(poi.phone.unwrap().is(PHONE));
    // The PIN is used up.
    assert_eq!(rig.code("confirmIntent", &with(&sid, PIN)).await, 2204);
}

#[tokio::test]
async fn what_twilio_refuses_has_its_code() {
    let rig = Rig::start().await;
    let base = task().with_phone(0, PHONE);
    let sealed = base.seal();
    let (por, secret) = rig.asked(&sealed, 0).await;
    let job = sealed.confirm_intent(&secret, &por);

    rig.testbed.twilio.change(|account| {
        for service in account.services.values_mut() {
            service.code_length = 4;
        }
    });
    assert_eq!(rig.code("confirmIntent", &job).await, 2012);
    rig.testbed.twilio.change(|account| {
        for service in account.services.values_mut() {
            service.code_length = 6;
            service.friendly_name = "Another".into();
        }
    });
    assert_eq!(rig.code("confirmIntent", &job).await, 2012);
    rig.testbed.twilio.change(|account| {
        for service in account.services.values_mut() {
            service.friendly_name = "Let's eSign".into();
        }
        account.refused.push(PHONE.into());
    });
    assert_eq!(rig.code("confirmIntent", &job).await, 2205);
    rig.testbed.twilio.change(|account| account.refused.clear());
    let busy = Fault::Answer(letsesign_testbed::Answer::status(503));
    rig.testbed.twilio.faults().always(busy);
    assert_eq!(rig.code("confirmIntent", &job).await, 2205);
    rig.testbed.twilio.faults().clear();

    // An SMS that did not go out does not count: this one does.
    let result = rig.result("confirmIntent", &job).await;
    assert_eq!(result["code"], 2203);
    rig.testbed.twilio.change(|account| account.keys.clear());
    let mut pin = job.clone();
    let sid = result["twilioVerificationSID"].as_str().unwrap();
    pin.add("twilioVerificationSID", sid);
    pin.add("twilioVerificationPIN", PIN);
    assert_eq!(rig.code("confirmIntent", &pin).await, 2011);

    let other = base.seal();
    let (por, secret) = rig.asked(&other, 0).await;
    let job = other.confirm_intent(&secret, &por);
    assert_eq!(rig.code("confirmIntent", &job).await, 2011);
}

#[tokio::test]
async fn several_signers_are_reported_one_by_one() {
    let rig = Rig::start().await;
    let mut base = task().with_signers(2);
    base.notificant = "office@example.com".into();
    let sealed = base.seal();
    let before = rig.testbed.mailbox.count();
    rig.confirmed(&sealed, 0).await;
    let mails = rig.testbed.mailbox.since(before);
    let notices: Vec<_> = mails
        .iter()
        .filter(|mail| mail.recipients == ["office@example.com"])
        .collect();
    // "received" and "signed".
    assert_eq!(notices.len(), 2);
    let text = notices[1].parsed().text.unwrap();
    assert!(
        text.contains("Signer A (20") && text.contains(" UTC)"),
        "{text}"
    );
}

/// This image finishes a task that a listed image began.
#[tokio::test]
async fn proofs_of_a_listed_image_are_accepted() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let configs = tempfile::tempdir().unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../enclave/configs");
    for entry in std::fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), configs.path().join(entry.file_name())).unwrap();
    }
    let pcr = "77".repeat(48);
    let list = format!(
        "[[release]]\nname = \"before\"\npcr0 = \"{pcr}\"\npcr1 = \"{pcr}\"\npcr2 = \"{pcr}\"\n"
    );
    std::fs::write(configs.path().join("compatible.toml"), list).unwrap();
    let folder = configs.path().to_str().unwrap();
    let program = env!("CARGO_BIN_EXE_letsesign-server").as_ref();
    let server = Server::with(program, &testbed, &[], &[("LETSESIGN_CONFIGS", folder)]);
    let rig = Rig { testbed, server };
    let sealed = task().seal();
    let (good, secret) = rig.asked(&sealed, 0).await;
    let por = good.result("por").to_vec();
    let right = user_data("sendReq", "por", &por);
    for (registers, code) in [([0x77; 3], 0), ([0x77, 0x77, 0x78], 2201)] {
        let proof = Attested {
            results: vec![("por".into(), por.clone())],
            document: rig.testbed.nsm.attest(Some(&right), |document| {
                for (pcr, byte) in document.pcrs.iter_mut().zip(registers) {
                    pcr.1 = vec![byte; 48];
                }
            }),
        };
        assert_eq!(confirm(&rig, &sealed, &secret, &proof).await, code);
    }
}
