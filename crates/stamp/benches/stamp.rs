//! Time to stamp a document of 10 pages and 1 MB on one thread: `cargo bench -p letsesign-stamp`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use criterion::{Criterion, criterion_group, criterion_main};
use letsesign_stamp::{Field, FieldKind, Fonts, Language, Mark, Output, Signer, Template};
use std::fmt::Write as _;
use std::hint::black_box;

fn fonts() -> Fonts {
    let [script, mono, cjk] = letsesign_tests::fonts().unwrap();
    Fonts::new(script, mono, cjk).unwrap()
}

/// Ten pages, each with a little text and 100 kB that do not compress, and 200 more objects.
fn document() -> Vec<u8> {
    let mut bodies = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Count 10/MediaBox[0 0 595 842]/Kids[3 0 R 4 0 R 5 0 R 6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R 12 0 R]>>".to_owned(),
    ];
    for page in 0..10 {
        bodies.push(format!(
            "<</Type/Page/Parent 2 0 R/Contents {} 0 R/Resources<</XObject<</I {} 0 R>>>>>>",
            13 + page,
            23 + page
        ));
    }
    let content = "q 1 0 0 1 72 72 cm 0 0 m 100 100 l S Q\n".repeat(100);
    for _ in 0..10 {
        bodies.push(format!(
            "<</Length {}>>stream\n{content}\nendstream",
            content.len()
        ));
    }
    let mut state = 1_u32;
    for _ in 0..10 {
        let mut data = String::new();
        while data.len() < 100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            write!(data, "{state:08x}").unwrap();
        }
        bodies.push(format!(
            "<</Type/XObject/Subtype/Image/Width 100/Height 500/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/ASCIIHexDecode/Length {}>>stream\n{data}\nendstream",
            data.len()
        ));
    }
    for number in 0..200 {
        bodies.push(format!("<</Number {number}/Name(text)/Next[1 2 3 4]>>"));
    }
    let mut out = "%PDF-1.7\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", bodies.len() + 1);
    for (index, body) in bodies.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", out.len()).unwrap();
        write!(out, "{} 0 obj\n{body}\nendobj\n", index + 1).unwrap();
    }
    let start = out.len();
    write!(
        out,
        "{table}trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n",
        bodies.len() + 1
    )
    .unwrap();
    out.into_bytes()
}

fn benches(criterion: &mut Criterion) {
    let fonts = fonts();
    let pdf = document();
    let field = |kind, page| Field {
        kind,
        page,
        x: 72.0,
        y: 600.0,
        height: 40.0,
    };
    let fields = [field(FieldKind::Signature, 10), field(FieldKind::Date, 9)];
    let magic_number = "0123456789abcdef".repeat(4);
    let signer = |name, what| Signer {
        number: 1,
        name,
        fields: &fields,
        what,
    };
    let signed = Mark::Signed {
        magic_number: &magic_number,
        date: "2026/11/25 (UTC)",
    };
    let latin = [signer("Jane Doe", signed)];
    let chinese = [signer("\u{738b}\u{5c0f}\u{660e}", signed)];
    let hint = [signer("Jane Doe", Mark::Hint(Language::English))];
    criterion.bench_function("open and check", |bench| {
        bench.iter(|| {
            Template::open(black_box(&pdf))
                .unwrap()
                .check(&fonts, &latin)
                .unwrap();
        });
    });
    for (name, signers) in [
        ("open and stamp", &latin),
        ("open and stamp a CJK name", &chinese),
    ] {
        criterion.bench_function(name, |bench| {
            bench.iter(|| {
                Template::open(black_box(&pdf))
                    .unwrap()
                    .stamp(&fonts, signers, Output::Signed)
                    .unwrap()
            });
        });
    }
    criterion.bench_function("preview", |bench| {
        bench.iter(|| {
            Template::open(black_box(&pdf))
                .unwrap()
                .stamp(&fonts, &hint, Output::Plain)
                .unwrap()
        });
    });
    criterion.bench_function("protected preview", |bench| {
        let output = Output::Protected {
            password: "a password",
        };
        bench.iter(|| {
            Template::open(black_box(&pdf))
                .unwrap()
                .stamp(&fonts, &hint, output)
                .unwrap()
        });
    });
}

criterion_group!(group, benches);
criterion_main!(group);
