//! Protocol 2 in the emulated enclave: two signers in order, a reminder, a decline, a void.

use letsesign_proof::Spf;
use letsesign_proof::protocol2::{Decline, Void};
use letsesign_protocol2::{Action, Statement};
use letsesign_testbed::client::protocol2::{Link2, Task2, account, configuration};
use letsesign_testbed::{Attested, Json, Testbed, pdf};

fn task() -> Task2 {
    Task2::seal(&account(), &configuration(2), true, &pdf::document(2, 0))
}

/// Runs a job that mails a link.
async fn asked(
    testbed: &Testbed,
    task: &Task2,
    signer: u16,
    previous: Option<&Attested>,
) -> (Attested, Link2) {
    let before = testbed.mailbox.count();
    let job = match previous {
        Some(poi) => task.send_req_after(signer, poi),
        None => task.send_req(signer, 1),
    };
    let result = testbed.run("sendReq", &job).await;
    let por = Attested::of(&result);
    let address = format!("signer{signer}@example.com");
    let mails = testbed.mailbox.since(before);
    let mail = mails
        .iter()
        .find(|mail| mail.recipients == [address.clone()]);
    (por, Link2::of(&mail.expect("a mail").parsed()))
}

async fn success(testbed: &Testbed, name: &str, job: &Json) -> serde_json::Value {
    let result = testbed.run(name, job).await;
    assert_eq!(result["code"], 0, "{name}: {result}");
    result
}

pub(crate) async fn play(testbed: &Testbed) {
    let signed = task();
    let mut pois: Vec<Attested> = Vec::new();
    for signer in 0..2 {
        let (por, link) = asked(testbed, &signed, signer, pois.last()).await;
        // The link is the same, but the reminder comes too soon to mail it.
        let mails = testbed.mailbox.count();
        let reminded = success(testbed, "remind", &signed.remind(&por)).await;
        assert_eq!(reminded["mailed"], false);
        assert_eq!(testbed.mailbox.count(), mails);
        let answer = link.answer(Action::Confirm, None, None);
        let job = signed.answer(&por, &answer);
        pois.push(Attested::of(&success(testbed, "confirmIntent", &job).await));
    }
    let result = success(testbed, "attachEsig", &signed.attach_esig(&pois)).await;
    let files = signed.open(&result);
    assert!(files[0].1.ends_with(b"letsesign=true\n"));
    let spf = Spf::parse(&files[1].1).unwrap();
    assert_eq!(spf.summary.version(), 3);
    assert_eq!(spf.summary.binding_data_hash, signed.binding());

    let declined = task();
    let (por, link) = asked(testbed, &declined, 0, None).await;
    let answer = link.answer(Action::Decline, None, Some("not like this"));
    let result = success(testbed, "decline", &declined.answer(&por, &answer)).await;
    Decline::parse(Attested::of(&result).result("decline")).unwrap();
    assert_eq!(declined.reason(&result)["reason"], "not like this");

    let mut void = task();
    let (por, link) = asked(testbed, &void, 0, None).await;
    void.state(&Statement::Void {
        at: 1,
        reason: None,
    });
    let result = success(testbed, "voidTask", &void.void()).await;
    Void::parse(Attested::of(&result).result("void")).unwrap();
    let late = link.answer(Action::Confirm, None, None);
    let refused = testbed
        .run("confirmIntent", &void.answer(&por, &late))
        .await;
    assert_eq!(refused["code"], 2405, "{refused}");
}
