//! Results that are not the signed document of this task.

use crate::forge::{Enclave, FOREIGN, REVOKED, zip};
use crate::liar::Reply;
use crate::stage::Stage;
use letsesign_client::Record;
use letsesign_proof::Hash;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

const PEOPLE: [(&str, &str, u32); 2] =
    [("Ada", "ada@example.com", 1), ("Bob", "bob@example.com", 1)];

fn bytes(body: Vec<u8>) -> [Reply; 1] {
    [Reply::Body(200, "application/octet-stream", body)]
}

/// Runs `get` on a result, into a folder that is not there yet.
#[track_caller]
fn refuses(stage: &Stage, record: &Record, body: Vec<u8>, part: &str) {
    stage.liar.answers("GET result", bytes(body));
    stage.refuses(&["get", &record.task, "-o", "signed"], part);
    assert!(!stage.path("signed").exists(), "{part}");
}

#[test]
fn a_genuine_result_is_written() {
    let stage = Stage::new();
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let sealed = enclave.seal(&zip(&enclave.signed(&PEOPLE)));
    stage.liar.answers("GET result", bytes(sealed));
    let ran = stage.run(&["get", &record.task, "-o", "signed"]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(ran.out.contains("for TESTS ALONE"), "{}", ran.out);
    assert!(stage.path("signed/contract.pdf").exists());
    assert!(stage.path("signed/contract.spf").exists());
    // Not over what is there.
    stage.refuses(&["get", &record.task, "-o", "signed"], "is there already");
}

#[test]
fn a_result_of_something_else_is_refused() {
    let stage = Stage::new();
    let (record, other) = (stage.sent(), stage.sent());
    let right = || Enclave::of(&stage, &record);
    let result = |enclave: &Enclave, people: &[_]| enclave.seal(&zip(&enclave.signed(people)));
    let of = Enclave::of(&stage, &other);
    let sealed = "not sealed by the enclave for this task";
    refuses(&stage, &record, result(&of, &PEOPLE), sealed);
    for junk in [Vec::new(), vec![0; 10], vec![0; 1000], b"<html>".to_vec()] {
        refuses(&stage, &record, junk, sealed);
    }
    let mut cut = result(&right(), &PEOPLE);
    cut.pop();
    refuses(&stage, &record, cut, sealed);

    // From here on the box is this task's own: what an enclave that erred would give.
    let inner = zip(&of.signed(&PEOPLE));
    refuses(&stage, &record, right().seal(&inner), "does not verify");
    let mut foreign = right();
    foreign.register = FOREIGN;
    refuses(
        &stage,
        &record,
        result(&foreign, &PEOPLE),
        "does not verify",
    );
    foreign.register = REVOKED;
    refuses(
        &stage,
        &record,
        result(&foreign, &PEOPLE),
        "does not verify",
    );
    let mut account = right();
    account.account = Hash([1; 32]);
    refuses(
        &stage,
        &record,
        result(&account, &PEOPLE),
        "another account's",
    );
    let mut files = right().signed(&PEOPLE);
    files[0].1[100] ^= 1;
    refuses(
        &stage,
        &record,
        right().seal(&zip(&files)),
        "does not verify",
    );
    files[1].1 = b"{}".to_vec();
    refuses(
        &stage,
        &record,
        right().seal(&zip(&files)),
        "the proof file",
    );

    let [ada, bob] = PEOPLE;
    let eve = ("Eve", "eve@example.com", 1);
    for (people, part) in [
        (vec![ada], "another number of signers"),
        (vec![ada, bob, eve], "another number of signers"),
        (vec![bob, ada], "signer 1 of the signed document is Bob"),
        (vec![ada, eve], "signer 2 of the signed document is Eve"),
        (
            vec![ada, ("Bob", "eve@example.com", 1)],
            "is Bob <eve@example.com>",
        ),
        (
            vec![("Ada\u{1b}[2J\n", "ada@example.com", 1), bob],
            "signer 1",
        ),
        (vec![ada, ("Bob", "bob@example.com", 2)], "in another round"),
    ] {
        refuses(&stage, &record, result(&right(), &people), part);
    }
}

#[test]
fn a_result_that_passes_over_a_statement_is_refused() {
    let stage = Stage::new();
    let record = stage.sent();
    let before = Enclave::of(&stage, &record);
    let old = before.seal(&zip(&before.signed(&PEOPLE)));
    let ran = stage.run(&["again", &record.task, "--signer", "bob@example.com"]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    refuses(&stage, &record, old, "withheld a statement");
    // The enclave has seen the statement, and took the former round's answer all the same.
    let record = stage.home.task(&record.task).unwrap();
    let after = Enclave::of(&stage, &record);
    let late = after.seal(&zip(&after.signed(&PEOPLE)));
    refuses(
        &stage,
        &record,
        late,
        "bob@example.com has signed in another round",
    );
    // One that is void, but was signed.
    let ran = stage.run(&["void", &record.task]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    let [ada, (name, email, _)] = PEOPLE;
    let late = after.seal(&zip(&after.signed(&[ada, (name, email, 2)])));
    refuses(&stage, &record, late, "withheld a statement");
}

#[test]
fn an_archive_in_another_form_is_refused() {
    let stage = Stage::new();
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let [pdf, spf] = enclave.signed(&PEOPLE);
    let named = |first: &str, second: &str| {
        enclave.seal(&zip(&[(first, pdf.1.clone()), (second, spf.1.clone())]))
    };
    let alone = "a PDF and its proof alone";
    let name = "a file of the result has the name";
    for (first, second, part) in [
        ("../contract.pdf", "contract.spf", name),
        ("contract.pdf", "../../x.spf", name),
        ("/tmp/contract.pdf", "contract.spf", name),
        ("a/b.pdf", "contract.spf", name),
        ("..\\contract.pdf", "contract.spf", name),
        ("C:\\contract.pdf", "contract.spf", name),
        ("c\u{1b}[2J.pdf", "contract.spf", name),
        ("c\n.pdf", "contract.spf", name),
        ("..", "contract.spf", name),
        ("contract.txt", "contract.spf", alone),
        ("contract.pdf", "contract.pdf.exe", alone),
        ("contract.spf", "contract.pdf", alone),
    ] {
        refuses(&stage, &record, named(first, second), part);
    }
    let third = ("evil.sh", b"rm".to_vec());
    let three = enclave.seal(&zip(&[pdf.clone(), spf.clone(), third]));
    refuses(&stage, &record, three, alone);
    let four = (0..4)
        .map(|_| pdf.clone())
        .zip(["a.pdf", "b.spf", "c", "d"]);
    let four: Vec<_> = four.map(|((_, bytes), name)| (name, bytes)).collect();
    refuses(&stage, &record, enclave.seal(&zip(&four)), alone);
    refuses(
        &stage,
        &record,
        enclave.seal(&zip(std::slice::from_ref(&pdf))),
        alone,
    );
    refuses(&stage, &record, enclave.seal(&zip(&[])), alone);
    refuses(&stage, &record, enclave.seal(b"junk"), "not a ZIP archive");
    // An archive that is cut in the middle of a file's bytes, its table kept.
    let mut torn = zip(&[pdf.clone(), spf.clone()]);
    torn.drain(60..600);
    refuses(&stage, &record, enclave.seal(&torn), "");
}

#[test]
fn a_bomb_is_not_unpacked() {
    let stage = Stage::new();
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("contract.pdf", SimpleFileOptions::default())
        .unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..400 {
        writer.write_all(&zeros).unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();
    assert!(archive.len() < 1 << 20);
    let limited = |path: &str| {
        // Memory for what is allowed, and not for 400 MiB.
        let script = format!("ulimit -v {} && exec \"$@\"", 360 << 10);
        std::process::Command::new("sh")
            .args([
                "-c",
                &script,
                "sh",
                env!("CARGO_BIN_EXE_letsesign"),
                "--home",
            ])
            .arg(stage.home.path())
            .args(["get", path, "-o", "signed"])
            .current_dir(stage.folder.path())
            .output()
            .unwrap()
    };
    stage
        .liar
        .answers("GET result", bytes(enclave.seal(&archive)));
    let output = limited(&record.task);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("contract.pdf is too long"), "{error}");
    assert!(!stage.path("signed").exists());
}
