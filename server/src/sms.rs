//! Phone numbers, checked by Twilio Verify (docs/sms.md).

use crate::jobs::{Context, NotBegun};
use crate::task::TwilioConfig;
use letsesign_net::{HttpError, Https, Request};
use letsesign_proof::Hash;
use letsesign_sms::{Config, Error, answer, request};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a phone number is not checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SmsFailure {
    /// Twilio.
    #[error(transparent)]
    Twilio(#[from] Error),
    /// The way to it.
    #[error("Twilio: {0}")]
    Http(#[from] HttpError),
    /// An SMS for this proof went out a moment ago.
    #[error("an SMS for this proof went out less than {0:?} ago")]
    TooSoon(Duration),
    /// The host does not know that the job begins.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
}

/// Twilio, shared by all jobs.
pub(crate) struct Sms {
    twilio: Https,
    pause: Duration,
    /// When the last SMS for a proof went out. Forgotten after the pause, so there are never many.
    sent: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Sms {
    /// With a pause between two SMS for one proof.
    pub(crate) fn new(twilio: Https, pause: Duration) -> Self {
        Self {
            twilio,
            pause,
            sent: Mutex::default(),
        }
    }

    /// Closes connections that nobody uses.
    pub(crate) fn close_idle(&self) {
        self.twilio.close_idle();
    }

    /// Sends a PIN to a number and gives the verification's SID. The service must be set up as clients expect it.
    pub(crate) async fn send(
        &self,
        config: &TwilioConfig,
        phone: &str,
        proof: Hash,
        job: &Context,
    ) -> Result<String, SmsFailure> {
        let turn = self.turn(proof)?;
        let config = account(config);
        let (status, body) = self.ask(request::service(&config)?, true).await?;
        answer::service(status, &body)?;
        let question = request::send(&config, phone)?;
        job.begin().await?;
        let (status, body) = self.ask(question, false).await?;
        let sid = answer::sent(status, &body)?;
        turn.keep();
        Ok(sid)
    }

    /// Checks the PIN that was sent to a number.
    pub(crate) async fn check(
        &self,
        config: &TwilioConfig,
        phone: &str,
        verification: &str,
        pin: &str,
    ) -> Result<(), SmsFailure> {
        let question = request::check(&account(config), verification, pin)?;
        let (status, body) = self.ask(question, false).await?;
        Ok(answer::checked(status, &body, phone)?)
    }

    async fn ask(
        &self,
        question: letsesign_sms::Request,
        idempotent: bool,
    ) -> Result<(u16, Vec<u8>), HttpError> {
        let request = Request {
            method: question.method,
            path: question.path,
            headers: question
                .headers
                .iter()
                .map(|(name, value)| (*name, value.to_string()))
                .collect(),
            body: question.body.to_vec().into(),
            idempotent,
        };
        let answer = self.twilio.send(&request, answer::ANSWER_MAX).await?;
        Ok((answer.status, answer.body))
    }

    /// Takes the turn of a proof. It is given back when no SMS went out.
    fn turn(&self, proof: Hash) -> Result<Turn<'_>, SmsFailure> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|_, at| at.elapsed() < self.pause);
        if sent.contains_key(&proof.0) {
            return Err(SmsFailure::TooSoon(self.pause));
        }
        sent.insert(proof.0, Instant::now());
        Ok(Turn {
            sms: self,
            proof: proof.0,
            kept: false,
        })
    }
}

struct Turn<'a> {
    sms: &'a Sms,
    proof: [u8; 32],
    kept: bool,
}

impl Turn<'_> {
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let mut sent = self.sms.sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.remove(&self.proof);
        }
    }
}

fn account(config: &TwilioConfig) -> Config {
    Config {
        api_sid: config.api_sid.clone(),
        api_secret: config.api_secret.clone(),
        service_sid: config.service_sid.clone(),
    }
}
