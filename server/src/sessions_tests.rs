use super::*;
use letsesign_job_protocol::{Code, Envelope, JobResult};

const BOUNDS: Bounds = Bounds {
    results: 4,
    bytes: 1000,
    time: Duration::from_hours(1),
    begun: 8,
    idle: 8,
};

fn sessions(bounds: Bounds) -> Arc<Sessions> {
    Arc::new(Sessions::new([7; 32], bounds))
}

fn job_of(session: &str, data: &str) -> Job {
    let body = format!(r#"{{"session":"{session}","jobName":"f","jobData":{data}}}"#);
    match Envelope::parse(body.into_bytes()) {
        Envelope::Job(job) => job,
        other => panic!("{other:?}"),
    }
}

fn job(session: &str) -> Job {
    job_of(session, "{}")
}

fn delivery(session: &str, bytes: usize) -> Delivery {
    Delivery::new(
        session,
        &JobResult::success().with("data", "x".repeat(bytes)),
    )
}

/// Works a job that gives so many bytes.
fn work(sessions: &Arc<Sessions>, session: &str, begun: bool, bytes: usize) {
    let Claim::Work(ticket) = claim(sessions, &job(session)) else {
        panic!("{session} is not new")
    };
    ticket.begun().store(begun, Ordering::SeqCst);
    ticket.finish(delivery(session, bytes));
}

fn claim(sessions: &Arc<Sessions>, job: &Job) -> Claim {
    sessions.claim(job, sessions.reserve().unwrap())
}

/// `work`, `wait`, `again` or `refused`.
fn verdict(claim: &Claim) -> &'static str {
    match claim {
        Claim::Work(_) => "work",
        Claim::Wait(_) => "wait",
        Claim::Again(_) => "again",
        Claim::Refused(_) => "refused",
    }
}

#[test]
fn a_session_is_worked_once_and_answered_alike() {
    let sessions = sessions(BOUNDS);
    let Claim::Work(ticket) = claim(&sessions, &job("s")) else {
        panic!("it is new")
    };
    let Claim::Wait(waiting) = claim(&sessions, &job("s")) else {
        panic!("it runs")
    };
    let other = job_of("s", "{ }");
    assert_eq!(verdict(&claim(&sessions, &other)), "refused");
    assert!(waiting.borrow().is_none());
    ticket.finish(delivery("s", 9));
    assert_eq!(*waiting.borrow(), Some(delivery("s", 9)));
    let Claim::Again(again) = claim(&sessions, &job("s")) else {
        panic!("it is kept")
    };
    assert_eq!(again, delivery("s", 9));
    assert_eq!(verdict(&claim(&sessions, &other)), "refused");
    assert_eq!(verdict(&claim(&sessions, &job("t"))), "work");
}

#[test]
fn a_job_that_broke_off_is_not_worked_again() {
    let sessions = sessions(BOUNDS);
    let Claim::Work(ticket) = claim(&sessions, &job("s")) else {
        panic!("it is new")
    };
    let Claim::Wait(waiting) = claim(&sessions, &job("s")) else {
        panic!("it runs")
    };
    drop(ticket);
    assert!(waiting.has_changed().is_err() && waiting.borrow().is_none());
    assert_eq!(verdict(&claim(&sessions, &job("s"))), "refused");
}

#[test]
fn results_go_by_count_by_size_and_by_time_but_sessions_stay() {
    let by_count = sessions(Bounds {
        results: 2,
        ..BOUNDS
    });
    let by_size = sessions(Bounds {
        bytes: 700,
        ..BOUNDS
    });
    for sessions in [&by_count, &by_size] {
        for session in ["a", "b", "c"] {
            work(sessions, session, false, 250);
        }
        let found = ["a", "b", "c"].map(|session| verdict(&claim(sessions, &job(session))));
        assert_eq!(found, ["refused", "again", "again"]);
    }
    let by_time = sessions(Bounds {
        time: Duration::ZERO,
        ..BOUNDS
    });
    work(&by_time, "a", false, 1);
    by_time.tidy();
    assert_eq!(by_time.table().bytes, 0);
    assert_eq!(verdict(&claim(&by_time, &job("a"))), "refused");
    // Larger than all that may be kept: nothing else has to go for it.
    work(&by_size, "d", false, 700);
    let found = ["b", "c", "d"].map(|session| verdict(&claim(&by_size, &job(session))));
    assert_eq!(found, ["again", "again", "refused"]);
}

#[test]
fn what_the_host_has_goes_before_what_it_has_not() {
    let sessions = sessions(Bounds {
        results: 2,
        ..BOUNDS
    });
    work(&sessions, "a", false, 1);
    work(&sessions, "b", false, 1);
    sessions.taken("b");
    work(&sessions, "c", false, 1);
    let found = ["a", "b", "c"].map(|session| verdict(&claim(&sessions, &job(session))));
    assert_eq!(found, ["again", "refused", "again"]);
}

/// A host that floods the table with harmless jobs must not make it forget one that has mailed.
#[test]
fn a_session_that_had_an_effect_is_never_forgotten() {
    let sessions = sessions(BOUNDS);
    work(&sessions, "mailed", true, 1);
    for number in 0..100 {
        work(&sessions, &format!("harmless {number}"), false, 1);
    }
    assert_eq!(verdict(&claim(&sessions, &job("mailed"))), "refused");
    let table = sessions.table();
    assert_eq!((table.idle.len(), table.idle_order.len()), (8, 8));
    assert_eq!((table.kept.len(), table.order.len()), (4, 4));
    drop(table);
    for number in 1..8 {
        work(&sessions, &format!("effect {number}"), true, 1);
    }
    assert!(sessions.reserve().is_none());
}

#[test]
fn jobs_that_run_have_their_place() {
    let sessions = sessions(Bounds { begun: 2, ..BOUNDS });
    let first = claim(&sessions, &job("a"));
    let place = sessions.reserve().unwrap();
    assert!(sessions.reserve().is_none());
    let second = sessions.claim(&job("b"), place);
    assert_eq!([&first, &second].map(verdict), ["work", "work"]);
    assert!(sessions.reserve().is_none());
    let result = JobResult::failure(Code::Undefined);
    if let Claim::Work(ticket) = first {
        ticket.finish(Delivery::new("a", &result));
    }
    assert!(sessions.reserve().is_some());
    assert_eq!(verdict(&second), "work");
}
