//! A hostile host and the messages that it carries.

use super::{Rig, changed, task, unordered};
use letsesign_protocol2::{Action, KeyPair, Statement};
use letsesign_testbed::client::protocol2::Link2;
use letsesign_testbed::{Attested, Json};

fn spoilt(attested: &Attested) -> Attested {
    let mut other = attested.clone();
    let last = other.results[0].1.len() - 2;
    other.results[0].1[last] ^= 1;
    other
}

/// The core of the audit: no action serves another.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_never_becomes_a_confirmation() {
    let rig = Rig::start().await;
    let task = task(1);
    let (por, link) = rig.asked(&task, 0).await;
    let decline = link.answer(Action::Decline, None, None);
    let pin = link.answer(Action::RequestPin, None, None);
    let confirm = link.answer(Action::Confirm, None, None);
    for (function, answer) in [
        ("confirmIntent", &decline),
        ("confirmIntent", &pin),
        ("decline", &confirm),
        ("decline", &pin),
    ] {
        assert_eq!(
            rig.code(function, &task.answer(&por, answer)).await,
            2407,
            "{function}"
        );
    }
    assert_eq!(
        rig.code("confirmIntent", &task.answer(&por, &confirm))
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_cannot_answer_itself() {
    let rig = Rig::start().await;
    let task = unordered(2, |_| ());
    let (por, link) = rig.asked(&task, 0).await;
    let (other_por, other_link) = rig.asked(&task, 1).await;
    // The host knows every public key, and so can encrypt anything to the answer key.
    let host = KeyPair::from_scalar(&[5; 32]).unwrap();
    let forged = |link: &Link2, by: &KeyPair| {
        let answer = letsesign_protocol2::Answer {
            action: Action::Confirm,
            at: 1,
            pin: None,
            reason: None,
        };
        let key = base64::Engine::decode(
            &base64::prelude::BASE64_URL_SAFE_NO_PAD,
            link.content["answerKey"].as_str().unwrap(),
        );
        let hash = letsesign_proof::Hash::parse(link.content["por"].as_str().unwrap());
        answer.seal(by, &key.unwrap(), hash.unwrap()).unwrap()
    };
    let genuine = link.answer(Action::Confirm, None, None);
    let other = other_link.answer(Action::Confirm, None, None);
    let mut changed = genuine.clone();
    changed[80] ^= 1;
    for (name, por, answer) in [
        ("signed by the host", &por, &forged(&link, &host)),
        ("the other signer's", &por, &other),
        ("for the other signer's PoR", &other_por, &genuine),
        ("changed", &por, &changed),
        ("cut", &por, &genuine[..64].to_vec()),
    ] {
        let job = task.answer(por, answer);
        assert_eq!(rig.code("confirmIntent", &job).await, 2407, "{name}");
        assert_eq!(rig.code("decline", &job).await, 2407, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_serve_their_own_task_signer_round_and_function_alone() {
    let rig = Rig::start().await;
    let (mut task, foreign) = (unordered(2, |_| ()), unordered(2, |_| ()));
    let (por, link) = rig.asked(&task, 0).await;
    let confirm = link.answer(Action::Confirm, None, None);
    let poi = Attested::of(&rig.run("confirmIntent", &task.answer(&por, &confirm)).await);
    let second = rig.confirmed(&task, 1).await;
    let (foreign_por, foreign_link) = rig.asked(&foreign, 0).await;
    let foreign_poi = rig.confirmed(&foreign, 0).await;

    // A PoR of another task, with its own answer or this task's.
    let foreign_confirm = foreign_link.answer(Action::Confirm, None, None);
    for answer in [&confirm, &foreign_confirm] {
        let job = task.answer(&foreign_por, answer);
        assert_eq!(rig.code("confirmIntent", &job).await, 2201);
    }
    // Changed proofs, and proofs of another function.
    assert_eq!(
        rig.code("confirmIntent", &task.answer(&spoilt(&por), &confirm))
            .await,
        2201
    );
    let mut as_por = poi.clone();
    as_por.results[0].0 = "por".to_owned();
    assert_eq!(
        rig.code("confirmIntent", &task.answer(&as_por, &confirm))
            .await,
        2201
    );
    assert_eq!(rig.code("remind", &task.remind(&as_por)).await, 2201);

    let attach = |pois: &[Attested]| task.attach_esig(pois);
    let mut as_poi = por.clone();
    as_poi.results[0].0 = "poi".to_owned();
    for (code, pois) in [
        (2301, vec![poi.clone()]),
        (2301, vec![poi.clone(), second.clone(), second.clone()]),
        (2302, vec![spoilt(&poi), second.clone()]),
        (2302, vec![foreign_poi, second.clone()]),
        (2302, vec![as_poi, second.clone()]),
        (2303, vec![poi.clone(), poi.clone()]),
        (2303, vec![second.clone(), poi.clone()]),
    ] {
        assert_eq!(rig.code("attachEsig", &attach(&pois)).await, code);
    }
    // A proof of an earlier round.
    task.state(&Statement::NewRound {
        at: 1,
        signer: 0,
        round: 2,
    });
    assert_eq!(
        rig.code("attachEsig", &task.attach_esig(&[poi, second]))
            .await,
        2404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signers_in_order_are_asked_behind_the_one_before() {
    let rig = Rig::start().await;
    let (task, foreign) = (task(3), task(3));
    let first = rig.confirmed(&task, 0).await;
    let other = rig.confirmed(&foreign, 0).await;
    let second = rig.confirmed_after(&task, 1, &first).await;
    for (code, job) in [
        (2304, task.send_req(1, 1)),
        (2304, task.send_req_after(0, &first)),
        // Another task's, and another signer's.
        (2302, task.send_req_after(1, &other)),
        (2303, task.send_req_after(2, &first)),
        (2303, task.send_req_after(1, &second)),
    ] {
        assert_eq!(rig.code("sendReq", &job).await, code);
    }
    let unordered = unordered(2, |_| ());
    let poi = rig.confirmed(&unordered, 0).await;
    assert_eq!(
        rig.code("sendReq", &unordered.send_req_after(1, &poi))
            .await,
        2304
    );
}

/// The model's trace: the host has the PoR of a signer who answered early attested again, later
/// than the signer before confirmed. The answer signs the PoR, and the PoR names the PoI before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_attested_again_does_not_reorder_signers() {
    let rig = Rig::start().await;
    let task = task(2);
    // Two confirmations of the first signer: the second signer answers behind the first of them.
    let first = rig.confirmed(&task, 0).await;
    rig.testbed.nsm.clock().set_offset(5000);
    let again = rig.confirmed(&task, 0).await;
    assert_ne!(first.result("poi"), again.result("poi"));
    let (por, link) = rig.asked_after(&task, 1, &first).await;
    let answer = link.answer(Action::Confirm, None, None);
    let second = Attested::of(&rig.run("confirmIntent", &task.answer(&por, &answer)).await);
    let (later, _) = rig.asked_after(&task, 1, &again).await;
    // The old answer does not fit the later request.
    assert_eq!(
        rig.code("confirmIntent", &task.answer(&later, &answer))
            .await,
        2407
    );
    let mixed = task.attach_esig(&[again, second.clone()]);
    assert_eq!(rig.code("attachEsig", &mixed).await, 2304);
    assert_eq!(
        rig.code("attachEsig", &task.attach_esig(&[first, second]))
            .await,
        0
    );
}

/// A host that has a PIN's verification of one request must not use it for another.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_serves_its_own_request_alone() {
    let rig = Rig::start().await;
    let task = unordered(2, |configuration| {
        for signer in &mut configuration.signers {
            signer.0.phone = Some("+886912345678".to_owned());
        }
    });
    let mut pins = Vec::new();
    for signer in 0..2 {
        let (por, link) = rig.asked(&task, signer).await;
        let ask = link.answer(Action::RequestPin, None, None);
        let waiting = rig.run("confirmIntent", &task.answer(&por, &ask)).await;
        let verification = waiting["verification"].as_str().unwrap().to_owned();
        let pin = rig.testbed.twilio.sms().last().unwrap().pin.clone();
        pins.push((por, link, verification, pin));
    }
    let confirm = |at: usize, pin: Option<&str>, verification: Option<&str>| {
        let (por, link, _, _) = &pins[at];
        let mut job = task.answer(por, &link.answer(Action::Confirm, pin, None));
        if let Some(verification) = verification {
            job.add("verification", verification);
        }
        job
    };
    let code = async |job: Json| rig.code("confirmIntent", &job).await;
    let (first, second) = (&pins[0], &pins[1]);
    assert_eq!(code(confirm(0, None, Some(&first.2))).await, 2204);
    assert_eq!(code(confirm(0, Some(&first.3), None)).await, 2204);
    assert_eq!(
        code(confirm(0, Some(&second.3), Some(&second.2))).await,
        2204
    );
    assert_eq!(code(confirm(0, Some("000000"), Some("VE0.00"))).await, 2204);
    assert_eq!(code(confirm(0, Some(&first.3), Some(&first.2))).await, 0);
}

/// The host chooses what it repeats. Repeated answers give proofs of the same content, and nothing
/// is asked of anybody twice.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_answers_give_the_same_proof() {
    let rig = Rig::start().await;
    let task = task(1);
    let (por, link) = rig.asked(&task, 0).await;
    let answer = link.answer(Action::Confirm, None, None);
    let job = task.answer(&por, &answer);
    let before = rig.testbed.mailbox.count();
    let first = Attested::of(&rig.run("confirmIntent", &job).await);
    let again = Attested::of(&rig.run("confirmIntent", &job).await);
    assert_eq!(first.results, again.results);
    assert_eq!(rig.testbed.mailbox.count(), before);
}

/// Nothing that the host sees holds a secret or what a person wrote.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_sees_no_secret() {
    let rig = Rig::start().await;
    let task = changed(1, |_, configuration| {
        configuration.message = "MESSAGE-CANARY".to_owned();
        configuration.signers[0].0.name = "NAME-CANARY".to_owned();
        configuration.password = Some(letsesign_protocol2::SecretText::new("PASSWORD-CANARY"));
    });
    let (por, link) = rig.asked(&task, 0).await;
    let decline = link.answer(Action::Decline, None, Some("REASON-CANARY"));
    let declined = rig.run("decline", &task.answer(&por, &decline)).await;
    let confirm = link.answer(Action::Confirm, None, None);
    let confirmed = rig.run("confirmIntent", &task.answer(&por, &confirm)).await;
    let poi = Attested::of(&confirmed);
    let result = rig.run("attachEsig", &task.attach_esig(&[poi])).await;
    let key = link.content["key"].as_str().unwrap();
    let seen = [
        task.send_req(0, 1).to_text(),
        declined.to_string(),
        confirmed.to_string(),
        result.to_string(),
        String::from_utf8_lossy(por.result("por")).into_owned(),
        rig.server.log(),
    ]
    .concat();
    for secret in [key, "CANARY", "signer0@example.com", "contract.pdf"] {
        assert!(!seen.contains(secret), "{secret}");
    }
}
