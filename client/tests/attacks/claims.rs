//! Claims of the service about a task, with the proofs that it shows.

use crate::forge::{Enclave, FOREIGN, REVOKED, entry, proofs};
use crate::stage::{Stage, summary};
use letsesign_client::Record;
use letsesign_proof::{Function, Hash};
use serde_json::{Value, json};

/// Runs `status` and `wait` on a claim; both must refuse it for the same reason.
#[track_caller]
fn refuses(stage: &Stage, record: &Record, claim: &Value, shown: &Value, part: &str) {
    stage.liar.says("GET task", claim.clone());
    stage.liar.says("GET proofs", shown.clone());
    stage.refuses(&["status", &record.task], part);
    stage.refuses(&["wait", &record.task], part);
    // All tasks at once, and for programs.
    stage.refuses(&["--json", "status"], part);
}

#[test]
fn genuine_proofs_are_believed() {
    let stage = Stage::new();
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let all = proofs([
        enclave.por(0, 1),
        enclave.poi(0, 1),
        enclave.por(1, 1),
        enclave.poi(1, 1),
    ]);
    let claim = summary(&record, "completed", ["confirmed", "confirmed"]);
    stage.liar.says("GET task", claim);
    stage.liar.says("GET proofs", all);
    let ran = stage.run(&["wait", &record.task]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(ran.out.contains("completed  contract.pdf"), "{}", ran.out);
    assert!(
        ran.out.contains("confirmed  Ada <ada@example.com>"),
        "{}",
        ran.out
    );

    let claim = summary(&record, "declined", ["asked", "declined"]);
    stage.liar.says("GET task", claim);
    stage
        .liar
        .says("GET proofs", proofs([enclave.decline(1, 1)]));
    let ran = stage.run(&["status", &record.task]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(
        ran.out.contains("declined   Bob <bob@example.com>"),
        "{}",
        ran.out
    );
}

#[test]
fn an_end_without_its_proofs_is_refused() {
    let stage = Stage::new();
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let none = proofs([]);
    let one = proofs([enclave.poi(0, 1)]);
    let twice = proofs([enclave.poi(0, 1), enclave.poi(0, 1)]);
    let asked = proofs([enclave.por(0, 1), enclave.por(1, 1)]);
    let claim = |state, signers| summary(&record, state, signers);
    let whole = "without the proofs of it";
    let own = "without a proof";
    for (claim, shown, part) in [
        (claim("completed", ["asked", "asked"]), &none, whole),
        (claim("completed", ["confirmed", "asked"]), &one, whole),
        (claim("completed", ["confirmed", "asked"]), &twice, whole),
        (claim("completed", ["confirmed", "confirmed"]), &one, own),
        (claim("completed", ["confirmed", "confirmed"]), &asked, own),
        (claim("running", ["confirmed", "asked"]), &none, own),
        (claim("running", ["asked", "confirmed"]), &one, own),
        (claim("declined", ["asked", "asked"]), &none, whole),
        (claim("declined", ["declined", "asked"]), &one, own),
        (claim("void", ["asked", "asked"]), &none, whole),
        (claim("void", ["asked", "asked"]), &one, whole),
    ] {
        refuses(&stage, &record, &claim, shown, part);
    }
    // A withdrawal that the sender has not stated, though an enclave attested it.
    let void = proofs([enclave.void()]);
    refuses(
        &stage,
        &record,
        &claim("void", ["asked", "asked"]),
        &void,
        whole,
    );
}

#[test]
fn proofs_that_prove_something_else_are_refused() {
    let stage = Stage::new();
    let record = stage.sent();
    let right = Enclave::of(&stage, &record);
    let other_task = Enclave {
        binding: Hash([1; 32]),
        ..Enclave::of(&stage, &record)
    };
    let with = |register| Enclave {
        register,
        ..Enclave::of(&stage, &record)
    };
    let poi = right.poi_bytes(0, 1);
    let hash = Hash::of(&poi);
    let attested =
        |function, results: &[(&str, Hash)]| entry("poi", &poi, &right.attest(function, results));
    let mut spoilt = right.attest(Function::ConfirmIntent, &[("poi", hash)]);
    let last = spoilt.len() - 1;
    spoilt[last] ^= 1;
    let mut changed = right.poi(0, 1);
    changed["proof"] = entry("poi", &right.poi_bytes(1, 1), b"")["proof"].clone();
    let unbound = other_task.attest(Function::ConfirmIntent, &[("poi", hash)]);
    let mut renamed = right.por(0, 1);
    renamed["kind"] = "poi".into();
    let mut typed = right.poi(0, 1);
    typed["proof"] = 7.into();
    let mut text = right.poi(0, 1);
    text["document"] = "*".into();
    let mut bare = right.poi(0, 1);
    bare.as_object_mut().unwrap().remove("document");
    let mut unknown = right.poi(0, 1);
    unknown["kind"] = "\u{1b}[2J\nconfirmed".into();
    let claim = summary(&record, "running", ["confirmed", "asked"]);
    let given = "a proof that the service gives";
    for (one, part) in [
        (other_task.poi(0, 1), "another task's"),
        (entry("poi", &poi, &unbound), given),
        (with(REVOKED).poi(0, 1), "revoked"),
        (with(FOREIGN).poi(0, 1), given),
        (with(0).poi(0, 1), given),
        (attested(Function::SendReq, &[("poi", hash)]), "not for"),
        (
            attested(Function::ConfirmIntent, &[("por", hash)]),
            "hash list",
        ),
        (attested(Function::ConfirmIntent, &[]), "hash list"),
        (entry("poi", &poi, &spoilt), given),
        (entry("poi", &poi, b"junk"), given),
        (changed, "not what was attested"),
        (renamed, "not in its form"),
        // A round that was never asked for, and a signer that the task does not have.
        (
            right.poi(0, 2),
            "ada@example.com has confirmed, without a proof",
        ),
        (
            right.poi(7, 1),
            "ada@example.com has confirmed, without a proof",
        ),
        (typed, "without its proof"),
        (text, "not base64"),
        (bare, "without its document"),
        (unknown, "unknown kind"),
        (Value::Null, "without its proof"),
    ] {
        refuses(&stage, &record, &claim, &proofs([one]), part);
    }
    for other in [json!({}), json!([]), json!({"proofs": {}}), json!("proofs")] {
        refuses(&stage, &record, &claim, &other, "gives no proofs");
    }
}

#[test]
fn a_test_root_counts_only_where_the_sender_named_it() {
    let stage = Stage::trusting(false);
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let claim = summary(&record, "running", ["confirmed", "asked"]);
    let shown = proofs([enclave.poi(0, 1)]);
    refuses(
        &stage,
        &record,
        &claim,
        &shown,
        "a proof that the service gives: ",
    );
}

#[test]
fn a_proof_of_an_earlier_round_counts_no_more() {
    let stage = Stage::new();
    let record = stage.sent();
    let old = Enclave::of(&stage, &record);
    let ran = stage.run(&["again", &record.task, "--signer", "ada@example.com"]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    let record = stage.home.task(&record.task).unwrap();
    assert_eq!(stage.liar.asked("POST statements").len(), 1);

    let mut claim = summary(&record, "running", ["confirmed", "asked"]);
    claim["signers"][0]["round"] = 2.into();
    let first = proofs([old.por(0, 1), old.poi(0, 1)]);
    refuses(&stage, &record, &claim, &first, "without a proof");
    let refused = proofs([old.decline(0, 1)]);
    let declined = summary(&record, "declined", ["asked", "asked"]);
    refuses(
        &stage,
        &record,
        &declined,
        &refused,
        "without the proofs of it",
    );
    let second = proofs([old.poi(0, 1), Enclave::of(&stage, &record).poi(0, 2)]);
    stage.liar.says("GET task", claim);
    stage.liar.says("GET proofs", second);
    let ran = stage.run(&["status", &record.task]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
}

#[test]
fn a_summary_in_another_form_is_refused() {
    let stage = Stage::new();
    let record = stage.sent();
    let right = summary(&record, "running", ["asked", "asked"]);
    let with = |pointer: &str, value: Value| {
        let mut claim = right.clone();
        *claim.pointer_mut(pointer).unwrap() = value;
        claim
    };
    let more = |name: &str, value: Value| {
        let mut claim = right.clone();
        claim.as_object_mut().unwrap().insert(name.into(), value);
        claim
    };
    let signer = json!({"round": 1, "state": "asked"});
    let many = vec![signer.clone(); 3];
    let job = |job: Value| json!([{"job": job, "function": "sendReq"}]);
    let long = "completed".repeat(1_000_000);
    for (claim, part) in [
        (with("/task", "0".repeat(64).into()), "task of another task"),
        (with("/task", json!(7)), "task that is not a text"),
        (
            with("/binding", "0".repeat(64).into()),
            "binding of another task",
        ),
        (with("/state", Value::Null), "state that is not a text"),
        (
            with("/state", "Completed".into()),
            "unknown state \"Completed\"",
        ),
        (with("/state", "completed\u{1b}[2J".into()), "unknown state"),
        (with("/state", long.into()), "unknown state"),
        (
            with("/signers", json!([])),
            "gives 0 signers; the task has 2",
        ),
        (
            with("/signers", json!([signer])),
            "gives 1 signers; the task has 2",
        ),
        (
            with("/signers", many.into()),
            "gives 3 signers; the task has 2",
        ),
        (with("/signers", json!({})), "gives no signers"),
        (
            with("/signers/1", json!("asked")),
            "bob@example.com: the service gives no round",
        ),
        (
            with("/signers/0/state", "signed".into()),
            "unknown state \"signed\"",
        ),
        (
            with("/signers/0/state", json!(["confirmed"])),
            "state that is not a text",
        ),
        (with("/signers/0/round", json!(2)), "speaks of round 2"),
        (with("/signers/0/round", json!(0)), "speaks of round 0"),
        (with("/signers/0/round", json!(-1)), "gives no round"),
        (with("/signers/0/round", json!("1")), "gives no round"),
        (
            with("/signers/0/round", json!(4_294_967_297_u64)),
            "gives no round",
        ),
        (
            more("problem", json!({"detail": [1]})),
            "detail that is not a text",
        ),
        (more("needsDecision", json!({})), "not a list of jobs"),
        (
            more("needsDecision", json!(vec![0; 5000])),
            "not a list of jobs",
        ),
        (
            more("needsDecision", job("; rm -rf ~".into())),
            "without the form of one",
        ),
        (
            more("needsDecision", job(Value::Null)),
            "job that is not a text",
        ),
        (
            more("encryptedReason", json!(1)),
            "encryptedReason that is not a text",
        ),
        (more("encryptedReason", "*".into()), "encryptedReason"),
        (
            more("encryptedReason", "AAAA".into()),
            "not sealed for this task",
        ),
        (json!([]), "gives no signers"),
        (Value::Null, "gives no signers"),
    ] {
        refuses(&stage, &record, &claim, &proofs([]), part);
    }
}
