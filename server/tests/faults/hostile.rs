//! Jobs of full size that are made to cost memory (docs/job-protocol.md, "Memory").

use crate::stage::{MIB, Stage, code, task};
use letsesign_testbed::{Task, client};

/// limits.toml: job-bytes, job-memory-bytes, job-memory-factor.
const JOB: usize = 50 << 20;
const FIXED: u64 = 96 * MIB;
const FACTOR: u64 = 5;

/// Outcomes of hostile jobs. One of them is honest but for what it has besides, and that is
/// allowed.
const CODES: [i64; 3] = [0, 2001, 2002];

/// One worker of eight may ask at a time: nothing is left for a second job of full size.
const SMALL: [(&str, &str); 3] = [
    ("workers-per-cpu", "8"),
    ("workers-max", "8"),
    ("memory-reserve-bytes", "1099511627776"),
];

/// Repeats a piece between two ends until the job has its full size.
fn filled(session: &str, start: &str, piece: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = format!(r#"{{"session":"{session}","jobName":"sendReq","jobData":"#);
    body.reserve(JOB);
    body.push_str(start);
    for number in 0.. {
        let next = piece(number);
        if body.len() + next.len() + end.len() + 1 > JOB {
            break;
        }
        body.push_str(&next);
    }
    body.push_str(end);
    body.push('}');
    body
}

/// Everything that once cost a multiple of its size.
fn hostile(task: &Task) -> Vec<(&'static str, String)> {
    let same = |text: &str| {
        let text = text.to_owned();
        move |_| text.clone()
    };
    let request = task.seal().send_req(0).to_text();
    let (_, inner) = request.split_at(1);
    // A signer's list of fields, and a part of a task, where honest ones are.
    let (before_fields, after_fields) = request.split_once("\"fieldList\":[").unwrap();
    let marker = "\"encryptedTemplateData\":{";
    let (before_part, after_part) = request.split_once(marker).unwrap();
    let (_, after_part) = after_part.split_once('}').unwrap();
    let iv = "AAAAAAAAAAAAAAAAAAAAAA==";
    let part = format!(
        r#"{before_part}{marker}"encryptedDataKey":"AAAA","dataIV":"{iv}","encryptedData":""#
    );
    let after = format!("\"}}{after_part}");
    vec![
        (
            "members",
            filled("members", "{", |n| format!("\"{n:x}\":0,"), "\"z\":0}"),
        ),
        (
            "elements",
            filled("elements", "{\"l\":[", same("0,"), "0]}"),
        ),
        (
            "objects",
            filled(
                "objects",
                "{\"l\":[",
                same("{\"a\":[]},"),
                &format!("0],{inner}"),
            ),
        ),
        (
            "nested",
            filled(
                "nested",
                "{\"l\":[",
                same("{\"a\":{\"b\":{\"c\":[[]]}}},"),
                "0]}",
            ),
        ),
        (
            "names",
            filled(
                "names",
                "{",
                |n| format!("\"\\u0061{n:x}{}\":0,", "k".repeat(900)),
                "\"z\":0}",
            ),
        ),
        (
            "one name",
            filled("one name", "{\"\\u0061", same("kkkkkkkk"), "\":0}"),
        ),
        (
            "fields",
            filled(
                "fields",
                &format!("{before_fields}\"fieldList\":["),
                same(r#"{"x":1,"y":1,"height":9,"pageNo":1,"type":0},"#),
                after_fields,
            ),
        ),
        ("part", filled("part", &part, same("AAAA"), &after)),
        // The escape is allowed, and some encoders write it.
        ("escapes", filled("escapes", &part, same("AA\\/A"), &after)),
    ]
}

/// Most memory in bytes with one job of full size, given that of a server without jobs.
fn allowed(resting: u64) -> u64 {
    resting + FIXED + FACTOR * (50 * MIB)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_job_takes_no_more_than_its_share() {
    for (session, body) in hostile(&task()) {
        let mut stage = Stage::start(&SMALL).await;
        stage.works(&"the start").await;
        let resting = stage.server.usage().peak;
        let result = stage.testbed.jobs.submit_raw(session, body).result().await;
        assert!(
            CODES.contains(&code(&result)),
            "{session}: {}",
            code(&result)
        );
        let peak = stage.server.usage().peak;
        println!(
            "{session}: {} of {} MiB",
            peak / MIB,
            allowed(resting) / MIB
        );
        assert!(peak <= allowed(resting), "{session}: {peak} bytes");
        stage.works(&session).await;
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_hostile_jobs_at_once_take_one_share_and_an_honest_one_passes() {
    let mut stage = Stage::start(&SMALL).await;
    stage.works(&"the start").await;
    let resting = stage.server.usage().peak;
    let jobs = hostile(&task());
    let pending: Vec<_> = jobs
        .into_iter()
        .take(8)
        .map(|(session, body)| stage.testbed.jobs.submit_raw(session, body))
        .collect();
    let sealed = task().seal();
    let signed = client::sign(&stage.testbed, &sealed).await;
    assert!(signed.files[0].1.ends_with(b"letsesign=true\n"));
    for pending in pending {
        let session = pending.session().to_owned();
        let result = pending.result().await;
        assert!(
            CODES.contains(&code(&result)),
            "{session}: {}",
            code(&result)
        );
    }
    let peak = stage.server.usage().peak;
    println!("all: {} of {} MiB", peak / MIB, allowed(resting) / MIB);
    assert!(peak <= allowed(resting), "{peak} bytes");
    stage.works(&"hostile jobs").await;
    stage.end().await;
}

/// About the largest document that mail providers take, with everything: preview, confirmation,
/// signed document, archives and mails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_honest_job_fits_its_share() {
    let patient = [("mail-step-ms", "60000"), ("mail-ms", "300000")];
    let stage = Stage::start(&[&SMALL[..], &patient].concat()).await;
    let resting = stage.server.usage().peak;
    let mut task = Task::new(letsesign_testbed::pdf::document(3, 24 << 20));
    task.notificant = "office@example.com".into();
    let sealed = task.seal();
    let size = sealed.send_req(0).to_text().len();
    let allowed = resting + FIXED + FACTOR * u64::try_from(size).unwrap();
    let signed = client::sign(&stage.testbed, &sealed).await;
    assert!(signed.files[0].1.len() > 24 << 20);
    let peak = stage.server.usage().peak;
    println!("honest: {} of {} MiB", peak / MIB, allowed / MIB);
    assert!(peak <= allowed, "{peak} bytes");
    stage.end().await;
}
