//! From the contents to the bytes on the wire, with an attachment of 1.4 MB. docs/mail.md has
//! results.

#![allow(missing_docs, reason = "criterion's macros")]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use letsesign_mail::{Done, Locale, Mail, Origin, Person, Signers, Task, sendgrid};
use std::hint::black_box;

fn mail(archive: &Bytes) -> Option<Mail> {
    Done {
        task: Task {
            domain: "mail.example.com",
            task_id: "f3a1c2d4-5b6e-4f70-8a91-b2c3d4e5f607",
            file_name: "租賃合約書.pdf",
            locale: Locale::ZhTw,
        },
        signer: Person {
            name: "範例",
            address: "one@example.com",
        },
        signers: Signers::One("one@example.com"),
        protected: false,
        archive: archive.clone(),
    }
    .compose()
    .ok()
}

fn compose(criterion: &mut Criterion) {
    let archive = Bytes::from(vec![0xa5; 1_400_000]);
    let origin = Origin {
        time: 1_795_594_107,
        random: [7; 16],
    };
    criterion.bench_function("compose", |bencher| {
        bencher.iter(|| mail(black_box(&archive)));
    });
    let Some(mail) = mail(&archive) else { return };
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Bytes(1_400_000));
    group.bench_function("mime", |bencher| {
        bencher.iter(|| black_box(&mail).to_mime(&origin));
    });
    group.bench_function("sendgrid", |bencher| {
        bencher.iter(|| sendgrid::request(black_box(&mail), "secret"));
    });
    group.finish();
}

criterion_group!(benches, compose);
criterion_main!(benches);
