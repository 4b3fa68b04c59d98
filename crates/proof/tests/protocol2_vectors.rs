//! The golden vectors of protocol 2's proofs, user data and summaries, which the second
//! implementation wrote (tests/protocol2, in Node, from the page alone).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use letsesign_proof::protocol2::{Decline, Poi, Por, Void};
use letsesign_proof::{Function, Hash, Spf, UserData};
use serde_json::{Value, json};
use std::path::Path;

type Outcome = Result<Value, letsesign_proof::Error>;

/// Compares every vector of a kind; `least` are the fewest valid and invalid ones.
fn check(kind: &str, least: (usize, usize), read: impl Fn(&Value) -> Outcome) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors/protocol-2")
        .join(format!("{kind}.json"));
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut valid, mut invalid, mut wrong) = (0, 0, Vec::new());
    for vector in file["vectors"].as_array().unwrap() {
        let found = read(vector).ok();
        let expected = vector.get("ok").cloned();
        valid += usize::from(expected.is_some());
        invalid += usize::from(vector.get("refused").is_some());
        if found != expected {
            wrong.push(format!("{}: {found:?}, not {expected:?}", vector["note"]));
        }
    }
    assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
    assert!(valid >= least.0 && invalid >= least.1, "{valid}, {invalid}");
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

#[test]
fn proofs() {
    check("proof", (48, 320), |vector| {
        let bytes = text(vector, "text").as_bytes();
        let written = match text(vector, "proof") {
            "por" => Por::parse(bytes)?.to_json()?,
            "poi" => Poi::parse(bytes)?.to_json()?,
            "decline" => Decline::parse(bytes)?.to_json()?,
            kind => {
                assert_eq!(kind, "void");
                Void::parse(bytes)?.to_json()?
            }
        };
        Ok(json!({ "hash": Hash::of(&written).to_string() }))
    });
}

#[test]
fn user_data() {
    let function = |name: &str| {
        let all = [
            Function::SendReq,
            Function::ConfirmIntent,
            Function::AttachEsig,
            Function::Decline,
            Function::VoidTask,
        ];
        all.into_iter()
            .find(|function| function.name() == name)
            .unwrap()
    };
    check("user-data", (5, 70), |vector| {
        let results = vector["results"].as_array().unwrap();
        let hashes: Vec<(&str, Hash)> = results
            .iter()
            .map(|result| {
                let bytes = hex::decode(result[1].as_str().unwrap()).unwrap();
                (result[0].as_str().unwrap(), Hash::of(&bytes))
            })
            .collect();
        let binding = Hash::parse(text(vector, "binding"))?;
        let data = UserData::parse(text(vector, "text").as_bytes())?;
        data.expect_bound(function(text(vector, "fnName")), binding, &hashes)?;
        Ok(json!({}))
    });
}

#[test]
fn proof_files() {
    check("spf", (7, 60), |vector| {
        let file = Spf::parse(text(vector, "file").as_bytes())?;
        let signers: Vec<&str> = file
            .summary
            .signers
            .iter()
            .map(|signer| signer.name.as_str())
            .collect();
        // A summary of another version is none of protocol 2.
        let facts = file.summary.facts.as_ref();
        facts.ok_or(letsesign_proof::Error::Task)?;
        assert_eq!(file.summary.version(), 3);
        assert_eq!(Spf::parse(file.to_json()?.as_bytes())?, file);
        Ok(json!({
            "summaryHash": file.summary.hash().to_string(),
            "binding": file.summary.binding_data_hash.to_string(),
            "signers": signers,
            "attestDoc": hex::encode(&file.attestation),
        }))
    });
}
