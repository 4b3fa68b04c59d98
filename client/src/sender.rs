//! The work of a sender, with the checks that make the host's part irrelevant.

use crate::claims::{self, Claims};
use crate::draft::Draft;
use crate::home::Home;
use crate::now;
use crate::record::{Record, Stated};
use crate::service::{Service, ServiceError};
use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_escape as escape;
use letsesign_proof::protocol2::{Decline, Poi, Por, Request, Void};
use letsesign_proof::{Function, Hash, Spf};
use letsesign_protocol2::{DataKey, Part, Purpose, Root, Statement, Statements};
use letsesign_verify::Trust;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{Cursor, Read};
use ureq::http::Method;
use zeroize::Zeroizing;

/// The longest file in a result.
const FILE_MAX: u64 = 80 << 20;

const FORM: &str = "a proof that the service gives is not in its form";

/// A sender: folder, service, and what is trusted.
pub struct Sender {
    /// The folder.
    pub home: Home,
    /// The host's API.
    pub service: Service,
    /// Root and releases.
    pub trust: Trust,
}

/// How far a task is: what the service says, and what of it is proven.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The task's name.
    pub task: String,
    /// The document's name.
    pub file_name: String,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// The last moment for an answer.
    pub expiry: u64,
    /// Whether the signers sign in their order.
    pub in_order: bool,
    /// The state that the service gives (docs/service-api.md), `notSent`, or `unknown` when the
    /// service does not know the task.
    pub state: String,
    /// The signers.
    pub signers: Vec<StandingSigner>,
    /// The way out of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Why somebody declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Jobs whose fate is unknown: the sender decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs_decision: Vec<Value>,
}

impl Standing {
    /// A task as this folder alone knows it.
    pub(crate) fn of_record(record: &Record, state: &str) -> Self {
        let expiry = serde_json::from_str::<Value>(&record.header).unwrap_or_default();
        let in_order = expiry.get("inOrder").and_then(Value::as_bool);
        let signers = record.configuration.signers.iter();
        let signer = |one: &letsesign_protocol2::Signer| StandingSigner {
            name: one.name.clone(),
            email: one.email.clone(),
            state: "waiting".to_owned(),
            round: 1,
            asked_at: None,
            answered_at: None,
            problem: None,
        };
        Self {
            task: record.task.clone(),
            file_name: record.configuration.file_name.clone(),
            created: record.created,
            expiry: expiry.get("expiry").and_then(Value::as_u64).unwrap_or(0),
            in_order: in_order.unwrap_or(false),
            state: state.to_owned(),
            signers: signers.map(|one| signer(one)).collect(),
            problem: None,
            reason: None,
            needs_decision: Vec::new(),
        }
    }
}

/// A signer of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingSigner {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The state that the service gives; `confirmed` and `declined` only with a verified proof.
    pub state: String,
    /// The round.
    pub round: u64,
    /// When the mail went out, as the service says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<u64>,
    /// When the answer was accepted, by the attestation document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<u64>,
    /// The way out of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A signed document, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Name and bytes of the PDF.
    pub pdf: (String, Vec<u8>),
    /// Name and bytes of the proof file.
    pub spf: (String, Vec<u8>),
    /// Remarks, a sentence each.
    pub warnings: Vec<String>,
}

/// The content of a task's proofs.
#[derive(Default)]
struct Proven {
    /// By signer: when a PoI of the current round was attested.
    confirmed: Vec<(u16, u64)>,
    declined: Vec<(u16, u64)>,
    void: bool,
}

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn bytes(value: &Value, name: &str) -> Result<Vec<u8>> {
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
        draft.check()?;
        self.check_releases()?;
        let (mut record, sealed, wrapped) = draft.seal(&self.home)?;
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

    fn path(record: &Record) -> String {
        format!("/api/v2/tasks/{}", record.task)
    }

    /// How far a task is.
    ///
    /// # Errors
    /// When the service does not answer, or claims what it cannot prove.
    pub fn standing(&self, record: &Record) -> Result<Standing> {
        let summary = match self.service.get(&Self::path(record)) {
            Ok(summary) => summary,
            Err(ServiceError::Refused { status: 404, .. }) => {
                let state = if record.sent { "unknown" } else { "notSent" };
                return Ok(Standing::of_record(record, state));
            }
            Err(error) => return Err(error.into()),
        };
        self.judge(record, &summary)
    }

    /// Adds what is proven to what the service says.
    fn judge(&self, record: &Record, summary: &Value) -> Result<Standing> {
        let statements = self
            .root(record)?
            .statements(record.binding, &record.sent_statements())?;
        let claims = Claims::read(summary, record, &statements)?;
        let proven = self.proofs(record, &statements)?;
        let mut standing = Standing::of_record(record, claims.state);
        for ((signer, claimed), number) in standing.signers.iter_mut().zip(&claims.signers).zip(0..)
        {
            signer.state = claimed.state.to_owned();
            signer.round = claimed.round.into();
            signer.asked_at = claimed.asked_at;
            signer.problem.clone_from(&claimed.problem);
            let list = match claimed.state {
                "confirmed" => &proven.confirmed,
                "declined" => &proven.declined,
                _ => continue,
            };
            let proof = list.iter().find(|(signer, _)| *signer == number);
            let (_, at) = proof.with_context(|| {
                format!(
                    "the service says that {} has {}, without a proof",
                    signer.email, claimed.state
                )
            })?;
            signer.answered_at = Some(*at);
        }
        let all = (0..record.configuration.signers.len()).all(|number| {
            proven
                .confirmed
                .iter()
                .any(|(one, _)| usize::from(*one) == number)
        });
        let is_proven = match claims.state {
            "completed" => all,
            "declined" => !proven.declined.is_empty(),
            "void" => proven.void,
            _ => true,
        };
        ensure!(
            is_proven,
            "the service says that the task is {}, without the proofs of it",
            claims.state
        );
        standing.problem = claims.problem;
        standing.needs_decision = claims.decisions;
        if let Some(reason) = claims.reason {
            standing.reason = Some(self.reason(record, &reason)?);
        }
        Ok(standing)
    }

    /// The events of a task, as the service has them: objects with `at` (milliseconds since 1970),
    /// `event`, and where known `signer` and `detail`. They prove nothing.
    ///
    /// # Errors
    /// When the service does not answer.
    pub fn history(&self, record: &Record) -> Result<Vec<Value>> {
        match self.service.get(&format!("{}/history", Self::path(record))) {
            Ok(answer) => claims::events(&answer),
            Err(ServiceError::Refused { status: 404, .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn reason(&self, record: &Record, sealed: &str) -> Result<String> {
        let root = self.root(record)?;
        let sealed = BASE64_STANDARD.decode(sealed).context("encryptedReason")?;
        let text = root
            .open_from_enclave(Part::Decline, record.binding, sealed)
            .context("the reason of the decline was not sealed for this task")?;
        let reason: Value = serde_json::from_slice(&text)?;
        let reason = reason.get("reason").and_then(Value::as_str);
        Ok(reason.unwrap_or_default().to_owned())
    }

    fn root(&self, record: &Record) -> Result<Root> {
        Ok(record.root(&self.home.account()?)?)
    }

    /// Verifies all proofs of a task.
    fn proofs(&self, record: &Record, statements: &Statements) -> Result<Proven> {
        let answer = self
            .service
            .get(&format!("{}/proofs", Self::path(record)))?;
        let list = answer.get("proofs").and_then(Value::as_array);
        let mut proven = Proven::default();
        for one in list.context("the service gives no proofs")? {
            let (proof, document) = (bytes(one, "proof")?, bytes(one, "document")?);
            let attested = |function, name, request: Option<Request>| {
                let results = [(name, Hash::of(&proof))];
                if let Some(request) = request {
                    ensure!(
                        request.binding == record.binding,
                        "a proof that the service gives is another task's"
                    );
                }
                self.trust
                    .attested(&document, record.binding, function, &results)
                    .map_err(|text| anyhow!("a proof that the service gives: {text}"))
            };
            let current = |request: Request| request.round == statements.round(request.signer);
            match one.get("kind").and_then(Value::as_str) {
                Some("por") => {
                    let request = Por::parse(&proof).context(FORM)?.request;
                    attested(Function::SendReq, "por", Some(request))?;
                }
                Some("poi") => {
                    let request = Poi::parse(&proof).context(FORM)?.request;
                    let at = attested(Function::ConfirmIntent, "poi", Some(request))?;
                    if current(request) {
                        proven.confirmed.push((request.signer, at));
                    }
                }
                Some("decline") => {
                    let request = Decline::parse(&proof).context(FORM)?.request;
                    let at = attested(Function::Decline, "decline", Some(request))?;
                    if current(request) {
                        proven.declined.push((request.signer, at));
                    }
                }
                Some("void") => {
                    let void = Void::parse(&proof).context(FORM)?;
                    ensure!(
                        void.binding == record.binding,
                        "a proof that the service gives is another task's"
                    );
                    attested(Function::VoidTask, "void", None)?;
                    proven.void = statements.void().is_some();
                }
                _ => bail!("the service gives a proof of an unknown kind"),
            }
        }
        Ok(proven)
    }

    /// Fetches, opens and verifies the signed document. Nothing is written.
    ///
    /// # Errors
    /// When it is not there yet, or is not what was sent and signed.
    pub fn fetch(&self, record: &Record) -> Result<Signed> {
        let sealed = self
            .service
            .get_bytes(&format!("{}/result", Self::path(record)))?;
        let root = self.root(record)?;
        let opened = root
            .open_from_enclave(Part::Result, record.binding, sealed)
            .context("the result was not sealed by the enclave for this task")?;
        let (pdf, spf) = unzip(&opened)?;
        let verdict = self.trust.signed(&pdf.1, &spf.1, Some(record.binding))?;
        ensure!(
            verdict.genuine,
            "the signed document does not verify: {}",
            verdict.problems.join("; ")
        );
        self.compare(record, &root, &spf.1)?;
        Ok(Signed {
            pdf,
            spf,
            warnings: verdict.warnings,
        })
    }

    /// Compares a genuine summary with what was sent: people, order and statements.
    fn compare(&self, record: &Record, root: &Root, spf: &[u8]) -> Result<()> {
        let summary = Spf::parse(spf)?.summary;
        let facts = summary.facts.as_ref();
        let facts = facts.context("the signed document is one of protocol 1")?;
        let mut statements = root.statements(record.binding, &record.sent_statements())?;
        let taken = root.statements(record.binding, &record.taken_statements())?;
        if facts.statements == taken.hash() {
            // One whose fate is open has not reached the enclave.
            statements = taken;
        }
        ensure!(
            facts.statements == statements.hash(),
            "the host has withheld a statement of yours from the enclave: the document was signed \
             in spite of it"
        );
        ensure!(
            facts.account == self.home.account()?.id(),
            "the signed document is another account's"
        );
        let sent = &record.configuration.signers;
        ensure!(
            sent.len() == summary.signers.len() && facts.signers.len() == sent.len(),
            "the signed document has another number of signers"
        );
        let all = sent
            .iter()
            .zip(&summary.signers)
            .zip(&facts.signers)
            .zip(0..);
        for (((sent, signed), facts), number) in all {
            ensure!(
                sent.name == signed.name && sent.email == signed.email_addr,
                "signer {} of the signed document is {}, not {}",
                number + 1,
                escape::line(&format!("{} <{}>", signed.name, signed.email_addr)),
                escape::line(&format!("{} <{}>", sent.name, sent.email))
            );
            ensure!(
                facts.round == statements.round(number),
                "{} has signed in another round than the current one",
                sent.email
            );
        }
        Ok(())
    }

    /// Asks for a reminder of a signer, from 0.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn remind(&self, record: &Record, signer: u16) -> Result<()> {
        let path = format!("{}/remind", Self::path(record));
        self.service
            .send_once(&Method::POST, &path, &json!({"signer": signer}))?;
        Ok(())
    }

    /// Makes the task void: nobody can sign it any more.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn void(&self, record: &mut Record, reason: &str) -> Result<()> {
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        self.state(record, &Statement::Void { at: now(), reason })
    }

    /// Asks a signer, from 0, in a new round: links of former rounds count no more.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn ask_again(&self, record: &mut Record, signer: u16) -> Result<()> {
        let count = record.configuration.signers.len();
        ensure!(usize::from(signer) < count, "the task has {count} signers");
        let root = self.root(record)?;
        let statements = root.statements(record.binding, &record.sent_statements())?;
        let statement = Statement::NewRound {
            at: now(),
            signer,
            round: statements.round(signer) + 1,
        };
        self.state(record, &statement)
    }

    fn state(&self, record: &mut Record, statement: &Statement) -> Result<()> {
        // One whose fate is open comes first; if it says the same, it is enough.
        let is_same = |stated: &Stated| same_matter(&stated.text, statement);
        let was_open = record
            .statements
            .iter()
            .any(|stated| !stated.sent && is_same(stated));
        self.send_open(record)?;
        if was_open {
            return Ok(());
        }
        let sent = self.root(record)?.state(record.binding, statement)?;
        record.statements.push(Stated {
            text: String::from_utf8(sent.text)?,
            mac: hex::encode(sent.mac),
            sent: false,
        });
        // Before it is sent: a statement that the host has seen must be in the summary.
        self.home.store(record)?;
        self.send_open(record)
    }

    /// Sends the statements that the service may not have taken, word for word.
    fn send_open(&self, record: &mut Record) -> Result<()> {
        let path = format!("{}/statements", Self::path(record));
        while let Some(at) = record.statements.iter().position(|stated| !stated.sent) {
            let Some(stated) = record.statements.get_mut(at) else {
                break;
            };
            let mac = hex::decode(&stated.mac).context("the record of the task is damaged")?;
            let body = json!({"statement": base64(stated.text.as_bytes()), "mac": base64(&mac)});
            match self.service.send(&Method::POST, &path, &body) {
                Ok(_) => stated.sent = true,
                Err(error) if error.is_final() => {
                    record.statements.remove(at);
                    self.home.store(record)?;
                    return Err(error.into());
                }
                Err(error) => {
                    return Err(error).context(
                        "the service may have taken the statement or not; repeat the command when \
                         it answers",
                    );
                }
            }
            self.home.store(record)?;
        }
        Ok(())
    }

    /// Decides about a job whose fate is unknown.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn decide(&self, record: &Record, job: &str, retry: bool) -> Result<()> {
        let action = if retry { "retry" } else { "fail" };
        let path = format!("{}/retry", Self::path(record));
        self.service
            .send_once(&Method::POST, &path, &json!({"job": job, "action": action}))?;
        Ok(())
    }
}

/// Whether a statement that was made already says the same as another one, at another time.
fn same_matter(text: &str, other: &Statement) -> bool {
    match (Statement::parse(text.as_bytes()), other) {
        (Ok(Statement::Void { .. }), Statement::Void { .. }) => true,
        (
            Ok(Statement::NewRound { signer, .. }),
            Statement::NewRound {
                signer: another, ..
            },
        ) => signer == *another,
        _ => false,
    }
}

type NamedBytes = (String, Vec<u8>);

/// The two files of a result.
fn unzip(archive: &Zeroizing<Vec<u8>>) -> Result<(NamedBytes, NamedBytes)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive.as_slice()))
        .context("the result is not a ZIP archive")?;
    let mut files = Vec::new();
    for at in 0..archive.len().min(3) {
        let file = archive.by_index(at)?;
        let name = file.name()?.into_owned();
        let is_special = |one: char| one.is_control() || "/\\".contains(one);
        let is_plain = !name.is_empty() && !name.contains(is_special) && name != "..";
        ensure!(is_plain, "a file of the result has the name {name:?}");
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= FILE_MAX, "{name} is too long");
        files.push((name, bytes));
    }
    let ends = |file: &NamedBytes, end: &str| file.0.to_ascii_lowercase().ends_with(end);
    match <[NamedBytes; 2]>::try_from(files) {
        Ok([pdf, spf]) if ends(&pdf, ".pdf") && ends(&spf, ".spf") => Ok((pdf, spf)),
        _ => bail!("the result does not hold a PDF and its proof alone"),
    }
}
