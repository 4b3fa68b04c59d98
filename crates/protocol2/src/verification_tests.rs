use super::*;
use crate::samples::{account, root, sent_header};
use crate::{DataKey, Purpose};
use proptest::prelude::*;

const POR: Hash = Hash([7; 32]);

#[test]
fn a_verification_belongs_to_one_request() {
    let sealed = root().seal_verification("VE01", POR);
    assert_eq!(root().open_verification(&sealed, POR), Some("VE01"));
    assert_eq!(root().open_verification(&sealed, Hash([8; 32])), None);
    let key = DataKey::from_bytes(Purpose::Task, [9; 32]);
    let other = Root::new(&account(), &key, &sent_header()).unwrap();
    assert_eq!(other.open_verification(&sealed, POR), None);
}

#[test]
fn another_identifier_or_code_is_refused() {
    let sealed = root().seal_verification("VE01", POR);
    let (_, mac) = sealed.split_once('.').unwrap();
    for bad in [
        format!("VE02.{mac}"),
        format!("VE01.{}", mac.to_uppercase()),
        format!("VE01.{}", &mac[2..]),
        format!("VE01.{mac}0"),
        "VE01.".to_owned(),
        "VE01".to_owned(),
        mac.to_owned(),
        String::new(),
    ] {
        assert_eq!(root().open_verification(&bad, POR), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens(sid: String) {
        let sealed = root().seal_verification(&sid, POR);
        prop_assert_eq!(root().open_verification(&sealed, POR), Some(sid.as_str()));
    }
}
