//! Nothing of protocol 2 opens under protocol 1, and nothing of 1 under 2, in every slot.

use super::{Rig, task};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_protocol2::Action;
use letsesign_testbed::client::protocol2::Task2;
use letsesign_testbed::{Attested, Json, Sealed, Task, client, pdf};

const PARTS: [&str; 5] = [
    "encryptedTaskConfig",
    "encryptedTemplateData",
    "encryptedEmailConfig",
    "encryptedBindingData",
    "encryptedTwilioConfig",
];

fn protocol1() -> Sealed {
    Task::new(pdf::document(1, 0))
        .with_phone(0, "+886912345678")
        .seal()
}

fn decoded(sealed: &Sealed, part: &str, member: &str) -> Vec<u8> {
    let path = format!("privateTaskInfo.{part}.{member}");
    BASE64_STANDARD
        .decode(sealed.payload.text_at(&path))
        .unwrap()
}

/// Every wrapped key and box of a task of protocol 2, in every slot of protocol 1, with a box cut
/// in all ways that make it look like an envelope.
#[tokio::test(flavor = "multi_thread")]
async fn boxes_of_protocol_2_do_not_open_under_protocol_1() {
    let rig = Rig::start().await;
    let two = task(1);
    assert_eq!(rig.code("sendReq", &protocol1().send_req(0)).await, 0);
    let mails = rig.testbed.mailbox.count();
    let boxes = [
        (&two.account_key, &two.account_box),
        (&two.task_key, &two.sealed.configuration),
        (&two.task_key, &two.sealed.document),
    ];
    for part in PARTS {
        for (key, sealed) in boxes {
            // Without its head a box could be taken for a CBC ciphertext of whole blocks.
            for head in [0, 32, 64] {
                let mut data = sealed[head..].to_vec();
                data.truncate(data.len() / 16 * 16);
                let mut one = protocol1();
                let member = |name| format!("privateTaskInfo.{part}.{name}");
                one.payload
                    .set(&member("encryptedDataKey"), BASE64_STANDARD.encode(key));
                one.payload
                    .set(&member("encryptedData"), BASE64_STANDARD.encode(&data));
                let code = rig.code("sendReq", &one.send_req(0)).await;
                assert!([2002, 2006].contains(&code), "{part} {head}: {code}");
            }
        }
        // The key alone, with a genuine envelope of protocol 1.
        let mut one = protocol1();
        one.payload.set(
            &format!("privateTaskInfo.{part}.encryptedDataKey"),
            BASE64_STANDARD.encode(&two.task_key),
        );
        let code = rig.code("sendReq", &one.send_req(0)).await;
        assert!([2002, 2006].contains(&code), "{part}: {code}");
    }
    assert_eq!(rig.testbed.mailbox.count(), mails);
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_of_protocol_1_do_not_open_under_protocol_2() {
    let rig = Rig::start().await;
    let one = protocol1();
    for part in PARTS {
        let key = decoded(&one, part, "encryptedDataKey");
        let data = decoded(&one, part, "encryptedData");
        let padded = [vec![0; 64], data.clone(), vec![0; 16]].concat();
        for bytes in [&data, &padded] {
            type Slot = fn(&mut Task2, &[u8], &[u8]);
            let slots: [(u64, Slot); 3] = [
                (2401, |task, key, bytes| {
                    task.account_key = key.to_vec();
                    task.account_box = bytes.to_vec();
                }),
                (2402, |task, key, bytes| {
                    task.task_key = key.to_vec();
                    task.sealed.configuration = bytes.to_vec();
                }),
                (2403, |task, _, bytes| task.sealed.document = bytes.to_vec()),
            ];
            for (code, spoil) in slots {
                let mut two = task(1);
                spoil(&mut two, &key, bytes);
                assert_eq!(
                    rig.code("sendReq", &two.send_req(0, 1)).await,
                    code,
                    "{part}"
                );
            }
        }
    }
    assert_eq!(rig.testbed.mailbox.count(), 0);
}

/// Proofs: documents of one protocol are refused under the other, in both directions.
#[tokio::test(flavor = "multi_thread")]
async fn proofs_do_not_cross() {
    let rig = Rig::start().await;
    let sealed = Task::new(pdf::document(1, 0)).seal();
    let before = rig.testbed.mailbox.count();
    let one_por = Attested::of(&rig.run("sendReq", &sealed.send_req(0)).await);
    let mail = rig.testbed.mailbox.since(before)[0].parsed();
    let secret = client::Link::of(&mail).secret().to_owned();
    let job = sealed.confirm_intent(&secret, &one_por);
    let one_poi = Attested::of(&rig.run("confirmIntent", &job).await);

    let two = task(1);
    let (two_por, link) = rig.asked(&two, 0).await;
    let answer = link.answer(Action::Confirm, None, None);
    let two_poi = Attested::of(
        &rig.run("confirmIntent", &two.answer(&two_por, &answer))
            .await,
    );

    let crossed = sealed.confirm_intent(&secret, &two_por);
    assert_eq!(rig.code("confirmIntent", &crossed).await, 2201);
    assert_eq!(
        rig.code("attachEsig", &sealed.attach_esig(&[two_poi]))
            .await,
        2302
    );
    assert_eq!(
        rig.code("confirmIntent", &two.answer(&one_por, &answer))
            .await,
        2201
    );
    assert_eq!(rig.code("remind", &two.remind(&one_por)).await, 2201);
    assert_eq!(
        rig.code("attachEsig", &two.attach_esig(&[one_poi])).await,
        2302
    );
}

/// The host decides what a payload says of its version. Without it, or with another, a task of
/// protocol 2 is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_without_its_version_is_refused() {
    let rig = Rig::start().await;
    let two = task(1);
    for version in ["1", "3", "\"2\"", "null", "2.5"] {
        let mut job = two.send_req(0, 1);
        job.set("taskPayload.protocol", Json::raw(version));
        assert_eq!(rig.code("sendReq", &job).await, 2001, "{version}");
    }
    // Protocol 1 ignores unknown members, as it always did.
    let mut sealed = Task::new(pdf::document(1, 0)).seal();
    sealed.payload.add("protocol", Json::raw("1"));
    assert_eq!(rig.code("sendReq", &sealed.send_req(0)).await, 0);
    sealed.payload.set("protocol", Json::raw("2"));
    assert_eq!(rig.code("sendReq", &sealed.send_req(0)).await, 2001);
}

/// Functions that protocol 2 adds do not exist in protocol 1.
#[tokio::test(flavor = "multi_thread")]
async fn protocol_1_has_its_three_functions() {
    let rig = Rig::start().await;
    let sealed = Task::new(pdf::document(1, 0)).seal();
    for name in ["remind", "decline", "voidTask"] {
        assert_eq!(rig.code(name, &sealed.send_req(0)).await, 2001, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_or_task_that_demands_a_later_protocol_is_refused() {
    let rig = Rig::start().await;
    let later = |account: bool| {
        // The library refuses to seal such a task, so the boxes are put together by hand.
        let mut two = task(1);
        let key = letsesign_protocol2::DataKey::generate(letsesign_protocol2::Purpose::Account);
        let key = key.unwrap();
        if account {
            two.account.lowest_protocol = 3;
            two.account_box = two.account.seal(&key).unwrap();
            two.account_key = letsesign_testbed::customer::encrypt_data_key(&key.to_text());
        } else {
            let mut configuration = client::protocol2::configuration(1);
            configuration.lowest_protocol = 3;
            two.sealed.configuration = two.root.seal_configuration(&configuration).unwrap();
        }
        two
    };
    for account in [true, false] {
        let two = later(account);
        assert_eq!(
            rig.code("sendReq", &two.send_req(0, 1)).await,
            2402,
            "{account}"
        );
    }
}
