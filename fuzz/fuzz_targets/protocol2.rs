//! Arbitrary bytes as each part of a task of protocol 2: header, account, configuration, statement,
//! and as boxes. What is accepted survives writing and reading again; no box opens that was not
//! sealed.
#![no_main]

use letsesign_mail::Scheme;
use letsesign_proof::{Hash, Object};
use letsesign_protocol2::{
    Account, DataKey, EmailAccount, Header, Part, Purpose, Root, SecretBytes, SecretText,
    SentHeader, SentStatement, Statement,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const BINDING: Hash = Hash([5; 32]);
const RANDOM: [u8; 32] = [6; 32];

struct Fixed {
    account_key: DataKey,
    root: Root,
}

static FIXED: LazyLock<Fixed> = LazyLock::new(|| {
    let account = Account {
        account_secret: SecretBytes::new([1; 32]),
        lowest_protocol: 2,
        kms_key_arn: "arn".to_owned(),
        domain: "example.com".to_owned(),
        email: Object(EmailAccount::Sendgrid { key: SecretText::new("key") }),
        sms: None,
        signer_pages: vec!["https://example.com/".to_owned()],
    };
    let header = SentHeader::new(Header {
        protocol: 2,
        task: Hash([2; 32]),
        account: account.id(),
        kms_key_arn: "arn".to_owned(),
        signers: 1,
        in_order: false,
        expiry: 0,
    })
    .unwrap();
    let task_key = DataKey::from_bytes(Purpose::Task, [4; 32]);
    Fixed {
        account_key: DataKey::from_bytes(Purpose::Account, [3; 32]),
        root: Root::new(&account, &task_key, &header).unwrap(),
    }
});

fuzz_target!(|bytes: &[u8]| {
    let Fixed { account_key, root } = &*FIXED;
    if let Ok(header) = SentHeader::parse(bytes.to_vec()) {
        assert_eq!(header.as_bytes(), bytes);
        let written = SentHeader::new(header.header().clone()).unwrap();
        assert_eq!(written.header(), header.header());
    }
    if let Ok(account) = Account::parse(bytes, Scheme::Https) {
        let sealed = account.seal_with(account_key, &RANDOM).unwrap();
        assert_eq!(Account::open(sealed, account_key, Scheme::Https).unwrap(), account);
    }
    let sealed = root.seal_with(Part::Configuration, BINDING, &RANDOM, bytes);
    if let Ok(configuration) = root.open_configuration(sealed) {
        let again = root.seal_configuration(&configuration).unwrap();
        assert_eq!(root.open_configuration(again).unwrap(), configuration);
    }
    if let Ok(statement) = Statement::parse(bytes) {
        let sent = root.state(BINDING, &statement).unwrap();
        assert_eq!(Statement::parse(&sent.text).unwrap(), statement);
        root.statements(BINDING, &[sent]).unwrap();
    }
    assert!(Account::open(bytes.to_vec(), account_key, Scheme::Https).is_err());
    assert!(root.open_configuration(bytes.to_vec()).is_err());
    assert!(root.open_document(bytes.to_vec()).is_err());
    for part in [Part::Result, Part::Decline] {
        assert!(root.open_from_enclave(part, BINDING, bytes.to_vec()).is_err());
    }
    let _ = DataKey::from_text(Purpose::Task, bytes);
    let forged = SentStatement { text: bytes.to_vec(), mac: [0; 32] };
    assert!(root.statements(BINDING, &[forged]).is_err());
});
