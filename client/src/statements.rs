//! Actions of a sender on a task that is under way.

use crate::now;
use crate::record::{Record, Stated};
use crate::sender::{Sender, base64};
use anyhow::{Context, Result, ensure};
use letsesign_protocol2::Statement;
use serde_json::json;
use ureq::http::Method;

impl Sender {
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
