//! Reads one vector with this crate: values, or the part that was refused.

#![allow(dead_code, reason = "each test uses a part")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use letsesign_mail::Scheme;
use letsesign_proof::Hash;
use letsesign_protocol2::{
    Account, Action, Answer, Configuration, DataKey, Error, KeyPair, LaunchSecret, Link, Part,
    Purpose, Request, Root, SentHeader, SentStatement,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Values of a vector, or the name of the part that was refused.
pub type Outcome = Result<Value, &'static str>;

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The vectors of a kind.
pub fn file(kind: &str) -> Value {
    let path = repository("tests/vectors/protocol-2").join(format!("{kind}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Bytes in a vector's base64.
pub fn base64(vector: &Value, name: &str) -> Vec<u8> {
    STANDARD.decode(vector[name].as_str().unwrap()).unwrap()
}

/// Bytes in a vector's hex.
pub fn hex(vector: &Value, name: &str) -> Vec<u8> {
    hex::decode(vector[name].as_str().unwrap()).unwrap()
}

/// 32 bytes in a vector's hex.
pub fn hex32(vector: &Value, name: &str) -> [u8; 32] {
    hex(vector, name).try_into().unwrap()
}

struct Task {
    account: Account,
    header: SentHeader,
    root: Root,
}

fn account(vector: &Value) -> Result<Account, Error> {
    let key = DataKey::from_text(Purpose::Account, &hex(vector, "accountKey"))?;
    Account::open(base64(vector, "accountBox"), &key, Scheme::Https)
}

fn open(vector: &Value) -> Result<Task, &'static str> {
    let header = SentHeader::parse(base64(vector, "header")).map_err(|_| "header")?;
    let account = account(vector).map_err(|_| "account")?;
    let root = DataKey::from_text(Purpose::Task, &hex(vector, "taskKey"))
        .and_then(|key| Root::new(&account, &key, &header))
        .map_err(|_| "task")?;
    Ok(Task {
        account,
        header,
        root,
    })
}

fn configuration(task: &Task, vector: &Value) -> Result<Configuration, Error> {
    let configuration = task
        .root
        .open_configuration(base64(vector, "configuration"))?;
    configuration.fits(task.header.header(), &task.account)?;
    Ok(configuration)
}

fn binding(task: &Task, vector: &Value) -> Hash {
    let document = Hash::of(&base64(vector, "document"));
    letsesign_protocol2::binding(&task.header, &base64(vector, "configuration"), document)
}

fn request(vector: &Value, binding: Hash) -> Request {
    let number = |name: &str| vector[name].as_u64().unwrap();
    let request = Request {
        binding,
        signer: number("signer").try_into().unwrap(),
        round: number("round").try_into().unwrap(),
    };
    assert!(request.is_valid());
    request
}

/// Reads a vector with this crate.
pub fn outcome(kind: &str, vector: &Value) -> Outcome {
    match kind {
        "data-key" => data_key(vector),
        "account" => {
            let account = account(vector).map_err(|_| "account")?;
            let (id, domain) = (account.id().to_string(), account.domain.clone());
            Ok(json!({ "id": id, "domain": domain, "kmsKeyARN": account.kms_key_arn }))
        }
        "task" => task(vector),
        "result" => result(vector),
        "statements" => statements(vector),
        "request" => keys(vector),
        "link" => link(vector),
        "answer" => answer(vector),
        "verification" => {
            let sealed = vector["verification"].as_str().unwrap();
            let opened = open(vector)?;
            let sid = opened
                .root
                .open_verification(sealed, Hash(hex32(vector, "por")));
            Ok(json!({ "sid": sid.ok_or("verification")? }))
        }
        other => panic!("no reader of {other}"),
    }
}

fn data_key(vector: &Value) -> Outcome {
    let purpose = match vector["purpose"].as_str().unwrap() {
        "account" => Purpose::Account,
        _ => Purpose::Task,
    };
    let key = DataKey::from_text(purpose, &hex(vector, "text")).map_err(|_| "data-key")?;
    assert_eq!(key.purpose(), purpose);
    Ok(json!({ "key": hex::encode(&key.to_text()[16..]) }))
}

fn task(vector: &Value) -> Outcome {
    let task = open(vector)?;
    let configuration = configuration(&task, vector).map_err(|_| "task")?;
    let document = task
        .root
        .open_document(base64(vector, "document"))
        .map_err(|_| "document")?;
    let signers: Vec<&str> = configuration
        .signers
        .iter()
        .map(|signer| signer.name.as_str())
        .collect();
    Ok(json!({
        "binding": binding(&task, vector).to_string(),
        "expiry": task.header.header().expiry,
        "fileName": configuration.file_name,
        "signers": signers,
        "document": Hash::of(&document).to_string(),
    }))
}

fn result(vector: &Value) -> Outcome {
    let part = match vector["part"].as_str().unwrap() {
        "result" => Part::Result,
        _ => Part::Decline,
    };
    let binding = Hash(hex32(vector, "binding"));
    let text = open(vector)?
        .root
        .open_from_enclave(part, binding, base64(vector, "box"))
        .map_err(|_| "result")?;
    Ok(json!({ "text": STANDARD.encode(&*text) }))
}

fn statements(vector: &Value) -> Outcome {
    let mut sent = Vec::new();
    for statement in vector["statements"].as_array().unwrap() {
        // The reader of jobs refuses codes of another length.
        let mac = <[u8; 32]>::try_from(base64(statement, "mac")).map_err(|_| "statements")?;
        let text = base64(statement, "statement");
        sent.push(SentStatement { text, mac });
    }
    let read = open(vector)?
        .root
        .statements(Hash(hex32(vector, "binding")), &sent)
        .map_err(|_| "statements")?;
    let signers = vector["signers"].as_array().unwrap().iter();
    let rounds: Vec<u32> = signers
        .map(|signer| read.round(signer.as_u64().unwrap().try_into().unwrap()))
        .collect();
    Ok(json!({ "void": read.void(), "rounds": rounds, "hash": read.hash().to_string() }))
}

fn keys(vector: &Value) -> Outcome {
    let task = open(vector)?;
    let request = request(vector, Hash(hex32(vector, "binding")));
    let launch = LaunchSecret::from_bytes(hex32(vector, "launchSecret"));
    let answer = task.root.answer_keys(&request).unwrap();
    let link = launch.link_keys(&task.root, &request).unwrap();
    // Private keys are not shown; a pair has one private key.
    let pair = |name: &str| {
        KeyPair::from_scalar(&hex32(&vector["ok"], name))
            .unwrap()
            .public
    };
    assert_eq!(
        (pair("answerKey"), pair("linkKey")),
        (answer.public, link.public)
    );
    Ok(json!({
        "launch": hex::encode(launch.id()),
        "answerKey": vector["ok"]["answerKey"],
        "answerPublicKey": hex::encode(answer.public),
        "linkKey": vector["ok"]["linkKey"],
        "linkPublicKey": hex::encode(link.public),
    }))
}

fn link(vector: &Value) -> Outcome {
    let task = open(vector)?;
    let request = request(vector, binding(&task, vector));
    let launch = LaunchSecret::from_bytes(hex32(vector, "launchSecret"));
    let link = Link {
        configuration: &configuration(&task, vector).map_err(|_| "task")?,
        task: task.header.header().task,
        request,
        por: Hash(hex32(vector, "por")),
        expiry: task.header.header().expiry,
        keys: &launch.link_keys(&task.root, &request).unwrap(),
        answer_key: &task.root.answer_keys(&request).unwrap().public,
    };
    let link = link.to_url(Scheme::Https).map_err(|_| "link")?;
    Ok(json!({ "link": link.as_str() }))
}

fn answer(vector: &Value) -> Outcome {
    let keys = KeyPair::from_scalar(&hex32(vector, "answerKey")).unwrap();
    let opened = Answer::open(
        &base64(vector, "answer"),
        &keys,
        &hex(vector, "linkPublicKey"),
        Hash(hex32(vector, "por")),
    )
    .map_err(|_| "answer")?;
    let action = match opened.answer.action {
        Action::RequestPin => "requestPin",
        Action::Confirm => "confirm",
        Action::Decline => "decline",
    };
    let mut values = json!({
        "action": action, "at": opened.answer.at, "hash": opened.hash.to_string(),
    });
    if let Some(pin) = &opened.answer.pin {
        values["pin"] = json!(pin.as_str());
    }
    if let Some(reason) = &opened.answer.reason {
        values["reason"] = json!(reason);
    }
    Ok(values)
}
