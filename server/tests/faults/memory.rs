//! Ten thousand jobs in a row.

use crate::stage::{MIB, Stage, code, task};
use letsesign_testbed::{Json, Pending, Sealed, Testbed, client};
use std::collections::BTreeMap;

const JOBS: usize = 10_000;
/// Until then memory may grow: connections, buffers, arenas.
const WARM: usize = 2_000;
/// Jobs that wait at the host at a time.
const BATCH: usize = 100;

/// Jobs of all kinds, in turn.
struct Mix {
    sealed: Sealed,
    jobs: Vec<(&'static str, Json, i64)>,
}

impl Mix {
    async fn new(testbed: &Testbed) -> Self {
        let sealed = task().seal();
        let signed = client::sign(testbed, &sealed).await;
        let confirm = sealed.confirm_intent(signed.links[0].secret(), &signed.pors[0]);
        let attach = sealed.attach_esig(&signed.pois);
        let with = |job: &Json, path: &str, value: Json| {
            let mut job = job.clone();
            job.set(path, value);
            job
        };
        let without = |job: &Json, path: &str| {
            let mut job = job.clone();
            job.remove(path);
            job
        };
        let send = sealed.send_req(0);
        let nonce = Json::object([("nonce", "AAAAAAAAAAAAAAAAAAAAAA==".into())]);
        let mut corrupt = sealed.clone();
        corrupt.corrupt("encryptedTaskConfig");
        let jobs = vec![
            ("sendReq", with(&send, "signerIdx", 1000_usize.into()), 2001),
            ("sendReq", with(&send, "taskID", "".into()), 2001),
            ("sendReq", without(&send, "extraData"), 2001),
            (
                "sendReq",
                with(
                    &send,
                    "taskPayload.publicTaskInfo.inOrder",
                    Json::raw("null"),
                ),
                2001,
            ),
            (
                "confirmIntent",
                with(&confirm, "ipAddress", "1.2.3".into()),
                2001,
            ),
            ("confirmIntent", without(&confirm, "secret"), 2001),
            (
                "attachEsig",
                with(&attach, "proofList", Json::List(Vec::new())),
                2001,
            ),
            ("attachEsig", without(&attach, "taskPassword"), 2001),
            ("selfTest", Json::object([("nonce", "!".into())]), 2001),
            ("nothing", nonce.clone(), 2001),
            ("selfTest", nonce, 0),
            (
                "sendReq",
                with(&send, "extraData.kmsKeyID", "AKIANOBODY".into()),
                2002,
            ),
            ("sendReq", corrupt.send_req(0), 2002),
            (
                "sendReq",
                with(&send, "taskPayload.publicTaskInfo.inOrder", true.into()),
                2003,
            ),
            ("sendReq", with(&send, "signerIdx", 7_usize.into()), 2102),
            ("confirmIntent", with(&confirm, "por", "AAAA".into()), 2201),
            (
                "confirmIntent",
                with(&confirm, "secret", "another".into()),
                2202,
            ),
            (
                "attachEsig",
                with(&attach, "proofList.0.poi", "AAAA".into()),
                2302,
            ),
            ("confirmIntent", confirm, 0),
            ("attachEsig", attach, 0),
            ("sendReq", send.clone(), 0),
            ("sendReq", send.clone(), 0),
            ("sendReq", send.clone(), 0),
            ("sendReq", send, 0),
        ];
        Self { sealed, jobs }
    }

    /// Job number n: mostly cheap ones.
    fn job(&self, number: usize) -> &(&'static str, Json, i64) {
        let cheap = 11;
        if number.is_multiple_of(12) {
            &self.jobs[cheap + number / 12 % (self.jobs.len() - cheap)]
        } else {
            &self.jobs[number % cheap]
        }
    }
}

/// Waits until the server has returned the memory that its last jobs freed. It does so every
/// second; in between, up to 8 MiB may be free and resident.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_jobs_leave_nothing_behind() {
    let limits = [
        ("workers-per-cpu", "4"),
        ("workers-max", "4"),
        ("keep-ms", "5000"),
        ("poll-ms", "1"),
        // The same task is refused again and again.
        ("refusals-per-key", "255"),
    ];
    let mut stage = Stage::start(&limits).await;
    let mix = Mix::new(&stage.testbed).await;
    let mut codes = BTreeMap::<i64, usize>::new();
    let mut warm = 0;
    for start in (0..JOBS).step_by(BATCH) {
        if start == WARM {
            settle().await;
            warm = stage.server.usage().resident;
        }
        let batch: Vec<(Pending, i64)> = (start..start + BATCH)
            .map(|number| {
                let (name, data, expected) = mix.job(number);
                (stage.testbed.submit(name, data), *expected)
            })
            .collect();
        for (pending, expected) in batch {
            let found = code(&pending.result().await);
            assert_eq!(found, expected);
            *codes.entry(found).or_default() += 1;
        }
        // The testbed's memory is not what is measured.
        stage.testbed.mailbox.clear();
    }
    assert_eq!(codes.values().sum::<usize>(), JOBS);
    let full = codes[&0];
    assert!(full > 1_000, "{codes:?}");
    settle().await;
    let end = stage.server.usage();
    let grown = end.resident.saturating_sub(warm);
    println!(
        "{codes:?}; resident after {WARM}: {warm}, at the end {}, peak {}",
        end.resident, end.peak
    );
    assert!(grown < 4 * MIB, "from {warm} to {} bytes", end.resident);
    assert_eq!(mix.sealed.task.signers.len(), 1);
    stage.works(&"ten thousand jobs").await;
    stage.end().await;
}
