//! Measures the cost of the testbed's own work:
//! `cargo run --release -p letsesign-testbed --example cost`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use letsesign_testbed::{Options, Task, Testbed, customer, pdf};
use std::time::{Duration, Instant};

fn measure(what: &str, mut work: impl FnMut()) {
    work();
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_millis(500) {
        work();
        count += 1;
    }
    println!("{what}: {:?}", start.elapsed() / count);
}

#[tokio::main]
async fn main() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let ciphertext = customer::encrypt_data_key(&[7; 32]);
    measure("encrypting a data key (RSA, public)", || {
        customer::encrypt_data_key(&[7; 32]);
    });
    measure(
        "decrypting a data key (RSA, private; not with the shortcut)",
        || {
            customer::decrypt_data_key(&ciphertext).unwrap();
        },
    );
    measure("an attestation document", || {
        testbed.nsm.attest(Some(&[1; 200]), |_| {});
    });
    let task = Task::new(pdf::document(10, 1 << 20));
    measure("sealing a task of 1 MiB", || {
        task.seal();
    });
    let sealed = task.seal();
    measure("the text of a job of 1 MiB", || {
        sealed.send_req(0).to_text();
    });
}
