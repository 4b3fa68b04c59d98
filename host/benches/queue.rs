//! Speed and memory of the queue, measured as a user of the library sees them.
//!
//! `cargo bench -p letsesign-host --bench queue`: small jobs through submit, offer, begin and
//! finish, with durable commits, on SQLite and PostgreSQL; then the memory while 40 jobs of 50 MiB
//! are in flight. Prints numbers, and their ratio to the goals of docs/host-queue.md.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a measurement"
)]

#[path = "../tests/queue/cluster.rs"]
mod cluster;
#[path = "../tests/queue/stage.rs"]
mod stage;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use letsesign_host::queue::Queue;
use stage::{Stage, asker, new_job, pieces, result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Clients at a time, of each kind.
const CLIENTS: u64 = 256;
const JOBS: u64 = 10_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // First, because memory is measured by its peak.
        large(&Stage::sqlite()).await;
        small("SQLite", &Stage::sqlite(), 2000.0).await;
        if let Some(stage) = Stage::postgres() {
            small("PostgreSQL", &stage, 1000.0).await;
        }
    });
}

async fn small(name: &str, stage: &Stage, goal: f64) {
    let queue = stage.open().await;
    let submitted = Arc::new(AtomicU64::new(0));
    let finished = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..CLIENTS {
        let (queue, submitted) = (queue.clone(), submitted.clone());
        tasks.push(tokio::spawn(async move {
            while submitted.fetch_add(1, Ordering::Relaxed) < JOBS {
                let job = new_job(&format!("sender-{}", client % 8));
                let text = format!("{{\"fill\":\"{}\"}}", "x".repeat(1000));
                queue.submit(job, pieces(text)).await.unwrap();
            }
        }));
    }
    for _ in 0..CLIENTS {
        let (queue, finished) = (queue.clone(), finished.clone());
        tasks.push(tokio::spawn(async move {
            let me = asker();
            while finished.load(Ordering::Relaxed) < JOBS {
                let Some(offer) = queue.offer(&me).await.unwrap() else {
                    queue.changed(Duration::from_millis(20)).await;
                    continue;
                };
                stage::read(offer.payload).await.unwrap();
                assert!(queue.begin(&me.start, &offer.session).await.unwrap());
                let body = result(&offer.session, 0, &"r".repeat(1000));
                queue.finish(&me.start, pieces(body)).await.unwrap();
                finished.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let rate = JOBS as f64 / start.elapsed().as_secs_f64();
    println!(
        "{name}: {rate:.0} small jobs/s, {:.2} of the goal of {goal}",
        rate / goal
    );
}

/// 40 jobs of 50 MiB are submitted, offered and answered at once, piece by piece.
async fn large(stage: &Stage) {
    const COUNT: usize = 40;
    const PIECES: usize = 49 * 16;
    let body = |head: String| {
        let piece = Bytes::from(vec![b'x'; 64 << 10]);
        stream::once(async move { Ok(Bytes::from(head)) })
            .chain(stream::iter(0..PIECES).map(move |_| Ok(piece.clone())))
    };
    let queue: Queue = stage.open().await;
    let before = peak();
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..COUNT {
        let queue = queue.clone();
        let text = body("{\"fill\":\"".into()).chain(stream::once(async { Ok("\"}".into()) }));
        tasks.push(tokio::spawn(async move {
            queue.submit(new_job("s"), text).await.unwrap();
            let me = asker();
            let mut offer = queue.offer(&me).await.unwrap().expect("a job");
            while let Some(piece) = offer.payload.next().await {
                piece.unwrap();
            }
            assert!(queue.begin(&me.start, &offer.session).await.unwrap());
            let head = format!(
                "{{\"session\":\"{}\",\"jobResult\":{{\"code\":0,\"fill\":\"",
                offer.session
            );
            let text = body(head).chain(stream::once(async { Ok("\"}}".into()) }));
            queue.finish(&me.start, text).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "40 jobs of 50 MiB in {took:.1} s; memory at its peak {} MiB (before {before} MiB), \
         {:.2} of the goal of 256 MiB",
        peak(),
        peak() as f64 / 256.0
    );
}

/// The largest resident size so far, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim()
        .trim_end_matches(" kB")
        .trim()
        .parse::<u64>()
        .unwrap()
        / 1024
}
