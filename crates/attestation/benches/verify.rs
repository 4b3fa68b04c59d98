//! Time to verify a document: `cargo bench -p letsesign-attestation`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use letsesign_attestation::{Root, Verifier};
use std::hint::black_box;

const PRODUCTION: &[u8] =
    include_bytes!("../../../tests/vectors/attestation/production-2022-10-13.cbor");

fn verify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a real document, chain included");
    group.throughput(Throughput::Elements(1));
    let warm = Verifier::new(Root::aws());
    group.bench_function("intermediates verified before", |bencher| {
        bencher.iter(|| warm.inspect_recorded(black_box(PRODUCTION)).unwrap());
    });
    group.bench_function("everything verified", |bencher| {
        bencher.iter(|| {
            Verifier::new(Root::aws())
                .inspect_recorded(black_box(PRODUCTION))
                .unwrap()
        });
    });
    let mut changed = PRODUCTION.to_vec();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    group.bench_function("refused for its signature", |bencher| {
        bencher.iter(|| warm.inspect_recorded(black_box(&changed)).unwrap_err());
    });
    let half = &PRODUCTION[..PRODUCTION.len() / 2];
    group.bench_function("refused for its form", |bencher| {
        bencher.iter(|| warm.inspect_recorded(black_box(half)).unwrap_err());
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
