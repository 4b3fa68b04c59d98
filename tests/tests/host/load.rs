//! Many tasks at a time: on two hosts of which one is killed, and measured (docs/performance.md,
//! "Tasks from end to end").

use crate::crowd::{Crowd, Done};
use crate::rig::{Host, kill};
use futures_util::{StreamExt as _, stream};
use rustix::process::Signal;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Tasks of the measurement, and how many of them at a time.
const TASKS: usize = 200;
const AT_A_TIME: usize = 8;

/// An instance is lost with its enclave while tasks are under way. The other host goes on; what the
/// lost one had in its hands waits until a host of its name is there again; and every task is
/// completed once.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_beside_another_loses_no_task() {
    const CROWD: usize = 10;
    let Some((crowd, hosts)) = Crowd::postgres().await else {
        return;
    };
    let [mut first, second] = <[Host; 2]>::try_from(hosts).ok().unwrap();
    let own = crowd.rig.children_of(&first);
    assert_eq!(own.len(), 1, "the enclave of the first host");
    let completed = AtomicUsize::new(0);
    let tasks = (0..CROWD).map(async |number| {
        let done = crowd.sign(number).await;
        completed.fetch_add(1, Ordering::Relaxed);
        done
    });
    let loss = async {
        // In the middle: some are completed, and others are under way.
        while completed.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        first.kill();
        kill(own[0], Signal::KILL);
        let before = completed.load(Ordering::Relaxed);
        let alone = crowd.sign(CROWD).await;
        assert!(alone.decided.is_empty(), "{:?}", alone.decided);
        let again = crowd.members[0].host(&crowd.rig);
        again.until_ready().await;
        (before, alone, again)
    };
    let (mut done, (before, alone, again)) =
        tokio::join!(futures_util::future::join_all(tasks), loss);
    assert!(before < CROWD, "the kill came after all tasks");
    let decided = done.iter().flat_map(|one| &one.decided);
    println!(
        "{before} before the kill; decided: {:?}",
        decided.collect::<Vec<_>>()
    );
    done.push(alone);
    for (number, done) in done.iter().enumerate() {
        let again = |function: &str| done.decided.iter().filter(|one| *one == function).count();
        // A second mail only where the sender decided so: nobody knew the fate of the first one.
        let most = [1 + again("sendReq"), 1 + again("attachEsig")];
        for signer in 0..2 {
            let mails = crowd.mails(number, signer);
            let is_right = mails
                .iter()
                .zip(most)
                .all(|(count, most)| (1..=most).contains(count));
            assert!(is_right, "{number}.{signer}: {mails:?}, {:?}", done.decided);
        }
    }
    let jobs = second.status().await.jobs;
    for state in ["queued", "offered", "begun", "unknown", "failed"] {
        assert_eq!(jobs[state], 0, "{jobs:?}");
    }
    again.terminate().await;
    second.terminate().await;
}

/// A sender's 200 tasks, through each database.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: docs/performance.md"]
async fn tasks_from_end_to_end() {
    let (crowd, hosts) = Crowd::sqlite().await;
    let one = measure("SQLite, one host", &crowd, hosts).await;
    drop(crowd);
    if let Some((crowd, hosts)) = Crowd::postgres().await {
        let two = measure("PostgreSQL, two hosts", &crowd, hosts).await;
        println!(
            "PostgreSQL with two hosts to SQLite with one: {:.2}",
            two / one
        );
    }
}

/// Signs them, and prints the speed: tasks a minute.
async fn measure(name: &str, crowd: &Crowd, hosts: Vec<Host>) -> f64 {
    // The first ones make connections and keys.
    let warm = stream::iter(TASKS..TASKS + AT_A_TIME).map(|number| crowd.sign(number));
    let _: Vec<Done> = warm.buffer_unordered(AT_A_TIME).collect().await;
    let start = Instant::now();
    let tasks = stream::iter(0..TASKS).map(|number| crowd.sign(number));
    let done: Vec<Done> = tasks.buffer_unordered(AT_A_TIME).collect().await;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let mut times: Vec<Duration> = done.iter().map(|one| one.took).collect();
    times.sort();
    let median = times[TASKS / 2].as_secs_f64();
    // The time that all but one task in a hundred took at most.
    let high = times[TASKS * 99 / 100 - 1].as_secs_f64();
    let speed = f64::from(u32::try_from(TASKS).unwrap()) / minutes;
    println!(
        "{name}: {speed:.0} tasks a minute, {median:.2} s median, {high:.2} s 99th percentile, \
         ratio {:.2}",
        high / median
    );
    for number in 0..TASKS {
        for signer in 0..2 {
            assert_eq!(crowd.mails(number, signer), [1, 1], "{number}.{signer}");
        }
    }
    for host in hosts {
        host.terminate().await;
    }
    speed
}
