//! Time of `letsesign-verify proof` for a PDF with 1 MB of text (2 MB in all: the helper writes it
//! twice), program start included: `cargo bench -p letsesign-verify --bench proof`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::format_push_string,
    unreachable_pub,
    reason = "a benchmark over the tests' helpers"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};
use support::{MAGIC, Place, Signed, pdf, signer};

/// Number of runs, one after the other.
const RUNS: usize = 50;

fn main() {
    // Text on a page is the slowest content: the search for the magic number visits every letter.
    let text = "All of this is text. ".repeat(1_000_000 / 21);
    let signed = Signed::of(
        pdf::signed(&format!("{text}{}", MAGIC.on_page())),
        vec![signer("a"), signer("b")],
    );
    let place = Place::new();
    place.put(&signed);
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let answer = place.verify(&[]);
            let time = start.elapsed();
            answer.is(0, "shown on page 1");
            time
        })
        .collect();
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "letsesign-verify proof, PDF of {} bytes: fastest {:.1} ms, median {:.1} ms, slowest {:.1} ms; {:.1} times under 50 ms",
        signed.pdf.len(),
        milliseconds(times[0]),
        milliseconds(times[RUNS / 2]),
        milliseconds(times[RUNS - 1]),
        50.0 / milliseconds(times[RUNS / 2]),
    );
}
