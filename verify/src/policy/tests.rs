//! A corpus of policies: good ones, and for each kind of hole one that has only this hole.

mod holes;

use super::check::check;
use super::finding::Severity;
use super::model::Policy;
use super::write;
use crate::args::KmsArgs;
use crate::releases::ReleaseArgs;
use letsesign_measurements::{Files, History, Ledger};
use serde_json::{Value, json};

/// Releases 1 (current), 2 (current), 3 (end of life), 4 (revoked), and a tree whose registers are
/// all `e`.
fn history() -> History {
    let mut files = Files::new();
    let mut ledger = Ledger::default();
    for (name, digit) in [
        ("1", "a"),
        ("2", "b"),
        ("3", "c"),
        ("4", "d"),
        ("next", "e"),
    ] {
        let time = u64::from(name != "next");
        let pcrs = json!({ "0": pcr(digit, 0), "1": pcr(digit, 1), "2": pcr(digit, 2) });
        let release = json!({ "verName": name, "pcrs": pcrs, "issueTime": time }).to_string();
        if name != "next" {
            ledger.append(name, release.as_bytes()).unwrap();
        }
        files.insert(format!("{name}.json"), release.into());
    }
    files.insert("LEDGER".into(), ledger.to_text().into());
    let status = json!({ "statusList": [
        { "verName": "3", "state": "end-of-life", "since": 2, "reason": "r" },
        { "verName": "4", "state": "revoked", "since": 2, "reason": "r" },
    ] });
    files.insert("status.json".into(), status.to_string().into());
    History::from_files(&files).unwrap()
}

fn pcr(digit: &str, register: u8) -> String {
    format!("{register}{}", digit.repeat(95))
}

fn args(releases: &[&str]) -> KmsArgs {
    KmsArgs {
        account: "123456789012".into(),
        sender: "role/sender".into(),
        enclave: "user/enclave".into(),
        reader: None,
        release: releases.iter().map(ToString::to_string).collect(),
        region: "us-east-1".into(),
        put_key_policy: None,
        accept_ended: false,
        releases: ReleaseArgs::default(),
        json: false,
    }
}

/// A statement that lets a role decrypt in release 1.
fn pinned() -> Value {
    json!({
        "Sid": "D", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:role/sender" },
        "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "StringEqualsIgnoreCase": {
            "kms:RecipientAttestation:PCR0": pcr("a", 0),
            "kms:RecipientAttestation:PCR1": pcr("a", 1),
            "kms:RecipientAttestation:PCR2": pcr("a", 2) } },
    })
}

fn findings(statements: &Value) -> Vec<(bool, String)> {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    check(&policy, &history())
        .into_iter()
        .map(|finding| (finding.severity == Severity::Hole, finding.problem))
        .collect()
}

fn with(path: &str, value: Value) -> Value {
    let mut statement = pinned();
    statement[path] = value;
    json!([statement])
}

fn with_condition(operator: &str, key: &str, value: &str) -> Value {
    let mut statement = pinned();
    let equals = statement["Condition"]["StringEqualsIgnoreCase"]
        .as_object_mut()
        .unwrap();
    equals.remove(key);
    statement["Condition"][operator][key] = json!(value);
    json!([statement])
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "reads better where it is used"
)]
fn also(statement: Value) -> Value {
    json!([pinned(), statement])
}

fn allow(action: &str, principal: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": action, "Resource": "*" })
}

const ROOT: &str = "arn:aws:iam::123456789012:root";
const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";
const PCR0: &str = "kms:RecipientAttestation:PCR0";

#[test]
fn good_policies_have_no_hole() {
    assert_eq!(findings(&json!([pinned()])), []);
    assert_eq!(
        findings(&with_condition("StringEquals", PCR0, &pcr("a", 0))),
        []
    );
    assert_eq!(
        findings(&with_condition(
            "StringEquals",
            "kms:recipientattestation:imagesha384",
            &pcr("a", 0)
        ))
        .len(),
        0
    );
    assert_eq!(findings(&also(allow("kms:GetPublicKey", "*"))), []);
    for releases in [&["1"][..], &["1", "2"]] {
        let written = write::policy(&args(releases), &history()).unwrap();
        assert_eq!(findings(&written.policy["Statement"]), []);
        assert!(
            written
                .notes
                .iter()
                .any(|note| note.contains("PutKeyPolicy"))
        );
    }
}

#[test]
fn the_written_policy_names_its_hole() {
    let mut args = args(&["1"]);
    args.put_key_policy = Some("role/board".into());
    let written = write::policy(&args, &history()).unwrap();
    let found = findings(&written.policy["Statement"]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 && found[0].1.contains("role/board may replace this policy"));
}

/// The actions that a written policy allows to a principal.
fn allowed(policy: &Value, principal: &str) -> Vec<String> {
    let arn = format!("arn:aws:iam::123456789012:{principal}");
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .filter(|statement| statement["Effect"] == "Allow" && statement["Principal"]["AWS"] == arn)
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        })
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_principal_whose_secret_the_host_gets_can_only_decrypt_through_an_enclave() {
    let written = write::policy(&args(&["1"]), &history()).unwrap().policy;
    assert_eq!(allowed(&written, "user/enclave"), ["kms:Decrypt"]);
    let sender = allowed(&written, "role/sender");
    assert_eq!(
        sender,
        ["kms:DescribeKey", "kms:GetPublicKey", "kms:Encrypt"]
    );
    for (who, text) in [
        (["user/enclave", "user/enclave", ""], "of its own"),
        (["role/a", "role/A", ""], "of its own"),
        (
            ["role/a", "arn:aws:iam::123456789012:role/a", ""],
            "of its own",
        ),
        (["role/a", "role/b", "role/b"], "of its own"),
        (["role/a", "role/b", "role/a"], "need not decrypt"),
    ] {
        let mut args = args(&["1"]);
        [args.sender, args.enclave] = [who[0].to_owned(), who[1].to_owned()];
        args.reader = Some(who[2].to_owned()).filter(|reader| !reader.is_empty());
        let error = write::policy(&args, &history()).err().unwrap().to_string();
        assert!(error.contains(text), "{who:?}: {error}");
    }
    let mut args = args(&["1"]);
    args.put_key_policy = Some("user/enclave".into());
    let error = write::policy(&args, &history()).err().unwrap().to_string();
    assert!(error.contains("of its own"), "{error}");
}

#[test]
fn a_reader_decrypts_without_attestation_and_the_policy_says_what_that_costs() {
    let mut args = args(&["1"]);
    args.reader = Some("role/reader".into());
    let written = write::policy(&args, &history()).unwrap();
    assert_eq!(allowed(&written.policy, "role/reader"), ["kms:Decrypt"]);
    assert!(
        written
            .notes
            .iter()
            .any(|note| note.contains("reads every document"))
    );
    // The reader's right is reported as a hole, and nothing else is.
    let holes: Vec<_> = findings(&written.policy["Statement"])
        .into_iter()
        .filter(|(hole, _)| *hole)
        .collect();
    assert!(!holes.is_empty());
    let denies = written.policy["Statement"].as_array().unwrap().iter();
    let excepted = denies
        .filter(|statement| statement["Condition"]["ArnNotEquals"].is_object())
        .count();
    assert_eq!(excepted, 3);
}

#[test]
fn written_policies_hold_against_whatever_else_is_allowed() {
    let written = write::policy(&args(&["1"]), &history()).unwrap();
    let mut statements = written.policy["Statement"].as_array().unwrap().clone();
    for action in ["kms:Decrypt", "kms:CreateGrant", "kms:ReEncrypt*"] {
        statements.push(allow(action, ADMIN));
    }
    assert_eq!(findings(&json!(statements)), []);
    statements.push(allow("kms:*", ROOT));
    let found = findings(&json!(statements));
    let holes: Vec<_> = found.iter().filter(|(hole, _)| *hole).collect();
    assert_eq!(holes.len(), 1, "{found:?}");
    assert!(holes[0].1.contains("kms:PutKeyPolicy"));
}

#[test]
fn risks_short_of_a_hole_are_warnings() {
    let mut both = pinned();
    both["Condition"]["StringEqualsIgnoreCase"][PCR0] = json!([pcr("a", 0), pcr("b", 0)]);
    for (statements, text) in [
        (
            with_condition("ForAnyValue:StringEquals", PCR0, &pcr("a", 0)),
            "many values",
        ),
        (
            with_condition("StringEquals", PCR0, &pcr("c", 0)),
            "at its end",
        ),
        (
            with_condition("StringEquals", PCR0, &pcr("e", 0)),
            "not released",
        ),
        (json!([both]), "combine freely"),
        (with("Principal", json!({ "AWS": ROOT })), "IAM policies"),
        (
            also(allow("kms:ScheduleKeyDeletion", ADMIN)),
            "undecryptable",
        ),
        (json!([allow("kms:Encrypt", ADMIN)]), "nobody may decrypt"),
    ] {
        let found = findings(&statements);
        assert!(
            found
                .iter()
                .any(|(hole, problem)| !hole && problem.contains(text)),
            "{text}: {found:?}"
        );
        assert!(found.iter().all(|(hole, _)| !hole), "{text}: {found:?}");
    }
}

#[test]
fn malformed_policies_are_refused() {
    let statement = pinned().to_string();
    for text in [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"Statement":"x"}"#.to_owned(),
        format!(r#"{{"Statement":[{statement}],"Statement":[]}}"#),
        format!(r#"{{"Statements":[{statement}]}}"#),
        format!(
            r#"{{"Statement":[{}]}}"#,
            statement.replace("Allow", "allow")
        ),
        format!(
            r#"{{"Statement":[{}]}}"#,
            statement.replace("Condition", "Conditions")
        ),
        format!(
            r#"{{"Statement":[{}]}}"#,
            statement.replace("Principal", "Principals")
        ),
    ] {
        assert!(Policy::parse(text.as_bytes()).is_err(), "{text}");
    }
    // The form that the AWS command line prints.
    let wrapped =
        json!({ "Policy": format!(r#"{{"Statement":[{statement}]}}"#), "PolicyName": "default" });
    assert!(
        check(
            &Policy::parse(wrapped.to_string().as_bytes()).unwrap(),
            &history()
        )
        .is_empty()
    );
}

#[test]
fn arguments_of_kms_are_checked() {
    let refused = |change: fn(&mut KmsArgs), text: &str| {
        let mut args = args(&["1"]);
        change(&mut args);
        let error = format!("{:#}", write::policy(&args, &history()).err().unwrap());
        assert!(error.contains(text), "{error}");
    };
    refused(|args| args.account = "12345678901".into(), "12 digits");
    refused(|args| args.enclave = "*".into(), "not a role or user");
    refused(
        |args| args.enclave = "arn:aws:iam::123456789012:root".into(),
        "not a role or user",
    );
    refused(
        |args| args.enclave = "arn:aws:iam::999999999999:role/x".into(),
        "not a role or user",
    );
    refused(|args| args.enclave = "role/*".into(), "not a role or user");
    refused(
        |args| args.put_key_policy = Some("*".into()),
        "not a role or user",
    );
    refused(
        |args| args.release = vec!["9".into()],
        "release \"9\" does not exist",
    );
    refused(|args| args.release = vec!["4".into()], "revoked");
    refused(|args| args.release = vec!["3".into()], "--accept-ended");
    refused(|args| args.region = "moon".into(), "not an AWS region");
    let mut government = args(&["1"]);
    government.region = "us-gov-west-1".into();
    let written = write::policy(&government, &history()).unwrap();
    assert!(
        written
            .policy
            .to_string()
            .contains("arn:aws-us-gov:iam::123456789012:role/sender")
    );
}
