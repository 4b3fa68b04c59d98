use super::*;

fn start() -> StartId {
    StartId::new()
}

#[tokio::test]
async fn a_process_is_followed_found_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (start, other) = (start(), start());
    let log = folder.path().join("log");
    let id = spawn(Command::new("sleep").arg("600"), &start, &log).unwrap();
    assert_eq!(state(id), State::Running);
    // The kernel shows a new program's variables a moment after its start.
    let until = Instant::now() + Duration::from_secs(20);
    while of_start(&start).is_empty() && Instant::now() < until {
        sleep(TICK).await;
    }
    assert_eq!(of_start(&start), [id]);
    assert_eq!(of_start(&other), []);
    // The same number with another start time is another process.
    let later = ProcessId {
        started: id.started + 1,
        ..id
    };
    assert_eq!(state(later), State::Ended);
    terminate(later, Duration::from_secs(1)).await.unwrap();
    assert_eq!(state(id), State::Running, "only the very process is ended");
    terminate(id, Duration::from_secs(20)).await.unwrap();
    assert_eq!(state(id), State::Ended);
    assert_eq!(of_start(&start), []);
}

#[tokio::test]
async fn one_that_ignores_sigterm_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let id = spawn(Command::new("sh").args(["-c", script]), &start(), &log).unwrap();
    while !fs::read_to_string(&log).unwrap().contains("ready") {
        sleep(TICK).await;
    }
    terminate(id, Duration::from_millis(100)).await.unwrap();
    assert_eq!(state(id), State::Ended);
}

#[tokio::test]
async fn one_that_ended_by_itself_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let id = spawn(
        &mut Command::new("true"),
        &start(),
        &folder.path().join("log"),
    )
    .unwrap();
    while state(id) == State::Running {
        sleep(TICK).await;
    }
    terminate(id, Duration::ZERO).await.unwrap();
}

#[test]
fn a_program_that_cannot_start_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("/does/not/exist");
    let error = spawn(&mut command, &start(), &folder.path().join("log")).unwrap_err();
    assert!(
        error.to_string().contains("cannot start /does/not/exist"),
        "{error}"
    );
    let error = spawn(&mut command, &start(), Path::new("/does/not/exist/log")).unwrap_err();
    assert!(error.to_string().contains("/does/not/exist/log"), "{error}");
}
