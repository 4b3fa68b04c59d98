//! The sender and the signer's page of protocol 2.

use super::attested::Attested;
use super::link::url;
use super::sealed::unzip;
use crate::customer::encrypt_data_key;
use crate::json::Json;
use crate::mail::Parsed;
use crate::{kms, smtp, twilio};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use letsesign_proof::{Hash, Object};
use letsesign_protocol2::{
    Account, Action, Answer, Configuration, DataKey, EmailAccount, EmailProvider, Field, FieldType,
    Header, KeyPair, Part, Purpose, Root, SealedTask, SecretBytes, SecretText, SentHeader,
    SentStatement, Signer, SmsAccount, Statement,
};
use serde_json::Value;

fn base64(bytes: &[u8]) -> Json {
    BASE64_STANDARD.encode(bytes).into()
}

/// An account of the testbed: SES, Twilio, and the signer's page `https://sign.example.com/app`.
pub fn account() -> Account {
    Account {
        account_secret: SecretBytes::generate().expect("random bytes"),
        lowest_protocol: 2,
        kms_key_arn: kms::KEY_ARN.to_owned(),
        domain: "example.com".to_owned(),
        email: Object(EmailAccount::Ses {
            username: SecretText::new(smtp::USER.0),
            password: SecretText::new(smtp::USER.1),
        }),
        sms: Some(Object(SmsAccount {
            api_sid: SecretText::new(twilio::API_KEY.0),
            api_secret: SecretText::new(twilio::API_KEY.1),
            service_sid: twilio::SERVICE.to_owned(),
        })),
        signer_pages: vec!["https://sign.example.com/app".to_owned()],
    }
}

/// The configuration of a task with so many signers, without phones and without a notificant.
pub fn configuration(signers: usize) -> Configuration {
    let signer = |number: usize| {
        let model = super::Signer::new(number);
        let field = |kind, field: &super::task::Field| {
            Object(Field {
                kind,
                page: 1,
                x: field.x,
                y: field.y,
                height: field.height,
            })
        };
        Object(Signer {
            name: model.name,
            email: model.email,
            phone: None,
            locale: model.locale,
            fields: vec![
                field(FieldType::Signature, &model.fields[0]),
                field(FieldType::Date, &model.fields[1]),
            ],
        })
    };
    Configuration {
        lowest_protocol: 2,
        domain: "example.com".to_owned(),
        email_provider: EmailProvider::Ses,
        signer_page: "https://sign.example.com/app".to_owned(),
        file_name: "contract.pdf".to_owned(),
        message: "Please sign.".to_owned(),
        notificant: None,
        password: None,
        signers: (0..signers).map(signer).collect(),
    }
}

/// A task of protocol 2, sealed. Members may be replaced to spoil it.
#[derive(Debug, Clone)]
pub struct Task2 {
    /// The account.
    pub account: Account,
    /// The account's data key, wrapped.
    pub account_key: Vec<u8>,
    /// The account box.
    pub account_box: Vec<u8>,
    /// The task's data key, wrapped.
    pub task_key: Vec<u8>,
    /// Header and boxes.
    pub sealed: SealedTask,
    /// The root.
    pub root: Root,
    /// The statements that jobs carry.
    pub statements: Vec<SentStatement>,
    /// The credentials for KMS.
    pub access: (String, String),
}

impl Task2 {
    /// Seals a task, in order or not, that expires in 30 days.
    ///
    /// # Panics
    /// When the parts do not fit together.
    pub fn seal(
        account: &Account,
        configuration: &Configuration,
        in_order: bool,
        pdf: &[u8],
    ) -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock after 1970");
        let header = Header {
            protocol: 2,
            task: Hash(*SecretBytes::generate().expect("random bytes").as_bytes()),
            account: account.id(),
            kms_key_arn: account.kms_key_arn.clone(),
            signers: u16::try_from(configuration.signers.len()).expect("few signers"),
            in_order,
            expiry: u64::try_from(now.as_millis()).expect("a time") + 30 * 86_400_000,
        };
        Self::seal_as(account, configuration, header, pdf)
    }

    /// Seals a task with this header.
    ///
    /// # Panics
    /// When the parts do not fit together.
    pub fn seal_as(
        account: &Account,
        configuration: &Configuration,
        header: Header,
        pdf: &[u8],
    ) -> Self {
        let account_key = DataKey::generate(Purpose::Account).expect("random bytes");
        let task_key = DataKey::generate(Purpose::Task).expect("random bytes");
        let header = SentHeader::new(header).expect("a header");
        let root = Root::new(account, &task_key, &header).expect("a root");
        Self {
            account: account.clone(),
            account_key: encrypt_data_key(&account_key.to_text()),
            account_box: account.seal(&account_key).expect("an account"),
            task_key: encrypt_data_key(&task_key.to_text()),
            sealed: SealedTask::seal(account, &task_key, header, configuration, pdf)
                .expect("a task"),
            root,
            statements: Vec::new(),
            access: (kms::ACCESS_KEY.0.to_owned(), kms::ACCESS_KEY.1.to_owned()),
        }
    }

    /// The task's identity.
    pub fn binding(&self) -> Hash {
        self.sealed.binding
    }

    fn job(&self, document: bool) -> Json {
        let mut payload = Json::object([
            ("protocol", Json::raw("2")),
            ("header", base64(self.sealed.header.as_bytes())),
            (
                "account",
                Json::object([
                    ("wrappedKey", base64(&self.account_key)),
                    ("box", base64(&self.account_box)),
                ]),
            ),
            ("wrappedKey", base64(&self.task_key)),
            ("configuration", base64(&self.sealed.configuration)),
        ]);
        if document {
            payload.add("document", base64(&self.sealed.document));
        } else {
            let hash = Hash::of(&self.sealed.document).to_string();
            payload.add("documentHash", hash);
        }
        let statements = self
            .statements
            .iter()
            .map(|one| Json::object([("statement", base64(&one.text)), ("mac", base64(&one.mac))]));
        Json::object([
            ("taskPayload", payload),
            ("statements", Json::List(statements.collect())),
            (
                "access",
                Json::object([
                    ("kmsKeyID", (&self.access.0).into()),
                    ("kmsKeySecret", (&self.access.1).into()),
                ]),
            ),
        ])
    }

    /// jobData of `sendReq`.
    pub fn send_req(&self, signer: u16, round: u32) -> Json {
        let mut job = self.job(true);
        job.add("signer", usize::from(signer));
        job.add("round", Json::raw(&round.to_string()));
        job
    }

    /// jobData of `sendReq` for a signer in the first round, behind the PoI of the signer before.
    pub fn send_req_after(&self, signer: u16, poi: &Attested) -> Json {
        let mut job = self.send_req(signer, 1);
        job.add("previous", proof(poi));
        job
    }

    /// jobData of `remind`.
    pub fn remind(&self, por: &Attested) -> Json {
        let mut job = self.job(true);
        add_por(&mut job, por);
        job
    }

    /// jobData of `confirmIntent` and `decline`.
    pub fn answer(&self, por: &Attested, answer: &[u8]) -> Json {
        let mut job = self.job(false);
        add_por(&mut job, por);
        job.add("answer", base64(answer));
        job.add("ipAddress", "2001:db8::7");
        job
    }

    /// jobData of `voidTask`: the statements must say that the task is void.
    pub fn void(&self) -> Json {
        self.job(false)
    }

    /// Adds a statement.
    ///
    /// # Panics
    /// For one outside its limits.
    pub fn state(&mut self, statement: &Statement) {
        let sent = self.root.state(self.binding(), statement);
        self.statements.push(sent.expect("a statement"));
    }

    /// jobData of `attachEsig`.
    pub fn attach_esig(&self, pois: &[Attested]) -> Json {
        let mut job = self.job(true);
        job.add("proofs", Json::List(pois.iter().map(proof).collect()));
        job
    }

    /// The files in the result of `attachEsig`.
    ///
    /// # Panics
    /// When it does not open.
    pub fn open(&self, result: &Value) -> Vec<(String, Vec<u8>)> {
        assert_eq!(result["code"], 0, "{result}");
        unzip(&self.opened(Part::Result, &result["encryptedResult"]), None)
    }

    /// The JSON in the `encryptedReason` of `decline`.
    ///
    /// # Panics
    /// When it does not open.
    pub fn reason(&self, result: &Value) -> Value {
        let text = self.opened(Part::Decline, &result["encryptedReason"]);
        serde_json::from_slice(&text).expect("JSON")
    }

    fn opened(&self, part: Part, text: &Value) -> Vec<u8> {
        let sealed = BASE64_STANDARD
            .decode(text.as_str().expect("a text"))
            .expect("base64");
        let opened = self.root.open_from_enclave(part, self.binding(), sealed);
        opened.expect("a box for the sender").to_vec()
    }
}

fn proof(poi: &Attested) -> Json {
    Json::object([
        ("poi", base64(poi.result("poi"))),
        ("poiDocument", base64(&poi.document)),
    ])
}

fn add_por(job: &mut Json, por: &Attested) {
    job.add("por", base64(por.result("por")));
    job.add("porDocument", base64(&por.document));
}

/// The signer's page: a link of protocol 2, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link2 {
    /// All of it.
    pub url: String,
    /// The content of the fragment.
    pub content: Value,
}

impl Link2 {
    /// The link of a mail.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(mail: &Parsed) -> Self {
        const MARK: &str = "#letsesign2=";
        let url = url(mail, MARK);
        let (_, content) = url.split_once(MARK).expect("a fragment");
        let content = BASE64_URL_SAFE_NO_PAD.decode(content).expect("base64url");
        Self {
            content: serde_json::from_slice(&content).expect("JSON"),
            url,
        }
    }

    fn bytes(&self, member: &str) -> Vec<u8> {
        let text = self.content[member].as_str().expect("a text");
        BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    /// Makes an answer, as the page does.
    ///
    /// # Panics
    /// When the link holds no usable keys.
    pub fn answer(&self, action: Action, pin: Option<&str>, reason: Option<&str>) -> Vec<u8> {
        let answer = Answer {
            action,
            at: 1_795_000_000_000,
            pin: pin.map(SecretText::new),
            reason: reason.map(str::to_owned),
        };
        let key = <[u8; 32]>::try_from(self.bytes("key")).expect("32 bytes");
        let key = KeyPair::from_scalar(&key).expect("a key");
        assert_eq!(key.public.as_slice(), self.bytes("publicKey"));
        let por = Hash::parse(self.content["por"].as_str().expect("a hash")).expect("a hash");
        let sealed = answer.seal(&key, &self.bytes("answerKey"), por);
        sealed.expect("an answer")
    }
}
