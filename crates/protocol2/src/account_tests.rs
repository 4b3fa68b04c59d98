use super::*;
use crate::Error;
use crate::samples::{account, account_key, bad_texts, changed, task_key};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Seals any bytes as an account and opens them.
fn open(text: &[u8]) -> Result<Account> {
    let key = account_key();
    let sealed = slot(&key)?.seal(text)?;
    Account::open(sealed, &key, Scheme::Https)
}

#[test]
fn an_account_opens_to_what_was_sealed() {
    let sealed = account().seal(&account_key()).unwrap();
    let opened = Account::open(sealed.clone(), &account_key(), Scheme::Https).unwrap();
    assert_eq!(opened, account());
    let random = sealed.first_chunk().unwrap();
    assert_eq!(account().seal_with(&account_key(), random).unwrap(), sealed);
}

#[test]
fn the_key_of_a_task_neither_seals_nor_opens_an_account() {
    let sealed = account().seal(&account_key()).unwrap();
    assert_eq!(account().seal(&task_key()), Err(Error::DataKey));
    assert_eq!(
        account().seal_with(&task_key(), &[0; 32]),
        Err(Error::DataKey)
    );
    assert_eq!(
        Account::open(sealed, &task_key(), Scheme::Https),
        Err(Error::DataKey)
    );
}

#[test]
fn the_identity_follows_from_the_secret_alone() {
    let mut other = account();
    other.domain = "example.org".to_owned();
    other.email = Object(EmailAccount::Sendgrid {
        key: SecretText::new("key"),
    });
    assert_eq!(account().id(), other.id());
    other.account_secret = SecretBytes::new([9; 32]);
    assert_ne!(account().id(), other.id());
}

#[test]
fn another_form_is_refused() {
    for (note, text) in bad_texts(&account(), &["sms"]) {
        assert!(matches!(open(&text), Err(Error::Format(_))), "{note}");
    }
}

/// A text of this many characters.
fn text(length: usize) -> Value {
    json!("王".repeat(length))
}

/// Values of a member: those that are read, and those that are not.
type Rule = (&'static str, Vec<Value>, Vec<Value>);

fn members() -> [Rule; 5] {
    let pages = |number: usize| json!(vec!["https://a.example/"; number]);
    let page = |url: &str| json!([url]);
    let long = |length: usize| json!([format!("https://a.example/{}", "p".repeat(length - 18))]);
    [
        (
            "lowestProtocol",
            vec![json!(2), json!(3)],
            vec![json!(1), json!(2.0), json!("2")],
        ),
        (
            "kmsKeyARN",
            vec![text(1), text(256)],
            vec![text(0), text(257)],
        ),
        (
            "domain",
            vec![json!("a.bc")],
            vec![
                json!(""),
                json!("localhost"),
                json!("192.0.2.1"),
                json!("a.bc."),
            ],
        ),
        (
            "accountSecret",
            vec![json!(STANDARD_32)],
            vec![
                json!("AAAA"),
                json!(&STANDARD_32[1..]),
                json!(STANDARD_32.replace('A', "_")),
            ],
        ),
        (
            "signerPages",
            vec![pages(1), pages(16), long(1024)],
            vec![
                pages(0),
                pages(17),
                long(1025),
                page("http://a.example/"),
                page("https://localhost/"),
                page("https://a.example/?q"),
                page("https://a.example/#f"),
                page("https://u@a.example/"),
                page("https://a.example/ "),
                json!(["https://a.example/", "https://localhost/"]),
            ],
        ),
    ]
}

fn services() -> [Rule; 2] {
    let sms = |name: &str, value: Value| {
        let mut sms = json!({ "apiSID": "a", "apiSecret": "b", "serviceSID": "c" });
        sms[name] = value;
        sms
    };
    let ses = |name: &str, value: Value| {
        let mut ses = json!({ "provider": "ses", "username": "a", "password": "b" });
        ses[name] = value;
        ses
    };
    let sendgrid = |key: Value| json!({ "provider": "sendgrid", "key": key });
    [
        (
            "email",
            vec![
                ses("username", text(256)),
                ses("password", text(256)),
                sendgrid(text(256)),
            ],
            vec![
                ses("username", text(0)),
                ses("username", text(257)),
                ses("password", text(0)),
                ses("password", text(257)),
                ses("key", text(1)),
                ses("provider", json!("smtp")),
                ses("provider", json!(0)),
                sendgrid(text(0)),
                sendgrid(text(257)),
                json!(["ses", "a", "b"]),
            ],
        ),
        (
            "sms",
            vec![
                sms("apiSID", text(256)),
                sms("apiSecret", text(256)),
                sms("serviceSID", text(256)),
            ],
            vec![
                sms("apiSID", text(0)),
                sms("apiSID", text(257)),
                sms("apiSecret", text(0)),
                sms("apiSecret", text(257)),
                sms("serviceSID", text(0)),
                sms("serviceSID", text(257)),
                sms("more", text(1)),
                json!(["a", "b", "c"]),
            ],
        ),
    ]
}

#[test]
fn limits_are_those_of_the_page() {
    for (name, good, bad) in members().into_iter().chain(services()) {
        let with = |value: &Value| open(&changed(&account(), |json| json[name] = value.clone()));
        for value in good {
            assert!(with(&value).is_ok(), "{name}: {value}");
        }
        for value in bad {
            let found = with(&value);
            let refused = matches!(found, Err(Error::Format(_) | Error::Page));
            assert!(refused, "{name}: {value}");
        }
    }
}

/// 32 zeros in base64.
const STANDARD_32: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn an_account_has_at_most_64_kib() {
    let mut text = serde_json::to_vec(&account()).unwrap();
    text.resize(ACCOUNT_BYTES_MAX, b' ');
    assert_eq!(open(&text).unwrap(), account());
    text.push(b' ');
    assert!(matches!(open(&text), Err(Error::Format(_))));
}

/// Emulation builds mail links to this machine; images do not.
#[test]
fn only_emulation_allows_pages_on_this_machine() {
    let mut local = account();
    local.signer_pages = vec!["http://localhost:8080/".to_owned()];
    assert!(local.check(Scheme::HttpsOrLocalhost).is_ok());
    assert_eq!(local.check(Scheme::Https), Err(Error::Page));
}

#[test]
fn nothing_shows_a_secret() {
    let shown = format!("{:?}", account());
    for secret in [
        "\"user\"",
        "\"password\"",
        "\"SK0\"",
        "\"secret\"",
        "1, 1, 1",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(matches!(open(&bytes), Err(Error::Format(_))));
        let opened = Account::open(bytes, &account_key(), Scheme::Https);
        prop_assert_eq!(opened, Err(Error::Box));
    }
}
