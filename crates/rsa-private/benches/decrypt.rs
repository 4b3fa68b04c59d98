//! Time to decrypt, this crate beside the crate `rsa` and OpenSSL:
//! `cargo bench -p letsesign-rsa-private`.
//!
//! All take turns, so that other work on the machine slows all of them; the best round counts.
//! Times are processor time, as `openssl speed` measures, which runs between the rounds if it is
//! there.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use letsesign_rsa_private::{Parts, PrivateKey};
use rand_core::UnwrapErr;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{Oaep, sha2::Sha256};
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(500);

fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn key(from: &rsa::PrivateKey) -> PrivateKey {
    let parts = Parts {
        n: &from.n_bytes(),
        e: &from.e_bytes(),
        p: &from.primes().first().unwrap().to_be_bytes(),
        q: &from.primes().last().unwrap().to_be_bytes(),
        dp: &from.dp().unwrap().to_be_bytes(),
        dq: &from.dq().unwrap().to_be_bytes(),
        q_inverse: &from.crt_coefficient().unwrap().to_be_bytes(),
    };
    PrivateKey::new(&parts, &mut random()).unwrap()
}

/// A name and one decryption.
type Contender<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Processor time of this thread, from the kernel's scheduler.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// Milliseconds of processor time of one run, over a round.
fn time(run: &mut dyn FnMut()) -> f64 {
    let (begun, processor) = (Instant::now(), processor_time());
    let mut runs = 0_u32;
    while begun.elapsed() < ROUND {
        run();
        runs += 1;
    }
    processor_time().saturating_sub(processor).as_secs_f64() * 1000.0 / f64::from(runs)
}

/// Milliseconds of one private operation by `openssl speed`, with its own blinding.
fn openssl() -> Option<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-seconds", "1", "-mr", "rsa2048"])
        .output()
        .ok()?;
    // +F2:0:2048:SIGNATURES A SECOND:...
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().find(|line| line.starts_with("+F2:"))?;
    Some(1000.0 / line.split(':').nth(3)?.parse::<f64>().ok()?)
}

fn main() {
    let reference = rsa::PrivateKey::new(&mut random(), 2048).unwrap();
    let ciphertext = reference
        .to_public_key()
        .encrypt(&mut random(), Oaep::<Sha256>::new(), &[7; 32])
        .unwrap();
    let ours = key(&reference);
    let portable = key(&reference).portable();
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    if ours.is_vectorised() {
        contenders.push((
            "letsesign-rsa-private, AVX-512 IFMA",
            Box::new(|| {
                black_box(ours.decrypt_oaep_sha256(black_box(&ciphertext), &mut random())).unwrap();
            }),
        ));
    }
    contenders.push((
        "letsesign-rsa-private, portable",
        Box::new(|| {
            black_box(portable.decrypt_oaep_sha256(black_box(&ciphertext), &mut random())).unwrap();
        }),
    ));
    contenders.push((
        "rsa, decrypt_blinded",
        Box::new(|| {
            let padding = Oaep::<Sha256>::new();
            black_box(reference.decrypt_blinded(&mut random(), padding, black_box(&ciphertext)))
                .unwrap();
        }),
    ));
    contenders.push((
        "rsa, decrypt (not blinded)",
        Box::new(|| {
            black_box(reference.decrypt(Oaep::<Sha256>::new(), black_box(&ciphertext))).unwrap();
        }),
    ));
    let mut best = vec![f64::INFINITY; contenders.len()];
    let mut best_openssl: Option<f64> = None;
    for _ in 0..ROUNDS {
        for ((_, run), best) in contenders.iter_mut().zip(&mut best) {
            *best = best.min(time(run));
        }
        best_openssl = match (best_openssl, openssl()) {
            (Some(best), Some(now)) => Some(best.min(now)),
            (best, now) => best.or(now),
        };
    }
    let mut rows: Vec<(&str, f64)> = contenders.iter().map(|row| row.0).zip(best).collect();
    match best_openssl {
        Some(time) => rows.push(("openssl speed rsa2048 (sign)", time)),
        None => eprintln!("openssl is not there, or prints its results in another form"),
    }
    let first = rows.first().map_or(1.0, |row| row.1);
    println!("| | ms | times |\n|---|---:|---:|");
    for (name, time) in rows {
        println!("| {name} | {time:.3} | {:.2} |", time / first);
    }
}
