//! `kill -9` of the host, at each step and at any moment.

use crate::driver::{Lines, settle, start};
use crate::stage::Stage;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

/// Where, and for the how manieth time there. Rows are written in a group's order, so that later
/// counts meet other operations.
/// A task's row is written for its first job alone, so that is first.
const POINTS: [&str; 30] = [
    "task:1",
    "begin:2",
    "begin:9",
    "begin:30",
    "applied:2",
    "applied:9",
    "applied:30",
    "insert:1",
    "insert:4",
    "body-row:1",
    "body-row:9",
    "event:1",
    "event:5",
    "event:40",
    "update:1",
    "update:9",
    "update:25",
    "spent:1",
    "release:1",
    "start:1",
    "commit:2",
    "commit:9",
    "commit:30",
    "committed:2",
    "committed:9",
    "answer:2",
    "answer:20",
    "upload:1",
    "part:2",
    "object:1",
];

#[tokio::test]
async fn at_every_step() {
    for stage in Stage::all() {
        for point in POINTS {
            let folder = stage.folder.path();
            let status = start(folder, &stage.engine, 24, Some(point))
                .wait()
                .unwrap();
            let stderr = std::fs::read_to_string(folder.join("stderr")).unwrap();
            assert_eq!(
                status.signal(),
                Some(9),
                "{point} was not reached: {stderr}"
            );
        }
        let (jobs, _) = settle(stage.folder.path(), &stage.engine).await;
        assert!(jobs > 24, "{jobs}");
    }
}

/// Jobs under random kills for each engine; `QUEUE_JOBS=10000` is the full size.
const JOBS: usize = 600;

#[tokio::test]
async fn at_any_moment() {
    let wanted = std::env::var("QUEUE_JOBS").map_or(JOBS, |jobs| jobs.parse().unwrap());
    for stage in Stage::all() {
        let folder = stage.folder.path();
        let mut kills = 0;
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        while Lines::read(&folder.join("journal")).submitted.len() < wanted {
            let mut child = start(folder, &stage.engine, 400, None);
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            std::thread::sleep(Duration::from_millis(150 + (random >> 33) % 600));
            child.kill().unwrap();
            let status = child.wait().unwrap();
            let is_killed = status.signal() == Some(9);
            let stderr = std::fs::read_to_string(folder.join("stderr")).unwrap();
            assert!(is_killed || status.success(), "{stderr}");
            kills += u32::from(is_killed);
            assert!(kills < 2000, "it does not get on");
        }
        let (jobs, given_up) = settle(folder, &stage.engine).await;
        assert!(kills > 0);
        eprintln!(
            "{:?}: {jobs} jobs, {kills} kills, {given_up} given up",
            stage.engine
        );
    }
}
