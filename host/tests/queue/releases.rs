//! Which image may work which job.

use crate::stage::{Stage, asker, new_job, none, offer, pieces, submit};
use letsesign_host::queue::{Asker, NewJob, SubmitError};

fn of_release(release: i64) -> Asker {
    Asker { release, ..asker() }
}

#[tokio::test]
async fn a_task_never_moves_to_an_older_release() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (old, new) = (of_release(1), of_release(2));
        let of_task = || NewJob {
            task: Some("t".into()),
            ..new_job("s")
        };
        for _ in 0..4 {
            queue.submit(of_task(), pieces("{}")).await.unwrap();
        }
        offer(&queue, &old).await;
        assert!(!queue.release_is_used(2).await.unwrap());
        offer(&queue, &new).await;
        // No result yet, and no way back: the task may have moved.
        assert!(queue.release_is_used(2).await.unwrap());
        none(&queue, &old).await;
        offer(&queue, &new).await;
        // Neither does a job that went back, or whose offer is old.
        queue.start_ended(&new.start).await.unwrap();
        queue.shift_clock(400_000);
        let again = offer(&queue, &old).await;
        assert_eq!(queue.job(&again.job).await.unwrap().unwrap().repeats, 1);
        none(&queue, &old).await;
        // Other tasks do not wait behind it.
        submit(&queue, "s").await;
        offer(&queue, &old).await;
    }
}

#[tokio::test]
async fn an_image_that_the_sender_does_not_accept_gets_nothing() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (a, b) = (
            asker(),
            Asker {
                pcr0: "b".repeat(96),
                ..asker()
            },
        );
        let accepts = vec!["c".repeat(96), "b".repeat(96)];
        let job = NewJob {
            accepts,
            ..new_job("s")
        };
        let job = queue.submit(job, pieces("{}")).await.unwrap();
        none(&queue, &a).await;
        assert_eq!(offer(&queue, &b).await.job, job);
        queue.shift_clock(400_000);
        none(&queue, &a).await;
        let job = NewJob {
            accepts: vec!["B".repeat(96)],
            ..new_job("s")
        };
        let refused = queue.submit(job, pieces("{}")).await;
        assert!(matches!(refused, Err(SubmitError::Invalid(_))));
    }
}

#[tokio::test]
async fn who_drains_gets_nothing_new() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        submit(&queue, "s").await;
        let drains = Asker {
            draining: true,
            ..asker()
        };
        none(&queue, &drains).await;
        offer(&queue, &asker()).await;
        queue.shift_clock(400_000);
        none(&queue, &drains).await;
    }
}
