//! AWS KMS: `Decrypt` for a recipient, as docs/kms.md describes it from the other side.

mod cms;
mod sigv4;

pub use cms::CmsStyle;

use crate::clock::Clock;
use crate::customer;
use crate::fault::{Counters, Faults};
use crate::http::{Answer, Handler, Request};
use crate::nsm::Pcrs;
use crate::service::{Service, Shared};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_attestation::{Live, Root, Verifier};
use letsesign_nsm::document::Unverified;
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Its name.
pub const HOST: &str = "kms.us-east-1.amazonaws.com";
/// The customer's key.
pub const KEY_ARN: &str =
    "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000001";
/// The access key that the testbed knows, and its secret.
pub const ACCESS_KEY: (&str, &str) = ("AKIATESTWORLD", "secret/of+the+test+testbed");

/// How old an attestation document may be, in milliseconds.
const DOCUMENT_AGE: u64 = 300_000;
/// Documents that are remembered: a job shows one to four or five decryptions.
const DOCUMENTS: usize = 64;

/// Who may do what.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Access keys and their secrets.
    pub access_keys: Vec<(String, String)>,
    /// Access keys of temporary credentials, and the session token that each needs.
    pub session_tokens: Vec<(String, String)>,
    /// ARNs that are the customer's key.
    pub keys: Vec<String>,
    /// Registers of images that the key policy allows.
    pub images: Vec<Pcrs>,
    /// Takes documents for their registers alone: the NSM of an emulated enclave signs nothing.
    pub unsigned: bool,
}

struct Known {
    hash: [u8; 32],
    time: u64,
    pcrs: Pcrs,
    spki: Vec<u8>,
    key: PublicKey,
}

/// Accounts, settings and memory of [`Kms`].
pub struct State {
    shared: Shared,
    clock: Clock,
    policy: RwLock<Policy>,
    style: Mutex<CmsStyle>,
    shortcut: AtomicBool,
    turn: AtomicU64,
    verifier: Verifier,
    known: Mutex<VecDeque<Arc<Known>>>,
}

/// The emulated KMS.
pub type Kms = Service<State>;

impl Service<State> {
    pub(crate) async fn start(
        images: Vec<Pcrs>,
        style: CmsStyle,
        shortcut: bool,
    ) -> std::io::Result<Self> {
        let root = Root::for_tests(&letsesign_test_authority::root().to_der()).expect("a root");
        Service::https(HOST, |shared| State {
            shared,
            clock: Clock::default(),
            policy: RwLock::new(Policy {
                access_keys: vec![(ACCESS_KEY.0.to_owned(), ACCESS_KEY.1.to_owned())],
                session_tokens: Vec::new(),
                keys: vec![KEY_ARN.to_owned()],
                images,
                unsigned: false,
            }),
            style: Mutex::new(style),
            shortcut: AtomicBool::new(shortcut),
            turn: AtomicU64::new(0),
            verifier: Verifier::new(root),
            known: Mutex::default(),
        })
        .await
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Changes who may do what.
    pub fn change_policy(&self, change: impl FnOnce(&mut Policy)) {
        change(
            &mut self
                .state
                .policy
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// How answers are written from now on.
    pub fn set_style(&self, style: CmsStyle) {
        *self
            .state
            .style
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = style;
    }

    /// Whether data keys that this process has encrypted or decrypted before are taken from memory
    /// instead of a private RSA operation.
    pub fn set_shortcut(&self, shortcut: bool) {
        self.state.shortcut.store(shortcut, Ordering::SeqCst);
    }
}

/// An error as KMS writes it.
pub fn error(status: u16, kind: &str, message: &str) -> Answer {
    Answer::status(status)
        .with("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
        .with("content-type", "application/x-amz-json-1.1")
        .body(json!({"__type": kind, "message": message}).to_string())
}

type Refusal = (&'static str, String);

impl State {
    fn decrypt(&self, request: &Request) -> Result<Answer, Refusal> {
        let refuse = |kind, message: &str| (kind, message.to_owned());
        let policy = self
            .policy
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if request.header("host") != Some(HOST) {
            return Err(refuse("UnknownOperationException", "another host"));
        }
        let secret = |key: &str| {
            let mut keys = policy.access_keys.iter();
            keys.find(|(id, _)| id == key)
                .map(|(_, secret)| secret.clone())
        };
        let key = sigv4::verify(request, "kms", "us-east-1", secret, self.clock.now() / 1000)?;
        // Equality of options: a token is required where the key has one, and refused elsewhere.
        let mut tokens = policy.session_tokens.iter();
        let token = tokens
            .find(|(id, _)| *id == key)
            .map(|(_, token)| token.as_str());
        if request.header("x-amz-security-token") != token {
            return Err(refuse(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ));
        }
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/")
            || request.header("x-amz-target") != Some("TrentService.Decrypt")
            || request.header("content-type") != Some("application/x-amz-json-1.1")
        {
            return Err(refuse("UnknownOperationException", ""));
        }
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|_| refuse("SerializationException", ""))?;
        let text = |name: &'static str| body.pointer(name).and_then(Value::as_str);
        let arn = text("/KeyId").unwrap_or_default();
        if !policy.keys.iter().any(|key| key == arn) {
            return Err(("NotFoundException", format!("Key '{arn}' does not exist")));
        }
        let document = self.recipient(&body, &policy)?;
        if text("/EncryptionAlgorithm") != Some("RSAES_OAEP_SHA_256") {
            return Err(refuse("InvalidKeyUsageException", "another algorithm"));
        }
        let ciphertext = BASE64_STANDARD
            .decode(text("/CiphertextBlob").unwrap_or_default())
            .map_err(|_| refuse("SerializationException", "CiphertextBlob"))?;
        let data_key = self
            .data_key(&ciphertext)
            .ok_or(refuse("InvalidCiphertextException", ""))?;
        let style = *self.style.lock().unwrap_or_else(PoisonError::into_inner);
        let style = match style {
            // Encodings take turns, so that tests meet every form that the client must read.
            CmsStyle::Alternating => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                match turn % 3 {
                    0 => CmsStyle::Aws,
                    1 => CmsStyle::Der,
                    _ => CmsStyle::Pieces,
                }
            }
            style => style,
        };
        let answer = cms::envelop(&document.key, &document.spki, &data_key, style);
        Counters::count(&self.shared.counters.served);
        let body = json!({
            "CiphertextForRecipient": BASE64_STANDARD.encode(answer),
            "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "KeyId": arn,
        });
        Ok(Answer::status(200)
            .with("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
            .with("content-type", "application/x-amz-json-1.1")
            .body(body.to_string()))
    }

    fn data_key(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let shortcut = self.shortcut.load(Ordering::SeqCst);
        if shortcut && let Some(key) = customer::remembered(ciphertext) {
            return Some(key);
        }
        let key = customer::decrypt_data_key(ciphertext)?;
        customer::remember(ciphertext, &key);
        Some(key)
    }

    /// The attested public key, of an image that the key policy allows.
    fn recipient(&self, body: &Value, policy: &Policy) -> Result<Arc<Known>, Refusal> {
        let denied = || {
            let message = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
            ("AccessDeniedException", message.to_owned())
        };
        let invalid = |what: &str| ("ValidationException", what.to_owned());
        let recipient = body.get("Recipient").ok_or_else(denied)?;
        if recipient["KeyEncryptionAlgorithm"] != "RSAES_OAEP_SHA_256" {
            return Err(invalid("KeyEncryptionAlgorithm"));
        }
        let document = recipient["AttestationDocument"]
            .as_str()
            .unwrap_or_default();
        let document = BASE64_STANDARD
            .decode(document)
            .map_err(|_| invalid("AttestationDocument is not base64"))?;
        let known = self.known(&document, policy.unsigned).map_err(|kind| {
            if kind == "debug" {
                denied()
            } else {
                invalid(&format!("AttestationDocument: {kind}"))
            }
        })?;
        if self.clock.now().abs_diff(known.time) > DOCUMENT_AGE {
            return Err(invalid("AttestationDocument: stale"));
        }
        if policy.images.contains(&known.pcrs) {
            Ok(known)
        } else {
            Err(denied())
        }
    }

    fn known(&self, document: &[u8], unsigned: bool) -> Result<Arc<Known>, &'static str> {
        let hash: [u8; 32] = Sha256::digest(document).into();
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().iter().find(|known| known.hash == hash) {
            return Ok(Arc::clone(known));
        }
        if unsigned {
            return unverified(document, hash).map(Arc::new);
        }
        let live = Live {
            now: self.clock.now(),
            max_age: DOCUMENT_AGE,
            ahead: DOCUMENT_AGE,
            nonce: None,
        };
        let attested = self
            .verifier
            .inspect_running(document, live)
            .map_err(|error| error.kind())?
            .document;
        let spki = attested.public_key.ok_or("no public key")?;
        let key = PublicKey::from_public_key_der(&spki).map_err(|_| "no RSA key")?;
        let pcr = |number| {
            attested
                .pcrs
                .get(number)
                .map_or([0; 48], |pcr| *pcr.as_bytes())
        };
        let known = Arc::new(Known {
            hash,
            time: attested.timestamp,
            pcrs: [pcr(0), pcr(1), pcr(2)],
            spki,
            key,
        });
        let mut list = lock();
        list.truncate(DOCUMENTS - 1);
        list.push_front(Arc::clone(&known));
        Ok(known)
    }
}

/// The content of a document, whoever made it.
fn unverified(document: &[u8], hash: [u8; 32]) -> Result<Known, &'static str> {
    let fields = Unverified::parse(document).map_err(|_| "malformed")?;
    let spki = fields.public_key.ok_or("no public key")?.to_vec();
    let pcr = |number: u8| {
        let value = fields.pcrs.get(&number).copied().unwrap_or_default();
        value.try_into().unwrap_or([0; 48])
    };
    Ok(Known {
        hash,
        time: fields.timestamp,
        pcrs: [pcr(0), pcr(1), pcr(2)],
        key: PublicKey::from_public_key_der(&spki).map_err(|_| "no RSA key")?,
        spki,
    })
}

impl Handler for State {
    fn answer(&self, request: &Request) -> Answer {
        self.decrypt(request)
            .unwrap_or_else(|(kind, message)| error(400, kind, &message))
    }

    fn faults(&self, _: &Request) -> &Faults {
        &self.shared.faults
    }
}
