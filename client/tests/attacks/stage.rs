//! A sender with a folder of its own, and the program.

use crate::liar::{Liar, pcr0};
use letsesign_client::{Home, Record, Settings};
use letsesign_proof::{Hash, Object};
use letsesign_protocol2::{Account, EmailAccount, SecretBytes, SecretText};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A task of two signers, before a service that the test makes lie.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) home: Home,
    pub(crate) account: Account,
    pub(crate) liar: Liar,
}

pub(crate) fn account() -> Account {
    Account {
        account_secret: SecretBytes::generate().unwrap(),
        lowest_protocol: 2,
        kms_key_arn: "arn:aws:kms:us-east-1:123456789012:key/1".to_owned(),
        domain: "example.com".to_owned(),
        email: Object(EmailAccount::Ses {
            username: SecretText::new("AKIA"),
            password: SecretText::new("a password"),
        }),
        sms: None,
        signer_pages: vec!["https://sign.example.com/sign/".to_owned()],
    }
}

/// Releases `good` (registers 0x11), and `old` (0x22), which is revoked.
fn write_measurements(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let mut ledger = String::new();
    for (name, byte) in [("good", "11"), ("old", "22")] {
        let pcr = pcr0(byte);
        let pcrs = json!({"0": pcr, "1": pcr, "2": pcr});
        let text = json!({"verName": name, "pcrs": pcrs, "issueTime": 1_690_000_000}).to_string();
        let line = format!("{}  {name}.json\n", Hash::of(text.as_bytes()));
        ledger.push_str(&line);
        std::fs::write(folder.join(format!("{name}.json")), text).unwrap();
    }
    std::fs::write(folder.join("LEDGER"), ledger).unwrap();
    let revoked = json!({"verName": "old", "state": "revoked", "since": 1, "reason": "a test"});
    let list = json!({"statusList": [revoked]}).to_string();
    std::fs::write(folder.join("status.json"), list).unwrap();
}

/// A program that ran.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::trusting(true)
    }

    /// One that trusts the test root, or AWS's alone.
    pub(crate) fn trusting(test_root: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_measurements(&path("measurements"));
        std::fs::write(path("root.der"), letsesign_test_authority::root().to_der()).unwrap();
        let pdf = letsesign_testbed::pdf::document(1, 1000);
        std::fs::write(path("contract.pdf"), pdf).unwrap();
        let liar = Liar::start();
        let home = Home::at(path("sender"));
        let settings = Settings {
            service: liar.url.clone(),
            api_key: "lsk_secret@example.com".to_owned(),
            measurements: Some(path("measurements")),
            test_root: test_root.then(|| path("root.der")),
        };
        let account = account();
        let key = letsesign_testbed::customer::public_key_pem();
        home.create(&settings, &account, key.as_bytes()).unwrap();
        Self {
            folder,
            home,
            account,
            liar,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_letsesign"))
            .arg("--home")
            .arg(self.home.path())
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("LETSESIGN_API_KEY")
            .env("LETSESIGN_SES_PASSWORD", "a password")
            .output();
        let Output {
            status,
            stdout,
            stderr,
        } = output.unwrap();
        Ran {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            error: String::from_utf8(stderr).unwrap(),
        }
    }

    pub(crate) fn send(&self) -> Ran {
        self.run(&[
            "send",
            "contract.pdf",
            "--signer",
            "Ada <ada@example.com>",
            "--signer",
            "Bob <bob@example.com>",
            "--field",
            "ada@example.com:signature@1,72,100",
            "--field",
            "bob@example.com:signature@1,72,200",
        ])
    }

    /// Sends the task; the service is honest so far.
    pub(crate) fn sent(&self) -> Record {
        let ran = self.send();
        assert_eq!(ran.code, Some(0), "{}", ran.error);
        self.home.task(ran.out.trim()).unwrap()
    }

    /// Names and bytes of all files.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    files.insert(path, bytes);
                }
            }
        }
        files
    }

    /// A command that must fail with this text in its error, print nothing and write nothing.
    #[track_caller]
    pub(crate) fn refuses(&self, arguments: &[&str], part: &str) -> String {
        let before = self.files();
        let ran = self.run(arguments);
        is_refusal(&ran, part);
        assert!(self.files() == before, "{part}: files have changed");
        ran.error
    }
}

/// A program must have failed with this text in its error, and printed nothing.
#[track_caller]
pub(crate) fn is_refusal(ran: &Ran, part: &str) {
    let error = &ran.error;
    assert_eq!(ran.code, Some(1), "{part}: {} {error}", ran.out);
    assert_eq!(ran.out, "", "{part}");
    assert!(error.starts_with("error: "), "{part}: {error}");
    assert!(error.contains(part), "no {part:?} in {error}");
    assert_eq!(error.lines().count(), 1, "{part}: {error}");
    assert!(error.len() < 2500, "{part}: {} bytes", error.len());
    assert!(is_harmless(error), "{error:?}");
    assert!(!error.contains("lsk_secret"), "{error}");
}

/// Whether a text does nothing to a terminal.
pub(crate) fn is_harmless(text: &str) -> bool {
    !text
        .chars()
        .any(|one| one != '\n' && (one.is_control() || ('\u{202a}'..='\u{202e}').contains(&one)))
}

/// A SUMMARY of the task of [`Stage::sent`].
pub(crate) fn summary(record: &Record, state: &str, signers: [&str; 2]) -> Value {
    let signers = signers.map(|state| json!({"round": 1, "state": state}));
    json!({
        "protocol": 2,
        "task": record.task,
        "binding": record.binding.to_string(),
        "state": state,
        "created": record.created,
        "expiry": record.created + 1000,
        "inOrder": false,
        "signers": signers,
        "statements": [],
    })
}
