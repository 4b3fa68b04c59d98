//! Two senders, one enclave: nothing of one task changes what another's gets.

use super::{Rig, changed, task};
use letsesign_testbed::Attested;

/// A hostile sender's, or host's, refused tasks use up nothing of another sender's.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_one_task_do_not_touch_another() {
    let rig = Rig::start().await;
    let honest = task(1);
    let mut hostile = task(1);
    let last = hostile.sealed.configuration.len() - 1;
    hostile.sealed.configuration[last] ^= 1;
    // More than any budget of protocol 1, under the same KMS key.
    for _ in 0..20 {
        assert_eq!(rig.code("sendReq", &hostile.send_req(0, 1)).await, 2402);
    }
    // Even under the honest sender's own wrapped keys, which the host can copy.
    let mut copied = honest.clone();
    copied.sealed.configuration[last] ^= 1;
    for _ in 0..20 {
        assert_eq!(rig.code("sendReq", &copied.send_req(0, 1)).await, 2402);
    }
    assert_eq!(rig.code("sendReq", &honest.send_req(0, 1)).await, 0);
}

/// A host can replay one sender's account beside another's task, or a task key of its own beside a
/// genuine account: nothing opens.
#[tokio::test(flavor = "multi_thread")]
async fn parts_of_two_tasks_do_not_mix() {
    let rig = Rig::start().await;
    let (one, two) = (task(1), task(1));
    let same_account = changed(1, |account, _| *account = one.account.clone());
    for (name, code, mixed) in [
        ("another account", 2402, {
            let mut mixed = one.clone();
            mixed.account_key.clone_from(&two.account_key);
            mixed.account_box.clone_from(&two.account_box);
            mixed
        }),
        ("another task's key", 2402, {
            let mut mixed = one.clone();
            mixed.task_key.clone_from(&same_account.task_key);
            mixed
        }),
        ("another task's configuration", 2402, {
            let mut mixed = one.clone();
            mixed
                .sealed
                .configuration
                .clone_from(&same_account.sealed.configuration);
            mixed
        }),
        ("another task's document", 2403, {
            let mut mixed = one.clone();
            mixed
                .sealed
                .document
                .clone_from(&same_account.sealed.document);
            mixed
        }),
        ("a whole task of another account", 2402, {
            let mut mixed = two.clone();
            mixed.account_key.clone_from(&one.account_key);
            mixed.account_box.clone_from(&one.account_box);
            mixed
        }),
    ] {
        assert_eq!(
            rig.code("sendReq", &mixed.send_req(0, 1)).await,
            code,
            "{name}"
        );
    }
    assert_eq!(rig.testbed.mailbox.count(), 0);
}

/// The document counts although functions without it get its hash alone: the PoR's binding covers
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn another_documents_hash_is_another_task() {
    let rig = Rig::start().await;
    let one = task(1);
    let (por, link) = rig.asked(&one, 0).await;
    let answer = link.answer(letsesign_protocol2::Action::Confirm, None, None);
    let mut job = one.answer(&por, &answer);
    job.set("taskPayload.documentHash", "00".repeat(32));
    assert_eq!(rig.code("confirmIntent", &job).await, 2201);
    let poi = rig.run("confirmIntent", &one.answer(&por, &answer)).await;
    assert_eq!(
        rig.code("attachEsig", &one.attach_esig(&[Attested::of(&poi)]))
            .await,
        0
    );
}
