//! Enclaves are tasks here that speak the job protocol, and die, hang or lie as a test says.

mod bench;
mod machine;

use super::*;
use bench::{Bench, phases, start_of, until};
use machine::{Behaviour, image};
use serde_json::Value;

#[tokio::test]
async fn an_enclave_gets_jobs_once_it_is_attested() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    assert!(!supervisor.is_ready(Duration::from_mins(1)));
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    assert!(supervisor.is_ready(Duration::from_mins(1)));
    let asked = || bench.queue.asked.lock().unwrap().clone();
    until("it asks the queue", || {
        asked().iter().any(|asker| !asker.draining)
    })
    .await;
    let asked = asked();
    let first = asked.iter().position(|asker| !asker.draining).unwrap();
    assert!(asked[..first].iter().all(|asker| asker.draining));
    assert_eq!(
        (asked[first].release, asked[first].pcr0.as_str()),
        (1, "11".repeat(48).as_str())
    );
    let spec = bench.machine.launched.lock().unwrap()[0].clone();
    assert_eq!((spec.cid, spec.cpus, spec.memory_mib), (48, 2, 256));
}

#[tokio::test]
async fn an_enclave_that_ends_is_started_again_under_another_name() {
    let bench = Bench::new().await;
    bench.machine.plan(&[Behaviour::EndsAfter(2)]);
    let supervisor = bench.start().await;
    until("it serves again", || {
        bench.machine.launches() == 2 && phases(&supervisor) == [(1, Phase::Serving)]
    })
    .await;
    let first = bench.machine.launched.lock().unwrap()[0].start.clone();
    assert_eq!(
        *bench.queue.ended.lock().unwrap(),
        std::slice::from_ref(&first)
    );
    assert_ne!(start_of(&supervisor, 0), first);
    assert_eq!(supervisor.status().enclaves[0].restarts, 1);
}

#[tokio::test]
async fn another_image_gets_no_job_and_a_crash_loop_ends_in_failed() {
    for behaviour in [
        Behaviour::OtherImage,
        Behaviour::LaunchFails,
        Behaviour::EndsAfter(0),
    ] {
        let bench = Bench::new().await;
        bench.machine.plan(&[behaviour; 3]);
        let supervisor = bench.start().await;
        until("it is given up", || {
            phases(&supervisor) == [(1, Phase::Failed)]
        })
        .await;
        assert_eq!((bench.machine.launches(), bench.machine.alive()), (3, 0));
        assert!(
            bench
                .queue
                .asked
                .lock()
                .unwrap()
                .iter()
                .all(|asker| asker.draining)
        );
        assert!(supervisor.status().enclaves[0].last_error.is_some());
        assert!(!supervisor.is_ready(Duration::from_mins(1)));
        sleep(Duration::from_millis(100)).await;
        assert_eq!(bench.machine.launches(), 3, "nobody starts it again");
    }
}

#[tokio::test]
async fn an_enclave_that_says_nothing_is_ended_when_its_time_is_over() {
    for behaviour in [Behaviour::Silent, Behaviour::Code] {
        let bench = Bench::new().await;
        bench.machine.plan(&[behaviour; 3]);
        let supervisor = bench
            .start_with("a", Duration::from_millis(100))
            .await
            .unwrap();
        until("it is given up", || {
            phases(&supervisor) == [(1, Phase::Failed)]
        })
        .await;
        assert_eq!((bench.machine.launches(), bench.machine.alive()), (3, 0));
        let error = supervisor.status().enclaves[0].last_error.clone().unwrap();
        assert!(error.contains("not attested in time"), "{error}");
    }
}

#[tokio::test]
async fn an_enclave_that_is_not_well_is_replaced() {
    let bench = Bench::new().await;
    bench.machine.plan(&[Behaviour::SilentAfter(1)]);
    let supervisor = bench.start().await;
    until("it serves again", || {
        bench.machine.launches() == 2 && phases(&supervisor) == [(1, Phase::Serving)]
    })
    .await;
    assert_eq!(bench.machine.alive(), 1);
}

#[tokio::test]
async fn an_upgrade_takes_the_new_jobs_while_the_older_release_finishes() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    let older = start_of(&supervisor, 0);
    bench.queue.open.lock().unwrap().push(OpenStart {
        start: older.clone(),
        host: "host".into(),
        jobs: 1,
    });
    let newer = bench.image("b", &image(0x12, &[0x11]));
    assert_eq!(supervisor.upgrade(&newer, false, false).await.unwrap(), 2);
    until("it drains", || {
        phases(&supervisor) == [(1, Phase::Draining), (2, Phase::Serving)]
    })
    .await;
    assert_eq!(supervisor.status().active, 2);
    // As long as it has a job, it runs.
    sleep(2 * LOOK).await;
    assert_eq!(bench.machine.alive(), 2);
    bench.queue.open.lock().unwrap().clear();
    until("it ends", || bench.machine.alive() == 1).await;
    until("it is ended", || {
        bench.queue.ended.lock().unwrap().contains(&older)
    })
    .await;
    // Both images are copies in the state folder: the operator's files may go.
    fs::remove_file(newer).unwrap();
    supervisor.leave();
    // The configuration still names the first one, which does not take the second one back.
    let supervisor = bench.start().await;
    until("it is taken over", || {
        phases(&supervisor) == [(2, Phase::Serving)]
    })
    .await;
    assert_eq!(bench.machine.launches(), 2);
}

#[tokio::test]
async fn an_upgrade_that_is_not_attested_changes_nothing() {
    for behaviour in [Behaviour::OtherImage, Behaviour::LaunchFails] {
        let bench = Bench::new().await;
        let supervisor = bench.start().await;
        until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
        bench.machine.plan(&[behaviour]);
        let newer = bench.image("b", &image(0x12, &[0x11]));
        let error = supervisor.upgrade(&newer, false, false).await.unwrap_err();
        assert!(matches!(error, UpgradeError::NotAttested(_)), "{error}");
        assert_eq!(phases(&supervisor), [(1, Phase::Serving)]);
        assert_eq!((supervisor.status().active, bench.machine.alive()), (1, 1));
        // And the same image can be tried again.
        assert_eq!(supervisor.upgrade(&newer, false, false).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn an_image_that_cannot_finish_the_tasks_needs_a_word() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    let newer = bench.image("b", &image(0x12, &[0x10]));
    let error = supervisor.upgrade(&newer, false, false).await.unwrap_err();
    assert!(
        error.to_string().contains("--abandon-older-tasks"),
        "{error}"
    );
    let error = supervisor
        .upgrade(&bench.folder.path().join("a"), false, false)
        .await;
    assert!(matches!(error, Err(UpgradeError::Active(1))));
    let error = supervisor
        .upgrade(Path::new("/does/not/exist"), false, false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/does/not/exist"), "{error}");
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    assert_eq!(bench.machine.launches(), 1);
    assert_eq!(supervisor.upgrade(&newer, true, true).await.unwrap(), 2);
    until("both serve", || {
        phases(&supervisor) == [(1, Phase::Serving), (2, Phase::Serving)]
    })
    .await;
    let error = supervisor
        .upgrade(&bench.folder.path().join("a"), false, false)
        .await;
    assert!(matches!(
        error,
        Err(UpgradeError::Older {
            older: 1,
            active: 2
        })
    ));
}

#[tokio::test]
async fn the_way_back_is_open_until_the_first_result() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    assert!(matches!(
        supervisor.rollback().await,
        Err(UpgradeError::NoOlder)
    ));
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    let newer = bench.image("b", &image(0x12, &[0x11]));
    supervisor.upgrade(&newer, false, false).await.unwrap();
    *bench.queue.results.lock().unwrap() = true;
    let error = supervisor.rollback().await.unwrap_err();
    assert!(matches!(error, UpgradeError::Used(2)), "{error}");
    until("it serves", || {
        phases(&supervisor).contains(&(2, Phase::Serving))
    })
    .await;
    *bench.queue.results.lock().unwrap() = false;
    until("the older one has ended", || bench.machine.alive() == 1).await;
    assert_eq!(supervisor.rollback().await.unwrap(), 1);
    until("the older one serves", || {
        phases(&supervisor).contains(&(1, Phase::Serving)) && bench.machine.alive() == 1
    })
    .await;
    assert_eq!(supervisor.status().active, 1);
}

#[tokio::test]
async fn enclaves_outlive_the_host() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    let start = start_of(&supervisor, 0);
    supervisor.leave();
    drop(supervisor);
    assert_eq!(bench.machine.alive(), 1);
    let lost = StartId::new();
    bench.queue.open.lock().unwrap().push(OpenStart {
        start: lost.clone(),
        host: "host".into(),
        jobs: 3,
    });
    let supervisor = bench.start().await;
    until("it is taken over", || {
        phases(&supervisor) == [(1, Phase::Serving)]
    })
    .await;
    assert_eq!(
        (start_of(&supervisor, 0), bench.machine.launches()),
        (start.clone(), 1)
    );
    assert_eq!(
        *bench.queue.ended.lock().unwrap(),
        [lost],
        "a start that nobody knows has ended"
    );
    // One that ended meanwhile.
    supervisor.leave();
    bench
        .machine
        .running
        .lock()
        .unwrap()
        .drain()
        .for_each(|(_, task)| task.abort());
    let supervisor = bench.start().await;
    until("a new one serves", || {
        bench.machine.launches() == 2 && phases(&supervisor) == [(1, Phase::Serving)]
    })
    .await;
    assert!(bench.queue.ended.lock().unwrap().contains(&start));
}

#[tokio::test]
async fn a_host_that_was_killed_within_a_launch_cleans_up() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    supervisor.leave();
    let path = bench.folder.path().join("state/enclaves.json");
    let mut records: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let enclaves = records["enclaves"].as_object_mut().unwrap();
    let start = enclaves.keys().next().unwrap().clone();
    enclaves[&start]["handle"] = Value::Null;
    fs::write(&path, records.to_string()).unwrap();
    let supervisor = bench.start().await;
    let start = StartId::parse(&start).unwrap();
    assert_eq!(
        *bench.machine.cleaned.lock().unwrap(),
        std::slice::from_ref(&start)
    );
    assert_eq!(*bench.queue.ended.lock().unwrap(), [start]);
    until("a new one serves", || {
        phases(&supervisor) == [(1, Phase::Serving)]
    })
    .await;
}

#[tokio::test]
async fn drain_waits_for_what_runs_and_ends_the_enclaves() {
    let bench = Bench::new().await;
    let supervisor = bench.start().await;
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    bench.queue.open.lock().unwrap().push(OpenStart {
        start: start_of(&supervisor, 0),
        host: "host".into(),
        jobs: 1,
    });
    assert!(!supervisor.drain(Duration::from_millis(100)).await);
    assert_eq!(bench.machine.alive(), 1, "a job that runs is not cut off");
    bench.queue.open.lock().unwrap().clear();
    assert!(supervisor.drain(Duration::from_secs(30)).await);
    assert_eq!(bench.machine.alive(), 0);
}

#[tokio::test]
async fn a_launch_that_failed_leaves_nothing_behind() {
    let bench = Bench::new().await;
    // Of hosts before this one.
    let folders = bench.folder.path().join("state/enclaves");
    for number in 0..2 * FOLDERS {
        fs::create_dir_all(folders.join(number.to_string())).unwrap();
    }
    bench.machine.plan(&[Behaviour::LaunchFails]);
    let supervisor = bench.start().await;
    until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
    let failed = bench.machine.launched.lock().unwrap()[0].start.clone();
    assert_eq!(*bench.machine.cleaned.lock().unwrap(), [failed]);
    let records = supervisor.shared.records.content().enclaves;
    let running = start_of(&supervisor, 0);
    assert_eq!(records.keys().collect::<Vec<_>>(), [running.as_str()]);
    // The logs of the newest, and the folder of the one that runs.
    assert_eq!(fs::read_dir(&folders).unwrap().count(), FOLDERS + 1);
    assert!(folders.join(running.as_str()).exists());
}

/// A rollback that meets the older enclave on its way to its end starts another.
#[tokio::test]
async fn a_rollback_finds_the_older_release_whatever_became_of_it() {
    for pause in [0, 300, 600, 900] {
        let bench = Bench::new().await;
        let supervisor = bench.start().await;
        until("it serves", || phases(&supervisor) == [(1, Phase::Serving)]).await;
        let newer = bench.image("b", &image(0x12, &[0x11]));
        supervisor.upgrade(&newer, false, false).await.unwrap();
        sleep(Duration::from_millis(pause)).await;
        assert_eq!(supervisor.rollback().await.unwrap(), 1);
        until("the older one serves alone", || {
            phases(&supervisor).contains(&(1, Phase::Serving)) && bench.machine.alive() == 1
        })
        .await;
    }
}
