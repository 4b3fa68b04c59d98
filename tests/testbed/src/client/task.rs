//! A sender's task in plaintext.

use crate::json::Json;
use crate::{kms, sendgrid, smtp, twilio};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The mail provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// SES.
    Ses,
    /// SendGrid.
    SendGrid,
}

/// A place on a page: points from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Height.
    pub height: f64,
    /// From 1.
    pub page: i64,
    /// 0: signature, 1: date.
    pub kind: i64,
}

/// A signer.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Number in E.164; left out for `None`.
    pub phone: Option<String>,
    /// `en-US`, `zh-TW`.
    pub locale: String,
    /// Where this one signs.
    pub fields: Vec<Field>,
}

impl Signer {
    /// Signer number n (from 0): a signature and a date on page 1, below the earlier signers'.
    pub fn new(number: usize) -> Self {
        let y = 80.0 + 60.0 * f64::from(u32::try_from(number % 10).expect("a digit"));
        let field = |x, kind, height| Field {
            x,
            y,
            height,
            page: 1,
            kind,
        };
        Self {
            name: format!(
                "Signer {}",
                char::from(b'A' + u8::try_from(number % 26).expect("a letter"))
            ),
            email: format!("signer{number}@example.com"),
            phone: None,
            locale: "en-US".to_owned(),
            fields: vec![field(72.0, 0, 40.0), field(400.0, 1, 12.0)],
        }
    }
}

/// A task. Every member may be changed; what it starts with is right for the testbed as it starts.
#[derive(Debug, Clone)]
pub struct Task {
    /// taskID.
    pub id: String,
    /// subTaskID.
    pub sub_id: String,
    /// rootDomain.
    pub root_domain: String,
    /// signerAppURL.
    pub signer_app_url: String,
    /// enhancedPrivacy.
    pub enhanced_privacy: bool,
    /// kmsKeyARN.
    pub key_arn: String,
    /// emailServiceProvider, and the configuration of the same.
    pub provider: Provider,
    /// emailServiceDomain, and the configuration's domain.
    pub domain: String,
    /// inOrder.
    pub in_order: bool,
    /// The signers.
    pub signers: Vec<Signer>,
    /// fileName.
    pub file_name: String,
    /// senderMsg.
    pub message: String,
    /// notificantEmail; empty without a notificant.
    pub notificant: String,
    /// notificantLocale.
    pub notificant_locale: String,
    /// SMTP user and password.
    pub smtp_user: (String, String),
    /// API key of SendGrid.
    pub sendgrid_secret: String,
    /// Whether there is a Twilio configuration.
    pub with_twilio: bool,
    /// Twilio's API key and secret.
    pub twilio_key: (String, String),
    /// Twilio's service.
    pub twilio_service: String,
    /// The document.
    pub pdf: Vec<u8>,
    /// bearerSecret.
    pub bearer_secret: String,
    /// taskPassword.
    pub password: String,
    /// Access key of KMS and its secret.
    pub access_key: (String, String),
    /// apiVersion.
    pub api_version: String,
    /// auxData.
    pub aux: String,
}

fn pair(pair: (&str, &str)) -> (String, String) {
    (pair.0.to_owned(), pair.1.to_owned())
}

impl Task {
    /// A task with one signer without a phone, and without a notificant, by SES.
    pub fn new(pdf: Vec<u8>) -> Self {
        Self {
            id: "task-0123456789abcdef01234567".to_owned(),
            sub_id: "sub-1".to_owned(),
            root_domain: "example.com".to_owned(),
            signer_app_url: "https://sign.example.com/app".to_owned(),
            enhanced_privacy: false,
            key_arn: kms::KEY_ARN.to_owned(),
            provider: Provider::Ses,
            domain: "example.com".to_owned(),
            in_order: false,
            signers: vec![Signer::new(0)],
            file_name: "contract.pdf".to_owned(),
            message: "Please sign.".to_owned(),
            notificant: String::new(),
            notificant_locale: "en-US".to_owned(),
            smtp_user: pair(smtp::USER),
            sendgrid_secret: sendgrid::SECRET.to_owned(),
            with_twilio: false,
            twilio_key: pair(twilio::API_KEY),
            twilio_service: twilio::SERVICE.to_owned(),
            pdf,
            bearer_secret: "bearer secret of the testbed".to_owned(),
            password: "task password".to_owned(),
            access_key: pair(kms::ACCESS_KEY),
            api_version: "1".to_owned(),
            aux: String::new(),
        }
    }

    /// The same task with this many signers.
    #[must_use]
    pub fn with_signers(mut self, count: usize) -> Self {
        self.signers = (0..count).map(Signer::new).collect();
        self
    }

    /// With this phone number for a signer, and a Twilio configuration.
    #[must_use]
    pub fn with_phone(mut self, signer: usize, number: &str) -> Self {
        self.signers[signer].phone = Some(number.to_owned());
        self.with_twilio = true;
        self
    }

    /// Its objects.
    pub fn parts(&self) -> Parts {
        Parts {
            public: self.public(),
            task_config: Json::object([("taskConfig", self.config())]),
            email_config: Json::object([
                ("emailConfig", self.email_config()),
                ("bearerSecret", (&self.bearer_secret).into()),
            ]),
            twilio_config: self.with_twilio.then(|| {
                let config = Json::object([
                    ("apiSID", (&self.twilio_key.0).into()),
                    ("apiSecret", (&self.twilio_key.1).into()),
                    ("serviceSID", (&self.twilio_service).into()),
                ]);
                Json::object([
                    ("twilioConfig", config),
                    ("bearerSecret", (&self.bearer_secret).into()),
                ])
            }),
            template: self.pdf.clone(),
            task: self.clone(),
        }
    }

    fn provider_text(&self) -> &'static str {
        match self.provider {
            Provider::Ses => "ses",
            Provider::SendGrid => "sg",
        }
    }

    fn public(&self) -> Json {
        let signers = self.signers.iter().map(|signer| {
            let fields = signer.fields.iter().map(|field| {
                Json::object([
                    ("x", field.x.into()),
                    ("y", field.y.into()),
                    ("height", field.height.into()),
                    ("pageNo", field.page.into()),
                    ("type", field.kind.into()),
                ])
            });
            Json::object([
                ("signerEmail", (&signer.email).into()),
                ("fieldList", Json::List(fields.collect())),
            ])
        });
        let domain = Json::object([
            ("rootDomain", (&self.root_domain).into()),
            ("signerAppURL", (&self.signer_app_url).into()),
            ("enhancedPrivacy", self.enhanced_privacy.into()),
            (
                "kmsConfig",
                Json::object([("kmsKeyARN", (&self.key_arn).into())]),
            ),
            ("emailServiceProvider", self.provider_text().into()),
            ("emailServiceDomain", (&self.domain).into()),
        ]);
        Json::object([
            ("domainSetting", domain),
            ("inOrder", self.in_order.into()),
            (
                "templateInfo",
                Json::object([("signerList", Json::List(signers.collect()))]),
            ),
        ])
    }

    fn config(&self) -> Json {
        let signers = self.signers.iter().map(|signer| {
            let mut info = Json::object([
                ("name", (&signer.name).into()),
                ("emailAddr", (&signer.email).into()),
            ]);
            if let Some(phone) = &signer.phone {
                info.add("phoneNumber", phone);
            }
            info.add("locale", &signer.locale);
            info
        });
        Json::object([
            ("fileName", (&self.file_name).into()),
            ("senderMsg", (&self.message).into()),
            ("notificantEmail", (&self.notificant).into()),
            ("notificantLocale", (&self.notificant_locale).into()),
            ("signerInfoList", Json::List(signers.collect())),
            ("nonce", "a nonce that nobody reads".into()),
        ])
    }

    fn email_config(&self) -> Json {
        match self.provider {
            Provider::Ses => Json::object([
                ("serviceProvider", "ses".into()),
                ("sesSMTPUsername", (&self.smtp_user.0).into()),
                ("sesSMTPPassword", (&self.smtp_user.1).into()),
                ("sesDomain", (&self.domain).into()),
            ]),
            Provider::SendGrid => Json::object([
                ("serviceProvider", "sg".into()),
                ("sgSecret", (&self.sendgrid_secret).into()),
                ("sgDomain", (&self.domain).into()),
            ]),
        }
    }
}

/// A task's objects in clear, not yet hashed.
#[derive(Debug, Clone)]
pub struct Parts {
    /// publicTaskInfo.
    pub public: Json,
    /// `{"taskConfig": ...}`.
    pub task_config: Json,
    /// `{"emailConfig": ..., "bearerSecret": ...}`.
    pub email_config: Json,
    /// `{"twilioConfig": ..., "bearerSecret": ...}`.
    pub twilio_config: Option<Json>,
    /// The document.
    pub template: Vec<u8>,
    /// The task they came from.
    pub task: Task,
}

impl Parts {
    /// Hashes them (protocol of tasks, "Cryptography").
    pub fn bind(self) -> Bound {
        let hash = |json: Option<&Json>| json.map(Json::hash).unwrap_or_default();
        let in_order = self.public.at("inOrder").cloned();
        let mut binding = Json::object([
            ("inOrder", in_order.unwrap_or_else(|| false.into())),
            (
                "taskConfigHash",
                hash(self.task_config.at("taskConfig")).into(),
            ),
            (
                "templateInfoHash",
                hash(self.public.at("templateInfo")).into(),
            ),
            (
                "templateDataHash",
                hex::encode(Sha256::digest(&self.template)).into(),
            ),
        ]);
        let binding_data_hash = binding.hash();
        let secret = &self.task.bearer_secret;
        let access_key: [u8; 32] = Sha256::new()
            .chain_update(secret)
            .chain_update(&binding_data_hash)
            .finalize()
            .into();
        binding.add("accessKey", BASE64_STANDARD.encode(access_key));
        binding.add("bearerSecret", secret);
        Bound {
            binding: Json::object([("bindingData", binding)]),
            parts: self,
            binding_data_hash,
            access_key,
        }
    }
}

/// Parts with the hashes that bind them.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The parts.
    pub parts: Parts,
    /// `{"bindingData": ...}`.
    pub binding: Json,
    /// bindingDataHash, in hexadecimal.
    pub binding_data_hash: String,
    /// The key of the final result.
    pub access_key: [u8; 32],
}
