//! Opening a task of protocol 2: from wrapped keys to a task in clear.
//!
//! The host chooses every byte. Boxes are authenticated and commit to their keys, so it learns
//! which part was refused and nothing of any content. Refusals are answered at one fixed time after
//! the last answer of KMS, so their time tells no more than their code.

use super::payload::{DocumentPart, Payload};
use crate::failure::Failure;
use crate::functions::drawing::Drawing;
use crate::functions::mails::{Mails, TaskView};
use crate::task::{Document, EmailConfig, SignerInfo, TwilioConfig, answer_time};
use crate::tools::{Tools, compute};
use letsesign_job_protocol::Code;
use letsesign_mail::Scheme;
use letsesign_proof::Hash;
use letsesign_protocol2::{
    Account, Configuration, DataKey, EmailAccount, FieldType, Purpose, Root, SentHeader,
    Statements, binding,
};
use letsesign_stamp::{Field, FieldKind, Placement};
use std::time::Instant;
use tokio::time::sleep_until;
use zeroize::Zeroizing;

/// The only reason that the log gives. The host reads the console.
const REFUSED: &str = "a part of the task does not open, or the parts do not belong together";

/// A task in clear.
pub(super) struct Opened {
    pub(super) header: SentHeader,
    pub(super) account: Account,
    pub(super) configuration: Configuration,
    pub(super) root: Root,
    pub(super) binding: Hash,
    pub(super) statements: Statements,
    pub(super) email: EmailConfig,
    pub(super) twilio: Option<TwilioConfig>,
    pub(super) signers: Vec<SignerInfo>,
    document: Document,
    /// The name that mails show: the task's name in hexadecimal.
    name: String,
}

/// Opens a task and checks the statements about it. A void task is refused unless `void` says that
/// the caller expects one.
pub(super) async fn open(
    mut payload: Payload,
    void: bool,
    tools: &Tools,
) -> Result<Opened, Failure> {
    let header = payload.header.header();
    let limit = tools
        .nsm
        .clock()
        .millis()
        .saturating_add(tools.por_validity);
    if header.expiry > limit {
        return Err(Failure::new(
            Code::InvalidParameter,
            "the expiry is later than this image allows",
        ));
    }
    let arn = header.kms_key_arn.clone();
    let key = |wrapped| {
        tools
            .data_keys
            .get(&tools.kms, &arn, &payload.access, wrapped)
    };
    // Both are asked for whatever the other's answer is: the calls tell nothing of the content.
    let (account_key, task_key) = tokio::join!(key(&payload.account_key), key(&payload.task_key));
    let answered = Instant::now();
    for error in [&account_key, &task_key]
        .into_iter()
        .filter_map(|key| key.as_ref().err())
    {
        tracing::warn!("no data key: {error}");
    }
    let keys = Keys {
        account: account_key.ok(),
        task: task_key.ok(),
    };
    let statements = std::mem::take(&mut payload.statements);
    let scheme = tools.links;
    let verdict = compute(tools, move || Ok(accept(payload, &keys, scheme))).await?;
    let mut opened = match verdict {
        Ok(opened) => opened,
        Err(code) => {
            sleep_until(answer_time(answered, Instant::now(), tools.refusal_delay).into()).await;
            return Err(Failure::new(code, REFUSED));
        }
    };
    opened.statements = opened
        .root
        .statements(opened.binding, &statements)
        .map_err(|error| Failure::new(Code::StatementRefused, error))?;
    if opened.statements.void().is_some() && !void {
        return Err(Failure::new(Code::Void, "the task is void"));
    }
    Ok(opened)
}

/// The unwrapped texts of both data keys, as far as KMS gave them.
struct Keys {
    account: Option<Zeroizing<Vec<u8>>>,
    task: Option<Zeroizing<Vec<u8>>>,
}

/// Opens everything in the order of the page. The error is the code of the first part that is
/// refused.
fn accept(payload: Payload, keys: &Keys, scheme: Scheme) -> Result<Opened, Code> {
    let key = |purpose, text: &Option<Zeroizing<Vec<u8>>>| {
        text.as_ref()
            .and_then(|text| DataKey::from_text(purpose, text).ok())
    };
    let account = key(Purpose::Account, &keys.account)
        .and_then(|key| Account::open(payload.account, &key, scheme).ok())
        .ok_or(Code::AccountRefused)?;
    let binding = binding(
        &payload.header,
        &payload.configuration,
        payload.document.hash(),
    );
    let refused = |_| Code::TaskRefused;
    let root = key(Purpose::Task, &keys.task)
        .and_then(|key| Root::new(&account, &key, &payload.header).ok())
        .ok_or(Code::TaskRefused)?;
    let configuration = root
        .open_configuration(payload.configuration)
        .map_err(refused)?;
    configuration
        .fits(payload.header.header(), &account)
        .map_err(refused)?;
    let document = match payload.document {
        DocumentPart::Box(sealed) => root
            .open_document(sealed)
            .map_err(|_| Code::DocumentRefused)?,
        DocumentPart::Hash(_) => Zeroizing::default(),
    };
    Ok(Opened {
        name: payload.header.header().task.to_string(),
        email: email(&account),
        twilio: account.sms.as_ref().map(|sms| TwilioConfig {
            api_sid: secret(&sms.api_sid),
            api_secret: secret(&sms.api_secret),
            service_sid: sms.service_sid.clone(),
        }),
        signers: configuration
            .signers
            .iter()
            .map(|signer| SignerInfo {
                name: signer.name.clone(),
                email: signer.email.clone(),
                phone: signer.phone.clone(),
                locale: signer.locale.clone(),
            })
            .collect(),
        header: payload.header,
        account,
        configuration,
        root,
        binding,
        statements: Statements::default(),
        document,
    })
}

fn secret(text: &letsesign_protocol2::SecretText) -> Zeroizing<String> {
    Zeroizing::new(text.as_str().to_owned())
}

fn email(account: &Account) -> EmailConfig {
    let domain = account.domain.clone();
    match &*account.email {
        EmailAccount::Ses { username, password } => EmailConfig::Ses {
            username: secret(username),
            password: secret(password),
            domain,
        },
        EmailAccount::Sendgrid { key } => EmailConfig::SendGrid {
            secret: secret(key),
            domain,
        },
    }
}

impl Opened {
    /// The PDF, which is then no longer here: it is large, and only wanted once.
    pub(super) fn take_document(&mut self) -> Document {
        std::mem::take(&mut self.document)
    }

    /// The password of enhanced privacy.
    pub(super) fn password(&self) -> Option<Zeroizing<String>> {
        self.configuration.password.as_ref().map(secret)
    }

    /// The mails about the task.
    pub(super) fn mails<'a>(&'a self, tools: &'a Tools) -> Mails<'a> {
        let configuration = &self.configuration;
        let task = TaskView {
            domain: &configuration.domain,
            id: &self.name,
            file_name: &configuration.file_name,
            message: &configuration.message,
            notificant: configuration
                .notificant
                .as_ref()
                .map(|notificant| (notificant.email.as_str(), notificant.locale.as_str())),
            signers: &self.signers,
            protected: configuration.password.is_some(),
            email: &self.email,
        };
        Mails { tools, task }
    }

    /// The drawing on the document.
    pub(super) fn drawing(&self) -> Drawing {
        let field = |field: &letsesign_protocol2::Field| Field {
            kind: match field.kind {
                FieldType::Signature => FieldKind::Signature,
                FieldType::Date => FieldKind::Date,
            },
            page: field.page,
            x: field.x,
            y: field.y,
            height: field.height,
        };
        Drawing {
            signers: self.signers.clone(),
            fields: self
                .configuration
                .signers
                .iter()
                .map(|signer| signer.fields.iter().map(|one| field(one)).collect())
                .collect(),
            in_order: self.header.header().in_order,
            placement: Placement::Displayed,
        }
    }

    /// Refuses a phone number that does not exist in its country.
    pub(super) fn check_phones(&self) -> Result<(), Failure> {
        let mut phones = self.signers.iter().filter_map(|one| one.phone.as_deref());
        if phones.all(letsesign_sms::is_valid) {
            return Ok(());
        }
        Err(Failure::new(
            Code::PhoneNumber,
            "a phone number is not valid in its country",
        ))
    }

    /// Refuses a task whose time for answers is over.
    pub(super) fn check_expiry(&self, tools: &Tools) -> Result<(), Failure> {
        if self.header.header().expired_at(tools.nsm.clock().millis()) {
            return Err(Failure::new(Code::Expired, "the task has expired"));
        }
        Ok(())
    }
}
