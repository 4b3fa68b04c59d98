//! Proofs that letsesign-proof writes.

use crate::made::Made;
use letsesign_proof::protocol2::{Decline, New, Poi, Por, Request, SignerFacts, TaskFacts, Void};
use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Function, Hash, MagicNumber, PhoneRecord, Spf, Summary,
    UserData,
};
use serde_json::{Value, json};

/// Proofs, user data and a summary of a request.
pub fn make(request: Request, por: &[u8], made: &mut Made) {
    let poi = Poi {
        request,
        por_hash: Hash::of(por),
        por_time: 1,
        ip_address: "2001:db8::1:0:0:1".parse().unwrap(),
        answered_at: 2,
        answer_hash: Hash::of(b"answer"),
        previous: Some(Hash::of(b"poi of signer 0")),
        phone: Some(PhoneRecord::new([8; 16], "+886912345678")),
    };
    let decline = Decline {
        request,
        por_hash: poi.por_hash,
        ip_address: "::ffff:192.0.2.1".parse().unwrap(),
        answered_at: 3,
        answer_hash: poi.answer_hash,
    };
    let void = Void {
        binding: request.binding,
        at: 4,
        statements: Hash::of(b"statements"),
    };
    // The first signer's proofs, and those that no phone was checked for.
    let (mut first, mut by_mail) = (poi, poi);
    first.previous = None;
    let mut first_por = Por::parse(por).unwrap();
    first_por.previous = None;
    by_mail.phone = None;
    let texts = [
        ("por", por.to_vec()),
        ("poi", poi.to_json().unwrap()),
        ("por", first_por.to_json().unwrap()),
        ("poi", first.to_json().unwrap()),
        ("poi", by_mail.to_json().unwrap()),
        ("decline", decline.to_json().unwrap()),
        ("void", void.to_json().unwrap()),
    ];
    for (kind, text) in &texts {
        made.ok(
            "proof",
            json!({ "proof": kind, "text": std::str::from_utf8(text).unwrap() }),
            json!({ "hash": Hash::of(text).to_string() }),
        );
    }
    let data = UserData::bound(
        Function::ConfirmIntent,
        request.binding,
        &[("poi", Hash::of(&texts[1].1))],
    );
    made.ok(
        "user-data",
        json!({
            "text": data.to_json().unwrap(),
            "fnName": "confirmIntent",
            "binding": request.binding.to_string(),
            "results": [["poi", hex::encode(&texts[1].1)]],
        }),
        json!({}),
    );
    made.ok(
        "spf",
        summary(request, &texts[1].1),
        spf_values(request, &texts[1].1),
    );
}

fn spf(request: Request, poi: &[u8]) -> Spf {
    let names = ["Zoë \"the\" \\ \u{1}\u{7f}\u{2029}", "王小明 👩‍👩‍👧"];
    let signers = names
        .iter()
        .map(|name| letsesign_proof::Signer {
            name: (*name).to_owned(),
            email_addr: "ada@example.com".to_owned(),
            ip_address: "2001:db8::1".parse().unwrap(),
            signing_time: 5,
            phone_number: Some("+886912345678".to_owned()),
            evidence: Some(Evidence {
                poi_hash: Hash::of(poi),
                checked_by: CheckedBy::MailAndSms,
            }),
        })
        .collect();
    let facts = SignerFacts {
        round: request.round,
        por_time: 1,
        answered_at: 2,
    };
    let summary = Summary::protocol2(New {
        signers,
        magic_number: MagicNumber([3; 32]),
        binding: request.binding,
        email_provider: EmailProvider::SendGrid,
        email_domain: "example.com".to_owned(),
        facts: TaskFacts {
            account: Hash::of(b"account"),
            in_order: false,
            statements: Hash::of(b"statements"),
            signers: vec![facts; 2],
        },
    });
    Spf {
        summary: summary.unwrap(),
        attestation: vec![1, 2, 3],
    }
}

fn summary(request: Request, poi: &[u8]) -> Value {
    json!({ "file": spf(request, poi).to_json().unwrap() })
}

fn spf_values(request: Request, poi: &[u8]) -> Value {
    let file = spf(request, poi);
    let names: Vec<&String> = file.summary.signers.iter().map(|one| &one.name).collect();
    json!({
        "summaryHash": file.summary.hash().to_string(),
        "binding": request.binding.to_string(),
        "signers": names,
        "attestDoc": "010203",
    })
}
