//! Several hosts on one PostgreSQL.

use crate::cluster::{Cluster, sql};
use crate::stage::{Stage, asker, finish, new_job, none, offer, pieces, result, submit};
use letsesign_host::queue::{Engine, Error, NewJob, Queue, State};
use std::collections::HashSet;
use std::fmt::Debug;
use std::time::{Duration, Instant};

async fn host(stage: &Stage, name: &str) -> Queue {
    let mut settings = stage.settings();
    settings.host = name.into();
    Queue::open(settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_job_is_offered_once() {
    const JOBS: usize = 300;
    let Some(stage) = Stage::postgres() else {
        return;
    };
    let hosts = [host(&stage, "a").await, host(&stage, "b").await];
    let mut workers = Vec::new();
    for at in 0..JOBS {
        let queue = hosts[at % 2].clone();
        let task = Some(format!("task-{}", at % 20));
        let job = NewJob {
            task,
            ..new_job(&format!("sender-{}", at % 3))
        };
        workers.push(tokio::spawn(async move {
            queue.submit(job, pieces("{}")).await.unwrap()
        }));
    }
    let mut submitted = HashSet::new();
    for worker in workers {
        submitted.insert(worker.await.unwrap());
    }
    let mut workers = Vec::new();
    for at in 0..8 {
        let queue = hosts[at % 2].clone();
        workers.push(tokio::spawn(async move {
            let me = asker();
            let mut jobs = Vec::new();
            let mut idle = 0;
            while idle < 3 {
                let Some(offered) = queue.offer(&me).await.unwrap() else {
                    // Rows that another transaction holds are passed over.
                    idle += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                assert!(queue.begin(&me.start, &offered.session).await.unwrap());
                finish(&queue, &me.start, &offered.session, 0).await;
                jobs.push(offered.job);
            }
            jobs
        }));
    }
    let mut worked = Vec::new();
    for worker in workers {
        worked.extend(worker.await.unwrap());
    }
    assert_eq!(worked.len(), JOBS);
    assert_eq!(worked.into_iter().collect::<HashSet<_>>(), submitted);
    assert_eq!(
        hosts[0].stats().await.unwrap().count(State::Done),
        JOBS as u64
    );
}

#[tokio::test]
async fn a_job_of_one_host_wakes_the_other() {
    let Some(stage) = Stage::postgres() else {
        return;
    };
    let (a, b) = (host(&stage, "a").await, host(&stage, "b").await);
    let me = asker();
    none(&b, &me).await;
    let job = submit(&a, "s").await;
    // Woken by LISTEN, or when its connection was made: no poll gets here.
    loop {
        b.changed(Duration::from_hours(1)).await;
        if let Some(offered) = b.offer(&me).await.unwrap() {
            assert_eq!(offered.job, job);
            break;
        }
    }
    let starts = a.starts().await.unwrap();
    assert_eq!(starts[0].host, "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_comes_back() {
    if crate::cluster::shared().is_err() {
        return;
    }
    let cluster = Cluster::start().unwrap();
    let stage = Stage {
        engine: Engine::Postgres {
            url: cluster.database(),
        },
        ..Stage::sqlite()
    };
    let queue = stage.open().await;
    let me = asker();
    let job = submit(&queue, "s").await;
    let session = offer(&queue, &me).await.session;
    assert!(queue.begin(&me.start, &session).await.unwrap());
    cluster.stop();
    assert!(queue.begin(&me.start, &session).await.is_err());
    assert!(queue.submit(new_job("s"), pieces("{}")).await.is_err());
    assert!(queue.check().await.is_err());
    cluster.start_again();
    assert!(again(|| queue.begin(&me.start, &session)).await);
    again(|| queue.finish(&me.start, pieces(result(&session, 0, "")))).await;
    let view = again(|| queue.job(&job)).await.unwrap();
    assert_eq!(view.state, State::Done);
    again(|| queue.check()).await;
}

/// Asks until there is an answer, as an enclave does: each connection notices by itself that its
/// server was gone, so several answers may be errors. The limit is for a machine that is busy.
async fn again<T, E: Debug, F: Future<Output = Result<T, E>>>(ask: impl Fn() -> F) -> T {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < until, "it does not come back: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn newer_schemas_are_refused() {
    let lite = Stage::sqlite();
    drop(lite.open().await);
    let Engine::Sqlite { path } = &lite.engine else {
        unreachable!()
    };
    let db = rusqlite::Connection::open(path).unwrap();
    db.pragma_update(None, "user_version", 2).unwrap();
    let mut stages = vec![lite];
    if let Some(stage) = Stage::postgres() {
        drop(stage.open().await);
        let Engine::Postgres { url } = &stage.engine else {
            unreachable!()
        };
        sql(url, "INSERT INTO letsesign_host_schema VALUES (2)");
        stages.push(stage);
    }
    for stage in stages {
        let refused = Queue::open(stage.settings()).await.err().unwrap();
        assert!(
            matches!(refused, Error::NewerSchema { found: 2, known: 1 }),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn urls_that_would_send_jobs_in_the_clear_are_refused() {
    let stage = Stage::sqlite();
    let mut settings = stage.settings();
    for (url, part) in [
        ("postgres://u@db.example.com/q", "sslmode=require"),
        ("postgres://u:secret@[", "not acceptable"),
    ] {
        settings.engine = Engine::Postgres { url: url.into() };
        let error = Queue::open(settings.clone())
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(part) && !error.contains("secret"), "{error}");
    }
}
