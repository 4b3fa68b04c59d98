use super::*;
use crate::samples::{
    BINDING, account, account_key, configuration, header, root, sealed_task, sent_header, task_key,
};
use proptest::prelude::*;

#[test]
fn a_task_opens_to_what_was_sealed() {
    let task = sealed_task();
    let opened = root()
        .open_configuration(task.configuration.clone())
        .unwrap();
    assert_eq!(opened, configuration());
    assert_eq!(
        &*root().open_document(task.document.clone()).unwrap(),
        b"%PDF-1.7"
    );
    let document = Hash::of(&task.document);
    assert_eq!(
        binding(&task.header, &task.configuration, document),
        task.binding
    );
}

#[test]
fn nothing_is_sealed_that_would_be_refused() {
    let seal = |header: SentHeader, key: &DataKey, configuration: &Configuration| {
        SealedTask::seal(&account(), key, header, configuration, b"")
    };
    let mut more = header();
    more.signers = 3;
    let found = seal(
        SentHeader::new(more).unwrap(),
        &task_key(),
        &configuration(),
    );
    assert!(matches!(found, Err(Error::Mismatch(_))));
    let mut bad = configuration();
    bad.file_name.clear();
    let found = seal(sent_header(), &task_key(), &bad);
    assert!(matches!(found, Err(Error::Format(_))));
    let found = seal(sent_header(), &account_key(), &configuration());
    assert!(matches!(found, Err(Error::DataKey)));
}

#[test]
fn the_binding_covers_header_and_boxes() {
    let other = SentHeader::parse([sent_header().as_bytes(), b" "].concat()).unwrap();
    let one = binding(&sent_header(), b"configuration", Hash([1; 32]));
    for changed in [
        binding(&other, b"configuration", Hash([1; 32])),
        binding(&sent_header(), b"configuratio", Hash([1; 32])),
        binding(&sent_header(), b"configuration", Hash([2; 32])),
    ] {
        assert_ne!(one, changed);
    }
    assert_eq!(one.to_string(), hex::encode(one.0));
}

/// A host can wrap a data key of its own; without the account's secret it makes nothing.
#[test]
fn the_root_needs_both_secrets() {
    let task = sealed_task();
    let mut foreign = account();
    foreign.account_secret = crate::SecretBytes::new([9; 32]);
    let key = DataKey::from_bytes(Purpose::Task, [9; 32]);
    for other in [
        Root::new(&foreign, &task_key(), &sent_header()).unwrap(),
        Root::new(&account(), &key, &sent_header()).unwrap(),
    ] {
        assert_eq!(
            other.open_configuration(task.configuration.clone()),
            Err(Error::Box)
        );
        assert_eq!(other.open_document(task.document.clone()), Err(Error::Box));
    }
}

/// A changed header is another context of both boxes.
#[test]
fn boxes_open_beside_their_header_alone() {
    let task = sealed_task();
    let mut later = header();
    later.expiry += 1;
    let header = SentHeader::new(later).unwrap();
    let other = Root::new(&account(), &task_key(), &header).unwrap();
    assert_eq!(
        other.open_configuration(task.configuration),
        Err(Error::Box)
    );
    assert_eq!(other.open_document(task.document), Err(Error::Box));
}

#[test]
fn results_are_bound_to_part_and_binding() {
    let root = root();
    for (part, other) in [(Part::Result, Part::Decline), (Part::Decline, Part::Result)] {
        let sealed = root.seal_for_sender(part, BINDING, b"text").unwrap();
        let open = |part, binding: Hash| root.open_from_enclave(part, binding, sealed.clone());
        assert_eq!(&*open(part, BINDING).unwrap(), b"text");
        assert_eq!(open(other, BINDING), Err(Error::Box));
        assert_eq!(open(part, Hash([9; 32])), Err(Error::Box));
    }
    for part in [Part::Account, Part::Configuration, Part::Document] {
        assert_eq!(
            root.seal_for_sender(part, BINDING, b"text"),
            Err(Error::Box)
        );
        let sealed = root.seal_with(part, BINDING, &[1; 32], b"text");
        assert_eq!(
            root.open_from_enclave(part, BINDING, sealed),
            Err(Error::Box)
        );
    }
}

#[test]
fn fixed_random_bytes_give_the_same_boxes() {
    let task = sealed_task();
    let random = task.document.first_chunk().unwrap();
    let again = root().seal_with(Part::Document, BINDING, random, b"%PDF-1.7");
    assert_eq!(again, task.document);
}

proptest! {
    #[test]
    fn arbitrary_configurations_never_panic(bytes: Vec<u8>) {
        let sealed = root().seal_with(Part::Configuration, BINDING, &[1; 32], &bytes);
        prop_assert!(matches!(root().open_configuration(sealed), Err(Error::Format(_))));
    }
}
