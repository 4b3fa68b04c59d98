//! Mails read back by Python's parsers of mail and HTML: what went in comes out, wherever it tries
//! to break out.

#![cfg(test)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use letsesign_mail::{
    Confirm, Declined, Done, Failed, Final, Intent, Link, Locale, Mail, Origin, Person, Reason,
    Received, Scheme, Signature, Signed, Signers, Task, Voided, clean_file_name, sign_link,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

#[derive(Deserialize)]
struct Read {
    defects: Vec<String>,
    fields: Vec<String>,
    subject: String,
    from: Vec<(String, String)>,
    to: Vec<(String, String)>,
    date: f64,
    id: String,
    types: Vec<String>,
    type_fields: Vec<u32>,
    text: String,
    html: String,
    tags: Vec<Vec<String>>,
    links: Vec<String>,
    words: String,
    files: Vec<(String, String)>,
    longest: usize,
    bare: usize,
}

/// Text that a person may type, for every place that holds typed text.
#[derive(Clone, Default)]
struct Typed {
    file: String,
    name: String,
    message: String,
    sender: String,
    phone: String,
    task: String,
}

impl Typed {
    fn everywhere(text: &str) -> Self {
        Self {
            file: text.to_owned(),
            name: text.to_owned(),
            message: text.to_owned(),
            sender: text.to_owned(),
            phone: text.to_owned(),
            task: text.to_owned(),
        }
    }
}

const ORIGIN: Origin = Origin {
    time: 1_795_594_107,
    random: [0xab; 16],
};

fn link() -> Link {
    let intent = Intent {
        version: "1&\"'<>",
        tid: "t",
        sid: "s",
        index: 0,
        secret: "c2VjcmV0",
        aux: "~~~???>>>",
        locale: "en-US",
        sms: false,
    };
    sign_link(
        "https://sign.example.com/?a=1&b=2#x",
        &intent,
        Scheme::Https,
    )
    .unwrap()
}

/// All kinds with these texts. The archive's bytes try to look like the end of everything.
fn mails(typed: &Typed, locale: Locale) -> Vec<Mail> {
    let link = link();
    let task = Task {
        domain: "mail.example.com",
        task_id: &typed.task,
        file_name: &typed.file,
        locale,
    };
    let signer = Person {
        name: &typed.name,
        address: "jane.o'doe+x@example.com",
    };
    let list = [
        Signature {
            name: &typed.name,
            time: Some(ORIGIN.time),
        },
        Signature {
            name: &typed.name,
            time: None,
        },
    ];
    let bytes = Bytes::from([&b"\r\n.\r\n--=_mabab--\r\n\0\xff"[..], &[7; 200]].concat());
    let notificant = "office@example.com";
    [
        Confirm {
            task,
            signer,
            sender: &typed.sender,
            message: &typed.message,
            link: &link,
            phone: Some(&typed.phone),
            protected: true,
            document: bytes.clone(),
        }
        .compose(),
        Received {
            task,
            notificant,
            signers: Signers::Many(&list),
        }
        .compose(),
        Failed {
            task,
            notificant,
            signers: Signers::Many(&list),
            reason: Reason::Other,
        }
        .compose(),
        Signed {
            task,
            notificant,
            signers: Signers::Many(&list),
        }
        .compose(),
        Declined {
            task,
            notificant,
            signer,
            reason: &typed.message,
        }
        .compose(),
        Voided {
            task,
            notificant,
            signers: Signers::Many(&list),
        }
        .compose(),
        Final {
            task,
            notificant,
            signers: Signers::One("jane.o'doe+x@example.com"),
            protected: false,
            archive: bytes.clone(),
        }
        .compose(),
        Done {
            task,
            signer,
            signers: Signers::Many(&list),
            protected: true,
            archive: bytes,
        }
        .compose(),
    ]
    .map(Result::unwrap)
    .into()
}

fn read(mails: &[Mail]) -> Option<Vec<Read>> {
    if Command::new("python3").arg("--version").output().is_err() {
        letsesign_tests::skip("python3 is not installed");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    for (index, mail) in mails.iter().enumerate() {
        let path = directory.path().join(format!("{index:05}.eml"));
        std::fs::write(path, mail.to_mime(&ORIGIN)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(directory.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

/// The values that every mail must give back, whatever was typed.
fn assert_same(mail: &Mail, read: &Read) {
    assert_eq!(read.defects, [""; 0]);
    assert_eq!(
        read.fields,
        [
            "Date",
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type"
        ]
    );
    assert_eq!(read.subject, mail.subject());
    let from = (
        "Let's eSign".to_owned(),
        "do-not-reply@mail.example.com".to_owned(),
    );
    assert_eq!(read.from, [from]);
    assert_eq!(read.to.len(), 1);
    assert_eq!(read.to[0].1, mail.to());
    assert!((read.date - 1_795_594_107.0).abs() < 0.5);
    assert_eq!(read.id, format!("<{}@mail.example.com>", "ab".repeat(16)));
    assert_eq!(unix(&read.text), unix(mail.text()));
    assert_eq!(unix(&read.html), unix(mail.html()));
    let parts = ["multipart/alternative", "text/plain", "text/html"];
    match mail.attachments() {
        [] => assert_eq!(read.types, parts),
        [file] => {
            assert_eq!(read.types[0], "multipart/mixed");
            assert_eq!(read.types[1..4], parts);
            assert_eq!(read.types[4..], [file.media_type]);
            assert_eq!(
                read.files,
                [(file.name.clone(), STANDARD.encode(&file.bytes))]
            );
        }
        _ => unreachable!("one file at most"),
    }
    assert!(read.type_fields.iter().all(|&count| count == 1));
    assert_eq!((read.bare, read.longest <= 998), (0, true));
}

const NASTY: &[&str] = &[
    "</td></tr></table><script>alert(1)</script>",
    "\"><a href=\"https://evil.example/\">eSign</a>",
    "' onmouseover='alert(1)",
    "<!--",
    "]]><style>*{display:none}</style>",
    "&lt;b&gt; &amp; &#x41; &nbsp",
    "{{ link }} {% include \"mail.html\" %} {{ content.heading }}",
    "[SIGN_URL] {SIGNER} %NAME% $1 \\1 ${x}",
    "=?utf-8?B?ZXZpbA==?= =?iso-8859-1?Q?=41?=",
    "\"quoted\" \\back\\slash\\ 'single' (comment) <a@b.co>, c@d.co; e",
    "a=3D=20=%41%zz",
    "名前 Ünïcödé العربية 👩‍👩‍👧 e\u{301} \u{1f1f9}\u{1f1fc}",
    "--=_mabababababababababababababababab--",
    ".",
    "..",
    "From here",
    "https://evil.example/ evil.example",
];

#[test]
fn what_is_typed_comes_back_and_nothing_else_changes() {
    for locale in Locale::ALL {
        // The first eight are harmless: what the others are compared with.
        let texts = [&["x"], NASTY].concat();
        let mails: Vec<Mail> = texts
            .iter()
            .flat_map(|text| mails(&Typed::everywhere(text), locale))
            .collect();
        let Some(found) = read(&mails) else { return };
        assert_eq!(found.len(), 8 * texts.len());
        let (harmless, _) = found.split_at(8);
        for ((text, mails), found) in texts.iter().zip(mails.chunks(8)).zip(found.chunks(8)) {
            for ((mail, read), plain) in mails.iter().zip(found).zip(harmless) {
                assert_same(mail, read);
                // The page has the same elements and attributes, and the same one link.
                assert_eq!(read.tags, plain.tags, "{text}");
                assert_eq!(read.links, plain.links, "{text}");
                assert!(read.words.contains(text.trim()), "{text}: {}", read.words);
                assert!(mail.text().contains(text.trim()), "{text}");
            }
            assert_eq!(found[0].to[0].0, text.trim(), "the name in To");
            assert_eq!(found[0].links, [link().as_str()]);
            assert!(found[1..].iter().all(|read| read.links.is_empty()));
            assert_eq!(found[0].files[0].0, clean_file_name(text));
        }
    }
}

#[test]
fn line_breaks_inject_nothing() {
    let texts = [
        "x\r\nBcc: evil@example.com",
        "x\nContent-Type: text/html\n\n<b>",
        "x\r\n\r\n<script>",
        "x\u{2028}y\u{85}z\x0b\x0c",
        "x\r\n.\r\nMAIL FROM:<a@b.co>",
        "\0\x1b[31m\u{202e}gpj.exe",
    ];
    let all: Vec<Mail> = texts
        .iter()
        .flat_map(|text| mails(&Typed::everywhere(text), Locale::EnUs))
        .collect();
    let Some(found) = read(&all) else { return };
    assert_eq!(found.len(), all.len());
    for (mail, read) in all.iter().zip(&found) {
        assert_same(mail, read);
        assert!(!read.subject.contains(['\r', '\n', '\0', '\u{202e}']));
        let words = read.words.replace("\r\n", "\n");
        assert!(!words.contains(['\r', '\0', '\u{202e}']));
    }
    // The sender's message alone keeps its lines.
    let typed = Typed {
        message: "one\r\n\r\ntwo <b>\nthree".to_owned(),
        ..Typed::everywhere("x")
    };
    let mails = mails(&typed, Locale::EnUs);
    assert!(mails[0].text().contains("> one\n> \n> two <b>\n> three\n"));
    assert!(
        mails[0]
            .html()
            .contains("one<br><br>two &#60;b&#62;<br>three")
    );
}

#[test]
fn any_text_comes_back() {
    let mut runner = TestRunner::deterministic();
    let any = "(?s)[\\PC\r\n\t\"'<>&=?\\\\;,%.]{1,300}";
    let mut all = Vec::new();
    for _ in 0..20 {
        let mut text = || any.new_tree(&mut runner).unwrap().current();
        let typed = Typed {
            file: text(),
            name: text(),
            message: text(),
            sender: text(),
            phone: text(),
            task: text(),
        };
        all.extend(mails(&typed, Locale::ZhTw));
    }
    let Some(found) = read(&all) else { return };
    assert_eq!(found.len(), all.len());
    for (mail, read) in all.iter().zip(&found) {
        assert_same(mail, read);
    }
}
