//! An encrypted task, and the jobs that are made of it.

use super::attested::Attested;
use super::task::{Bound, Task};
use crate::customer::{decrypt, encrypt, encrypt_data_key, random_bytes};
use crate::json::Json;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use std::io::{Cursor, Read};

/// The encrypted parts of every task; `encryptedTwilioConfig` may be one more.
pub const PARTS: [&str; 4] = [
    "encryptedTaskConfig",
    "encryptedTemplateData",
    "encryptedEmailConfig",
    "encryptedBindingData",
];

/// Any bytes in an envelope of their own.
pub fn envelope(bytes: &[u8]) -> Json {
    let data_key: [u8; 32] = random_bytes();
    envelope_with(&data_key, bytes)
}

fn envelope_with(data_key: &[u8; 32], bytes: &[u8]) -> Json {
    let iv: [u8; 16] = random_bytes();
    let text = |bytes: &[u8]| Json::Text(BASE64_STANDARD.encode(bytes));
    Json::object([
        ("encryptedDataKey", text(&encrypt_data_key(data_key))),
        ("dataIV", text(&iv)),
        ("encryptedData", text(&encrypt(data_key, &iv, bytes))),
    ])
}

/// A task that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// taskPayload.
    pub payload: Json,
    /// The parts that it was made of.
    pub task: Task,
    /// bindingDataHash.
    pub binding_data_hash: String,
    /// The key of the final result.
    pub access_key: [u8; 32],
}

impl Task {
    /// Binds and encrypts the parts.
    pub fn seal(&self) -> Sealed {
        self.parts().bind().seal()
    }
}

impl Bound {
    /// Encrypts the parts.
    pub fn seal(self) -> Sealed {
        Sealed::new(self)
    }
}

impl Sealed {
    pub(super) fn new(bound: Bound) -> Self {
        let parts = bound.parts;
        let sealed = |json: &Json| envelope(json.to_text().as_bytes());
        let mut private = Json::object([
            ("encryptedTaskConfig", sealed(&parts.task_config)),
            ("encryptedTemplateData", envelope(&parts.template)),
            ("encryptedEmailConfig", sealed(&parts.email_config)),
            ("encryptedBindingData", sealed(&bound.binding)),
        ]);
        if let Some(twilio) = &parts.twilio_config {
            private.add("encryptedTwilioConfig", sealed(twilio));
        }
        Self {
            payload: Json::object([
                ("publicTaskInfo", parts.public),
                ("privateTaskInfo", private),
            ]),
            task: parts.task,
            binding_data_hash: bound.binding_data_hash,
            access_key: bound.access_key,
        }
    }

    /// payloadHash.
    pub fn payload_hash(&self) -> String {
        self.payload.hash()
    }

    /// Puts other bytes into an encrypted part, under a key of their own: they decrypt.
    pub fn replace(&mut self, part: &str, bytes: &[u8]) {
        self.payload
            .set(&format!("privateTaskInfo.{part}"), envelope(bytes));
    }

    /// Makes an encrypted part one that does not decrypt: its length is not a whole number of
    /// blocks.
    pub fn corrupt(&mut self, part: &str) {
        let path = format!("privateTaskInfo.{part}.encryptedData");
        let mut bytes = BASE64_STANDARD
            .decode(self.payload.text_at(&path))
            .expect("base64");
        bytes.pop();
        self.payload.set(&path, BASE64_STANDARD.encode(bytes));
    }

    fn extra(&self) -> Json {
        Json::object([
            ("kmsKeyID", (&self.task.access_key.0).into()),
            ("kmsKeySecret", (&self.task.access_key.1).into()),
        ])
    }

    fn extra_with_api(&self) -> Json {
        let mut extra = self.extra();
        extra.add("apiVersion", &self.task.api_version);
        extra.add("auxData", &self.task.aux);
        extra
    }

    fn job(&self) -> Json {
        Json::object([
            ("taskID", (&self.task.id).into()),
            ("subTaskID", (&self.task.sub_id).into()),
            ("taskPayload", self.payload.clone()),
        ])
    }

    /// jobData of `sendReq`.
    pub fn send_req(&self, signer: usize) -> Json {
        let mut job = self.job();
        job.add("signerIdx", signer);
        job.add("taskPassword", &self.task.password);
        job.add("extraData", self.extra_with_api());
        job
    }

    /// jobData of `confirmIntent`, with the secret of the link and what `sendReq` gave. For the
    /// second step of a phone check, set `twilioVerificationSID` and `twilioVerificationPIN`.
    pub fn confirm_intent(&self, secret: &str, por: &Attested) -> Json {
        let mut job = self.job();
        job.add("secret", secret);
        job.add("ipAddress", "192.0.2.1");
        job.add("por", BASE64_STANDARD.encode(por.result("por")));
        job.add("porAttestDocument", BASE64_STANDARD.encode(&por.document));
        job.add("extraData", self.extra());
        job
    }

    /// jobData of `attachEsig`, with what `confirmIntent` gave for each signer.
    pub fn attach_esig(&self, pois: &[Attested]) -> Json {
        let proofs = pois.iter().map(|poi| {
            Json::object([
                ("poi", BASE64_STANDARD.encode(poi.result("poi")).into()),
                (
                    "poiAttestDocument",
                    BASE64_STANDARD.encode(&poi.document).into(),
                ),
            ])
        });
        let mut job = self.job();
        job.add("proofList", Json::List(proofs.collect()));
        job.add("taskPassword", &self.task.password);
        job.add("extraData", self.extra_with_api());
        job
    }

    /// The zip in the result of `attachEsig`: names and contents of its files.
    ///
    /// # Panics
    /// When it does not decrypt or is not a zip.
    pub fn open(&self, result: &Value) -> Vec<(String, Vec<u8>)> {
        let text = result["encryptedResult"]
            .as_str()
            .expect("an encryptedResult");
        let bytes = BASE64_STANDARD.decode(text).expect("base64");
        unzip(
            &decrypt(&self.access_key, &bytes).expect("it decrypts"),
            None,
        )
    }
}

/// The files of a zip; with a password all of them must be encrypted (AES-256), without one none
/// may be.
///
/// # Panics
/// When that is not so, or it is not a zip.
pub fn unzip(zip: &[u8], password: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    (0..archive.len())
        .map(|at| {
            let encrypted = archive.by_index_raw(at).expect("a member").encrypted();
            assert_eq!(encrypted, password.is_some(), "encryption of member {at}");
            let mut file = match password {
                Some(password) => archive
                    .by_index_decrypt(at, password.as_bytes())
                    .expect("the password"),
                None => archive.by_index(at).expect("a member"),
            };
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("its bytes");
            let name = file.name().expect("a name").into_owned();
            (name, bytes)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf;
    use serde_json::json;
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    use zip::{AesMode, ZipWriter};

    fn zip(password: Option<&str>) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let mut options = SimpleFileOptions::default();
        if let Some(password) = password {
            options = options.with_aes_encryption(AesMode::Aes256, password);
        }
        writer.start_file("a.pdf", options).unwrap();
        writer.write_all(b"%PDF").unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn results_are_opened() {
        let files = [("a.pdf".to_owned(), b"%PDF".to_vec())];
        let sealed = Task::new(pdf::document(1, 0)).seal();
        let iv = [9; 16];
        let encrypted = encrypt(&sealed.access_key, &iv, &zip(None));
        let text = BASE64_STANDARD.encode([&iv[..], &encrypted].concat());
        let result = json!({"code": 0, "encryptedResult": text});
        assert_eq!(sealed.open(&result), files);
        assert_eq!(unzip(&zip(Some("secret")), Some("secret")), files);
    }
}
