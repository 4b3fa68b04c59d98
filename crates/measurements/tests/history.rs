//! The history as a whole: what is accepted, and the error for each kind of tampering.

#![cfg(test)]
#![allow(clippy::format_collect, reason = "helpers of tests")]

use letsesign_measurements::{
    Files, History, Ledger, Measurements, Release, Revocations, State, StatusList, StatusSource,
};
use serde_json::{Value, json};

fn release(name: &str, time: u64, digit: &str) -> Value {
    let pcr = digit.repeat(96);
    json!({ "verName": name, "pcrs": { "0": pcr, "1": pcr, "2": pcr }, "issueTime": time })
}

fn put(files: &mut Files, name: &str, value: &Value) {
    files.insert(name.to_owned(), serde_json::to_vec(value).unwrap());
}

/// Two releases, 1 and 2, and a working tree.
fn files() -> Files {
    let mut files = Files::new();
    let mut ledger = Ledger::default();
    for (name, time, digit) in [("1", 100, "a"), ("2", 200, "b")] {
        let file = format!("{name}.json");
        put(&mut files, &file, &release(name, time, digit));
        ledger.append(name, &files[&file]).unwrap();
    }
    put(&mut files, "next.json", &release("next", 0, "c"));
    files.insert("LEDGER".into(), ledger.to_text().into());
    files.insert("next.manifest.json".into(), b"other".to_vec());
    files
}

fn status(list: &Value) -> Vec<u8> {
    serde_json::to_vec(&json!({ "statusList": list })).unwrap()
}

fn error(files: &Files) -> String {
    History::from_files(files).unwrap_err().to_string()
}

#[test]
fn a_history_lists_releases_and_keeps_next_apart() {
    let history = History::from_files(&files()).unwrap();
    let names: Vec<&str> = history
        .releases
        .iter()
        .map(|entry| entry.release.ver_name.as_str())
        .collect();
    assert_eq!(names, ["1", "2"]);
    assert_eq!(history.next.as_ref().unwrap().ver_name, "next");
    let first = history.named("1").unwrap();
    assert_eq!(
        (first.status.state, first.status_source),
        (State::Current, StatusSource::Default)
    );
    assert_eq!(history.find(&first.release.pcrs), Some(first));
    // A set of registers that mixes two releases is another image.
    let mixed = first.release.pcrs;
    let pcr2 = history.named("2").unwrap().release.pcrs.pcr2();
    let mixed = Measurements::new(mixed.pcr0(), mixed.pcr1(), pcr2).unwrap();
    assert_eq!(history.find(&mixed), None);
    let aggregate: Value = serde_json::from_str(&history.aggregate().to_json().unwrap()).unwrap();
    assert_eq!(
        aggregate,
        json!({ "versionList": [release("1", 100, "a"), release("2", 200, "b")] })
    );
}

#[test]
fn released_files_never_change() {
    let mut changed = files();
    put(&mut changed, "1.json", &release("1", 101, "a"));
    assert!(error(&changed).starts_with("1.json: changed after its release"));
    let mut spaced = files();
    spaced.get_mut("1.json").unwrap().push(b'\n');
    assert!(error(&spaced).contains("changed after its release"));
    let mut removed = files();
    removed.remove("2.json");
    assert!(error(&removed).starts_with("2.json: is in LEDGER, but missing"));
    let mut added = files();
    put(&mut added, "3.json", &release("3", 300, "d"));
    assert!(error(&added).contains("is not in LEDGER"));
    let mut without = files();
    without.remove("LEDGER");
    assert!(error(&without).contains("missing"));
}

#[test]
fn the_ledger_and_the_status_list_only_grow() {
    let text = |lines: &[&str]| -> String {
        lines
            .iter()
            .map(|name| format!("{}  {name}.json\n", "0".repeat(64)))
            .collect()
    };
    let ledger = |lines: &[&str]| Ledger::parse(text(lines).as_bytes()).unwrap();
    ledger(&["1", "2"]).grew_from(&ledger(&["1"])).unwrap();
    for now in [&["1"][..], &["2", "1"], &["0", "1", "2"], &[]] {
        let error = ledger(now).grew_from(&ledger(&["1", "2"])).unwrap_err();
        assert!(error.problem.contains("only added at the end"), "{now:?}");
    }
    for bad in ["x\n", "00  1.json\n", "\n"] {
        assert!(Ledger::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(Ledger::parse(text(&["1", "1"]).as_bytes()).is_err());
    assert!(Ledger::parse(text(&["next"]).as_bytes()).is_err());
    assert!(Ledger::parse(text(&["../1"]).as_bytes()).is_err());
    assert!(Ledger::parse(text(&["1"]).trim_end().as_bytes()).is_err());

    let ended = json!({ "verName": "1", "state": "end-of-life", "since": 150, "reason": "r" });
    let revoked = json!({ "verName": "1", "state": "revoked", "since": 160, "reason": "r" });
    let before = StatusList::parse(&status(&json!([ended]))).unwrap();
    let after = StatusList::parse(&status(&json!([ended, revoked]))).unwrap();
    after.grew_from(&before).unwrap();
    assert!(before.grew_from(&after).is_err());
}

#[test]
fn status_has_a_date_and_a_reason_and_only_gets_worse() {
    let entry =
        |state: &str| json!({ "verName": "1", "state": state, "since": 150, "reason": "r" });
    let history = |list: &Value| {
        let mut files = files();
        files.insert("status.json".into(), status(list));
        History::from_files(&files)
    };
    let ended = history(&json!([entry("end-of-life")])).unwrap();
    let first = ended.named("1").unwrap();
    assert_eq!(first.status.at(149), State::Current);
    assert_eq!(first.status.at(150), State::EndOfLife);
    assert!(ended.aggregate().to_json().unwrap().contains("\"1\""));
    let revoked = history(&json!([entry("end-of-life"), entry("revoked")])).unwrap();
    assert_eq!(revoked.named("1").unwrap().status.at(0), State::Revoked);
    // Existing clients have no status, so the aggregate leaves revoked releases out.
    let aggregate: Value = serde_json::from_str(&revoked.aggregate().to_json().unwrap()).unwrap();
    assert_eq!(aggregate["versionList"].as_array().unwrap().len(), 1);

    for (list, text) in [
        (
            json!([entry("revoked"), entry("end-of-life")]),
            "cannot go from revoked",
        ),
        (
            json!([entry("revoked"), entry("revoked")]),
            "cannot go from revoked",
        ),
        (json!([entry("current")]), "cannot go from current"),
        (
            json!([{ "verName": "9", "state": "revoked", "since": 1, "reason": "r" }]),
            "release \"9\" does not exist",
        ),
        (
            json!([{ "verName": "1", "state": "revoked", "reason": "r" }]),
            "needs a date",
        ),
        (
            json!([{ "verName": "1", "state": "revoked", "since": 1 }]),
            "needs a date",
        ),
        (
            json!([{ "verName": "1", "state": "revoked", "since": 1, "reason": "\u{1b}[2J" }]),
            "control character",
        ),
        (
            json!([{ "verName": "1", "state": "good", "since": 1, "reason": "r" }]),
            "unknown variant",
        ),
        (
            json!([{ "verName": "1", "state": "revoked", "since": 1, "reason": "r", "x": 1 }]),
            "unknown field `x`",
        ),
        // Without this check the misspelled member would be ignored, and its date lost.
        (
            json!([{ "verName": "1", "state": "revoked", "Since": 1, "reason": "r" }]),
            "unknown field `Since`",
        ),
    ] {
        let error = history(&list).unwrap_err().to_string();
        assert!(
            error.starts_with("status.json") && error.contains(text),
            "{error}"
        );
    }
}

#[test]
fn malformed_releases_are_refused_and_named() {
    let good = release("1", 100, "a");
    let with = |member: &str, value: Value| {
        let mut release = good.clone();
        release[member] = value;
        serde_json::to_vec(&release).unwrap()
    };
    for (bytes, text) in [
        (b"".to_vec(), "ends too early"),
        (b"[]".to_vec(), "1.json"),
        (with("verName", json!("2")), "named after"),
        (with("issueTime", json!(0)), "issueTime is 0"),
        (with("issueTime", json!(-1)), "1.json"),
        (
            with("pcrs", json!({ "0": "a".repeat(96), "1": "a".repeat(96) })),
            "missing field `2`",
        ),
        (
            with(
                "pcrs",
                json!({ "0": "0".repeat(96), "1": "a".repeat(96), "2": "a".repeat(96) }),
            ),
            "PCR0 is all zeros",
        ),
        (
            with(
                "pcrs",
                json!({ "0": "A".repeat(96), "1": "a".repeat(96), "2": "a".repeat(96) }),
            ),
            "lower-case",
        ),
        (with("imageDigest", json!("00")), "imageDigest"),
        (with("eifSha256", json!("00")), "eifSha256"),
        (with("sbomSha256", json!("00")), "sbomSha256"),
        (with("sourceRevision", json!("main")), "sourceRevision"),
        (with("toolchain", json!("\n")), "toolchain"),
        (with("more", json!(1)), "unknown field"),
    ] {
        let error = Release::parse("1", &bytes).unwrap_err().to_string();
        assert!(error.contains(text), "{text}: {error}");
    }
    let doubled = br#"{"verName":"1","verName":"1"}"#;
    assert!(
        Release::parse("1", doubled)
            .unwrap_err()
            .to_string()
            .contains("duplicate key")
    );
    for name in [
        "",
        "../1",
        "a.b",
        "tcb-info",
        "status",
        "-a",
        "a b",
        &"a".repeat(65),
    ] {
        assert!(
            letsesign_measurements::check_name(name).is_err(),
            "{name:?}"
        );
    }
}

/// Rolling back to an older list must not undo a known revocation.
#[test]
fn a_known_revocation_survives_an_older_list() {
    let list = |state: &str| {
        let entry = json!({ "verName": "1", "state": state, "since": 150, "reason": "r" });
        let mut files = files();
        files.insert("status.json".into(), status(&json!([entry])));
        History::from_files(&files).unwrap()
    };
    let state = |history: &History| history.named("1").unwrap().status.state;
    let (ended, revoked) = (list("end-of-life"), list("revoked"));
    let mut older = History::from_files(&files()).unwrap();
    assert_eq!(older.revocations(), Revocations::Missing);
    assert_eq!(ended.revocations(), Revocations::Unsigned);
    older.keep_worse(&ended);
    assert_eq!(state(&older), State::EndOfLife);
    older.keep_worse(&revoked);
    older.keep_worse(&ended);
    assert_eq!(state(&older), State::Revoked);
    assert_eq!(older.named("2").unwrap().status.state, State::Current);
}

/// A revoked image that is released again under another name stays revoked.
#[test]
fn an_image_does_not_become_better_by_being_released_again() {
    let mut files = files();
    let again = release("3", 900, "a").to_string();
    let mut ledger = Ledger::parse(&files["LEDGER"]).unwrap();
    ledger.append("3", again.as_bytes()).unwrap();
    files.insert("3.json".into(), again.into());
    files.insert("LEDGER".into(), ledger.to_text().into());
    let revoked = json!({ "verName": "1", "state": "revoked", "since": 150, "reason": "r" });
    files.insert("status.json".into(), status(&json!([revoked])));
    let history = History::from_files(&files).unwrap();
    let pcrs = history.named("3").unwrap().release.pcrs;
    assert_eq!(pcrs, history.named("1").unwrap().release.pcrs);
    assert_eq!(history.find(&pcrs).unwrap().status.state, State::Revoked);
}
