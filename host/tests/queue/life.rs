//! The way of a job, and what may come twice, late or never.

use crate::stage::{
    Stage, asker, events, finish, new_job, none, offer, payload, pieces, read, result, submit,
};
use letsesign_host::queue::{Finished, JobId, NewJob, StartId, State};

const OFFER_TIMEOUT: i64 = 30_000;
const REOFFER_OTHER: i64 = 300_000;

#[tokio::test]
async fn a_job_is_worked_and_its_result_comes_back() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        for length in [0, 60_000, 70_000, 3_000_000] {
            let me = asker();
            let text = payload(7, length);
            let job = NewJob {
                task: Some("t".into()),
                ..new_job("s")
            };
            let job = queue.submit(job, pieces(text.clone())).await.unwrap();
            let offered = offer(&queue, &me).await;
            assert_eq!((&offered.job, offered.name.as_str()), (&job, "sendReq"));
            assert_eq!(offered.bytes, text.len() as u64);
            assert!(read(offered.payload).await.unwrap() == text.as_bytes());
            none(&queue, &me).await;
            assert!(queue.begin(&me.start, &offered.session).await.unwrap());
            assert!(queue.result(&job).await.unwrap().is_none());
            let body = result(&offered.session, 0, &"r".repeat(length));
            let taken = queue.finish(&me.start, pieces(body.clone())).await.unwrap();
            assert_eq!(
                taken,
                Finished::Taken {
                    job: job.clone(),
                    code: 0
                }
            );
            let stored = queue.result(&job).await.unwrap().unwrap();
            assert!(read(stored).await.unwrap() == body.as_bytes());
            assert_eq!(
                events(&queue, &job).await,
                ["submitted", "offered", "begun", "done"]
            );
            let view = queue.job(&job).await.unwrap().unwrap();
            assert_eq!(
                (view.state, view.code, view.fence),
                (State::Done, Some(0), 1)
            );
        }
        let stats = queue.stats().await.unwrap();
        assert_eq!((stats.count(State::Done), stats.bytes), (4, 0));
        assert!(queue.release_is_used(1).await.unwrap());
        assert!(!queue.release_is_used(2).await.unwrap());
        queue.check().await.unwrap();
    }
}

#[tokio::test]
async fn what_comes_twice_is_once() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let me = asker();
        let job = submit(&queue, "s").await;
        let session = offer(&queue, &me).await.session;
        for _ in 0..3 {
            assert!(queue.begin(&me.start, &session).await.unwrap());
        }
        let first = finish(&queue, &me.start, &session, 0).await;
        assert_eq!(
            first,
            Finished::Taken {
                job: job.clone(),
                code: 0
            }
        );
        for code in [0, 2999] {
            let again = finish(&queue, &me.start, &session, code).await;
            assert_eq!(again, Finished::Repeated { job: job.clone() });
        }
        assert!(
            !queue.begin(&me.start, &session).await.unwrap(),
            "it has ended"
        );
        assert_eq!(
            events(&queue, &job).await,
            ["submitted", "offered", "begun", "done"]
        );
        assert_eq!(queue.job(&job).await.unwrap().unwrap().code, Some(0));
    }
}

#[tokio::test]
async fn begin_is_for_the_session_and_the_start_that_have_the_job() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let me = asker();
        let job = submit(&queue, "s").await;
        let session = offer(&queue, &me).await.session;
        let made_up = format!("{job}-{}", "0".repeat(32));
        let nobody = format!("{}-{}", JobId::new(), "0".repeat(32));
        for wrong in ["", "s-1", &made_up, &nobody, &session[..40]] {
            assert!(!queue.begin(&me.start, wrong).await.unwrap(), "{wrong}");
            assert_eq!(
                finish_or_discard(&queue, &me.start, wrong).await,
                Finished::Discarded
            );
        }
        assert!(!queue.begin(&StartId::new(), &session).await.unwrap());
        assert_eq!(
            queue.job(&job).await.unwrap().unwrap().state,
            State::Offered
        );
        assert!(queue.begin(&me.start, &session).await.unwrap());
    }
}

async fn finish_or_discard(
    queue: &letsesign_host::queue::Queue,
    start: &StartId,
    session: &str,
) -> Finished {
    if session.is_empty() {
        Finished::Discarded
    } else {
        finish(queue, start, session, 0).await
    }
}

#[tokio::test]
async fn a_start_gets_its_own_sessions_again() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (me, mut other) = (asker(), asker());
        let job = submit(&queue, "s").await;
        let first = offer(&queue, &me).await;
        queue.shift_clock(OFFER_TIMEOUT / 2);
        none(&queue, &me).await;
        for is_begun in [false, true] {
            queue.shift_clock(OFFER_TIMEOUT);
            let again = offer(&queue, &me).await;
            assert_eq!(
                (again.job, again.session),
                (job.clone(), first.session.clone())
            );
            none(&queue, &me).await;
            if !is_begun {
                assert!(queue.begin(&me.start, &first.session).await.unwrap());
            }
        }
        // A begun job never goes to another start, however long it takes.
        queue.shift_clock(100 * REOFFER_OTHER);
        none(&queue, &other).await;
        // Whoever drains gets its own, too.
        other.start = me.start.clone();
        other.draining = true;
        assert_eq!(offer(&queue, &other).await.session, first.session);
        let view = queue.job(&job).await.unwrap().unwrap();
        assert_eq!((view.repeats, view.fence, view.state), (3, 1, State::Begun));
        let taken = finish(&queue, &me.start, &first.session, 0).await;
        assert!(matches!(taken, Finished::Taken { .. }));
    }
}

#[tokio::test]
async fn an_offer_that_does_not_begin_goes_elsewhere() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (me, other) = (asker(), asker());
        let job = submit(&queue, "s").await;
        let old = offer(&queue, &me).await.session;
        none(&queue, &other).await;
        queue.shift_clock(REOFFER_OTHER);
        let new = offer(&queue, &other).await.session;
        assert_ne!(old, new);
        assert!(
            !queue.begin(&me.start, &old).await.unwrap(),
            "the old session began"
        );
        assert_eq!(
            finish(&queue, &me.start, &old, 0).await,
            Finished::Discarded
        );
        assert!(queue.begin(&other.start, &new).await.unwrap());
        let taken = finish(&queue, &other.start, &new, 0).await;
        assert_eq!(
            taken,
            Finished::Taken {
                job: job.clone(),
                code: 0
            }
        );
        let view = queue.job(&job).await.unwrap().unwrap();
        assert_eq!(view.fence, 2);
        assert!(events(&queue, &job).await.contains(&"discarded".to_owned()));
    }
}
