//! Golden vectors of docs/proof-format.md, made by another implementation.

#![cfg(test)]

use letsesign_proof::{
    CheckedBy, Function, Hash, PhoneRecord, Poi, Por, Summary, UserData, task_hash,
};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/proof/vectors.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(vectors: &Value, name: &str) -> Vec<Value> {
    let list = vectors[name].as_array().unwrap().clone();
    assert!(!list.is_empty());
    list
}

fn bytes(vector: &Value) -> Vec<u8> {
    hex::decode(vector["cbor"].as_str().unwrap()).unwrap()
}

fn hash(value: &Value) -> Hash {
    Hash::parse(value.as_str().unwrap()).unwrap()
}

fn optional_hash(value: &Value) -> Option<Hash> {
    (!value.is_null()).then(|| hash(value))
}

fn por(fields: &Value) -> Por {
    Por {
        payload_hash: hash(&fields["payloadHash"]),
        signer_idx: fields["signerIdx"].as_u64().unwrap().try_into().unwrap(),
        secret_hash: hash(&fields["secretHash"]),
        phone_required: fields["phoneRequired"].as_bool().unwrap(),
        task_hash: optional_hash(&fields["taskHash"]),
        expiry_time: fields["expiryTime"].as_u64(),
    }
}

fn poi(fields: &Value) -> Poi {
    Poi {
        payload_hash: hash(&fields["payloadHash"]),
        signer_idx: fields["signerIdx"].as_u64().unwrap().try_into().unwrap(),
        ip_address: fields["ipAddress"].as_str().unwrap().parse().unwrap(),
        por_time: fields["porTime"].as_u64().unwrap(),
        task_hash: optional_hash(&fields["taskHash"]),
        phone: fields["phoneSalt"].as_str().map(|salt| PhoneRecord {
            salt: hex::decode(salt).unwrap().try_into().unwrap(),
            hash: hash(&fields["phoneHash"]),
        }),
    }
}

#[test]
fn proofs_match_the_golden_vectors() {
    let vectors = vectors();
    for vector in list(&vectors, "por") {
        let value = por(&vector["fields"]);
        assert_eq!(hex::encode(value.to_cbor().unwrap()), vector["cbor"]);
        assert_eq!(Por::parse(&bytes(&vector)).unwrap(), value);
    }
    for vector in list(&vectors, "poi") {
        let value = poi(&vector["fields"]);
        assert_eq!(hex::encode(value.to_cbor().unwrap()), vector["cbor"]);
        assert_eq!(Poi::parse(&bytes(&vector)).unwrap(), value);
    }
    let first = poi(&vectors["poi"][0]["fields"]);
    for vector in list(&vectors, "poiReadOnly") {
        assert_eq!(
            Poi::parse(&bytes(&vector)).unwrap(),
            first,
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn broken_rules_are_reported_by_name() {
    for vector in list(&vectors(), "poiRefused") {
        let error = Poi::parse(&bytes(&vector)).unwrap_err().to_string();
        let expected = vector["error"].as_str().unwrap();
        assert!(error.contains(expected), "{}: {error}", vector["name"]);
    }
}

#[test]
fn hashes_of_tasks_and_phones_match_the_golden_vectors() {
    let vectors = vectors();
    let task = &vectors["taskHash"];
    let id = task["taskID"].as_str().unwrap();
    assert_eq!(task_hash(id), hash(&task["hash"]));
    assert_ne!(task_hash("ab"), task_hash("a"));

    let phone = &vectors["phone"];
    let salt = hex::decode(phone["salt"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let record = PhoneRecord::new(salt, phone["number"].as_str().unwrap());
    assert_eq!(record.hash, hash(&phone["hash"]));
    assert!(record.is("+886912345678") && !record.is("+886912345679"));
}

#[test]
fn user_data_has_one_spelling() {
    let vectors = vectors();
    for vector in list(&vectors, "userData") {
        let function: Function = serde_json::from_value(vector["fnName"].clone()).unwrap();
        assert_eq!(function.name(), vector["fnName"]);
        let text = vector["text"].as_str().unwrap();
        let pairs = vector["results"].as_array().unwrap();
        let results: Vec<(&str, Hash)> = pairs
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), hash(&pair[1])))
            .collect();
        assert_eq!(UserData::new(function, &results).to_json().unwrap(), text);
        let names: Vec<&str> = results.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, function.results());
        UserData::parse(text.as_bytes())
            .unwrap()
            .expect(function, &results)
            .unwrap();
    }
    for vector in list(&vectors, "userDataRefused") {
        let text = vector["text"].as_str().unwrap();
        assert!(
            UserData::parse(text.as_bytes()).is_err(),
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn the_whole_hash_list_counts() {
    let (pdf, summary) = (Hash::of(b"pdf"), Hash::of(b"summary"));
    let data = UserData::new(
        Function::AttachEsig,
        &[("esigPDF", pdf), ("summary", summary)],
    );
    let attach = |results: &[(&str, Hash)]| data.expect(Function::AttachEsig, results);
    attach(&[("esigPDF", pdf), ("summary", summary)]).unwrap();
    for wrong in [
        vec![("esigPDF", pdf)],
        vec![],
        vec![("summary", summary), ("esigPDF", pdf)],
        vec![("esigpdf", pdf), ("summary", summary)],
        vec![("esigPDF", pdf), ("summary", summary), ("more", pdf)],
        vec![("esigPDF", summary), ("summary", summary)],
        vec![("esigPDF", pdf), ("summary", pdf)],
    ] {
        assert!(attach(&wrong).is_err(), "{wrong:?}");
    }
    let wrong = data.expect(Function::SendReq, &[("esigPDF", pdf), ("summary", summary)]);
    assert!(wrong.unwrap_err().to_string().contains("attachEsig"));
}

#[test]
fn a_summary_is_hashed_as_json_stringify_prints_it() {
    let vectors = vectors();
    for (name, version2) in [("summary", false), ("summary2", true)] {
        let vector = &vectors[name];
        let text = vector["text"].as_str().unwrap();
        let summary = Summary::parse(text).unwrap();
        assert_eq!(summary.text(), text);
        assert_eq!(summary.hash(), hash(&vector["hash"]));
        assert_eq!(
            Summary::parse(vector["spaced"].as_str().unwrap()).unwrap(),
            summary
        );
        assert_eq!(summary.origin.is_some(), version2);
        let again = Summary::new(
            summary.signers.clone(),
            summary.magic_number,
            summary.binding_data_hash,
            summary.origin.clone(),
        );
        assert_eq!(again.unwrap(), summary);
        assert_eq!(summary.magic_number.on_page().len(), 32);
    }
    let vector = &vectors["summary2"];
    let summary = Summary::parse(vector["text"].as_str().unwrap()).unwrap();
    let poi = hex::decode(vector["poi"].as_str().unwrap()).unwrap();
    let checked: Vec<CheckedBy> = summary
        .signers
        .iter()
        .map(|signer| {
            let evidence = signer.evidence.unwrap();
            assert_eq!(evidence.poi_hash, Hash::of(&poi));
            evidence.checked_by
        })
        .collect();
    assert_eq!(checked, [CheckedBy::MailAndSms, CheckedBy::Mail]);
}

/// Removing or adding members must not turn a summary of one version into one of the other.
#[test]
fn a_mixture_of_both_versions_is_refused() {
    for vector in list(&vectors(), "summaryRefused") {
        let text = vector["text"].as_str().unwrap();
        let error = Summary::parse(text).unwrap_err().to_string();
        let expected = vector["error"].as_str().unwrap();
        assert!(error.contains(expected), "{}: {error}", vector["name"]);
    }
}
