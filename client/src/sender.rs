//! The work of a sender, with the checks that make the host's part irrelevant.

use crate::draft::Draft;
use crate::home::Home;
use crate::record::Record;
use crate::service::Service;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::Hash;
use letsesign_protocol2::{DataKey, Purpose, Root};
use letsesign_verify::Trust;
use serde_json::{Value, json};
use ureq::http::Method;

/// A sender: folder, service, and what is trusted.
pub struct Sender {
    /// The folder.
    pub home: Home,
    /// The host's API.
    pub service: Service,
    /// Root and releases.
    pub trust: Trust,
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub(crate) fn bytes(value: &Value, name: &str) -> Result<Vec<u8>> {
    let text = value.get(name).and_then(Value::as_str);
    let text = text.with_context(|| format!("the service gives a proof without its {name}"))?;
    BASE64_STANDARD
        .decode(text)
        .with_context(|| format!("the service gives a {name} that is not base64"))
}

impl Sender {
    /// The sender of a folder.
    ///
    /// # Errors
    /// When the folder has none, or its settings cannot be used.
    pub fn open(home: Home) -> Result<Self> {
        let settings = home.settings()?;
        Ok(Self {
            service: Service::new(&settings)?,
            trust: Trust::new(
                settings.test_root.as_deref(),
                settings.measurements.as_deref(),
            )?,
            home,
        })
    }

    /// Seals the account for the service, and puts it there: after `init`, and after its
    /// credentials have changed.
    ///
    /// # Errors
    /// When the service refuses it.
    pub fn put_account(&self) -> Result<()> {
        let account = self.home.account()?;
        let key = DataKey::generate(Purpose::Account)?;
        let body = json!({
            "kmsKeyARN": account.kms_key_arn,
            "account": {
                "wrappedKey": base64(&self.home.key()?.wrap(&key)?),
                "box": base64(&account.seal(&key)?),
            },
        });
        self.service.send(&Method::PUT, "/api/v2/account", &body)?;
        Ok(())
    }

    /// Refuses a service that runs none of the accepted releases. The key's policy is what keeps
    /// other images from the documents; this finds out before something is sent.
    ///
    /// # Errors
    /// When it runs none.
    pub fn check_releases(&self) -> Result<()> {
        let running = self.service.releases()?;
        if running
            .iter()
            .any(|pcr0| self.trust.accepts(pcr0).is_some())
        {
            return Ok(());
        }
        bail!(
            "{} runs no release that you accept ({}); nothing was sent",
            self.service.base(),
            if running.is_empty() {
                "no enclave is attested".to_owned()
            } else {
                format!("PCR0 {}", running.join(", "))
            }
        )
    }

    /// Sends a draft. `reminders`: hours between them, and how many.
    ///
    /// # Errors
    /// When it cannot be sealed, or the service does not take it. A task that may have been taken
    /// stays in the folder: [`Sender::standing`] says whether the service has it.
    pub fn send(&self, draft: &Draft, reminders: Option<(u32, u32)>) -> Result<Record> {
        let document = draft.checked()?;
        self.check_releases()?;
        let (mut record, sealed, wrapped) = draft.seal(&self.home, &document)?;
        // Before it is sent: whoever signs it must be readable later.
        self.home.store(&record)?;
        let mut body = json!({
            "header": base64(sealed.header.as_bytes()),
            "wrappedKey": base64(&wrapped),
            "configuration": base64(&sealed.configuration),
            "documentHash": Hash::of(&sealed.document).to_string(),
            "accepts": self.trust.accepted(),
        });
        if let (Some((hours, times)), Some(members)) = (reminders, body.as_object_mut()) {
            let reminders = json!({"afterHours": hours, "times": times});
            members.insert("reminders".into(), reminders);
        }
        let taken = self.service.send(&Method::POST, "/api/v2/tasks", &body);
        let taken = taken.inspect_err(|error| {
            if error.is_final() {
                self.home.forget(&record);
            }
        })?;
        let binding = taken.get("binding").and_then(Value::as_str);
        ensure!(
            binding == Some(&record.binding.to_string()),
            "the service names another binding than this task has"
        );
        let path = format!("/api/v2/tasks/{}/document", record.task);
        let put = self.service.put_bytes(&path, &sealed.document);
        put.with_context(|| {
            format!(
                "the service may have the document: before you send it again, `letsesign status {}` \
                 says whether the task is running",
                record.task
            )
        })?;
        record.sent = true;
        self.home.store(&record)?;
        Ok(record)
    }

    pub(crate) fn path(record: &Record) -> String {
        format!("/api/v2/tasks/{}", record.task)
    }

    pub(crate) fn root(&self, record: &Record) -> Result<Root> {
        Ok(record.root(&self.home.account()?)?)
    }
}
