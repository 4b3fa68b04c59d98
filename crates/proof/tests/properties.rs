//! Properties of every value and of every text.

use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Hash, MagicNumber, Origin, PhoneRecord, Poi, Por, Signer,
    Spf, Summary, UserData, compact,
};
use proptest::prelude::*;

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

prop_compose! {
    fn por()(payload_hash in hash(), signer_idx in 0u16..=999, secret_hash in hash(), phone_required: bool,
             task_hash in proptest::option::of(hash()), expiry_time in proptest::option::of(0u64..1 << 53)) -> Por {
        Por { payload_hash, signer_idx, secret_hash, phone_required, task_hash, expiry_time }
    }
}

prop_compose! {
    fn poi()(payload_hash in hash(), signer_idx in 0u16..=999, ip_address: std::net::Ipv4Addr, por_time in 0u64..1 << 53,
             task_hash in proptest::option::of(hash()), phone in proptest::option::of((any::<[u8; 16]>(), hash()))) -> Poi {
        let phone = phone.map(|(salt, hash)| PhoneRecord { salt, hash });
        Poi { payload_hash, signer_idx, ip_address, por_time, task_hash, phone }
    }
}

prop_compose! {
    fn signer()(name in ".{1,20}", email_addr in ".{1,20}", ip_address: std::net::Ipv4Addr,
                signing_time in 0u64..1 << 53,
                phone_number in proptest::option::of("\\+[0-9]{3,12}")) -> Signer {
        Signer { name, email_addr, ip_address: std::net::IpAddr::V4(ip_address), signing_time, phone_number, evidence: None }
    }
}

prop_compose! {
    fn origin()(payload_hash in hash(), ses: bool, email_domain in ".{1,20}") -> Origin {
        let email_provider = if ses { EmailProvider::Ses } else { EmailProvider::SendGrid };
        Origin { payload_hash, email_provider, email_domain }
    }
}

/// Adds the members of version 2 to a signer.
fn checked(signer: Signer, poi_hash: Hash) -> Signer {
    let checked_by = match signer.phone_number {
        Some(_) => CheckedBy::MailAndSms,
        None => CheckedBy::Mail,
    };
    Signer {
        evidence: Some(Evidence {
            poi_hash,
            checked_by,
        }),
        ..signer
    }
}

proptest! {
    #[test]
    fn proofs_survive_a_round_trip(por in por(), poi in poi()) {
        prop_assert_eq!(Por::parse(&por.to_cbor().unwrap()).unwrap(), por);
        let bytes = poi.to_cbor().unwrap();
        // The base64 of a proof has at most 1024 characters.
        prop_assert!(bytes.len() <= 768);
        prop_assert_eq!(Poi::parse(&bytes).unwrap(), poi);
    }

    #[test]
    fn a_cut_or_lengthened_proof_is_refused(por in por(), cut in 1usize..50, more: u8) {
        let mut bytes = por.to_cbor().unwrap();
        prop_assert!(Por::parse(&bytes[..bytes.len() - cut]).is_err());
        bytes.push(more);
        prop_assert!(Por::parse(&bytes).is_err());
    }

    #[test]
    fn a_proof_file_survives_a_round_trip(signers in proptest::collection::vec(signer(), 1..4), magic: [u8; 32],
                               binding in hash(), origin in proptest::option::of(origin()), poi in hash(),
                               attestation in proptest::collection::vec(any::<u8>(), 0..100)) {
        let signers = match &origin {
            Some(_) => signers.into_iter().map(|signer| checked(signer, poi)).collect(),
            None => signers,
        };
        let summary = Summary::new(signers, MagicNumber(magic), binding, origin).unwrap();
        prop_assert_eq!(&Summary::parse(summary.text()).unwrap(), &summary);
        let spf = Spf { summary, attestation };
        let text = spf.to_json().unwrap();
        let back = Spf::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(back.to_json().unwrap(), text);
        prop_assert_eq!(back, spf);
    }

    #[test]
    fn without_any_member_of_version_2_or_with_a_null_a_summary_is_refused(
        signer in signer(), magic: [u8; 32], binding in hash(), origin in origin(), poi in hash(),
        member in 0usize..5, null: bool,
    ) {
        let summary = Summary::new(vec![checked(signer, poi)], MagicNumber(magic), binding, Some(origin));
        let mut value: serde_json::Value = serde_json::from_str(summary.unwrap().text()).unwrap();
        let name = ["payloadHash", "emailServiceProvider", "emailServiceDomain", "poiHash", "checkedBy"][member];
        let object = if member < 3 { &mut value } else { &mut value["signerList"][0] };
        let members = object.as_object_mut().unwrap();
        if null {
            members.insert(name.to_owned(), serde_json::Value::Null);
        } else {
            members.remove(name);
        }
        prop_assert!(Summary::parse(&value.to_string()).is_err());
    }

    #[test]
    fn compact_is_what_serde_prints_for_texts_and_structure(value in json()) {
        let spaced = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(compact(&spaced).unwrap(), value.to_string());
    }

    #[test]
    fn numbers_keep_their_spelling(number in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?") {
        prop_assert_eq!(compact(&format!("[ {number}\n,-0]")), Some(format!("[{number},-0]")));
    }

    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\":,a0-9 ]{0,60}") {
        let _ = (Por::parse(&bytes), Poi::parse(&bytes), UserData::parse(&bytes), Spf::parse(&bytes));
        let _ = (UserData::parse(text.as_bytes()), Spf::parse(text.as_bytes()), Summary::parse(&text), compact(&text));
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
