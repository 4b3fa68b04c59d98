//! A host and its enclaves in a process of their own, which tests kill. What was acknowledged is
//! in a journal that the process syncs before it goes on.

use crate::stage::{new_job, payload, pieces, read, settings};
use letsesign_host::queue::{
    Asker, Decision, Engine, Filter, Finished, JobId, NewJob, Queue, StartId, State,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Set for the process that is killed: the folder of its queue.
pub const FOLDER: &str = "QUEUE_TEST_FOLDER";
/// The URL of its PostgreSQL; otherwise it is SQLite.
pub const URL: &str = "QUEUE_TEST_URL";
/// How many jobs it submits.
pub const JOBS: &str = "QUEUE_TEST_JOBS";
/// The variable that the library reads.
pub const FAULT: &str = "LETSESIGN_HOST_FAULT";

/// The acknowledgements: lines `submitted N ID`, `mailed N SESSION`, `finished N ID`.
#[derive(Clone)]
struct Journal(Arc<Mutex<std::fs::File>>);

impl Journal {
    fn write(&self, what: &str, number: u64, detail: &str) {
        let mut file = self.0.lock().unwrap();
        file.write_all(format!("{what} {number} {detail}\n").as_bytes())
            .unwrap();
    }
}

/// The length of the payload of a job, and of its result: most are small.
fn length(number: u64) -> usize {
    match number % 10 {
        3 => 200_000,
        7 => 1_200_000,
        _ => 100,
    }
}

fn result_of(session: &str, number: u64) -> String {
    let fill = payload(number, length(number) / 2);
    format!(r#"{{"session":"{session}","jobResult":{{"code":0,"of":{fill}}}}}"#)
}

/// The program that is killed.
#[test]
#[ignore = "a program for other tests"]
fn driver() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let engine = match std::env::var(URL) {
        Ok(url) => Engine::Postgres { url },
        Err(_) => Engine::Sqlite {
            path: folder.join("queue.db"),
        },
    };
    let jobs = std::env::var(JOBS).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(drive(&folder, engine, jobs));
}

async fn drive(folder: &Path, engine: Engine, jobs: u64) {
    let journal = folder.join("journal");
    let first = Lines::read(&journal)
        .submitted
        .keys()
        .max()
        .map_or(0, |number| number + 1);
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&journal)
        .unwrap();
    let journal = Journal(Arc::new(Mutex::new(file)));
    let queue = Queue::open(settings(folder, engine)).await.unwrap();
    // The enclaves of the process before ended with it.
    for open in queue.starts().await.unwrap() {
        queue.start_ended(&open.start).await.unwrap();
    }
    give_up_unknown(&queue).await;
    let next = Arc::new(AtomicU64::new(first));
    let mut workers = Vec::new();
    for at in 0..8u64 {
        let (queue, journal, next) = (queue.clone(), journal.clone(), next.clone());
        workers.push(tokio::spawn(async move {
            if at % 2 == 0 {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + jobs {
                        break;
                    }
                    submit(&queue, &journal, number).await;
                }
            }
            enclave(&queue, &journal, at).await;
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    give_up_unknown(&queue).await;
    enclave(&queue, &journal, 0).await;
}

async fn give_up_unknown(queue: &Queue) {
    let filter = Filter {
        state: Some(State::Unknown),
        limit: 10_000,
        ..Filter::default()
    };
    for job in queue.jobs(filter).await.unwrap() {
        queue
            .decide(&job.id, Decision::Fail, "driver")
            .await
            .unwrap();
    }
}

async fn submit(queue: &Queue, journal: &Journal, number: u64) {
    let task = number
        .is_multiple_of(3)
        .then(|| format!("task-{}", number % 7));
    let job = NewJob {
        task,
        ..new_job(&format!("sender-{}", number % 4))
    };
    let text = payload(number, length(number));
    let id = queue.submit(job, pieces(text)).await.unwrap();
    journal.write("submitted", number, id.as_str());
}

/// Works jobs until none waits. A third begin and mail. One in eleven dies before it answers, once
/// for each job: a job on which the last enclave died every time would never end.
async fn enclave(queue: &Queue, journal: &Journal, at: u64) {
    let new = || Asker {
        start: StartId::new(),
        release: 1,
        pcr0: "a".repeat(96),
        draining: false,
    };
    let mut me = new();
    let mut died_of = BTreeSet::new();
    let mut idle = 0;
    while idle < 3 {
        let Some(offer) = queue.offer(&me).await.unwrap() else {
            idle += 1;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            continue;
        };
        let text = String::from_utf8(read(offer.payload).await.unwrap()).unwrap();
        let digits = text
            .strip_prefix("{\"number\":")
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        let number: u64 = digits.parse().unwrap();
        assert!(
            text == payload(number, length(number)),
            "payload {number} was altered"
        );
        let mails = number.is_multiple_of(3);
        if mails && queue.begin(&me.start, &offer.session).await.unwrap() {
            journal.write("mailed", number, &offer.session);
        }
        if (number + at).is_multiple_of(11) && died_of.insert(number) {
            queue.start_ended(&me.start).await.unwrap();
            me = new();
            continue;
        }
        let body = result_of(&offer.session, number);
        let finished = queue.finish(&me.start, pieces(body)).await.unwrap();
        if let Finished::Taken { job, code: 0 } = finished {
            journal.write("finished", number, job.as_str());
        }
    }
    // Its jobs that it left.
    queue.start_ended(&me.start).await.unwrap();
}

/// The lines of a journal.
#[derive(Default)]
pub struct Lines {
    pub submitted: BTreeMap<u64, JobId>,
    pub mailed: BTreeMap<String, BTreeSet<String>>,
    pub finished: BTreeMap<u64, JobId>,
}

impl Lines {
    pub fn read(path: &Path) -> Self {
        let mut lines = Self::default();
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // The last line may be cut.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number: u64 = words[1].parse().unwrap();
            match words[0] {
                "submitted" => {
                    lines
                        .submitted
                        .insert(number, JobId::parse(words[2]).unwrap());
                }
                "mailed" => {
                    // A number may be given twice, when its first job was stored and the journal
                    // did not say so; a session starts with its job's id.
                    let job = words[2].split('-').next().unwrap().to_owned();
                    lines.mailed.entry(job).or_default().insert(words[2].into());
                }
                _ => {
                    lines
                        .finished
                        .insert(number, JobId::parse(words[2]).unwrap());
                }
            }
        }
        lines
    }
}

/// Starts the program.
pub fn start(folder: &Path, engine: &Engine, jobs: u64, fault: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["driver::driver", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(JOBS, jobs.to_string())
        .env_remove(FAULT)
        .stdout(Stdio::null())
        .stderr(Stdio::from(
            std::fs::File::create(folder.join("stderr")).unwrap(),
        ));
    if let Engine::Postgres { url } = engine {
        command.env(URL, url);
    }
    if let Some(fault) = fault {
        command.env(FAULT, fault);
    }
    command.spawn().unwrap()
}

/// Lets the program finish, then compares its journal with the queue.
pub async fn settle(folder: &Path, engine: &Engine) -> (usize, usize) {
    // Twice: what the first one left unknown at its end is given up by the second.
    for _ in 0..2 {
        let status = start(folder, engine, 0, None).wait().unwrap();
        let stderr = std::fs::read(folder.join("stderr")).unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    }
    let lines = Lines::read(&folder.join("journal"));
    let queue = Queue::open(settings(folder, engine.clone())).await.unwrap();
    let stats = queue.stats().await.unwrap();
    for state in [State::Queued, State::Offered, State::Begun, State::Unknown] {
        assert_eq!(stats.count(state), 0, "{state}");
    }
    for (job, sessions) in &lines.mailed {
        assert_eq!(sessions.len(), 1, "job {job} mailed twice");
    }
    let mut given_up = 0;
    for (number, id) in &lines.submitted {
        let job = queue
            .job(id)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("job {number} is lost"));
        if job.state == State::Failed {
            let events: Vec<String> = queue
                .history(id)
                .await
                .unwrap()
                .into_iter()
                .map(|entry| entry.event)
                .collect();
            assert!(
                events.contains(&"begun".into()),
                "job {number} was given up: {events:?}"
            );
            given_up += 1;
        }
    }
    for (number, id) in &lines.finished {
        let job = queue.job(id).await.unwrap().unwrap();
        assert_eq!(job.state, State::Done, "the result of job {number} is lost");
        let stored = read(queue.result(id).await.unwrap().unwrap())
            .await
            .unwrap();
        let stored = String::from_utf8(stored).unwrap();
        let session = stored
            .strip_prefix("{\"session\":\"")
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        assert!(
            stored == result_of(session, *number),
            "the result of job {number} was altered"
        );
    }
    (lines.submitted.len(), given_up)
}
