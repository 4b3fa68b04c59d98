//! Measures what a hostile host can learn from the time of a refusal: wrong against right padding
//! in the template's slot, over a document of 30 MB, taken in turns in one run.
//!
//! The time is taken as the host sees it, from KMS's last answer to the job's result. Two rounds:
//! with a `refusal-ms` of 1 it is the work itself, with the measured limits what a host gets.
//!
//! ```console
//! $ cargo bench -p letsesign-server --features emulation --bench refusals
//! $ cargo bench -p letsesign-server --features emulation --bench refusals -- --samples 20
//! ```
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_testbed::customer::{decrypt_data_key, encrypt, encrypt_data_key};
use letsesign_testbed::{Options, Sealed, Server, Task, Testbed, pdf};
use std::path::Path;
use std::time::{Duration, Instant};

const BYTES: usize = 30_000_000;
const PARTS: [&str; 4] = [
    "encryptedBindingData",
    "encryptedTaskConfig",
    "encryptedTemplateData",
    "encryptedEmailConfig",
];
const TEMPLATE: &str = "encryptedTemplateData";

fn samples() -> usize {
    let mut samples = 50;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--samples" => samples = words.next().unwrap().parse().unwrap(),
            // Cargo adds this option.
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    assert!(samples > 0, "--samples wants a number above 0");
    samples
}

/// Wraps every data key anew, so that no attempt meets the budget of another.
fn wrapped_anew(honest: &Sealed, template: &[u8], iv: [u8; 16]) -> Sealed {
    let mut sealed = honest.clone();
    for part in PARTS {
        let path = format!("privateTaskInfo.{part}.encryptedDataKey");
        let wrapped = BASE64_STANDARD
            .decode(sealed.payload.text_at(&path))
            .unwrap();
        let key = decrypt_data_key(&wrapped).unwrap();
        let text = BASE64_STANDARD.encode(encrypt_data_key(&key));
        sealed.payload.set(&path, text);
    }
    for (member, bytes) in [("dataIV", &iv[..]), ("encryptedData", template)] {
        let path = format!("privateTaskInfo.{TEMPLATE}.{member}");
        sealed.payload.set(&path, BASE64_STANDARD.encode(bytes));
    }
    sealed
}

/// From KMS's last answer to the result of a job that is refused.
async fn refusal(testbed: &Testbed, sealed: &Sealed) -> Duration {
    let pending = testbed.submit("sendReq", &sealed.send_req(0));
    let result = pending.result().await;
    let end = Instant::now();
    assert_eq!(result["code"], 2006);
    end - testbed.kms.counters().last_answer().unwrap()
}

/// Median, quartiles and extremes, in milliseconds.
fn print(name: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 4].as_secs_f64() * 1e3;
    println!(
        "  {name:<14} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
        at(0),
        at(1),
        at(2),
        at(3),
        at(4)
    );
}

#[tokio::main]
async fn main() {
    let samples = samples();
    let honest = Task::new(pdf::document(1, BYTES)).seal();
    let key: [u8; 32] = {
        let path = format!("privateTaskInfo.{TEMPLATE}.encryptedDataKey");
        let wrapped = BASE64_STANDARD
            .decode(honest.payload.text_at(&path))
            .unwrap();
        decrypt_data_key(&wrapped).unwrap().try_into().unwrap()
    };
    // Another document under the right key: right padding, wrong hash.
    let iv = [7; 16];
    let right = encrypt(&key, &iv, &pdf::document(2, BYTES));
    // The last block but one decides what the padding decrypts to: 1 to 16 becomes 129 and more.
    let mut wrong = right.clone();
    let place = wrong.len() - 17;
    wrong[place] ^= 0x80;

    println!("{samples} refusals each, template of {} bytes", right.len());
    println!("milliseconds from KMS's last answer to the result:");
    println!("                   lowest   quarter    median   quarter   highest");
    for limits in [&[("refusal-ms", "1")], &[("refusal-ms", "3000")]] {
        let testbed = Testbed::start(Options::default()).await.unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_letsesign-server"));
        let mut all = vec![("poll-ms", "5"), ("workers-max", "1")];
        all.extend(limits);
        let server = Server::start(program, &testbed, &all);
        let (mut right_times, mut wrong_times) = (Vec::new(), Vec::new());
        // The first pair warms everything up.
        for round in 0..=samples {
            for (template, times) in [(&right, &mut right_times), (&wrong, &mut wrong_times)] {
                let time = refusal(&testbed, &wrapped_anew(&honest, template, iv)).await;
                if round > 0 {
                    times.push(time);
                }
            }
        }
        println!("refusal-ms = {}", limits[0].1);
        print("right padding", &mut right_times);
        print("wrong padding", &mut wrong_times);
        server.terminate().await;
    }
}
