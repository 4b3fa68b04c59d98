//! The JSON of docs/sender-page.md. Pages count from 0 there.

use crate::{Draft, Kind, Person, Place, Role, Standing, StandingSigner, Template};
use anyhow::{Context, Result};
use letsesign_protocol2::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    pub(super) domain: String,
    pub(super) service: String,
    pub(super) version: &'static str,
    pub(super) sms: bool,
    pub(super) emulation: bool,
    pub(super) locales: [&'static str; 2],
    pub(super) limits: Limits,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limits {
    pub(super) signers: u16,
    pub(super) document_bytes: usize,
    pub(super) message: usize,
}

#[derive(Serialize)]
pub(super) struct Opened {
    pub(super) document: String,
    pub(super) name: String,
    pub(super) pages: Vec<Size>,
}

#[derive(Serialize)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToVerify {
    pub(super) pdf: String,
    pub(super) spf: String,
}

#[derive(Serialize)]
pub(super) struct Verified {
    pub(super) genuine: bool,
    pub(super) test: bool,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// A field, on a page that counts from 0.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    #[serde(rename = "type")]
    kind: Kind,
    page: u32,
    x: f64,
    y: f64,
    height: f64,
}

impl Field {
    fn of(place: &Place) -> Self {
        let Place {
            kind,
            page,
            x,
            y,
            height,
        } = *place;
        let page = page.saturating_sub(1);
        Self {
            kind,
            page,
            x,
            y,
            height,
        }
    }

    fn place(&self) -> Result<Place> {
        Ok(Place {
            kind: self.kind,
            page: self.page.checked_add(1).context("a page does not exist")?,
            x: self.x,
            y: self.y,
            height: self.height,
        })
    }
}

fn places(fields: &[Field]) -> Result<Vec<Place>> {
    fields.iter().map(Field::place).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewTask {
    pub(super) document: String,
    file_name: String,
    message: String,
    in_order: bool,
    expiry_days: u32,
    #[serde(default)]
    reminders: Option<Reminders>,
    #[serde(default)]
    notify: Option<Notify>,
    #[serde(default)]
    password: Option<SecretText>,
    signers: Vec<NewSigner>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reminders {
    after_hours: u32,
    times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notify {
    email: String,
    locale: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSigner {
    name: String,
    email: String,
    #[serde(default)]
    phone: Option<String>,
    locale: String,
    fields: Vec<Field>,
}

impl NewTask {
    /// The draft with its document, and its reminders.
    pub(super) fn draft(self, pdf: Vec<u8>) -> Result<(Draft, Option<(u32, u32)>)> {
        let person = |one: NewSigner| {
            Ok(Person {
                fields: places(&one.fields)?,
                name: one.name,
                email: one.email,
                phone: one.phone,
                locale: one.locale,
            })
        };
        let people = self.signers.into_iter().map(person);
        let reminders = self.reminders.map(|one| (one.after_hours, one.times));
        let draft = Draft {
            pdf,
            file_name: self.file_name,
            message: self.message,
            in_order: self.in_order,
            days: self.expiry_days,
            notify: self.notify.map(|notify| (notify.email, notify.locale)),
            password: self.password,
            people: people.collect::<Result<_>>()?,
        };
        Ok((draft, reminders))
    }
}

/// A task, as `Standing` has it, with problems as objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownTask {
    task: String,
    file_name: String,
    created: u64,
    expiry: u64,
    state: String,
    in_order: bool,
    signers: Vec<Signer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs_decision: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<Vec<Value>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signer {
    name: String,
    email: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

#[derive(Serialize)]
struct Problem {
    detail: String,
}

impl From<Standing> for ShownTask {
    fn from(standing: Standing) -> Self {
        let problem = |detail: Option<String>| detail.map(|detail| Problem { detail });
        let signer = |one: StandingSigner| Signer {
            name: one.name,
            email: one.email,
            state: one.state,
            asked_at: one.asked_at,
            answered_at: one.answered_at,
            problem: problem(one.problem),
        };
        Self {
            task: standing.task,
            file_name: standing.file_name,
            created: standing.created,
            expiry: standing.expiry,
            state: standing.state,
            in_order: standing.in_order,
            signers: standing.signers.into_iter().map(signer).collect(),
            problem: problem(standing.problem),
            reason: standing.reason,
            needs_decision: standing.needs_decision,
            history: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfSigner {
    pub(super) signer: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Void {
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decide {
    pub(super) job: String,
    pub(super) retry: bool,
}

/// A template; `document` is that of an opened document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewTemplate {
    pub(super) document: String,
    file_name: String,
    message: String,
    in_order: bool,
    roles: Vec<ShownRole>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownRole {
    role: String,
    fields: Vec<Field>,
}

impl NewTemplate {
    pub(super) fn template(self, name: String) -> Result<Template> {
        let role = |one: ShownRole| {
            Ok(Role {
                fields: places(&one.fields)?,
                role: one.role,
            })
        };
        let roles = self.roles.into_iter().map(role);
        Ok(Template {
            name,
            file_name: self.file_name,
            message: self.message,
            in_order: self.in_order,
            roles: roles.collect::<Result<_>>()?,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownTemplate {
    name: String,
    file_name: String,
    message: String,
    in_order: bool,
    roles: Vec<ShownRole>,
}

impl From<Template> for ShownTemplate {
    fn from(template: Template) -> Self {
        let role = |one: Role| ShownRole {
            fields: one.fields.iter().map(Field::of).collect(),
            role: one.role,
        };
        Self {
            name: template.name,
            file_name: template.file_name,
            message: template.message,
            in_order: template.in_order,
            roles: template.roles.into_iter().map(role).collect(),
        }
    }
}
