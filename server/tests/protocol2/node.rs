//! A sender and signers that were written from docs/protocol-2.md alone, in JavaScript
//! (tests/protocol2/client.mjs): their tasks pass, and they open the results.

use super::Rig;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::{Hash, Spf};
use letsesign_testbed::client::protocol2::Link2;
use letsesign_testbed::client::unzip;
use letsesign_testbed::{Attested, Json, kms, pdf, smtp};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command of the client; `None` without Node.
fn client(command: &str, input: &Value) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/protocol2/client.mjs");
    let child = Command::new("node")
        .arg(script)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        letsesign_tests::skip("node is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn run(command: &str, input: &Value) -> Value {
    client(command, input).unwrap()
}

/// A job with these members beside those that every job has.
fn job(payload: &Value, statements: &Value, members: &Value) -> Json {
    let mut job = json!({
        "taskPayload": payload,
        "statements": statements,
        "access": { "kmsKeyID": kms::ACCESS_KEY.0, "kmsKeySecret": kms::ACCESS_KEY.1 },
    });
    for (name, value) in members.as_object().unwrap() {
        job[name] = value.clone();
    }
    Json::raw(&job.to_string())
}

fn proof(attested: &Attested, name: &str) -> (String, String) {
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    (text(attested.result(name)), text(&attested.document))
}

/// A link as the page gets it, and the members of a job that answers it.
fn answered(por: &Attested, link: &Link2, answer: &Value) -> Value {
    let sealed = run("answer", &json!({ "link": link.url, "answer": answer }));
    let (por, document) = proof(por, "por");
    json!({
        "por": por,
        "porDocument": document,
        "answer": sealed["answer"],
        "ipAddress": "192.0.2.7",
    })
}

fn task() -> Option<Value> {
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/testbed/src/customer-key.pem");
    let signer = |number: usize| {
        json!({
            "name": format!("Signer {number}"),
            "email": format!("signer{number}@example.com"),
            "locale": "zh-TW",
            "fields": [{ "type": "signature", "page": 1, "x": 72, "y": 80, "height": 40.5 }],
        })
    };
    client(
        "seal",
        &json!({
            "kmsKey": std::fs::read_to_string(key).unwrap(),
            "account": {
                "lowestProtocol": 2,
                "kmsKeyARN": kms::KEY_ARN,
                "domain": "example.com",
                "email": { "provider": "ses", "username": smtp::USER.0, "password": smtp::USER.1 },
                "signerPages": ["https://sign.example.com/app"],
            },
            "configuration": {
                "lowestProtocol": 2,
                "domain": "example.com",
                "emailProvider": "ses",
                "signerPage": "https://sign.example.com/app",
                "fileName": "\u{5408}\u{7d04}.pdf",
                "message": "",
                "signers": [signer(0), signer(1)],
            },
            "document": BASE64_STANDARD.encode(pdf::document(2, 0)),
        }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_the_second_implementation_is_signed_and_opened() {
    let Some(sealed) = task() else { return };
    let rig = Rig::start().await;
    let (payload, none) = (&sealed["payload"], json!([]));
    let mut proofs: Vec<Value> = Vec::new();
    for signer in 0..2 {
        let mut members = json!({ "signer": signer, "round": 1 });
        if let Some(previous) = proofs.last() {
            members["previous"] = previous.clone();
        }
        let ask = job(payload, &none, &members);
        let (result, link) = rig.mailed("sendReq", &ask, signer).await;
        let confirm = json!({ "action": "confirm", "at": 1_795_000_000_000_u64 });
        let members = answered(&Attested::of(&result), &link, &confirm);
        let result = rig
            .run("confirmIntent", &job(payload, &none, &members))
            .await;
        let (poi, document) = proof(&Attested::of(&result), "poi");
        proofs.push(json!({ "poi": poi, "poiDocument": document }));
    }
    let attach = job(payload, &none, &json!({ "proofs": proofs }));
    let result = rig.run("attachEsig", &attach).await;
    assert_eq!(result["code"], 0, "{result}");
    let opened = run(
        "open",
        &json!({ "task": sealed["task"], "box": result["encryptedResult"] }),
    );
    let archive = BASE64_STANDARD.decode(opened["archive"].as_str().unwrap());
    let files = unzip(&archive.unwrap(), None);
    assert!(letsesign_stamp::is_signed(&files[0].1));
    let spf = Spf::parse(&files[1].1).unwrap();
    let binding = BASE64_STANDARD.decode(sealed["task"]["binding"].as_str().unwrap());
    let binding = Hash(binding.unwrap().try_into().unwrap());
    assert_eq!(spf.summary.binding_data_hash, binding);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_refusals_rounds_and_voids_are_understood() {
    let Some(sealed) = task() else { return };
    let rig = Rig::start().await;
    let (payload, none) = (&sealed["payload"], json!([]));
    let first = json!({ "signer": 0, "round": 1 });
    let (result, link) = rig.mailed("sendReq", &job(payload, &none, &first), 0).await;
    let decline = json!({ "action": "decline", "at": 1, "reason": "\u{4e0d}" });
    let members = answered(&Attested::of(&result), &link, &decline);
    let result = rig.run("decline", &job(payload, &none, &members)).await;
    let opened = run(
        "decline",
        &json!({ "task": sealed["task"], "box": result["encryptedReason"] }),
    );
    assert_eq!(
        opened,
        json!({ "signer": 0, "round": 1, "reason": "\u{4e0d}" })
    );

    let state = |statement: Value| {
        run(
            "state",
            &json!({ "task": sealed["task"], "statement": statement }),
        )
    };
    let round = state(json!({ "kind": "newRound", "at": 1, "signer": 0, "round": 2 }));
    let second = json!({ "signer": 0, "round": 2 });
    let rounds = json!([round]);
    rig.mailed("sendReq", &job(payload, &rounds, &second), 0)
        .await;
    let void = json!([
        round,
        state(json!({ "kind": "void", "at": 2, "reason": "draft" }))
    ]);
    assert_eq!(
        rig.code("voidTask", &job(payload, &void, &json!({}))).await,
        0
    );
    assert_eq!(
        rig.code("sendReq", &job(payload, &void, &second)).await,
        2405
    );
}
