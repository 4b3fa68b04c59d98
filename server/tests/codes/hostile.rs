//! A host that reads the codes (docs/security.md). Every test plays an attack that once worked, or
//! one of its kind. The data key is wrapped anew for each attempt where the budget of failures must
//! not be what stops the attack.

use crate::{Rig, task};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_testbed::customer::{decrypt, decrypt_data_key, encrypt, encrypt_data_key};
use letsesign_testbed::twilio::PIN;
use letsesign_testbed::{Attested, Json, Sealed};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const PARTS: [(&str, u64); 5] = [
    ("encryptedBindingData", 2002),
    ("encryptedTaskConfig", 2002),
    ("encryptedTemplateData", 2006),
    ("encryptedEmailConfig", 2002),
    ("encryptedTwilioConfig", 2002),
];

fn path(part: &str, member: &str) -> String {
    format!("privateTaskInfo.{part}.{member}")
}

fn bytes(sealed: &Sealed, part: &str, member: &str) -> Vec<u8> {
    let text = sealed.payload.text_at(&path(part, member));
    BASE64_STANDARD.decode(text).unwrap()
}

/// Puts a ciphertext into a slot, under a data key that is wrapped anew.
fn put(sealed: &mut Sealed, part: &str, wrapped: &[u8], iv: [u8; 16], data: &[u8]) {
    for (member, bytes) in [
        ("encryptedDataKey", wrapped),
        ("dataIV", &iv),
        ("encryptedData", data),
    ] {
        let text = BASE64_STANDARD.encode(bytes);
        sealed.payload.set(&path(part, member), text);
    }
}

/// The audit's attack: a block of the e-mail configuration in every slot, with vectors one of which
/// makes it end in right padding. From 2002 and 2006 it read 48 bytes of the bearer secret. The
/// whole loop, for every slot and all guesses, is in src/task/accept_tests.rs.
#[tokio::test]
async fn result_codes_decrypt_nothing() {
    let rig = Rig::with(&[("refusal-ms", "1"), ("workers-max", "4")]).await;
    let honest = task().with_phone(0, "+886912345678").seal();
    let keys =
        PARTS.map(|(part, _)| decrypt_data_key(&bytes(&honest, part, "encryptedDataKey")).unwrap());
    let email = bytes(&honest, "encryptedEmailConfig", "encryptedData");
    let before: [u8; 16] = email[16..32].try_into().unwrap();
    let block = &email[32..48];
    // The block's plaintext with a vector of zeros, to know which guess is the right one.
    let clear = {
        let key: [u8; 32] = keys[3].clone().try_into().unwrap();
        let last = encrypt(&key, block.try_into().unwrap(), b"");
        let all = [&[0; 16], block, &last].concat();
        decrypt(&key, &all).unwrap()
    };
    assert_eq!(clear.len(), 16);
    assert!(clear.iter().zip(before).all(|(a, b)| (a ^ b).is_ascii()));
    for (slot, expected) in PARTS {
        let mut jobs = Vec::new();
        for guess in 0..16 {
            let mut sealed = honest.clone();
            // Wrap every data key anew, so that all counters are new.
            for ((part, _), key) in PARTS.iter().zip(&keys) {
                let wrapped = BASE64_STANDARD.encode(encrypt_data_key(key));
                sealed.payload.set(&path(part, "encryptedDataKey"), wrapped);
            }
            let mut iv = [0x11; 16];
            iv[15] = clear[15] ^ 1 ^ guess;
            put(&mut sealed, slot, &encrypt_data_key(&keys[3]), iv, block);
            jobs.push(rig.testbed.submit("sendReq", &sealed.send_req(0)));
        }
        let mut codes = BTreeSet::new();
        for job in jobs {
            codes.insert(job.result().await["code"].as_u64().unwrap());
        }
        assert_eq!(codes, BTreeSet::from([expected]), "{slot}");
    }
    assert_eq!(rig.testbed.mailbox.count(), 0);
}

/// Plaintexts under one data key are refused sixteen times at most; then not even KMS is asked.
#[tokio::test]
async fn a_data_key_has_a_budget_of_refusals() {
    let rig = Rig::start().await;
    let honest = task().seal();
    let wrapped = bytes(&honest, "encryptedEmailConfig", "encryptedDataKey");
    let data = bytes(&honest, "encryptedEmailConfig", "encryptedData");
    let mut codes = Vec::new();
    for guess in 0..18 {
        // Use other binding data each time, so that their budget does not run out first.
        let mut sealed = task().seal();
        put(
            &mut sealed,
            "encryptedTemplateData",
            &wrapped,
            [guess; 16],
            &data[..16],
        );
        codes.push(rig.send(&sealed).await);
    }
    assert_eq!(codes, [[2006; 16].as_slice(), &[2002; 2]].concat());
    let before = rig.testbed.kms.counters().requests();
    assert_eq!(rig.send(&honest).await, 2002, "the key is in another slot");
    assert_eq!(rig.testbed.kms.counters().requests(), before);
    // Others are not affected.
    assert_eq!(rig.send(&task().seal()).await, 0);
}

/// Jobs at the same time cannot try more often than one after the other.
#[tokio::test]
async fn parallel_jobs_do_not_overrun_the_budget() {
    let rig = Rig::with(&[("workers-max", "8"), ("workers-per-cpu", "8")]).await;
    let honest = task().seal();
    let wrapped = bytes(&honest, "encryptedEmailConfig", "encryptedDataKey");
    let jobs: Vec<_> = (0..48)
        .map(|guess| {
            let mut sealed = task().seal();
            let part = "encryptedTemplateData";
            put(&mut sealed, part, &wrapped, [guess; 16], &[guess; 16]);
            rig.testbed.submit("sendReq", &sealed.send_req(0))
        })
        .collect();
    let mut refused = 0;
    for job in jobs {
        refused += u32::from(job.result().await["code"] == 2006);
    }
    assert_eq!(refused, 16);
}

/// Honest jobs with one data key may be many at a time, and a failure of KMS costs nothing.
#[tokio::test]
async fn honest_jobs_and_failures_of_kms_use_up_nothing() {
    let rig = Rig::with(&[("workers-max", "8"), ("workers-per-cpu", "8")]).await;
    let sealed = task().with_signers(2).seal();
    let mut wrong = sealed.send_req(0);
    wrong.set("extraData.kmsKeySecret", "wrong");
    for _ in 0..20 {
        assert_eq!(rig.code("sendReq", &wrong).await, 2002);
    }
    let jobs: Vec<_> = (0..40)
        .map(|number| rig.testbed.submit("sendReq", &sealed.send_req(number % 2)))
        .collect();
    for job in jobs {
        assert_eq!(job.result().await["code"], 0);
    }
}

/// Each way to be refused, and its code.
fn refused() -> Vec<(&'static str, Sealed, u64)> {
    let bound = || task().with_phone(0, "+886912345678").parts().bind();
    let mut all = Vec::new();
    let mut add = |name, sealed, code| all.push((name, sealed, code));
    for (part, code) in PARTS {
        let mut sealed = bound().seal();
        let wrapped = encrypt_data_key(&[7; 32]);
        put(&mut sealed, part, &wrapped, [0; 16], &[0; 64]);
        add(part, sealed, code);
        if code == 2002 {
            for text in [&b"{\"a\":NaN}"[..], b"{\"a\":1,\"a\":2}", b"{}"] {
                let mut sealed = bound().seal();
                sealed.replace(part, text);
                add(part, sealed, if text == b"{}" { 2001 } else { 2002 });
            }
        }
    }
    let mut changed = bound();
    changed.parts.public.set("inOrder", true);
    add("inOrder", changed.seal(), 2003);
    let mut changed = bound();
    let config = &mut changed.parts.task_config;
    config.set("taskConfig.senderMsg", "Another.");
    add("task configuration", changed.seal(), 2004);
    let mut changed = bound();
    changed.parts.template.push(b'\n');
    add("template", changed.seal(), 2006);
    let mut changed = bound();
    changed.parts.email_config.set("bearerSecret", "another");
    add("bearer secret", changed.seal(), 2007);
    let mut changed = bound();
    let domain = "domainSetting.emailServiceDomain";
    changed.parts.public.set(domain, "example.org");
    add("domain", changed.seal(), 2008);
    all
}

/// Whatever is refused is answered not before one time, with nothing asked of a service meanwhile;
/// and the console says the same of all of it, but for the code that the host gets anyway.
#[tokio::test]
async fn refusals_differ_in_their_code_alone() {
    const DELAY: Duration = Duration::from_millis(400);
    let rig = Rig::with(&[("refusal-ms", "400"), ("workers-max", "1")]).await;
    // Past the line that says it is ready.
    assert_eq!(rig.send(&task().seal()).await, 0);
    let mut lines = BTreeSet::new();
    for (name, sealed, code) in refused() {
        let (begun, kms) = (Instant::now(), rig.testbed.kms.counters().requests());
        let known = rig.server.log().len();
        assert_eq!(rig.send(&sealed).await, code, "{name}");
        assert!(begun.elapsed() >= DELAY, "{name} was answered at once");
        let asked = rig.testbed.kms.counters().requests() - kms;
        assert_eq!(asked, 5, "{name}: calls to KMS");
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

/// A host that keeps the SID of one request cannot use its PIN for another.
#[tokio::test]
async fn a_pin_of_one_request_does_not_confirm_another() {
    let rig = Rig::with(&[("sms-pause-ms", "1")]).await;
    let sealed = task().with_phone(0, "+886912345678").seal();
    let waiting = async || {
        let (por, secret) = rig.asked(&sealed, 0).await;
        let job = sealed.confirm_intent(&secret, &por);
        let result = rig.result("confirmIntent", &job).await;
        assert_eq!(result["code"], 2203);
        let sid = result["twilioVerificationSID"].as_str().unwrap().to_owned();
        (job, sid)
    };
    let (one, one_sid) = waiting().await;
    let (other, other_sid) = waiting().await;
    let with = |job: &Json, sid: &str| {
        let mut job = job.clone();
        job.add("twilioVerificationSID", sid);
        job.add("twilioVerificationPIN", PIN);
        job
    };
    let bare = other_sid.split('.').next().unwrap();
    let mac = one_sid.rsplit('.').next().unwrap();
    let before = rig.testbed.twilio.counters().requests();
    for sid in [
        one_sid.as_str(),
        bare,
        &format!("{bare}.{mac}"),
        &format!("{bare}."),
        &other_sid.to_uppercase(),
    ] {
        let code = rig.code("confirmIntent", &with(&other, sid)).await;
        assert_eq!(code, 2204, "{sid}");
    }
    // Twilio must not see this PIN: one more wrong attempt would lock out the right PIN.
    assert_eq!(rig.testbed.twilio.counters().requests(), before);
    for (job, sid) in [(one, one_sid), (other, other_sid)] {
        let result = rig.result("confirmIntent", &with(&job, &sid)).await;
        Attested::of(&result);
    }
}

/// Credentials of a role bring a session token; without it KMS refuses them.
#[tokio::test]
async fn temporary_credentials_need_their_session_token() {
    let rig = Rig::start().await;
    rig.testbed.kms.change_policy(|policy| {
        policy
            .access_keys
            .push(("ASIATEMPORARY".into(), "temporary secret".into()));
        policy
            .session_tokens
            .push(("ASIATEMPORARY".into(), "session/token+0=".into()));
    });
    let mut task = task();
    task.access_key = ("ASIATEMPORARY".into(), "temporary secret".into());
    let job = task.seal().send_req(0);
    assert_eq!(rig.code("sendReq", &job).await, 2002);
    for (token, code) in [
        ("session/token+0=", 0),
        ("another", 2002),
        ("", 2001),
        ("two words", 2001),
        ("line\nbreak", 2001),
        (&"x".repeat(4097), 2001),
    ] {
        let mut job = job.clone();
        job.add("extraData.kmsSessionToken", token);
        assert_eq!(rig.code("sendReq", &job).await, code, "{token:.20}");
    }
}

/// `subTaskID` names a step: every job of a task may have another one.
#[tokio::test]
async fn every_job_may_have_a_sub_task_of_its_own() {
    let rig = Rig::start().await;
    let sealed = task().with_signers(2).seal();
    let mut pois = Vec::new();
    for signer in 0..2 {
        let before = rig.testbed.mailbox.count();
        let mut job = sealed.send_req(signer);
        job.set("subTaskID", format!("ask-{signer}"));
        let por = Attested::of(&rig.result("sendReq", &job).await);
        let mail = &rig.testbed.mailbox.since(before)[0];
        let link = letsesign_testbed::client::Link::of(&mail.parsed());
        assert_eq!(link.intent["sid"], format!("ask-{signer}"));
        let mut job = sealed.confirm_intent(link.secret(), &por);
        job.set("subTaskID", format!("confirm-{signer}"));
        pois.push(Attested::of(&rig.result("confirmIntent", &job).await));
    }
    let mut job = sealed.attach_esig(&pois);
    job.set("subTaskID", "final");
    assert_eq!(rig.code("attachEsig", &job).await, 0);
    // The task itself is bound.
    job.set("taskID", "task-another-0123456789abcdef");
    assert_eq!(rig.code("attachEsig", &job).await, 2303);
}
