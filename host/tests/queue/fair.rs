//! Fairness between senders, and quotas.

use crate::stage::{Stage, asker, finish, new_job, offer, payload, pieces, submit};
use letsesign_host::queue::{Allowance, Quota, SubmitError};

#[tokio::test]
async fn weights_share_the_enclaves() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        queue.set_allowance(
            "heavy",
            Allowance {
                weight: 3,
                ..Allowance::default()
            },
        );
        // The one who is first, and has most, does not push the others aside.
        for (sender, count) in [("flood", 60), ("heavy", 40), ("small", 40)] {
            for _ in 0..count {
                submit(&queue, sender).await;
            }
        }
        let me = asker();
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..50 {
            let job = offer(&queue, &me).await.job;
            let sender = queue.job(&job).await.unwrap().unwrap().sender;
            *counts.entry(sender).or_insert(0) += 1;
        }
        let count = |sender: &str| counts.get(sender).copied().unwrap_or(0);
        assert_eq!(
            (count("flood"), count("heavy"), count("small")),
            (10, 30, 10)
        );
    }
}

#[tokio::test]
async fn quotas_hold() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let me = asker();
        let over = |result: Result<_, SubmitError>| match result {
            Err(SubmitError::OverQuota {
                quota,
                limit,
                until,
            }) => (quota, limit, until.is_some()),
            other => panic!("{other:?}"),
        };
        queue.set_allowance(
            "few",
            Allowance {
                jobs: 2,
                ..Allowance::default()
            },
        );
        submit(&queue, "few").await;
        submit(&queue, "few").await;
        let third = queue.submit(new_job("few"), pieces("{}")).await;
        assert_eq!(over(third), (Quota::Jobs, 2, false));
        submit(&queue, "another").await;
        let session = offer(&queue, &me).await.session;
        finish(&queue, &me.start, &session, 0).await;
        let session = offer(&queue, &me).await.session;
        finish(&queue, &me.start, &session, 0).await;
        submit(&queue, "few").await;

        queue.set_allowance(
            "small",
            Allowance {
                bytes: 250_000,
                ..Allowance::default()
            },
        );
        let big = || pieces(payload(1, 200_000));
        queue.submit(new_job("small"), big()).await.unwrap();
        let second = queue.submit(new_job("small"), big()).await;
        assert_eq!(over(second), (Quota::Bytes, 250_000, false));
        // A refused payload is not stored.
        let objects = walk(&stage.objects());
        assert_eq!(objects, 1);

        queue.set_allowance(
            "short",
            Allowance {
                enclave_ms: 60_000,
                ..Allowance::default()
            },
        );
        while let Some(rest) = queue.offer(&me).await.unwrap() {
            finish(&queue, &me.start, &rest.session, 0).await;
        }
        submit(&queue, "short").await;
        let session = offer(&queue, &me).await.session;
        queue.shift_clock(61_000);
        finish(&queue, &me.start, &session, 2999).await;
        let next = queue.submit(new_job("short"), pieces("{}")).await;
        assert_eq!(over(next), (Quota::EnclaveTime, 60_000, true));
        queue.shift_clock(25 * 3_600_000);
        submit(&queue, "short").await;
    }
}

/// Files below a folder.
pub fn walk(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { walk(&path) } else { 1 })
        .sum()
}
