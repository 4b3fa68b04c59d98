use super::*;
use crate::{CheckedBy, PhoneRecord};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

const REQUEST: Request = Request {
    binding: Hash([1; 32]),
    signer: 2,
    round: 3,
};

fn por() -> Por {
    Por {
        request: REQUEST,
        link_key: PointBytes([4; 65]),
        answer_key: PointBytes([5; 65]),
        expiry: 1_800_000_000_000,
        checked_by: CheckedBy::MailAndSms,
        previous: Some(Hash([3; 32])),
    }
}

fn poi() -> Poi {
    Poi {
        request: REQUEST,
        por_hash: Hash([6; 32]),
        por_time: 1_790_000_000_000,
        ip_address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        answered_at: 1_790_000_000_001,
        answer_hash: Hash([7; 32]),
        previous: None,
        phone: Some(PhoneRecord::new([8; 16], "+15555550100")),
    }
}

fn decline() -> Decline {
    Decline {
        request: REQUEST,
        por_hash: Hash([6; 32]),
        ip_address: "2001:db8::1".parse().unwrap(),
        answered_at: 1_790_000_000_001,
        answer_hash: Hash([7; 32]),
    }
}

fn void() -> Void {
    Void {
        binding: Hash([1; 32]),
        at: 5,
        statements: Hash([9; 32]),
    }
}

/// The text of each kind, and whether each reader accepts it.
fn texts() -> [Vec<u8>; 4] {
    [
        por().to_json().unwrap(),
        poi().to_json().unwrap(),
        decline().to_json().unwrap(),
        void().to_json().unwrap(),
    ]
}

fn readers(text: &[u8]) -> [bool; 4] {
    [
        Por::parse(text).is_ok(),
        Poi::parse(text).is_ok(),
        Decline::parse(text).is_ok(),
        Void::parse(text).is_ok(),
    ]
}

#[test]
fn every_proof_is_read_as_its_own_kind_alone() {
    for (index, text) in texts().iter().enumerate() {
        let expected: [bool; 4] = std::array::from_fn(|reader| reader == index);
        assert_eq!(readers(text), expected);
        assert!(crate::Por::parse(text).is_err() && crate::Poi::parse(text).is_err());
    }
    assert_eq!(Por::parse(&texts()[0]).unwrap(), por());
    assert_eq!(Poi::parse(&texts()[1]).unwrap(), poi());
    assert_eq!(Decline::parse(&texts()[2]).unwrap(), decline());
    assert_eq!(Void::parse(&texts()[3]).unwrap(), void());
}

#[test]
fn the_forms_are_the_golden_ones() {
    let one = "01".repeat(32);
    let expected = format!(
        r#"{{"protocol":2,"kind":"void","binding":"{one}","at":5,"statements":"{}"}}"#,
        "09".repeat(32)
    );
    assert_eq!(String::from_utf8(texts()[3].clone()).unwrap(), expected);
    let start = format!(r#"{{"protocol":2,"kind":"por","binding":"{one}","signer":2,"round":3,"#);
    assert!(texts()[0].starts_with(start.as_bytes()));
}

#[test]
fn another_spelling_is_another_text() {
    for text in texts() {
        let text = String::from_utf8(text).unwrap();
        for other in [
            format!(" {text}"),
            format!("{text}\n"),
            text.replacen(":2,", ":2.0,", 1),
            text.replacen("\"protocol\":2,", "", 1),
            text.replacen("\"protocol\":2,", "\"protocol\":1,", 1),
            text.replacen("\"protocol\":2,", "\"protocol\":2,\"protocol\":2,", 1),
            text.replacen('{', "{\"more\":1,", 1),
            text.replacen("0101", "0A0A", 1),
            text.replacen("\"kind\"", "\"k\\u0069nd\"", 1),
        ] {
            assert_eq!(readers(other.as_bytes()), [false; 4], "{other}");
        }
        for end in 0..text.len() {
            assert_eq!(readers(&text.as_bytes()[..end]), [false; 4]);
        }
    }
}

#[test]
fn numbers_outside_their_limits_are_neither_written_nor_read() {
    let mut bad = por();
    bad.request.signer = 1000;
    assert!(bad.to_json().is_err());
    for round in [0, 1_000_001] {
        let mut bad = poi();
        bad.request.round = round;
        assert!(bad.to_json().is_err());
    }
    let text = String::from_utf8(texts()[0].clone()).unwrap();
    for (from, to) in [
        ("\"signer\":2", "\"signer\":1000"),
        ("\"round\":3", "\"round\":0"),
        ("\"expiry\":1800000000000", "\"expiry\":9007199254740992"),
        ("[\"mail\",\"sms\"]", "[\"sms\"]"),
        ("[\"mail\",\"sms\"]", "[]"),
    ] {
        assert!(text.contains(from));
        assert!(
            Por::parse(text.replace(from, to).as_bytes()).is_err(),
            "{to}"
        );
    }
}

#[test]
fn sms_is_named_exactly_with_a_phone_record() {
    let text = String::from_utf8(texts()[1].clone()).unwrap();
    let without = text.replace("[\"mail\",\"sms\"]", "[\"mail\"]");
    assert!(Poi::parse(without.as_bytes()).is_err());
    let (start, _) = text.split_once(",\"phoneSalt\"").unwrap();
    assert!(Poi::parse(format!("{start}}}").as_bytes()).is_err());
    let mut mail = poi();
    mail.phone = None;
    assert_eq!(Poi::parse(&mail.to_json().unwrap()).unwrap(), mail);
}

proptest! {
    #[test]
    fn bytes_never_panic_and_reading_is_the_inverse_of_writing(
        bytes: Vec<u8>, signer in 0_u16..1000, round in 1_u32..1_000_001,
    ) {
        readers(&bytes);
        let mut proof = por();
        proof.request = Request { signer, round, ..REQUEST };
        prop_assert_eq!(Por::parse(&proof.to_json().unwrap()).unwrap(), proof);
    }
}
