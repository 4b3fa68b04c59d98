//! Every code that protocol 2 adds, and the order of its checks.

use super::{Rig, changed, task};
use letsesign_protocol2::{Action, DataKey, Header, Purpose, SentStatement, Statement};
use letsesign_testbed::client::protocol2::{Task2, account, configuration};
use letsesign_testbed::customer::encrypt_data_key;
use letsesign_testbed::{Json, pdf};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn spoilt(change: impl FnOnce(&mut Task2)) -> Task2 {
    let mut task = task(1);
    change(&mut task);
    task
}

fn flip(bytes: &mut [u8]) {
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_has_one_code_whatever_is_wrong_with_it() {
    let rig = Rig::start().await;
    let wrong_key = || encrypt_data_key(&[7; 32]);
    let swapped = |purpose| {
        let key = DataKey::generate(purpose).unwrap();
        encrypt_data_key(&key.to_text())
    };
    for (name, code, task) in [
        (
            "an account box with a changed bit",
            2401,
            spoilt(|task| flip(&mut task.account_box)),
        ),
        (
            "an account box cut short",
            2401,
            spoilt(|task| task.account_box.truncate(40)),
        ),
        (
            "an account key that KMS refuses",
            2401,
            spoilt(|task| flip(&mut task.account_key)),
        ),
        (
            "an account key of protocol 1",
            2401,
            spoilt(|task| task.account_key = wrong_key()),
        ),
        (
            "the task's key for the account",
            2401,
            spoilt(|task| task.account_key = swapped(Purpose::Task)),
        ),
        (
            "another account's key",
            2401,
            spoilt(|task| task.account_key = swapped(Purpose::Account)),
        ),
        (
            "a configuration with a changed bit",
            2402,
            spoilt(|task| flip(&mut task.sealed.configuration)),
        ),
        (
            "a task key that KMS refuses",
            2402,
            spoilt(|task| flip(&mut task.task_key)),
        ),
        (
            "a task key of protocol 1",
            2402,
            spoilt(|task| task.task_key = wrong_key()),
        ),
        (
            "the account's key for the task",
            2402,
            spoilt(|task| task.task_key = task.account_key.clone()),
        ),
        (
            "the document as configuration",
            2402,
            spoilt(|task| task.sealed.configuration = task.sealed.document.clone()),
        ),
        (
            "a document with a changed bit",
            2403,
            spoilt(|task| flip(&mut task.sealed.document)),
        ),
        (
            "the configuration as document",
            2403,
            spoilt(|task| task.sealed.document = task.sealed.configuration.clone()),
        ),
        (
            "both boxes wrong",
            2402,
            spoilt(|task| {
                flip(&mut task.sealed.configuration);
                flip(&mut task.sealed.document);
            }),
        ),
        (
            "everything wrong",
            2401,
            spoilt(|task| {
                flip(&mut task.account_box);
                flip(&mut task.sealed.configuration);
            }),
        ),
    ] {
        let result = rig.run("sendReq", &task.send_req(0, 1)).await;
        assert_eq!(result, serde_json::json!({ "code": code }), "{name}");
    }
    assert_eq!(rig.testbed.mailbox.count(), 0);
}

/// Whatever is refused is answered not before one time, after the same calls to KMS; and the
/// console says the same of all of it, but for the code that the host gets anyway.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_differ_in_their_code_alone() {
    const DELAY: Duration = Duration::from_millis(400);
    let rig = Rig::with(&[("refusal-ms", "400"), ("data-key-ms", "1")]).await;
    // Past the line that says it is ready.
    rig.asked(&task(1), 0).await;
    let mut lines = BTreeSet::new();
    for (name, code, task) in [
        ("account", 2401, spoilt(|task| flip(&mut task.account_box))),
        (
            "another tag",
            2401,
            spoilt(|task| task.account_key = task.task_key.clone()),
        ),
        (
            "configuration",
            2402,
            spoilt(|task| flip(&mut task.sealed.configuration)),
        ),
        (
            "commitment",
            2402,
            spoilt(|task| task.sealed.configuration[40] ^= 1),
        ),
        (
            "document",
            2403,
            spoilt(|task| flip(&mut task.sealed.document)),
        ),
        (
            "another document",
            2403,
            spoilt(|task| task.sealed.document.truncate(200)),
        ),
        (
            "another account",
            2402,
            spoilt(|task| {
                let other = super::task(1);
                task.account_key = other.account_key;
                task.account_box = other.account_box;
            }),
        ),
    ] {
        let (begun, kms) = (Instant::now(), rig.testbed.kms.counters().requests());
        let known = rig.server.log().len();
        assert_eq!(
            rig.code("sendReq", &task.send_req(0, 1)).await,
            code,
            "{name}"
        );
        assert!(begun.elapsed() >= DELAY, "{name} was answered at once");
        let asked = rig.testbed.kms.counters().requests() - kms;
        assert_eq!(asked, 2, "{name}: calls to KMS");
        assert!(rig.server.writes(&format!("code={code}")));
        let log = rig.server.log();
        for line in log[known.min(log.len())..].lines() {
            let words = line.split_whitespace().skip(1);
            let kept = words.filter(|word| !word.starts_with("code=") && !word.starts_with("ms="));
            lines.insert(kept.collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(rig.testbed.mailbox.count(), 1, "the honest one alone");
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

/// The header is public, but every box opens beside its own header alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_header_opens_nothing() {
    let rig = Rig::start().await;
    let header = |change: fn(&mut Header)| {
        spoilt(|task| {
            let mut header = task.sealed.header.header().clone();
            change(&mut header);
            task.sealed.header = letsesign_protocol2::SentHeader::new(header).unwrap();
        })
    };
    for (name, task) in [
        ("order", header(|header| header.in_order = !header.in_order)),
        ("expiry", header(|header| header.expiry += 1)),
        ("signers", header(|header| header.signers += 1)),
        ("name", header(|header| header.task.0[0] ^= 1)),
        ("account", header(|header| header.account.0[0] ^= 1)),
    ] {
        assert_eq!(
            rig.code("sendReq", &task.send_req(0, 1)).await,
            2402,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_checked_first() {
    let rig = Rig::start().await;
    let task = task(1);
    let with = |path: &str, value: Json| {
        let mut job = task.send_req(0, 1);
        job.set(path, value);
        job
    };
    for job in [
        with("taskPayload.header", "e30=".into()),
        with("taskPayload.header", "?".into()),
        with("taskPayload.wrappedKey", "".into()),
        with("taskPayload.account.box", Json::raw("1")),
        with("taskPayload.documentHash", "00".repeat(32).into()),
        with("statements", Json::raw("{}")),
        with("statements", Json::raw("[{}]")),
        with("access", Json::raw("null")),
        with("signer", Json::raw("-1")),
        with("signer", Json::raw("1000")),
        with("round", Json::raw("0")),
        with("round", Json::raw("1000001")),
    ] {
        assert_eq!(rig.code("sendReq", &job).await, 2001, "{}", job.to_text());
    }
    assert_eq!(rig.code("noSuchFunction", &task.void()).await, 2001);
    // Functions that read the document want it.
    let mut without = task.void();
    without.add("signer", Json::raw("0"));
    without.add("round", Json::raw("1"));
    assert_eq!(rig.code("sendReq", &without).await, 2001);
    assert_eq!(rig.testbed.kms.counters().requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_has_a_limit_and_ends_requests_but_not_signatures() {
    let rig = Rig::start().await;
    let (account, configuration) = (account(), configuration(1));
    let make = |expiry| {
        let header = Header {
            expiry,
            ..task(1).sealed.header.header().clone()
        };
        let header = Header {
            account: account.id(),
            ..header
        };
        Task2::seal_as(&account, &configuration, header, &pdf::document(1, 0))
    };
    let now = task(1).sealed.header.header().expiry - 30 * 86_400_000;
    let far = make(now + 181 * 86_400_000);
    assert_eq!(rig.code("sendReq", &far.send_req(0, 1)).await, 2001);
    let past = make(now - 1000);
    assert_eq!(rig.code("sendReq", &past.send_req(0, 1)).await, 2406);
    // Answered in time, attached later.
    let soon = make(now + 120_000);
    let poi = rig.confirmed(&soon, 0).await;
    let (por, link) = rig.asked(&soon, 0).await;
    rig.testbed.nsm.clock().set_offset(180_000);
    rig.testbed.kms.clock().set_offset(180_000);
    // The server sets its clock by the NSM's documents.
    let answer = link.answer(Action::Confirm, None, None);
    let decline = link.answer(Action::Decline, None, None);
    let late = task(1);
    rig.code("sendReq", &late.send_req(0, 1)).await;
    assert_eq!(rig.code("sendReq", &soon.send_req(0, 1)).await, 2406);
    assert_eq!(rig.code("remind", &soon.remind(&por)).await, 2406);
    assert_eq!(
        rig.code("confirmIntent", &soon.answer(&por, &answer)).await,
        2406
    );
    assert_eq!(
        rig.code("decline", &soon.answer(&por, &decline)).await,
        2406
    );
    assert_eq!(rig.code("attachEsig", &soon.attach_esig(&[poi])).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_must_be_the_senders_and_about_this_task() {
    let rig = Rig::start().await;
    let void = Statement::Void {
        at: 1,
        reason: None,
    };
    let mut foreign = task(1);
    foreign.state(&void);
    for (name, statement) in [
        ("another task's", foreign.statements[0].clone()),
        (
            "a host's",
            SentStatement {
                text: foreign.statements[0].text.clone(),
                mac: [0; 32],
            },
        ),
    ] {
        let task = spoilt(|task| task.statements = vec![statement]);
        assert_eq!(
            rig.code("sendReq", &task.send_req(0, 1)).await,
            2404,
            "{name}"
        );
        assert_eq!(rig.code("voidTask", &task.void()).await, 2404, "{name}");
    }
    let changed = spoilt(|task| {
        task.state(&Statement::NewRound {
            at: 1,
            signer: 0,
            round: 2,
        });
        task.statements[0].text[0] = b' ';
    });
    assert_eq!(rig.code("sendReq", &changed.send_req(0, 2)).await, 2404);
    // Rounds need statements, and a task is void only by one.
    let task = task(1);
    assert_eq!(rig.code("sendReq", &task.send_req(0, 2)).await, 2404);
    assert_eq!(rig.code("voidTask", &task.void()).await, 2404);
    assert_eq!(rig.code("sendReq", &task.send_req(1, 1)).await, 2102);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_has_the_codes_of_protocol_1() {
    let rig = Rig::start().await;
    let phone = changed(1, |_, configuration| {
        configuration.signers[0].0.phone = Some("+15555550100".to_owned());
    });
    assert_eq!(rig.code("sendReq", &phone.send_req(0, 1)).await, 2104);
    let outside = changed(1, |_, configuration| {
        configuration.signers[0].0.fields[0].0.y = 9000.0;
    });
    assert_eq!(rig.code("sendReq", &outside.send_req(0, 1)).await, 2106);
    let (account, configuration) = (account(), configuration(1));
    let broken = Task2::seal(&account, &configuration, true, b"no PDF");
    assert_eq!(rig.code("sendReq", &broken.send_req(0, 1)).await, 2106);
    let mut signed = pdf::document(1, 0);
    signed.extend_from_slice(b"letsesign=true\n");
    let signed = Task2::seal(&account, &configuration, true, &signed);
    assert_eq!(rig.code("sendReq", &signed.send_req(0, 1)).await, 2105);
    assert_eq!(rig.testbed.mailbox.count(), 0);
}
