//! Proofs and results as an enclave makes them, attested under the test root, and whatever a liar
//! can make of an enclave that the sender does not accept.

use crate::stage::Stage;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_client::Record;
use letsesign_proof::protocol2::{
    Decline, New, Poi, PointBytes, Por, SignerFacts, TaskFacts, Void,
};
use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Function, Hash, MagicNumber, Signer, Spf, Summary, UserData,
};
use letsesign_protocol2::{Part, Request, Root};
use letsesign_test_authority::Document;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// The registers of the accepted release, of the revoked one, and of one that nobody knows.
pub(crate) const GOOD: u8 = 0x11;
pub(crate) const REVOKED: u8 = 0x22;
pub(crate) const FOREIGN: u8 = 0x33;

/// An enclave that works on one task.
pub(crate) struct Enclave {
    pub(crate) binding: Hash,
    pub(crate) account: Hash,
    pub(crate) statements: Hash,
    pub(crate) root: Root,
    /// Its registers.
    pub(crate) register: u8,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
}

/// A proof with its attestation document, as `GET proofs` gives it.
pub(crate) fn entry(kind: &str, proof: &[u8], document: &[u8]) -> Value {
    json!({
        "kind": kind,
        "proof": BASE64_STANDARD.encode(proof),
        "document": BASE64_STANDARD.encode(document),
    })
}

pub(crate) fn proofs(list: impl IntoIterator<Item = Value>) -> Value {
    json!({"proofs": list.into_iter().collect::<Vec<_>>()})
}

impl Enclave {
    pub(crate) fn of(stage: &Stage, record: &Record) -> Self {
        let root = record.root(&stage.account).unwrap();
        let sent = record.sent_statements();
        let statements = root.statements(record.binding, &sent).unwrap();
        Self {
            binding: record.binding,
            account: stage.account.id(),
            statements: statements.hash(),
            root,
            register: GOOD,
            time: record.created,
        }
    }

    /// The attestation document of results.
    pub(crate) fn attest(&self, function: Function, results: &[(&str, Hash)]) -> Vec<u8> {
        let data = UserData::bound(function, self.binding, results);
        let mut document = Document::new(self.time, self.register);
        document.user_data = Some(data.to_json().unwrap().into_bytes());
        document.to_bytes()
    }

    fn one(&self, kind: &str, function: Function, proof: &[u8]) -> Value {
        let document = self.attest(function, &[(kind, Hash::of(proof))]);
        entry(kind, proof, &document)
    }

    fn request(&self, signer: u16, round: u32) -> Request {
        Request {
            binding: self.binding,
            signer,
            round,
        }
    }

    pub(crate) fn poi_bytes(&self, signer: u16, round: u32) -> Vec<u8> {
        let poi = Poi {
            request: self.request(signer, round),
            por_hash: Hash([6; 32]),
            por_time: self.time,
            ip_address: [192, 0, 2, 7].into(),
            answered_at: self.time,
            answer_hash: Hash([7; 32]),
            previous: None,
            phone: None,
        };
        poi.to_json().unwrap()
    }

    /// A signer's request.
    pub(crate) fn por(&self, signer: u16, round: u32) -> Value {
        let por = Por {
            request: self.request(signer, round),
            link_key: PointBytes([4; 65]),
            answer_key: PointBytes([5; 65]),
            expiry: self.time + 1000,
            checked_by: CheckedBy::Mail,
            previous: None,
        };
        self.one("por", Function::SendReq, &por.to_json().unwrap())
    }

    /// A signer's confirmation.
    pub(crate) fn poi(&self, signer: u16, round: u32) -> Value {
        self.one(
            "poi",
            Function::ConfirmIntent,
            &self.poi_bytes(signer, round),
        )
    }

    /// A signer's refusal.
    pub(crate) fn decline(&self, signer: u16, round: u32) -> Value {
        let decline = Decline {
            request: self.request(signer, round),
            por_hash: Hash([6; 32]),
            ip_address: [192, 0, 2, 7].into(),
            answered_at: self.time,
            answer_hash: Hash([7; 32]),
        };
        self.one("decline", Function::Decline, &decline.to_json().unwrap())
    }

    /// The sender's withdrawal.
    pub(crate) fn void(&self) -> Value {
        let void = Void {
            binding: self.binding,
            at: self.time,
            statements: self.statements,
        };
        self.one("void", Function::VoidTask, &void.to_json().unwrap())
    }

    /// The signed document and its proof; `people` have a name, an address and a round.
    pub(crate) fn signed(&self, people: &[(&str, &str, u32)]) -> [(&'static str, Vec<u8>); 2] {
        let mut pdf = letsesign_testbed::pdf::document(1, 1000);
        pdf.extend(b"letsesign=true\n");
        let signer = |(name, email, _): &(&str, &str, u32)| Signer {
            name: (*name).to_owned(),
            email_addr: (*email).to_owned(),
            ip_address: [192, 0, 2, 7].into(),
            signing_time: self.time / 1000,
            phone_number: None,
            evidence: Some(Evidence {
                poi_hash: Hash([8; 32]),
                checked_by: CheckedBy::Mail,
            }),
        };
        let facts = |(_, _, round): &(&str, &str, u32)| SignerFacts {
            round: *round,
            por_time: self.time,
            answered_at: self.time,
        };
        let summary = Summary::protocol2(New {
            signers: people.iter().map(signer).collect(),
            magic_number: MagicNumber([9; 32]),
            binding: self.binding,
            email_provider: EmailProvider::Ses,
            email_domain: "example.com".to_owned(),
            facts: TaskFacts {
                account: self.account,
                in_order: false,
                statements: self.statements,
                signers: people.iter().map(facts).collect(),
            },
        });
        let summary = summary.unwrap();
        let results = [("esigPDF", Hash::of(&pdf)), ("summary", summary.hash())];
        let attestation = self.attest(Function::AttachEsig, &results);
        let spf = Spf {
            summary,
            attestation,
        };
        let spf = spf.to_json().unwrap().into_bytes();
        [("contract.pdf", pdf), ("contract.spf", spf)]
    }

    /// A result box.
    pub(crate) fn seal(&self, archive: &[u8]) -> Vec<u8> {
        let sealed = self
            .root
            .seal_for_sender(Part::Result, self.binding, archive);
        sealed.unwrap()
    }
}

/// An archive with these files.
pub(crate) fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
