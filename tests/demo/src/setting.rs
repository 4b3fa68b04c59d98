//! The document, the signers, and the texts that must stay secret.

use crate::args::{DemoArgs, MailProvider};
use crate::{contract, own};
use anyhow::{Context, Result};
use letsesign_testbed::{Provider, Signer, Task, kms, sendgrid, smtp, twilio};

/// Invented names.
const NAMES: [(&str, &str); 6] = [
    ("Ada Example", "en-US"),
    ("王小明", "zh-TW"),
    ("Zoë Muster", "en-US"),
    ("Пётр Образцов", "en-US"),
    ("陳美玲", "zh-TW"),
    ("Noor Voorbeeld", "en-US"),
];

/// Address that receives notifications about the task.
pub(crate) const NOTIFICANT: &str = "office@example.com";

const PHONE: &str = "+886912345678";

/// The task that the sender wants signed.
pub(crate) fn task(arguments: &DemoArgs) -> Result<Task> {
    let count = usize::from(arguments.signers);
    let (pdf, fields, file_name) = match &arguments.pdf {
        None => {
            let (pdf, fields) = contract::contract(count)?;
            (pdf, fields, "contract.pdf".to_owned())
        }
        Some(path) => {
            let (pdf, fields) = own::read(path, count)?;
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name
                .with_context(|| format!("the name of {} is not Unicode text", path.display()))?;
            (pdf, fields, name.to_owned())
        }
    };
    let mut task = Task::new(pdf);
    task.signers = NAMES
        .iter()
        .zip(fields)
        .enumerate()
        .map(|(number, ((name, locale), fields))| Signer {
            name: (*name).to_owned(),
            email: format!("signer-{}@example.com", number + 1),
            phone: None,
            locale: arguments.locale.clone().unwrap_or((*locale).to_owned()),
            fields,
        })
        .collect();
    if arguments.phone {
        task = task.with_phone(count - 1, PHONE);
    }
    task.file_name = file_name;
    "Please read the whole document and sign it by Friday.".clone_into(&mut task.message);
    NOTIFICANT.clone_into(&mut task.notificant);
    if let Some(locale) = &arguments.locale {
        task.notificant_locale.clone_from(locale);
    }
    task.in_order = true;
    task.enhanced_privacy = arguments.enhanced_privacy;
    task.provider = match arguments.provider {
        MailProvider::Ses => Provider::Ses,
        MailProvider::Sg => Provider::SendGrid,
    };
    Ok(task)
}

/// Texts that only the sender, the enclave and the services may know.
pub(crate) fn secrets(task: &Task) -> Vec<(String, Vec<u8>)> {
    let mut secrets: Vec<(String, Vec<u8>)> = vec![
        ("the sender's message".into(), task.message.clone().into()),
        ("the file's name".into(), task.file_name.clone().into()),
        (
            "the bearer secret".into(),
            task.bearer_secret.clone().into(),
        ),
        match task.provider {
            Provider::Ses => ("the SMTP password".into(), smtp::USER.1.into()),
            Provider::SendGrid => ("the SendGrid key".into(), sendgrid::SECRET.into()),
        },
        ("the notificant's address".into(), NOTIFICANT.into()),
    ];
    // Three samples of the document, at a quarter, half and three quarters of its length.
    for quarter in 1..4 {
        let at = task.pdf.len() * quarter / 4;
        if let Some(bytes) = task.pdf.get(at..at + 40) {
            secrets.push((format!("the document, 40 bytes at {at}"), bytes.to_vec()));
        }
    }
    for signer in &task.signers {
        secrets.push((
            format!("the name {}", signer.name),
            signer.name.clone().into(),
        ));
        if let Some(phone) = &signer.phone {
            secrets.push((format!("the phone number {phone}"), phone.clone().into()));
            secrets.push(("Twilio's secret".into(), twilio::API_KEY.1.into()));
        }
    }
    secrets
}

/// Texts that the host may see.
pub(crate) fn plain(task: &Task) -> Vec<(String, Vec<u8>)> {
    let mut plain: Vec<(String, Vec<u8>)> = vec![
        ("the task's ID".into(), task.id.clone().into()),
        (
            "the ARN of the sender's key in KMS".into(),
            kms::KEY_ARN.into(),
        ),
        (
            "credentials that may ask KMS, and get nothing without an attestation".into(),
            kms::ACCESS_KEY.1.into(),
        ),
        (
            "the task's password, which opens mailed files".into(),
            task.password.clone().into(),
        ),
    ];
    for signer in &task.signers {
        plain.push((
            format!("{}, which the sender put beside the fields", signer.email),
            signer.email.clone().into(),
        ));
    }
    plain
}
