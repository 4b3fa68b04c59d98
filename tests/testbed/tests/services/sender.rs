//! The sender's output conforms to docs/kms.md and docs/proof-format.md.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_kms::Envelope;
use letsesign_testbed::client::PARTS;
use letsesign_testbed::{Json, Options, Provider, Sealed, Task, Testbed, pdf};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Decrypts a part, the data key being known from its ciphertext.
fn open(sealed: &Sealed, part: &str) -> Vec<u8> {
    let text = |name: &str| {
        let path = format!("privateTaskInfo.{part}.{name}");
        sealed.payload.text_at(&path).to_owned()
    };
    let envelope = Envelope::decode(
        &text("encryptedDataKey"),
        &text("dataIV"),
        &text("encryptedData"),
    )
    .unwrap();
    let key = letsesign_testbed::customer::decrypt_data_key(&envelope.encrypted_data_key).unwrap();
    opened(&envelope.open(&key))
}

#[test]
fn parts_decrypt_and_hashes_bind_them() {
    let mut task = Task::new(pdf::document(1, 0))
        .with_signers(2)
        .with_phone(1, "+886912345678");
    task.provider = Provider::SendGrid;
    task.file_name = "契約 \"1\".pdf".to_owned();
    let sealed = task.seal();
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let binding: Value = serde_json::from_slice(&open(&sealed, "encryptedBindingData")).unwrap();
    let binding = &binding["bindingData"];
    let config = open(&sealed, "encryptedTaskConfig");
    let text = std::str::from_utf8(&config).unwrap();
    let config = text
        .strip_prefix("{\"taskConfig\":")
        .unwrap()
        .strip_suffix('}')
        .unwrap();
    assert!(
        config.contains(r#""fileName":"契約 \"1\".pdf""#),
        "{config}"
    );
    assert_eq!(binding["taskConfigHash"], hash(config.as_bytes()));
    assert_eq!(binding["templateDataHash"], hash(&task.pdf));
    assert_eq!(open(&sealed, "encryptedTemplateData"), task.pdf);
    let payload = sealed.payload.to_text();
    assert_eq!(
        letsesign_proof::compact(&payload).as_deref(),
        Some(payload.as_str())
    );
    assert_eq!(sealed.payload_hash(), hash(payload.as_bytes()));
    let template = sealed
        .payload
        .at("publicTaskInfo.templateInfo")
        .unwrap()
        .to_text();
    assert!(payload.contains(&template));
    assert_eq!(binding["templateInfoHash"], hash(template.as_bytes()));
    let bound = json!({"inOrder": false, "taskConfigHash": binding["taskConfigHash"], "templateInfoHash": binding["templateInfoHash"],
        "templateDataHash": binding["templateDataHash"]});
    let bound = hash(bound.to_string().as_bytes());
    assert_eq!(bound, sealed.binding_data_hash);
    let access_key = Sha256::digest(format!("{}{bound}", task.bearer_secret));
    assert_eq!(binding["accessKey"], BASE64_STANDARD.encode(access_key));
    let twilio: Value = serde_json::from_slice(&open(&sealed, "encryptedTwilioConfig")).unwrap();
    assert_eq!(twilio["bearerSecret"], task.bearer_secret);
}

#[test]
fn everything_can_be_spoilt() {
    let task = Task::new(pdf::document(1, 0));
    let mut bound = task.parts().bind();
    bound.binding.set("bindingData.inOrder", true);
    bound
        .parts
        .public
        .set("templateInfo.signerList.0.fieldList.0.x", Json::raw("1e-7"));
    let mut sealed = bound.seal();
    let mut job = sealed.send_req(0);
    let text = job.to_text();
    assert!(text.contains(r#""x":1e-7"#));
    serde_json::from_str::<Value>(&text).unwrap();
    for part in PARTS {
        sealed.replace(part, b"other");
        assert_eq!(open(&sealed, part), b"other");
        sealed.corrupt(part);
    }
    job.remove("taskID");
    job.set("signerIdx", Json::raw("0.0"));
    assert!(!job.to_text().contains("taskID"));
}

/// Variables name files and addresses that are there.
#[tokio::test]
async fn the_environment_is_complete() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let variables = testbed.environment();
    assert_eq!(variables.len(), 5);
    for (name, value) in &variables {
        match name.as_str() {
            "LETSESIGN_JOB_API" => assert!(value.starts_with("http://127.0.0.1:")),
            "LETSESIGN_HOST_OVERRIDES" => assert_eq!(value.split(',').count(), 4),
            _ => assert!(std::path::Path::new(value).exists(), "{value}"),
        }
    }
    let folder = testbed.folder().to_owned();
    drop(testbed);
    assert!(!folder.exists());
}

fn opened(clear: &letsesign_kms::Clear) -> Vec<u8> {
    assert!(bool::from(clear.accepted), "key or padding");
    clear.bytes.to_vec()
}
