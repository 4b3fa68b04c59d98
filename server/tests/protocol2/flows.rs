//! Honest senders and signers.

use super::{Rig, changed, task};
use letsesign_proof::protocol2::{Decline, Poi, Por, Void};
use letsesign_proof::{CheckedBy, Function, Hash, Object, Spf, UserData};
use letsesign_protocol2::{Action, Notificant, SecretText, Statement};
use letsesign_testbed::Attested;
use letsesign_testbed::client::unzip;
use std::collections::BTreeSet;

/// The attested statement of a document, unverified: the testbed's verifier is the server's own.
fn user_data(document: &[u8]) -> UserData {
    let fields = letsesign_nsm::document::Unverified::parse(document).unwrap();
    UserData::parse(fields.user_data.unwrap()).unwrap()
}

fn notified(task: &mut letsesign_protocol2::Configuration) {
    task.notificant = Some(Object(Notificant {
        email: "office@example.com".to_owned(),
        locale: "en-US".to_owned(),
    }));
}

fn subjects(rig: &Rig, recipient: &str) -> Vec<String> {
    let mails = rig.testbed.mailbox.mails();
    let to = |mail: &&std::sync::Arc<letsesign_testbed::Mail>| mail.recipients == [recipient];
    mails
        .iter()
        .filter(to)
        .map(|mail| mail.parsed().subject)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signers_in_order_sign_and_the_sender_opens_the_result() {
    let rig = Rig::start().await;
    let task = changed(2, |_, configuration| notified(configuration));
    let binding = task.binding();
    let first = rig.confirmed(&task, 0).await;
    let second = rig.confirmed_after(&task, 1, &first).await;
    let result = rig
        .run("attachEsig", &task.attach_esig(&[first.clone(), second]))
        .await;
    let files = task.open(&result);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["contract.pdf", "contract.spf"]);
    assert!(letsesign_stamp::is_signed(&files[0].1));

    let spf = Spf::parse(&files[1].1).unwrap();
    assert_eq!(spf.summary.version(), 3);
    assert_eq!(spf.summary.binding_data_hash, binding);
    let facts = spf.summary.facts.as_ref().unwrap();
    assert_eq!(facts.account, task.account.id());
    assert!(facts.in_order);
    let statements = task.root.statements(task.binding(), &[]).unwrap();
    assert_eq!(facts.statements, statements.hash());
    assert_eq!(facts.signers.len(), 2);
    assert_eq!(facts.signers[0].answered_at, 1_795_000_000_000);
    assert_eq!(spf.summary.signers[0].ip_address.to_string(), "2001:db8::7");
    let evidence = spf.summary.signers[0].evidence.unwrap();
    assert_eq!(evidence.poi_hash, Hash::of(first.result("poi")));
    let expected = [
        ("esigPDF", Hash::of(&files[0].1)),
        ("summary", spf.summary.hash()),
    ];
    user_data(&spf.attestation)
        .expect_bound(Function::AttachEsig, binding, &expected)
        .unwrap();

    let subjects = subjects(&rig, "office@example.com");
    assert_eq!(subjects.len(), 4, "{subjects:?}");
    assert!(subjects[0].starts_with("Signing request received"));
    assert!(subjects[3].starts_with("Signing completed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_name_protocol_task_signer_and_round() {
    let rig = Rig::start().await;
    let task = task(1);
    let binding = task.binding();
    let (attested, link) = rig.asked(&task, 0).await;
    let por = Por::parse(attested.result("por")).unwrap();
    assert_eq!(
        (por.request.binding, por.request.signer, por.request.round),
        (binding, 0, 1)
    );
    assert_eq!(por.expiry, task.sealed.header.header().expiry);
    assert_eq!(por.checked_by, CheckedBy::Mail);
    let hash = Hash::of(attested.result("por"));
    user_data(&attested.document)
        .expect_bound(Function::SendReq, binding, &[("por", hash)])
        .unwrap();
    assert_eq!(link.content["por"], hash.to_string());
    assert_eq!(link.content["fileName"], "contract.pdf");
    assert_eq!(link.content["pin"], false);
    assert!(
        link.url
            .starts_with("https://sign.example.com/app#letsesign2=")
    );

    let answer = link.answer(Action::Confirm, None, None);
    let result = rig
        .run("confirmIntent", &task.answer(&attested, &answer))
        .await;
    let poi = Poi::parse(Attested::of(&result).result("poi")).unwrap();
    assert_eq!((poi.request, poi.por_hash), (por.request, hash));
}

/// A page that keeps asking, a host that repeats: one link.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_requests_and_reminders_mail_the_same_link() {
    let rig = Rig::start().await;
    let task = task(1);
    let (first, link) = rig.asked(&task, 0).await;
    let (again, same) = rig.asked(&task, 0).await;
    assert_eq!(link, same);
    assert_eq!(first.result("por"), again.result("por"));
    let (_, reminded) = rig.mailed("remind", &task.remind(&first), 0).await;
    assert_eq!(link, reminded);
}

/// A host that repeats everything fills no mailbox, and no caller takes silence for a mail.
#[tokio::test(flavor = "multi_thread")]
async fn within_the_pause_repeated_jobs_succeed_and_mail_nothing() {
    let rig = Rig::with(&[("reminder-pause-ms", "3600000")]).await;
    let mut task = changed(2, |_, configuration| notified(configuration));
    let (por, link) = rig.asked(&task, 0).await;
    let confirm = link.answer(Action::Confirm, None, None);
    let decline = link.answer(Action::Decline, None, None);
    let mut void = task.clone();
    void.state(&Statement::Void {
        at: 1,
        reason: None,
    });
    for (name, job, mails) in [
        ("sendReq", task.send_req(0, 1), 0),
        ("remind", task.remind(&por), 0),
        ("confirmIntent", task.answer(&por, &confirm), 1),
        ("decline", task.answer(&por, &decline), 1),
        ("voidTask", void.void(), 1),
    ] {
        let before = rig.testbed.mailbox.count();
        let result = rig.run(name, &job).await;
        assert_eq!(result["code"], 0, "{name}");
        if mails == 0 {
            assert_eq!(result["mailed"], false, "{name}");
        }
        assert_eq!(rig.code(name, &job).await, 0);
        assert_eq!(rig.testbed.mailbox.count() - before, mails, "{name}");
    }
    // A new round is another request.
    task.state(&Statement::NewRound {
        at: 1,
        signer: 0,
        round: 2,
    });
    let (result, _) = rig.mailed("sendReq", &task.send_req(0, 2), 0).await;
    assert_eq!(result["mailed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_round_makes_another_link_and_voids_the_first() {
    let rig = Rig::start().await;
    let mut task = task(1);
    let (old_por, old_link) = rig.asked(&task, 0).await;
    task.state(&Statement::NewRound {
        at: 1,
        signer: 0,
        round: 2,
    });
    let (result, link) = rig.mailed("sendReq", &task.send_req(0, 2), 0).await;
    let por = Attested::of(&result);
    assert_ne!(old_link.content["key"], link.content["key"]);

    let old = old_link.answer(Action::Confirm, None, None);
    assert_eq!(
        rig.code("confirmIntent", &task.answer(&old_por, &old))
            .await,
        2404
    );
    let new = link.answer(Action::Confirm, None, None);
    let poi = Attested::of(&rig.run("confirmIntent", &task.answer(&por, &new)).await);
    let result = rig.run("attachEsig", &task.attach_esig(&[poi])).await;
    let spf = Spf::parse(&task.open(&result)[1].1).unwrap();
    let facts = spf.summary.facts.unwrap();
    assert_eq!(facts.signers[0].round, 2);
    let stated = task
        .root
        .statements(task.binding(), &task.statements)
        .unwrap();
    assert_eq!(facts.statements, stated.hash());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signer_declines_and_the_reason_reaches_the_sender_alone() {
    let rig = Rig::start().await;
    let task = changed(1, |_, configuration| notified(configuration));
    let (por, link) = rig.asked(&task, 0).await;
    let reason = "The rent is wrong.\n<b>Really.</b>";
    let answer = link.answer(Action::Decline, None, Some(reason));
    let result = rig.run("decline", &task.answer(&por, &answer)).await;
    let attested = Attested::of(&result);
    let proof = Decline::parse(attested.result("decline")).unwrap();
    assert_eq!(proof.por_hash, Hash::of(por.result("por")));
    user_data(&attested.document)
        .expect_bound(
            Function::Decline,
            task.binding(),
            &[("decline", Hash::of(attested.result("decline")))],
        )
        .unwrap();
    assert_eq!(task.reason(&result)["reason"], reason);
    assert!(!result.to_string().contains("rent"));
    let mails = rig.testbed.mailbox.mails();
    let mail = mails
        .iter()
        .rev()
        .find(|mail| mail.recipients == ["office@example.com"])
        .unwrap()
        .parsed();
    assert!(mail.subject.starts_with("A signer has declined"));
    assert!(
        mail.text
            .unwrap()
            .replace("\r\n", "\n")
            .contains("> The rent is wrong.\n> <b>Really.</b>")
    );
    assert!(mail.html.unwrap().contains("&#60;b&#62;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_task_is_attested_and_refused_by_all_other_functions() {
    let rig = Rig::start().await;
    let mut task = changed(1, |_, configuration| notified(configuration));
    let poi = rig.confirmed(&task, 0).await;
    let (por, link) = rig.asked(&task, 0).await;
    for at in [7, 5, 9] {
        task.state(&Statement::Void {
            at,
            reason: Some("wrong draft".to_owned()),
        });
    }
    let result = rig.run("voidTask", &task.void()).await;
    let attested = Attested::of(&result);
    let proof = Void::parse(attested.result("void")).unwrap();
    assert_eq!((proof.binding, proof.at), (task.binding(), 5));
    assert!(
        subjects(&rig, "office@example.com")
            .last()
            .unwrap()
            .starts_with("Signing request ended")
    );
    let answer = link.answer(Action::Confirm, None, None);
    let no = link.answer(Action::Decline, None, None);
    for (name, job) in [
        ("sendReq", task.send_req(0, 1)),
        ("remind", task.remind(&por)),
        ("confirmIntent", task.answer(&por, &answer)),
        ("decline", task.answer(&por, &no)),
        ("attachEsig", task.attach_esig(&[poi])),
    ] {
        assert_eq!(rig.code(name, &job).await, 2405, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_checked_by_a_pin_that_the_host_does_not_read() {
    let rig = Rig::start().await;
    let number = "+886912345678";
    let task = changed(1, |_, configuration| {
        configuration.signers[0].0.phone = Some(number.to_owned());
    });
    let (por, link) = rig.asked(&task, 0).await;
    assert_eq!(link.content["pin"], true);
    let ask = link.answer(Action::RequestPin, None, None);
    let waiting = rig.run("confirmIntent", &task.answer(&por, &ask)).await;
    assert_eq!(waiting["code"], 2203);
    let verification = waiting["verification"].as_str().unwrap();
    let sms = rig.testbed.twilio.sms();
    let sms = sms.last().unwrap();
    let confirm = link.answer(Action::Confirm, Some(&sms.pin), None);
    let mut job = task.answer(&por, &confirm);
    job.add("verification", verification);
    assert!(!job.to_text().contains(&sms.pin));
    let poi = Attested::of(&rig.run("confirmIntent", &job).await);
    let proof = Poi::parse(poi.result("poi")).unwrap();
    assert!(proof.phone.unwrap().is(number));
    let result = rig.run("attachEsig", &task.attach_esig(&[poi])).await;
    let spf = Spf::parse(&task.open(&result)[1].1).unwrap();
    assert_eq!(spf.summary.signers[0].phone_number.as_deref(), Some(number));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_travels_in_the_configuration() {
    let rig = Rig::start().await;
    let task = changed(1, |_, configuration| {
        configuration.password = Some(SecretText::new("open sesame"));
    });
    let poi = rig.confirmed(&task, 0).await;
    let before = rig.testbed.mailbox.count();
    let result = rig.run("attachEsig", &task.attach_esig(&[poi])).await;
    task.open(&result);
    let mails = rig.testbed.mailbox.since(before);
    let mail = mails[0].parsed();
    let files = unzip(&mail.attachments[0].bytes, Some("open sesame"));
    assert_eq!(files.len(), 2);
}

/// An answer outlives a restart: it needs nothing but what every enclave derives.
#[tokio::test(flavor = "multi_thread")]
async fn answers_outlive_a_restart_and_reminders_do_not() {
    let mut rig = Rig::start().await;
    let task = task(1);
    let (por, link) = rig.asked(&task, 0).await;
    rig.restart();
    assert_eq!(rig.code("remind", &task.remind(&por)).await, 2408);
    let answer = link.answer(Action::Confirm, None, None);
    let poi = Attested::of(&rig.run("confirmIntent", &task.answer(&por, &answer)).await);
    let result = rig.run("attachEsig", &task.attach_esig(&[poi])).await;
    task.open(&result);
}

/// The sender renews its credentials while a task waits: the account's identity stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_account_continues_its_tasks() {
    let rig = Rig::start().await;
    let mut task = task(1);
    let poi = rig.confirmed(&task, 0).await;
    let other = changed(1, |account, _| *account = task.account.clone());
    (task.account_key, task.account_box) = (other.account_key, other.account_box);
    let result = rig.run("attachEsig", &task.attach_esig(&[poi])).await;
    task.open(&result);
}

/// One data key for an account, one for a task; both are remembered for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_asks_kms_twice_and_the_next_one_not_at_all() {
    let rig = Rig::start().await;
    let task = task(1);
    let count = || rig.testbed.kms.counters().requests();
    let before = count();
    let (por, link) = rig.asked(&task, 0).await;
    assert_eq!(count() - before, 2);
    let answer = link.answer(Action::Confirm, None, None);
    assert_eq!(
        rig.code("confirmIntent", &task.answer(&por, &answer)).await,
        0
    );
    assert_eq!(count() - before, 2);
    // The next task of the same account costs one.
    let mut next = changed(1, |account, _| *account = task.account.clone());
    (next.account_key, next.account_box) = (task.account_key.clone(), task.account_box.clone());
    rig.asked(&next, 0).await;
    assert_eq!(count() - before, 3);
    // Other credentials ask KMS, which refuses them.
    next.access.1 = "another secret".to_owned();
    assert_eq!(rig.code("sendReq", &next.send_req(0, 1)).await, 2401);
    assert!(count() - before > 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn remembered_keys_are_forgotten_after_their_time() {
    let rig = Rig::with(&[("data-key-ms", "1")]).await;
    let task = task(1);
    let count = || rig.testbed.kms.counters().requests();
    let before = count();
    rig.asked(&task, 0).await;
    rig.asked(&task, 0).await;
    assert_eq!(count() - before, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_binding_is_another_one() {
    let bindings: BTreeSet<[u8; 32]> = (0..5).map(|_| task(1).binding().0).collect();
    assert_eq!(bindings.len(), 5);
}
