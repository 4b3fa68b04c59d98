//! Phone numbers, checked by Twilio Verify (docs/sms.md).

use crate::job_context::{JobContext, NotBegun};
use crate::task::TwilioConfig;
use crate::turns::Turns;
use letsesign_net::{HttpError, Https, Request};
use letsesign_proof::Hash;
use letsesign_sms::{Config, Error, answer, request};
use std::time::Duration;

/// Why a phone number is not checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SmsFailure {
    /// Twilio refused, or its answer is invalid.
    #[error(transparent)]
    Twilio(#[from] Error),
    /// The connection to Twilio failed.
    #[error("Twilio: {0}")]
    Http(#[from] HttpError),
    /// An SMS for this proof went out a moment ago.
    #[error("an SMS for this proof went out less than {0:?} ago")]
    TooSoon(Duration),
    /// The host did not acknowledge that the job begins.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
}

/// Twilio, shared by all jobs.
pub(crate) struct Sms {
    twilio: Https,
    turns: Turns,
}

impl Sms {
    /// With a pause between two SMS for one proof.
    pub(crate) fn new(twilio: Https, pause: Duration) -> Self {
        Self {
            twilio,
            turns: Turns::new(pause),
        }
    }

    /// Closes idle connections.
    pub(crate) fn close_idle(&self) {
        self.twilio.close_idle();
    }

    /// Sends a PIN to a number and gives the verification's SID. The Verify service must
    /// have the settings that clients expect (docs/sms.md).
    pub(crate) async fn send(
        &self,
        config: &TwilioConfig,
        phone: &str,
        proof: Hash,
        job: &JobContext,
    ) -> Result<String, SmsFailure> {
        let turn = self.turns.turn(proof);
        let turn = turn.ok_or(SmsFailure::TooSoon(self.turns.pause()))?;
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
}

fn account(config: &TwilioConfig) -> Config {
    Config {
        api_sid: config.api_sid.clone(),
        api_secret: config.api_secret.clone(),
        service_sid: config.service_sid.clone(),
    }
}
