//! Arbitrary bytes as a PDF: opened, checked and stamped in every way, never a panic. A stamped
//! document starts with the original's bytes and opens again.
#![no_main]

use letsesign_stamp::{
    Field, FieldKind, Fonts, Language, Output, Signer, Template, Mark, is_signed,
};
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enclave/packages/fonts");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    Fonts::new(
        read("DancingScript-Regular.otf"),
        read("Inconsolata.otf"),
        read("ukai.ttc"),
    )
    .unwrap()
});

const MAGIC: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fuzz_target!(|bytes: &[u8]| {
    let _ = is_signed(bytes);
    let Ok(template) = Template::open(bytes) else {
        return;
    };
    let fields = [
        Field {
            kind: FieldKind::Signature,
            page: 1,
            x: 10.0,
            y: 10.0,
            height: 20.0,
        },
        Field {
            kind: FieldKind::Date,
            page: 2,
            x: 10.0,
            y: 10.0,
            height: 10.0,
        },
    ];
    let signed = Mark::Signed {
        magic_number: MAGIC,
        date: "2026/11/25 (UTC)",
    };
    for (fields, what) in [
        (&fields[..1], signed),
        (&fields[..], Mark::Pending),
        (&fields[..1], Mark::Hint(Language::English)),
    ] {
        let signers = [Signer {
            number: 1,
            name: "Jane",
            fields,
            what,
        }];
        let checked = template.check(&FONTS, &signers);
        if let Ok(out) = template.stamp(&FONTS, &signers, Output::Signed) {
            assert!(checked.is_ok() && out.starts_with(bytes) && is_signed(&out));
            let again = Template::open(&out).expect("a stamped document opens");
            let _ = again.check(&FONTS, &signers);
        }
        let _ = template.stamp(&FONTS, &signers, Output::Protected { password: "x" });
    }
});
