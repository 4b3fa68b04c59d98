//! A world of its own for tests: a root, enclaves that attest, releases, PDFs, and the program that judges them.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod archive;
pub mod pdf;

use letsesign_proof::{
    CheckedBy, EmailProvider, Evidence, Function, Hash, MagicNumber, Origin, Signer, Spf, Summary,
    UserData,
};
pub use letsesign_test_authority::Document;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// When documents of this world are made: 2023-11-14 22:13:20 UTC, in milliseconds.
pub const TIME: u64 = 1_700_000_000_000;
pub const MAGIC: MagicNumber = MagicNumber([0xab; 32]);
pub const BINDING: &[u8] = b"binding data";
/// The task payload of this world, and a spelling of it that is not compact.
pub const PAYLOAD: &str = r#"{"publicTaskInfo":{"inOrder":true},"privateTaskInfo":{}}"#;
pub const DOMAIN: &str = "Mail.Example.com";

/// The registers of release `good`, all of a digit.
pub fn pcr(digit: u8) -> [u8; 48] {
    [digit; 48]
}

pub struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// Release `good` (registers 0x11) and release `old` (0x22), a root, no keys.
    pub fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir_all(world.path("measurements/keys")).unwrap();
        let mut ledger = String::new();
        for (name, byte, time) in [("good", "11", 1_690_000_000), ("old", "22", 1_600_000_000)] {
            let pcr = byte.repeat(48);
            let release = json!({ "verName": name, "pcrs": { "0": pcr, "1": pcr, "2": pcr }, "issueTime": time });
            let text = release.to_string();
            ledger += &format!("{}  {name}.json\n", Hash::of(text.as_bytes()));
            world.write(&format!("measurements/{name}.json"), text);
        }
        world.write("measurements/LEDGER", ledger);
        world.write("root.der", letsesign_test_authority::root().to_der());
        world
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

    /// Runs the program in the world's folder, with its releases.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        let command = arguments.first().copied().unwrap_or_default();
        let mut all = arguments.to_vec();
        if command != "completions" {
            all.extend(["--measurements", "measurements"]);
        }
        self.plain(&all)
    }

    /// Runs the program as it is.
    pub fn plain(&self, arguments: &[&str]) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_letsesign-verify"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Answer::of(output)
    }

    /// Verifies `signed.pdf` and `proof.spf` under the world's root.
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

    /// Expects an exit code and a text in what was printed.
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

/// A signed PDF in the making; each part can be spoilt.
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

/// One who was checked by SMS as well.
pub fn signer_with_phone(name: &str) -> Signer {
    let mut signer = signer(name);
    signer.phone_number = Some("+886912345678".to_owned());
    signer.evidence.as_mut().unwrap().checked_by = CheckedBy::MailAndSms;
    signer
}

/// Where documents of this world come from.
pub fn origin() -> Origin {
    Origin {
        payload_hash: Hash::of(PAYLOAD.as_bytes()),
        email_provider: EmailProvider::SendGrid,
        email_domain: DOMAIN.to_owned(),
    }
}

/// A summary of this world.
pub fn summary(signers: Vec<Signer>) -> Summary {
    Summary::new(signers, MAGIC, Hash::of(BINDING), Some(origin())).unwrap()
}

/// One as earlier releases wrote it.
pub fn summary_v1(mut signers: Vec<Signer>) -> Summary {
    for signer in &mut signers {
        signer.evidence = None;
    }
    Summary::new(signers, MAGIC, Hash::of(BINDING), None).unwrap()
}

impl Signed {
    /// A genuine one.
    pub fn new() -> Self {
        Self::of(pdf::signed(&MAGIC.on_page()), vec![signer("王小明")])
    }

    /// A genuine one over a given PDF.
    pub fn of(pdf: Vec<u8>, signers: Vec<Signer>) -> Self {
        let mut signed = Self {
            pdf,
            summary: summary(signers),
            document: Document::new(TIME, 0x11),
        };
        signed.attest();
        signed
    }

    /// Attests PDF and summary as they are.
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

/// Whether a part of a test that needs what is missing may be left out; with `REQUIRE_ALL=1` nothing may.
pub fn skip(reason: &str) {
    let all = std::env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!all, "REQUIRE_ALL=1, but {reason}");
    eprintln!("skipped in part: {reason}");
}

/// A file of the repository.
pub fn repository(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name)
}
