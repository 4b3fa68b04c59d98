//! Encrypted documents, and previews with a password.

#![cfg(test)]

mod common;

use common::structure::{assert_clean, json, rich, stamped};
use common::{Form, SIGNED, encrypted, file, pdf_as, qpdf_check, run, signature, stamp, stamp_as};
use letsesign_stamp::{Error, Mark, Output, Template};

const FORMS: [Form; 3] = [Form::Table, Form::Stream, Form::Hybrid];

#[test]
fn encrypted_documents() {
    if !common::has("qpdf") || !common::has("pdftotext") {
        return;
    }
    let kinds: [&[&str]; 6] = [
        &["40"],
        &["128", "--use-aes=n"],
        &["128", "--use-aes=y"],
        &["128", "--use-aes=y", "--cleartext-metadata"],
        &["256"],
        &["256", "--force-R5"],
    ];
    let fields = [signature(1, 20.0, 30.0, 40.0)];
    for kind in kinds {
        let open = encrypted(&rich(), &[&["", "owner"], kind].concat());
        let out = stamp(&open, "Jane Doe", &fields, SIGNED)
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert!(out.starts_with(&open));
        assert_clean(&out, &format!("{kind:?}"));
        assert!(common::text(&out).contains("Jane Doe"), "{kind:?}");
        // The strings of the update are readable, and so are the old ones that it copies.
        assert_eq!(string_of_page(&out), "D:2020", "{kind:?}");

        let closed = encrypted(&rich(), &[&["user", "owner"], kind].concat());
        assert_eq!(
            Template::open(&closed).err(),
            Some(Error::Password),
            "{kind:?}"
        );

        let forbid: &[&str] = if kind[0] == "40" {
            &["--modify=n"]
        } else {
            &["--modify=annotate"]
        };
        let restricted = encrypted(&rich(), &[&["", "owner"], kind, forbid].concat());
        assert_eq!(
            stamp(&restricted, "Jane", &fields, SIGNED).err(),
            Some(Error::Permission),
            "{kind:?}"
        );
        let nobody: &[&str] = if kind[0] == "256" {
            &["--allow-insecure"]
        } else {
            &[]
        };
        let free = encrypted(&rich(), &[&["", ""], kind, nobody, forbid].concat());
        assert!(
            stamp(&free, "Jane", &fields, SIGNED).is_ok(),
            "{kind:?}: the empty password is the owner's"
        );
        // Protected output replaces the encryption.
        let output = Output::Protected { password: "secret" };
        let out = stamp_as(&open, "Jane Doe", &fields, SIGNED, output).unwrap();
        let (code, words) = qpdf_check(&file(&out).path, "secret");
        assert_eq!(code, 0, "{kind:?}: {words}");
    }
}

fn string_of_page(pdf: &[u8]) -> String {
    let value = json(pdf);
    let page = value
        .as_object()
        .unwrap()
        .values()
        .find(|object| object["value"]["/StructParents"] == 0)
        .unwrap();
    page["value"]["/PieceInfo"]["/X"]["/LastModified"]
        .as_str()
        .unwrap()
        .trim_start_matches("u:")
        .to_owned()
}

#[test]
fn streams_of_encrypted_documents() {
    if !common::has("qpdf") || !common::has("pdftotext") {
        return;
    }
    for kind in [&["128", "--use-aes=y"][..], &["256"]] {
        let open = encrypted(&rich(), &[&["", "owner"], kind].concat());
        let file = file(&open);
        let to = file.folder.path().join("packed.pdf");
        let ran = run(
            "qpdf",
            &[
                "--object-streams=generate",
                file.path.to_str().unwrap(),
                to.to_str().unwrap(),
            ],
        );
        assert!(ran.status.success());
        let packed = std::fs::read(to).unwrap();
        assert!(memchr::memmem::find(&packed, b"/ObjStm").is_some());
        let out = stamped(&packed);
        assert_clean(&out, &format!("{kind:?}"));
        assert!(common::text(&out).contains("Jane Doe"));
        assert_eq!(string_of_page(&out), "D:2020");
    }
}

#[test]
fn previews_open_with_their_password_only() {
    for form in FORMS {
        for (password, typed) in [
            ("secret", "secret"),
            (
                "p\u{e4}ssword \u{5bc6}\u{78bc}",
                "p\u{e4}ssword \u{5bc6}\u{78bc}",
            ),
            (&"x".repeat(200), &"x".repeat(127)),
        ] {
            let pdf = pdf_as(
                &[
                    "<</Type/Catalog/Pages 2 0 R>>",
                    "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
                    "<</Type/Page/Parent 2 0 R>>",
                    "<</Producer(some program)>>",
                ],
                form,
                "/Info 4 0 R",
            );
            let output = Output::Protected { password };
            let out = stamp_as(
                &pdf,
                "Jane Doe",
                &[signature(1, 20.0, 30.0, 40.0)],
                Mark::Pending,
                output,
            )
            .unwrap();
            assert_eq!(Template::open(&out).err(), Some(Error::Password));
            assert!(memchr::memmem::find(&out, b"some program").is_none());
            if common::has("qpdf") && common::has("pdftotext") && common::has("mutool") {
                let (code, words) = qpdf_check(&file(&out).path, typed);
                assert_eq!(code, 0, "{form:?}: {words}");
                assert_eq!(qpdf_check(&file(&out).path, "other").0, 2);
                let closed = file(&out);
                let path = closed.path.to_str().unwrap();
                // The options of poppler's tools accept at most 32 bytes.
                if typed.len() > 32 {
                    continue;
                }
                let ran = run("pdftotext", &["-upw", typed, path, "-"]);
                let text = String::from_utf8_lossy(&ran.stdout).into_owned();
                assert!(
                    text.contains("Jane Doe") && text.contains("pending (01)"),
                    "{text}"
                );
                let ran = run("mutool", &["draw", "-q", "-p", typed, "-F", "txt", path]);
                let words = String::from_utf8_lossy(&ran.stderr);
                assert!(
                    String::from_utf8_lossy(&ran.stdout).contains("Jane Doe"),
                    "{typed}: {words}"
                );
                let ran = run("pdfinfo", &["-upw", typed, path]);
                assert!(String::from_utf8_lossy(&ran.stdout).contains("some program"));
            }
        }
    }
}

/// `dict` for a file in which only the attachments are encrypted, with an unknown password.
#[test]
fn attachments_alone_may_be_encrypted() {
    let dict = |permissions: i32| {
        format!(
            "/Encrypt<</Filter/Standard/V 4/R 4/Length 128/P {permissions}/O<{0}>/U<{0}>\
             /CF<</StdCF<</AuthEvent/EFOpen/CFM/AESV2/Length 16>>>>\
             /StmF/Identity/StrF/Identity/EFF/StdCF>>/ID[<01><01>]",
            "5a".repeat(32)
        )
    };
    let with = |trailer: &str| {
        let text = "BT /F 24 Tf 20 20 Td (Readable) Tj ET";
        pdf_as(
            &[
                "<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a) 5 0 R]>>>>>>",
                "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
                "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 7 0 R>>>>>>",
                &format!("<</Length {}>>stream\n{text}\nendstream", text.len()),
                "<</Type/Filespec/F(a)/EF<</F 6 0 R>>>>",
                "<</Type/EmbeddedFile/Length 16>>stream\n0123456789abcdef\nendstream",
                "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            ],
            Form::Table,
            trailer,
        )
    };
    let fields = [signature(1, 20.0, 30.0, 40.0)];
    let out = stamp(&with(&dict(-4)), "Jane Doe", &fields, SIGNED).unwrap();
    // The update's strings and streams are not encrypted, like everything except the attachments.
    let update = out.get(with(&dict(-4)).len()..).unwrap();
    assert!(memchr::memmem::find(update, b"/Stamp Do").is_some());
    let again = Template::open(&out).and_then(|template| template.check(common::fonts(), &[]));
    assert_eq!(again, Ok(()));
    let preview = Output::Protected { password: "secret" };
    let preview = stamp_as(&with(&dict(-4)), "Jane", &fields, SIGNED, preview).unwrap();
    if common::has("qpdf") {
        assert_eq!(qpdf_check(&file(&preview).path, "secret").0, 0);
    }
    let error = stamp(&with(&dict(-12)), "Jane", &fields, SIGNED).err();
    assert_eq!(error, Some(Error::Permission));
    // A document with encrypted strings needs its password.
    let closed = dict(-4).replace("/StrF/Identity", "/StrF/StdCF");
    assert_eq!(Template::open(&with(&closed)).err(), Some(Error::Password));
}
