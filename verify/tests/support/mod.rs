//! A temporary folder for tests: a root, enclaves that attest, releases, PDFs, and a way to run the
//! program.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod archive;
pub mod pdf;

use letsesign_proof::protocol2::{New, SignerFacts, TaskFacts};
use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Function, Hash, MagicNumber, Origin, Signer, Spf, Summary,
    UserData,
};
pub use letsesign_test_authority::Document;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The time of this place's documents: 2023-11-14 22:13:20 UTC, in milliseconds since 1970.
pub const TIME: u64 = 1_700_000_000_000;
pub const MAGIC: MagicNumber = MagicNumber([0xab; 32]);
pub const BINDING: &[u8] = b"binding data";
/// The task payload of this place, and the same payload with white space.
pub const PAYLOAD: &str = r#"{"publicTaskInfo":{"inOrder":true},"privateTaskInfo":{}}"#;
pub const DOMAIN: &str = "Mail.Example.com";

/// A register that consists of one repeated digit; `good` has 1.
pub fn pcr(digit: u8) -> [u8; 48] {
    [digit; 48]
}

pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A place with release `good` (registers 0x11), release `old` (0x22) and a root, but without
    /// keys.
    pub fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir_all(place.path("measurements/keys")).unwrap();
        let mut ledger = String::new();
        for (name, byte, time) in [("good", "11", 1_690_000_000), ("old", "22", 1_600_000_000)] {
            let pcr = byte.repeat(48);
            let release = json!({ "verName": name, "pcrs": { "0": pcr, "1": pcr, "2": pcr }, "issueTime": time });
            let text = release.to_string();
            ledger += &format!("{}  {name}.json\n", Hash::of(text.as_bytes()));
            place.write(&format!("measurements/{name}.json"), text);
        }
        place.write("measurements/LEDGER", ledger);
        place.write("root.der", letsesign_test_authority::root().to_der());
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn status(&self, name: &str, state: &str, since: u64) {
        let entry = json!({ "verName": name, "state": state, "since": since, "reason": "a test" });
        self.write(
            "measurements/status.json",
            json!({ "statusList": [entry] }).to_string(),
        );
    }

    /// Runs the program in the place's folder, with its releases.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        let command = arguments.first().copied().unwrap_or_default();
        let mut all = arguments.to_vec();
        if command != "completions" {
            all.extend(["--measurements", "measurements"]);
        }
        self.plain(&all)
    }

    /// Runs the program without the place's options.
    pub fn plain(&self, arguments: &[&str]) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_letsesign-verify"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Answer::of(output)
    }

    /// Verifies `signed.pdf` and `proof.spf` under the place's root.
    pub fn verify(&self, more: &[&str]) -> Answer {
        let mut arguments = vec!["proof", "signed.pdf", "proof.spf", "--root", "root.der"];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Writes a signed PDF with its proof.
    pub fn put(&self, signed: &Signed) {
        self.write("signed.pdf", &signed.pdf);
        self.write("proof.spf", signed.spf());
    }
}

pub struct Answer {
    pub code: i32,
    pub out: String,
    pub error: String,
}

impl Answer {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Expects an exit code and a text in the output.
    #[track_caller]
    pub fn is(&self, code: i32, text: &str) -> &Self {
        let all = format!("{}{}", self.out, self.error);
        assert_eq!(self.code, code, "{all}");
        assert!(all.contains(text), "no {text:?} in {all}");
        assert!(!all.contains("panicked"), "{all}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// A signed PDF under construction; tests falsify its parts.
pub struct Signed {
    pub pdf: Vec<u8>,
    pub summary: Summary,
    pub document: Document,
}

pub fn signer(name: &str) -> Signer {
    Signer {
        name: name.to_owned(),
        email_addr: "signer@example.com".to_owned(),
        ip_address: "203.0.113.9".parse().unwrap(),
        signing_time: TIME / 1000 - 60,
        phone_number: None,
        evidence: Some(Evidence {
            poi_hash: Hash::of(name.as_bytes()),
            checked_by: CheckedBy::Mail,
        }),
    }
}

/// A signer who was also checked by SMS.
pub fn signer_with_phone(name: &str) -> Signer {
    let mut signer = signer(name);
    signer.phone_number = Some("+886912345678".to_owned());
    signer.evidence.as_mut().unwrap().checked_by = CheckedBy::MailAndSms;
    signer
}

/// A summary of protocol 2 with one signer.
pub fn summary_of_protocol_2(binding: Hash) -> Summary {
    let facts = SignerFacts {
        round: 2,
        por_time: TIME - 120_000,
        answered_at: TIME - 61_000,
    };
    Summary::protocol2(New {
        signers: vec![signer("Ada")],
        magic_number: MAGIC,
        binding,
        email_provider: EmailProvider::Ses,
        email_domain: DOMAIN.to_owned(),
        facts: TaskFacts {
            account: Hash([3; 32]),
            in_order: true,
            statements: Hash([4; 32]),
            signers: vec![facts],
        },
    })
    .unwrap()
}

/// The origin of this place's documents.
pub fn origin() -> Origin {
    Origin {
        payload_hash: Hash::of(PAYLOAD.as_bytes()),
        email_provider: EmailProvider::SendGrid,
        email_domain: DOMAIN.to_owned(),
    }
}

/// A version 2 summary.
pub fn summary(signers: Vec<Signer>) -> Summary {
    Summary::new(signers, MAGIC, Hash::of(BINDING), Some(origin())).unwrap()
}

/// A version 1 summary, as earlier releases wrote it.
pub fn summary_v1(mut signers: Vec<Signer>) -> Summary {
    for signer in &mut signers {
        signer.evidence = None;
    }
    Summary::new(signers, MAGIC, Hash::of(BINDING), None).unwrap()
}

impl Signed {
    /// A genuine signed PDF.
    pub fn new() -> Self {
        Self::of(pdf::signed(&MAGIC.on_page()), vec![signer("王小明")])
    }

    /// A genuine signed PDF with the given content and signers.
    pub fn of(pdf: Vec<u8>, signers: Vec<Signer>) -> Self {
        let mut signed = Self {
            pdf,
            summary: summary(signers),
            document: Document::new(TIME, 0x11),
        };
        signed.attest();
        signed
    }

    /// Attests the PDF and the summary in their present state.
    pub fn attest(&mut self) {
        let results = [
            ("esigPDF", Hash::of(&self.pdf)),
            ("summary", self.summary.hash()),
        ];
        let data = UserData::new(Function::AttachEsig, &results)
            .to_json()
            .unwrap();
        self.document.user_data = Some(data.into_bytes());
    }

    pub fn spf(&self) -> String {
        let spf = Spf {
            summary: self.summary.clone(),
            attestation: self.document.to_bytes(),
        };
        spf.to_json().unwrap()
    }
}

/// Skips a part of a test and prints the reason; with `REQUIRE_ALL=1`, fails.
pub fn skip(reason: &str) {
    let all = std::env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!all, "REQUIRE_ALL=1, but {reason}");
    eprintln!("skipped in part: {reason}");
}

/// Path of a file in the repository.
pub fn repository(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name)
}
