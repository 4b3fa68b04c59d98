//! Makes a sender.

use super::args::InitArgs;
use super::{busy, done, print, print_json};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_client::{Home, PublicKey, Sender, Service, Settings};
use letsesign_mail::{Scheme, is_domain};
use letsesign_proof::Object;
use letsesign_protocol2::{
    Account, DataKey, EmailAccount, Purpose, SecretBytes, SecretText, SmsAccount,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::fs;
use ureq::http::Method;

fn secret(variable: &str) -> Result<SecretText> {
    let value = std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty());
    let value = value.with_context(|| {
        format!("{variable} is not set: secrets come from variables, not from arguments")
    })?;
    Ok(SecretText::new(value))
}

fn account(arguments: &InitArgs) -> Result<Account> {
    ensure!(
        is_domain(&arguments.domain),
        "--domain {:?}: must be one such as example.com",
        arguments.domain
    );
    let email = match (&arguments.ses_username, arguments.sendgrid) {
        (Some(username), _) => EmailAccount::Ses {
            username: SecretText::new(username.as_str()),
            password: secret("LETSESIGN_SES_PASSWORD")?,
        },
        (None, true) => EmailAccount::Sendgrid {
            key: secret("LETSESIGN_SENDGRID_KEY")?,
        },
        (None, false) => bail!("say how mails go out: --ses-username NAME, or --sendgrid"),
    };
    let sms = match &arguments.twilio_service {
        None => None,
        Some(service) => Some(Object(SmsAccount {
            api_sid: secret("LETSESIGN_TWILIO_SID")?,
            api_secret: secret("LETSESIGN_TWILIO_SECRET")?,
            service_sid: service.clone(),
        })),
    };
    let account = Account {
        account_secret: SecretBytes::generate()?,
        lowest_protocol: 2,
        kms_key_arn: arguments.kms_key_arn.clone(),
        domain: arguments.domain.to_ascii_lowercase(),
        email: Object(email),
        sms,
        signer_pages: arguments.signer_page.clone(),
    };
    account.check(Scheme::Https)?;
    Ok(account)
}

pub(super) fn init(home: &Home, arguments: &InitArgs, json: bool) -> Result<()> {
    let account = account(arguments)?;
    let path = &arguments.kms_public_key;
    let key = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let public = PublicKey::parse(&key)?;
    let absolute =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(std::path::absolute).transpose();
    let settings = Settings {
        service: arguments.service.trim_end_matches('/').to_owned(),
        api_key: arguments.api_key.clone().unwrap_or_default(),
        measurements: absolute(&arguments.measurements)?,
        test_root: absolute(&arguments.test_root)?,
    };
    let service = Service::new(&settings)?;
    if arguments.api_key.is_some() {
        home.create(&settings, &account, &key)?;
        let sender = Sender::open(home.clone())?;
        sender.put_account().context(
            "the folder is made, but the service has no account yet: `letsesign account` sends it",
        )?;
        let text = format!(
            "{} is ready; keep a copy of it in a safe place: without it nobody opens results",
            home.path().display()
        );
        return done(json, &text);
    }
    let bar = busy("registering");
    let data_key = DataKey::generate(Purpose::Account)?;
    let body = json!({
        "domain": account.domain,
        "kmsKeyARN": account.kms_key_arn,
        "account": {
            "wrappedKey": BASE64_STANDARD.encode(public.wrap(&data_key)?),
            "box": BASE64_STANDARD.encode(account.seal(&data_key)?),
        },
    });
    home.check_new()?;
    let challenge = service.send(&Method::POST, "/api/v2/registrations", &body)?;
    bar.finish_and_clear();
    let challenge = Challenge::read(&challenge, &account.domain)?;
    // Only a registration that waits makes a sender: before it nothing is left to go on with.
    home.create(&settings, &account, &key)?;
    home.keep_registration(&challenge.registration)?;
    if json {
        return print_json(&challenge);
    }
    print(format!(
        "publish this DNS record, then run `letsesign register`:\n{}. TXT \"{}\"\n",
        challenge.txt_name, challenge.txt_value
    ))
}

/// The DNS record that proves a domain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Challenge {
    registration: String,
    txt_name: String,
    txt_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

impl Challenge {
    /// Takes nothing but a record of this name and form: the records of a domain have power, and
    /// another one might get somebody a certificate for it, or its mails.
    fn read(answer: &Value, domain: &str) -> Result<Self> {
        let text = |name: &str| {
            let text = answer.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
                .with_context(|| format!("the service gives no {name}"))
        };
        let challenge = Self {
            registration: text("registration")?,
            txt_name: text("txtName")?,
            txt_value: text("txtValue")?,
            expires: answer.get("expires").and_then(Value::as_u64),
        };
        ensure!(
            is_registration(&challenge.registration),
            "the service gives a registration without the form of one"
        );
        ensure!(
            challenge.txt_name == format!("_letsesign-challenge.{domain}"),
            "the service asks for another DNS record than its own: publish none"
        );
        let value = challenge.txt_value.strip_prefix("letsesign=");
        let is_value = value.is_some_and(|value| {
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            (1..=200).contains(&value.len()) && value.bytes().all(is_safe)
        });
        ensure!(
            is_value,
            "the service asks for a DNS record with another content than its own: publish none"
        );
        Ok(challenge)
    }
}

fn is_registration(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn register(home: &Home, json: bool) -> Result<()> {
    let mut settings = home.settings()?;
    if !settings.api_key.is_empty() {
        bail!("{} is registered already", home.path().display());
    }
    let id = home.registration()?;
    ensure!(
        is_registration(&id),
        "the file registration does not hold one"
    );
    let bar = busy("asking the service to look for the DNS record");
    let service = Service::new(&settings)?;
    let path = format!("/api/v2/registrations/{id}/complete");
    // Once: it gives the key once.
    let completed = service.send_once(&Method::POST, &path, &json!({}))?;
    bar.finish_and_clear();
    let key = completed.get("apiKey").and_then(Value::as_str);
    let key = key.context("the service gives no key")?;
    // It goes into headers, and a key in another form would make each later command fail.
    ensure!(
        key.len() <= 400
            && key.starts_with("lsk_")
            && key.bytes().all(|byte| byte.is_ascii_graphic()),
        "the service gives a key without the form of one; nothing was stored"
    );
    key.clone_into(&mut settings.api_key);
    home.store_settings(&settings)?;
    done(json, "registered; `letsesign send` sends documents")
}
