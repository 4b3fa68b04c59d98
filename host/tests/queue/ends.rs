//! Jobs whose enclave or result is lost, and who decides then.

use crate::stage::{Stage, asker, finish, none, offer, submit};
use letsesign_host::queue::{DecideError, Decision, Ended, Finished, JobId, State};

const OFFER_TIMEOUT: i64 = 30_000;

#[tokio::test]
async fn what_a_start_leaves_is_queued_or_unknown() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (me, next) = (asker(), asker());
        let begun = submit(&queue, "s").await;
        let began = offer(&queue, &me).await.session;
        assert!(queue.begin(&me.start, &began).await.unwrap());
        let offered = submit(&queue, "s").await;
        let old = offer(&queue, &me).await.session;
        let starts = queue.starts().await.unwrap();
        assert_eq!(starts.len(), 1);
        assert_eq!(
            (&starts[0].start, starts[0].host.as_str(), starts[0].jobs),
            (&me.start, "host-1", 2)
        );
        let ended = queue.start_ended(&me.start).await.unwrap();
        assert_eq!(
            ended,
            Ended {
                requeued: 1,
                unknown: 1
            }
        );
        assert_eq!(
            queue.start_ended(&me.start).await.unwrap(),
            Ended::default()
        );
        assert!(queue.starts().await.unwrap().is_empty());
        // The dead do not work.
        assert!(!queue.begin(&me.start, &old).await.unwrap());
        assert!(!queue.begin(&me.start, &began).await.unwrap());
        none(&queue, &me).await;
        // A success that comes late is welcome until the job is handed out again.
        let late = finish(&queue, &me.start, &old, 0).await;
        assert_eq!(
            late,
            Finished::Taken {
                job: offered,
                code: 0
            }
        );
        let late = finish(&queue, &next.start, &began, 2009).await;
        assert_eq!(
            late,
            Finished::Taken {
                job: begun.clone(),
                code: 2009
            }
        );
        assert_eq!(
            queue.job(&begun).await.unwrap().unwrap().state,
            State::Failed
        );
        none(&queue, &next).await;
    }
}

#[tokio::test]
async fn a_lost_result_is_tried_again_or_unknown() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let me = asker();
        // Begun: unknown, and a person decides.
        let job = submit(&queue, "s").await;
        let session = offer(&queue, &me).await.session;
        assert!(queue.begin(&me.start, &session).await.unwrap());
        queue.shift_clock(OFFER_TIMEOUT);
        offer(&queue, &me).await;
        assert_eq!(
            finish(&queue, &me.start, &session, 2001).await,
            Finished::Discarded
        );
        assert_eq!(
            queue.job(&job).await.unwrap().unwrap().state,
            State::Unknown
        );
        queue.decide(&job, Decision::Fail, "op").await.unwrap();
        // Not begun: queued again, twice, then failed.
        let job = submit(&queue, "s").await;
        for attempt in 0..3 {
            let session = offer(&queue, &me).await.session;
            queue.shift_clock(OFFER_TIMEOUT);
            assert_eq!(offer(&queue, &me).await.session, session);
            let lost = finish(&queue, &me.start, &session, 2001).await;
            let view = queue.job(&job).await.unwrap().unwrap();
            if attempt < 2 {
                assert_eq!((lost, view.state), (Finished::Discarded, State::Queued));
            } else {
                let taken = Finished::Taken {
                    job: job.clone(),
                    code: 2001,
                };
                assert_eq!((lost, view.state), (taken, State::Failed));
            }
        }
        // Of a first offer 2001 is a result.
        let job = submit(&queue, "s").await;
        let session = offer(&queue, &me).await.session;
        let taken = finish(&queue, &me.start, &session, 2001).await;
        assert_eq!(taken, Finished::Taken { job, code: 2001 });
    }
}

#[tokio::test]
async fn persons_decide_what_is_unknown() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let me = asker();
        let (a, b) = (submit(&queue, "s").await, submit(&queue, "s").await);
        let early = queue.decide(&a, Decision::Retry, "op").await;
        assert!(matches!(
            early,
            Err(DecideError::NotUnknown {
                state: State::Queued,
                ..
            })
        ));
        let old = offer(&queue, &me).await.session;
        assert!(queue.begin(&me.start, &old).await.unwrap());
        assert_eq!(queue.restored().await.unwrap(), 2);
        assert!(!queue.begin(&me.start, &old).await.unwrap());
        none(&queue, &me).await;
        queue
            .decide(&a, Decision::Retry, "op\u{1b}[2J")
            .await
            .unwrap();
        queue.decide(&b, Decision::Fail, "op").await.unwrap();
        let history = queue.history(&a).await.unwrap();
        assert_eq!(history.last().unwrap().detail, r"decided by op\u{1b}[2J");
        let new = offer(&queue, &me).await;
        assert_eq!(new.job, a);
        assert_ne!(new.session, old);
        assert_eq!(
            finish(&queue, &me.start, &old, 0).await,
            Finished::Discarded
        );
        let nobody = JobId::new();
        let error = queue.decide(&nobody, Decision::Fail, "op").await;
        assert!(matches!(error, Err(DecideError::NoJob(_))));
    }
}

#[tokio::test]
async fn a_host_that_does_not_come_back_has_ended() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (a, b) = (asker(), asker());
        submit(&queue, "s").await;
        submit(&queue, "s").await;
        let session = offer(&queue, &a).await.session;
        assert!(queue.begin(&a.start, &session).await.unwrap());
        offer(&queue, &b).await;
        assert_eq!(queue.host_ended("another").await.unwrap(), Ended::default());
        let ended = queue.host_ended("host-1").await.unwrap();
        assert_eq!(
            ended,
            Ended {
                requeued: 1,
                unknown: 1
            }
        );
    }
}

#[tokio::test]
async fn clocks_that_jump_begin_nothing_twice() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        let (me, other) = (asker(), asker());
        let day = 24 * 3_600_000;
        submit(&queue, "s").await;
        let session = offer(&queue, &me).await.session;
        // Back by a year: the offer lies in the future, and comes again all the same.
        queue.shift_clock(-365 * day);
        let again = offer(&queue, &me).await.session;
        assert_eq!(again, session);
        assert!(queue.begin(&me.start, &session).await.unwrap());
        // Forth by ten: what has begun stays where it is.
        queue.shift_clock(3650 * day);
        none(&queue, &other).await;
        assert_eq!(offer(&queue, &me).await.session, session);
        let taken = finish(&queue, &me.start, &session, 0).await;
        assert!(matches!(taken, Finished::Taken { .. }));
    }
}

#[tokio::test]
async fn callers_are_woken() {
    for stage in Stage::all() {
        let queue = stage.open().await;
        none(&queue, &asker()).await;
        let hour = std::time::Duration::from_hours(1);
        let waits = tokio::spawn({
            let queue = queue.clone();
            async move { queue.changed(hour).await }
        });
        submit(&queue, "s").await;
        waits.await.unwrap();
        // A job that came between the answer and the question is not missed.
        queue.changed(hour).await;
    }
}
