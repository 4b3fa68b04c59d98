//! A registration at a service that lies.

use crate::liar::Reply;
use crate::stage::{Stage, is_harmless};
use serde_json::{Value, json};

/// A folder without a sender, and the arguments that make one.
fn init(stage: &Stage) -> Vec<String> {
    let key = letsesign_testbed::customer::public_key_pem();
    std::fs::write(stage.path("key.pem"), key).unwrap();
    std::fs::remove_dir_all(stage.home.path()).unwrap();
    let arguments = [
        "init",
        "--service",
        &stage.liar.url,
        "--domain",
        "example.com",
        "--kms-key-arn",
        "arn:aws:kms:us-east-1:123456789012:key/1",
        "--kms-public-key",
        "key.pem",
        "--signer-page",
        "https://sign.example.com/sign/",
        "--ses-username",
        "AKIA",
    ];
    arguments.map(str::to_owned).into()
}

fn challenge() -> Value {
    json!({
        "registration": "0123456789abcdef".repeat(2),
        "txtName": "_letsesign-challenge.example.com",
        "txtValue": "letsesign=abc-DEF_1",
        "expires": 1,
    })
}

#[test]
fn a_record_that_is_not_the_services_own_is_not_published() {
    let stage = Stage::new();
    let arguments = init(&stage);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let with = |name: &str, value: Value| {
        let mut challenge = challenge();
        challenge[name] = value;
        challenge
    };
    let another = "asks for another DNS record";
    let content = "with another content";
    for (answer, part) in [
        // Whoever has this record published gets certificates for the domain.
        (
            with("txtName", "_acme-challenge.example.com".into()),
            another,
        ),
        (with("txtName", "example.com".into()), another),
        (
            with("txtName", "_letsesign-challenge.example.org".into()),
            another,
        ),
        (
            with(
                "txtName",
                "\u{1b}[2J_letsesign-challenge.example.com".into(),
            ),
            another,
        ),
        (
            with("txtName", json!(["_letsesign-challenge.example.com"])),
            "gives no txtName",
        ),
        (with("txtValue", "v=spf1 +all".into()), content),
        (with("txtValue", "letsesign=".into()), content),
        (with("txtValue", "letsesign=a\"\u{1b}[2J".into()), content),
        (
            with(
                "txtValue",
                format!("letsesign={}", "a".repeat(10_000)).into(),
            ),
            content,
        ),
        (with("txtValue", Value::Null), "gives no txtValue"),
        (
            with("registration", "../keys".into()),
            "without the form of one",
        ),
        (with("registration", "".into()), "without the form of one"),
        (with("registration", json!(1)), "gives no registration"),
        (json!([]), "gives no registration"),
        (Value::Null, "gives no registration"),
    ] {
        let reply = Reply::Json(201, answer);
        stage.liar.answers("POST registrations", [reply]);
        stage.refuses(&arguments, part);
        assert!(!stage.home.path().exists(), "{part}");
    }
    let page = Reply::Body(200, "text/html", b"<html>".to_vec());
    stage.liar.answers("POST registrations", [page]);
    stage.refuses(&arguments, "its answer is not JSON");
    // Nothing is left behind that would be in the way of a service that does not lie.
    let reply = Reply::Json(201, challenge());
    stage.liar.answers("POST registrations", [reply]);
    let ran = stage.run(&arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(
        ran.out
            .contains("_letsesign-challenge.example.com. TXT \"letsesign=abc-DEF_1\"")
    );
}

#[test]
fn a_key_that_is_none_is_not_stored() {
    let stage = Stage::new();
    let arguments = init(&stage);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let reply = Reply::Json(201, challenge());
    stage.liar.answers("POST registrations", [reply]);
    assert_eq!(stage.run(&arguments).code, Some(0));
    for key in [
        json!("lsk_a\r\nX-Evil: 1"),
        json!("lsk_\u{1b}[2J"),
        json!("lsk_ä"),
        json!(format!("lsk_{}", "a".repeat(100_000))),
        json!("other"),
        json!(""),
    ] {
        let reply = Reply::Json(201, json!({"apiKey": key, "scopes": []}));
        stage.liar.answers("POST complete", [reply]);
        stage.refuses(&["register"], "gives a key without the form of one");
    }
    for answer in [json!({}), json!({"apiKey": 7}), Value::Null] {
        stage
            .liar
            .answers("POST complete", [Reply::Json(201, answer)]);
        stage.refuses(&["register"], "gives no key");
    }
    let reply = Reply::Json(
        201,
        json!({"apiKey": "lsk_right@example.com", "scopes": []}),
    );
    stage.liar.answers("POST complete", [reply]);
    let ran = stage.run(&["register"]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(is_harmless(&ran.out));
    assert_eq!(
        stage.home.settings().unwrap().api_key,
        "lsk_right@example.com"
    );
}
