//! Secrets go when their task ends, rows when their time is over, objects when nobody names them.

use crate::fair::walk;
use crate::stage::{Stage, asker, finish, new_job, offer, payload, pieces, result, submit};
use letsesign_host::queue::{DecideError, Decision, NewJob, Queue, State, Swept};
use std::time::{Duration, SystemTime};

async fn work(queue: &Queue, length: usize) -> letsesign_host::queue::JobId {
    let me = asker();
    let job = NewJob {
        task: Some("t".into()),
        ..new_job("s")
    };
    let job = queue.submit(job, pieces(payload(1, length))).await.unwrap();
    let session = offer(queue, &me).await.session;
    let body = result(&session, 0, &"r".repeat(length));
    queue.finish(&me.start, pieces(body)).await.unwrap();
    job
}

#[tokio::test]
async fn a_task_that_ended_leaves_no_secret() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let jobs = [work(&queue, 10).await, work(&queue, 100_000).await];
        let waiting = NewJob {
            task: Some("t".into()),
            ..new_job("s")
        };
        queue.submit(waiting, pieces("{}")).await.unwrap();
        assert_eq!(walk(&stage.objects()), 2);
        queue.end_task("t", false).await.unwrap();
        assert_eq!(walk(&stage.objects()), 1);
        for job in &jobs {
            assert!(queue.result(job).await.unwrap().is_some());
        }
        queue.end_task("t", true).await.unwrap();
        assert_eq!(walk(&stage.objects()), 0);
        for job in &jobs {
            assert!(queue.result(job).await.unwrap().is_none());
            assert_eq!(queue.job(job).await.unwrap().unwrap().state, State::Done);
            let history = queue.history(job).await.unwrap();
            assert_eq!(history.last().unwrap().event, "purged");
        }
        // A job that has not ended keeps its payload.
        let rest = offer(&queue, &asker()).await;
        crate::stage::drain(rest.payload).await.unwrap();
    }
}

#[tokio::test]
async fn sweeps_take_what_is_old_and_nothing_else() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let done = work(&queue, 100_000).await;
        let waits = queue
            .submit(new_job("s"), pieces(payload(2, 100_000)))
            .await
            .unwrap();
        let orphan = stage.objects().join("ab/orphan");
        let cut = stage.objects().join("ab/upload#1");
        let young = stage.objects().join("ab/young");
        std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
        for file in [&orphan, &cut, &young] {
            std::fs::write(file, "x").unwrap();
        }
        assert_eq!(queue.sweep().await.unwrap(), Swept::default());
        age(&stage.objects(), &young);
        assert_eq!(
            queue.sweep().await.unwrap(),
            Swept {
                jobs: 0,
                objects: 2
            }
        );
        assert!(!orphan.exists() && !cut.exists() && young.exists());
        queue.shift_clock(401 * 24 * 3_600_000);
        let swept = queue.sweep().await.unwrap();
        assert_eq!(
            swept,
            Swept {
                jobs: 1,
                objects: 2
            }
        );
        assert!(queue.job(&done).await.unwrap().is_none());
        assert!(queue.history(&done).await.unwrap().is_empty());
        let rest = offer(&queue, &asker()).await;
        assert_eq!(rest.job, waits);
        crate::stage::drain(rest.payload).await.unwrap();
    }
}

/// Makes all files two hours old, except one.
fn age(folder: &std::path::Path, except: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path, except);
        } else if path != except {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(2))
                .unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_purged_is_not_retried() {
    let stage = Stage::sqlite();
    let queue = stage.open().await;
    let job = submit(&queue, "s").await;
    let me = asker();
    let session = offer(&queue, &me).await.session;
    assert!(queue.begin(&me.start, &session).await.unwrap());
    queue.start_ended(&me.start).await.unwrap();
    // An unknown job has not ended: its payload stays until it is decided.
    queue.end_task("t", true).await.unwrap();
    queue.decide(&job, Decision::Fail, "op").await.unwrap();
    let again = queue.decide(&job, Decision::Retry, "op").await;
    assert!(matches!(
        again,
        Err(DecideError::NotUnknown {
            state: State::Failed,
            ..
        })
    ));
    assert_eq!(
        finish(&queue, &me.start, &session, 0).await,
        letsesign_host::queue::Finished::Discarded
    );
}
