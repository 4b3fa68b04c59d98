//! An account and a task for tests.

use crate::{
    Account, Configuration, DataKey, Field, FieldType, Header, LaunchSecret, Notificant,
    PROTOCOL_VERSION, Purpose, Request, Root, SealedTask, SecretBytes, SecretText, SentHeader,
    Signer, SmsAccount,
};
use crate::{EmailAccount, EmailProvider, KeyPair};
use letsesign_proof::{Hash, Object};
use serde_json::Value;

pub(crate) fn account() -> Account {
    Account {
        account_secret: SecretBytes::new([1; 32]),
        lowest_protocol: PROTOCOL_VERSION,
        kms_key_arn: "arn:aws:kms:eu-central-1:111122223333:key/1".to_owned(),
        domain: "example.com".to_owned(),
        email: Object(EmailAccount::Ses {
            username: SecretText::new("user"),
            password: SecretText::new("password"),
        }),
        sms: Some(Object(SmsAccount {
            api_sid: SecretText::new("SK0"),
            api_secret: SecretText::new("secret"),
            service_sid: "VA0".to_owned(),
        })),
        signer_pages: vec!["https://sign.example.com/".to_owned()],
    }
}

pub(crate) fn header() -> Header {
    Header {
        protocol: PROTOCOL_VERSION,
        task: Hash([2; 32]),
        account: account().id(),
        kms_key_arn: account().kms_key_arn,
        signers: 2,
        in_order: true,
        expiry: 1_900_000_000_000,
    }
}

pub(crate) fn sent_header() -> SentHeader {
    SentHeader::new(header()).unwrap()
}

pub(crate) fn field() -> Field {
    Field {
        kind: FieldType::Signature,
        page: 1,
        x: 72.0,
        y: 700.25,
        height: 24.0,
    }
}

fn signer(name: &str, phone: Option<&str>) -> Object<Signer> {
    Object(Signer {
        name: name.to_owned(),
        email: "ada@example.com".to_owned(),
        phone: phone.map(ToOwned::to_owned),
        locale: "en-US".to_owned(),
        fields: vec![Object(field())],
    })
}

pub(crate) fn configuration() -> Configuration {
    Configuration {
        lowest_protocol: PROTOCOL_VERSION,
        domain: account().domain,
        email_provider: EmailProvider::Ses,
        signer_page: "https://sign.example.com/".to_owned(),
        file_name: "contract.pdf".to_owned(),
        message: "Please sign.".to_owned(),
        notificant: Some(Object(Notificant {
            email: "office@example.com".to_owned(),
            locale: "en-US".to_owned(),
        })),
        password: Some(SecretText::new("password")),
        signers: vec![signer("Ada", None), signer("王小明", Some("+886912345678"))],
    }
}

pub(crate) fn account_key() -> DataKey {
    DataKey::from_bytes(Purpose::Account, [3; 32])
}

pub(crate) fn task_key() -> DataKey {
    DataKey::from_bytes(Purpose::Task, [4; 32])
}

pub(crate) fn root() -> Root {
    Root::new(&account(), &task_key(), &sent_header()).unwrap()
}

pub(crate) fn sealed_task() -> SealedTask {
    SealedTask::seal(
        &account(),
        &task_key(),
        sent_header(),
        &configuration(),
        b"%PDF-1.7",
    )
    .unwrap()
}

pub(crate) const BINDING: Hash = Hash([5; 32]);

pub(crate) const REQUEST: Request = Request {
    binding: BINDING,
    signer: 1,
    round: 2,
};

pub(crate) fn link_keys() -> KeyPair {
    LaunchSecret::from_bytes([6; 32])
        .link_keys(&root(), &REQUEST)
        .unwrap()
}

/// The JSON of an object after a change.
pub(crate) fn changed(value: &impl serde::Serialize, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut json = serde_json::to_value(value).unwrap();
    change(&mut json);
    serde_json::to_vec(&json).unwrap()
}

/// JSON texts that no reader of this object accepts, each with a note: members that are unknown,
/// twice, missing or null, an array of the values, and text around the object.
pub(crate) fn bad_texts(
    value: &impl serde::Serialize,
    optional: &[&str],
) -> Vec<(String, Vec<u8>)> {
    let json = serde_json::to_value(value).unwrap();
    let text = serde_json::to_string(value).unwrap();
    let members = json.as_object().unwrap();
    let (first, of_first) = members.iter().next().unwrap();
    let inner = text.strip_prefix('{').unwrap();
    let values: Vec<&Value> = members.values().collect();
    let mut texts = vec![
        (
            "an unknown member".to_owned(),
            format!("{{\"more\":1,{inner}"),
        ),
        (
            "a member twice".to_owned(),
            format!("{{\"{first}\":{of_first},{inner}"),
        ),
        (
            "an array".to_owned(),
            serde_json::to_string(&values).unwrap(),
        ),
        ("a byte order mark".to_owned(), format!("\u{feff}{text}")),
        ("text behind".to_owned(), format!("{text}1")),
        ("nothing".to_owned(), String::new()),
        ("null".to_owned(), "null".to_owned()),
    ];
    for name in members.keys() {
        let change = |to: Option<Value>| {
            let mut all = members.clone();
            match to {
                Some(value) => all.insert(name.clone(), value),
                None => all.remove(name),
            };
            serde_json::to_string(&all).unwrap()
        };
        texts.push((format!("{name} is null"), change(Some(Value::Null))));
        if !optional.contains(&name.as_str()) {
            texts.push((format!("without {name}"), change(None)));
        }
    }
    texts
        .into_iter()
        .map(|(note, text)| (note, text.into_bytes()))
        .collect()
}
