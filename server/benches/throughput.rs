//! Jobs per second, CPU per job, memory and start-up of the server, with TLS to emulated services
//! that share the machine's processors.
//!
//! ```console
//! $ cargo bench -p letsesign-server --features emulation --bench throughput
//! $ cargo bench -p letsesign-server --features emulation --bench throughput -- --seconds 20 --json
//! ```
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss
)]

use letsesign_testbed::{Attested, Options, Sealed, Server, Task, Testbed, client, pdf};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pages and bytes of the document.
const PAGES: usize = 10;
const BYTES: usize = 1 << 20;
/// Tasks that jobs take turns with.
const TASKS: usize = 16;
/// Jobs at a time.
const CONCURRENT: usize = 8;
/// Jobs a second of the Python server that this one takes the place of, on two cores.
const REFERENCE: [(&str, f64); 3] = [
    ("sendReq", 1.5),
    ("confirmIntent", 2.3),
    ("attachEsig", 1.1),
];
/// Processor time that a job of protocol 2 should take at most, in milliseconds.
const GOALS: [(&str, f64); 3] = [
    ("sendReq", 8.0),
    ("confirmIntent", 5.0),
    ("attachEsig", 12.0),
];

struct Arguments {
    seconds: u64,
    json: bool,
}

fn arguments() -> Arguments {
    let mut found = Arguments {
        seconds: 10,
        json: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => found.json = true,
            "--seconds" => found.seconds = words.next().unwrap().parse().unwrap(),
            // Cargo adds this option.
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    found
}

struct Measured {
    name: &'static str,
    per_second: f64,
    cpu: Duration,
}

/// Keeps so many jobs of one kind under way for a while.
async fn measure(
    testbed: &Arc<Testbed>,
    server: &Server,
    name: &'static str,
    jobs: &[String],
    time: Duration,
) -> Measured {
    let (begun, before) = (Instant::now(), server.usage().cpu);
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..CONCURRENT {
        let (testbed, jobs) = (Arc::clone(testbed), jobs.to_vec());
        lanes.spawn(async move {
            let mut done = 0_u32;
            for job in jobs.iter().cycle().skip(lane) {
                if begun.elapsed() >= time {
                    break;
                }
                let result = testbed.jobs.submit(name, job).result().await;
                assert_eq!(result["code"], 0, "{name}");
                done += 1;
            }
            done
        });
    }
    let done: u32 = lanes.join_all().await.into_iter().sum();
    let elapsed = begun.elapsed();
    testbed.mailbox.clear();
    Measured {
        name,
        per_second: f64::from(done) / elapsed.as_secs_f64(),
        cpu: server.usage().cpu.saturating_sub(before) / done.max(1),
    }
}

async fn start_up(program: &Path) -> Duration {
    let mut times = Vec::new();
    for _ in 0..9 {
        let testbed = Testbed::start(Options::default()).await.unwrap();
        let begun = Instant::now();
        let server = Server::start(program, &testbed, &[]);
        while testbed.jobs.asked() == 0 {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        times.push(begun.elapsed());
        server.terminate().await;
    }
    times.sort();
    times[times.len() / 2]
}

async fn prepare(testbed: &Testbed) -> [Vec<String>; 3] {
    let document = pdf::document(PAGES, BYTES);
    let (mut send, mut confirm, mut attach) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TASKS {
        let mut task = Task::new(document.clone());
        task.notificant = "office@example.com".into();
        let sealed: Sealed = task.seal();
        let request = sealed.send_req(0).to_text();
        let por = Attested::of(&testbed.jobs.submit("sendReq", &request).result().await);
        let mails = testbed.mailbox.mails();
        let mail = mails
            .iter()
            .find(|mail| mail.recipients == ["signer0@example.com"]);
        let link = client::Link::of(&mail.unwrap().parsed());
        testbed.mailbox.clear();
        let intent = sealed.confirm_intent(link.secret(), &por).to_text();
        let poi = Attested::of(&testbed.jobs.submit("confirmIntent", &intent).result().await);
        attach.push(sealed.attach_esig(&[poi]).to_text());
        send.push(request);
        confirm.push(intent);
    }
    [send, confirm, attach]
}

/// The same jobs in protocol 2.
async fn prepare2(testbed: &Testbed) -> [Vec<String>; 3] {
    let document = pdf::document(PAGES, BYTES);
    let account = client::protocol2::account();
    let mut configuration = client::protocol2::configuration(1);
    configuration.notificant = Some(letsesign_proof::Object(letsesign_protocol2::Notificant {
        email: "office@example.com".into(),
        locale: "en-US".into(),
    }));
    let (mut send, mut confirm, mut attach) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TASKS {
        let task = client::protocol2::Task2::seal(&account, &configuration, true, &document);
        let request = task.send_req(0, 1).to_text();
        let por = Attested::of(&testbed.jobs.submit("sendReq", &request).result().await);
        let mails = testbed.mailbox.mails();
        let mail = mails
            .iter()
            .find(|mail| mail.recipients == ["signer0@example.com"]);
        let link = client::protocol2::Link2::of(&mail.unwrap().parsed());
        testbed.mailbox.clear();
        let answer = link.answer(letsesign_protocol2::Action::Confirm, None, None);
        let intent = task.answer(&por, &answer).to_text();
        let poi = Attested::of(&testbed.jobs.submit("confirmIntent", &intent).result().await);
        attach.push(task.attach_esig(&[poi]).to_text());
        send.push(request);
        confirm.push(intent);
    }
    [send, confirm, attach]
}

#[tokio::main]
async fn main() {
    let arguments = arguments();
    let program = Path::new(env!("CARGO_BIN_EXE_letsesign-server"));
    let start = start_up(program).await;
    let options = Options {
        mail_bytes: 8 << 20,
        ..Options::default()
    };
    let testbed = Arc::new(Testbed::start(options).await.unwrap());
    let server = Server::start(program, &testbed, &[]);
    let jobs = prepare(&testbed).await;
    let time = Duration::from_secs(arguments.seconds);
    let mut results = Vec::new();
    for ((name, _), jobs) in REFERENCE.into_iter().zip(&jobs) {
        results.push(measure(&testbed, &server, name, jobs, time).await);
    }
    let peak = server.usage().peak;
    server.terminate().await;
    // Every job asks KMS for both data keys and sends its mail, as the first job of a task does.
    let limits = [("data-key-ms", "1"), ("reminder-pause-ms", "1")];
    let server = Server::start(program, &testbed, &limits);
    let jobs = prepare2(&testbed).await;
    let mut protocol2 = Vec::new();
    for ((name, _), jobs) in GOALS.into_iter().zip(&jobs) {
        protocol2.push(measure(&testbed, &server, name, jobs, time).await);
    }
    let peak = peak.max(server.usage().peak);
    if arguments.json {
        let jobs: Vec<_> = results
            .iter()
            .zip(REFERENCE)
            .map(|(found, (_, reference))| {
                json!({
                    "job": found.name,
                    "perSecond": found.per_second,
                    "cpuMilliseconds": found.cpu.as_secs_f64() * 1e3,
                    "timesTheReference": found.per_second / reference,
                })
            })
            .collect();
        let protocol2: Vec<_> = protocol2
            .iter()
            .zip(GOALS)
            .map(|(found, (_, goal))| {
                json!({
                    "job": found.name,
                    "perSecond": found.per_second,
                    "cpuMilliseconds": found.cpu.as_secs_f64() * 1e3,
                    "goalMilliseconds": goal,
                })
            })
            .collect();
        let all = json!({
            "jobs": jobs,
            "protocol2": protocol2,
            "concurrent": CONCURRENT,
            "peakBytes": peak,
            "startMilliseconds": start.as_secs_f64() * 1e3,
        });
        println!("{all:#}");
        return;
    }
    println!("{CONCURRENT} jobs at a time, a document of {PAGES} pages and {BYTES} bytes");
    for (found, (_, reference)) in results.iter().zip(REFERENCE) {
        println!(
            "{:<14} {:>7.1} /s   {:>5.1} ms of CPU each   {:>5.1} times the reference's {reference} /s",
            found.name,
            found.per_second,
            found.cpu.as_secs_f64() * 1e3,
            found.per_second / reference,
        );
    }
    println!("protocol 2");
    for ((found, (_, goal)), one) in protocol2.iter().zip(GOALS).zip(&results) {
        println!(
            "{:<14} {:>7.1} /s   {:>5.1} ms of CPU each   goal {goal} ms   {:.2} of protocol 1's time",
            found.name,
            found.per_second,
            found.cpu.as_secs_f64() * 1e3,
            found.cpu.as_secs_f64() / one.cpu.as_secs_f64(),
        );
    }
    println!(
        "memory         {:>7.1} MiB at most",
        peak as f64 / f64::from(1 << 20)
    );
    println!(
        "start          {:>7.1} ms to the first get-job (median of 9)",
        start.as_secs_f64() * 1e3
    );
}
