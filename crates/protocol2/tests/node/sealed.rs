//! Boxes, keys and answers of the crate.

use crate::made::{Made, encoded, with};
use crate::proofs;
use crate::support::{self, file};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use letsesign_mail::Scheme;
use letsesign_proof::protocol2::{PointBytes, Por, Request};
use letsesign_proof::{CheckedBy, Hash};
use letsesign_protocol2::{
    Account, Action, Answer, DataKey, LaunchSecret, Link, Part, Purpose, Root, SealedTask,
    SecretBytes, SecretText, SentHeader, Statement,
};
use serde_json::{Value, json};

/// An account and a task with keys of their own, after those of the vectors.
pub struct Sender {
    root: Root,
    task: SealedTask,
    /// Members that most kinds share.
    base: Value,
    /// Members of a task.
    carried: Value,
}

const PDF: &[u8] = b"%PDF-1.7 of the crate";

pub fn sender(made: &mut Made) -> Sender {
    let vectors = file("task")["base"].clone();
    let given = DataKey::from_text(Purpose::Account, &support::hex(&vectors, "accountKey"));
    let mut account = Account::open(
        support::base64(&vectors, "accountBox"),
        &given.unwrap(),
        Scheme::Https,
    )
    .unwrap();
    let old = SentHeader::parse(support::base64(&vectors, "header")).unwrap();
    let old_key = DataKey::from_text(Purpose::Task, &support::hex(&vectors, "taskKey")).unwrap();
    let configuration = Root::new(&account, &old_key, &old)
        .unwrap()
        .open_configuration(support::base64(&vectors, "configuration"))
        .unwrap();
    account.account_secret = SecretBytes::generate().unwrap();
    let account_key = DataKey::generate(Purpose::Account).unwrap();
    let task_key = DataKey::generate(Purpose::Task).unwrap();
    let mut header = old.header().clone();
    header.account = account.id();
    let header = SentHeader::new(header).unwrap();
    let task = SealedTask::seal(&account, &task_key, header, &configuration, PDF).unwrap();
    let account_part = json!({
        "accountKey": hex::encode(account_key.to_text()),
        "accountBox": encoded(&account.seal(&account_key).unwrap()),
    });
    made.both(
        "account",
        account_part.clone(),
        ("accountBox", "account"),
        json!({
            "id": account.id().to_string(),
            "domain": account.domain,
            "kmsKeyARN": account.kms_key_arn,
        }),
    );
    let base = with(
        &account_part,
        &json!({
            "taskKey": hex::encode(task_key.to_text()),
            "header": encoded(task.header.as_bytes()),
            "binding": task.binding.to_string(),
        }),
    );
    let carried = with(
        &base,
        &json!({
            "configuration": encoded(&task.configuration),
            "document": encoded(&task.document),
        }),
    );
    let names: Vec<&str> = configuration
        .signers
        .iter()
        .map(|signer| signer.name.as_str())
        .collect();
    let values = json!({
        "binding": task.binding.to_string(),
        "expiry": task.header.header().expiry,
        "fileName": configuration.file_name,
        "signers": names,
        "document": Hash::of(PDF).to_string(),
    });
    made.both(
        "task",
        carried.clone(),
        ("document", "document"),
        values.clone(),
    );
    made.both("task", carried.clone(), ("configuration", "task"), values);
    Sender {
        root: Root::new(&account, &task_key, &task.header).unwrap(),
        task,
        base,
        carried,
    }
}

pub fn boxes_and_statements(sender: &Sender, made: &mut Made) {
    let binding = sender.task.binding;
    for (part, name) in [(Part::Result, "result"), (Part::Decline, "decline")] {
        let sealed = sender.root.seal_for_sender(part, binding, PDF).unwrap();
        made.both(
            "result",
            with(
                &sender.base,
                &json!({ "part": name, "box": encoded(&sealed) }),
            ),
            ("box", "result"),
            json!({ "text": encoded(PDF) }),
        );
    }
    let stated: Vec<_> = [
        Statement::Void {
            at: 7,
            reason: Some("王\u{2028}\"".to_owned()),
        },
        Statement::NewRound {
            at: 8,
            signer: 1,
            round: 9,
        },
    ]
    .iter()
    .map(|statement| sender.root.state(binding, statement).unwrap())
    .collect();
    let read = sender.root.statements(binding, &stated).unwrap();
    let carried: Vec<Value> = stated
        .iter()
        .map(|one| json!({ "statement": encoded(&one.text), "mac": encoded(&one.mac) }))
        .collect();
    made.ok(
        "statements",
        with(
            &sender.base,
            &json!({ "statements": carried, "signers": [0, 1] }),
        ),
        json!({ "void": 7, "rounds": [1, 9], "hash": read.hash().to_string() }),
    );
    let por = Hash::of(b"por");
    made.ok(
        "verification",
        with(
            &sender.base,
            &json!({
                "por": por.to_string(),
                "verification": sender.root.seal_verification("VE01", por),
            }),
        ),
        json!({ "sid": "VE01" }),
    );
}

/// Links, answers and proofs of a request.
pub fn request(sender: &Sender, made: &mut Made) {
    let request = Request {
        binding: sender.task.binding,
        signer: 1,
        round: 9,
    };
    let secret: [u8; 32] = *Hash::of(sender.task.binding.0.as_slice())
        .0
        .first_chunk()
        .unwrap();
    let launch = LaunchSecret::from_bytes(secret);
    let link = launch.link_keys(&sender.root, &request).unwrap();
    let answer_keys = sender.root.answer_keys(&request).unwrap();
    let por = Por {
        request,
        link_key: PointBytes(link.public),
        answer_key: PointBytes(answer_keys.public),
        expiry: sender.task.header.header().expiry,
        checked_by: CheckedBy::MailAndSms,
        previous: Some(Hash::of(b"poi of signer 0")),
    }
    .to_json()
    .unwrap();
    let por_hash = Hash::of(&por);
    let configuration = sender
        .root
        .open_configuration(sender.task.configuration.clone())
        .unwrap();
    let url = Link {
        configuration: &configuration,
        task: sender.task.header.header().task,
        request,
        por: por_hash,
        expiry: sender.task.header.header().expiry,
        keys: &link,
        answer_key: &answer_keys.public,
    }
    .to_url(Scheme::Https)
    .unwrap();
    let numbers = json!({
        "launchSecret": hex::encode(secret),
        "signer": 1,
        "round": 9,
        "por": por_hash.to_string(),
    });
    made.ok(
        "link",
        with(&sender.carried, &numbers),
        json!({ "link": url.as_str() }),
    );
    made.ok(
        "fragment",
        json!({ "link": url.as_str() }),
        json!({
            "page": configuration.signer_page,
            "key": private_key(url.as_str()),
            "por": por_hash.to_string(),
            "signer": 1,
            "round": 9,
            "fileName": configuration.file_name,
            "pin": true,
        }),
    );
    // Node reads the private key from its own link, so an answer that the crate seals with the
    // derived key and Node verifies closes the circle.
    for answer in [
        Answer {
            action: Action::Confirm,
            at: 5,
            pin: Some(SecretText::new("123")),
            reason: None,
        },
        Answer {
            action: Action::Decline,
            at: 6,
            pin: None,
            reason: Some("Nein, 王".to_owned()),
        },
    ] {
        let sealed = answer.seal(&link, &answer_keys.public, por_hash).unwrap();
        let opened = Answer::open(&sealed, &answer_keys, &link.public, por_hash).unwrap();
        let mut values = serde_json::to_value(&answer).unwrap();
        values["hash"] = opened.hash.to_string().into();
        // The private answer key follows from the root: Node derives it.
        let vector = json!({
            "answer": encoded(&sealed),
            "linkPublicKey": hex::encode(link.public),
            "por": por_hash.to_string(),
            "signer": 1,
            "round": 9,
        });
        made.both(
            "answer",
            with(&sender.base, &vector),
            ("answer", "answer"),
            values,
        );
    }
    proofs::make(request, &por, made);
}

/// The private key in a link, in hex.
fn private_key(link: &str) -> String {
    let (_, content) = link.split_once('=').unwrap();
    let text = URL_SAFE_NO_PAD.decode(content).unwrap();
    let members: Value = serde_json::from_slice(&text).unwrap();
    let key = URL_SAFE_NO_PAD.decode(members["key"].as_str().unwrap());
    hex::encode(key.unwrap())
}
