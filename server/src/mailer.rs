//! Sends mails, by whichever provider the task names (docs/mail.md).

use crate::clock::Clock;
use crate::job_context::NotBegun;
use crate::task::EmailConfig;
use letsesign_mail::smtp::{self, Limits, Session};
use letsesign_mail::{Mail, Origin, SendError, Step, sendgrid};
use letsesign_net::{HandshakeError, HttpError, Https, Request, http};
use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// Pause before the second and last attempt.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a mail is not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailFailure {
    /// The provider refuses the credentials.
    #[error("the mail provider refuses the credentials")]
    Credentials,
    /// The mail cannot be written: for example, the configuration's domain is not a domain name.
    #[error("the mail cannot be written: {0}")]
    Unwritable(#[from] letsesign_mail::Error),
    /// The host did not acknowledge that the job begins.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
    /// Any other failure; the text holds nothing of the job.
    #[error("{0}")]
    Failed(String),
}

impl From<SendError> for MailFailure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Credentials => Self::Credentials,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A mail as its provider gets it.
enum Written<'a> {
    Smtp {
        session: Session<'a>,
        from: String,
        to: String,
        message: Vec<u8>,
    },
    SendGrid(Request),
}

/// Both providers, shared by all jobs.
pub(crate) struct Mailer {
    ses: Https,
    sendgrid: Https,
    clock: Clock,
    limits: Limits,
}

impl Mailer {
    /// Limits on each step of SMTP and on a whole mail.
    pub(crate) fn new(
        ses: Https,
        sendgrid: Https,
        clock: Clock,
        step: Duration,
        whole: Duration,
    ) -> Self {
        Self {
            ses,
            sendgrid,
            clock,
            limits: Limits { step, whole },
        }
    }

    /// Closes idle connections.
    pub(crate) fn close_idle(&self) {
        self.sendgrid.close_idle();
    }

    /// Sends a mail. Makes a second attempt only if the first one certainly sent nothing and a
    /// retry may help.
    pub(crate) async fn send(&self, config: &EmailConfig, mail: Mail) -> Result<(), MailFailure> {
        let written = self.write(config, &mail)?;
        // Its files are in what was written.
        drop(mail);
        match self.attempt(&written).await {
            Err(error) if error.may_retry() => {
                tracing::info!("a mail is tried once more: {error}");
                sleep(PAUSE).await;
                Ok(self.attempt(&written).await?)
            }
            done => Ok(done?),
        }
    }

    fn write<'a>(&self, config: &'a EmailConfig, mail: &Mail) -> Result<Written<'a>, MailFailure> {
        match config {
            EmailConfig::Ses {
                username,
                password,
                domain,
            } => Ok(Written::Smtp {
                session: Session {
                    client: domain,
                    username,
                    password,
                    limits: self.limits,
                },
                from: mail.from().to_owned(),
                to: mail.to().to_owned(),
                message: mail.to_mime(&self.origin()?),
            }),
            EmailConfig::SendGrid { secret, .. } => {
                let made = sendgrid::request(mail, secret)?;
                Ok(Written::SendGrid(Request {
                    method: "POST",
                    path: made.path.into(),
                    headers: made
                        .headers
                        .iter()
                        .map(|(name, value)| (*name, value.to_string()))
                        .collect(),
                    body: made.body.into(),
                    idempotent: false,
                }))
            }
        }
    }

    fn origin(&self) -> Result<Origin, MailFailure> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|_| MailFailure::Failed("the system gave no random bytes".into()))?;
        Ok(Origin {
            time: self.clock.seconds(),
            random,
        })
    }

    async fn attempt(&self, written: &Written<'_>) -> Result<(), SendError> {
        match written {
            Written::Smtp {
                session,
                from,
                to,
                message,
            } => self.by_smtp(session, from, to, message).await,
            Written::SendGrid(request) => self.by_sendgrid(request).await,
        }
    }

    async fn by_smtp(
        &self,
        session: &Session<'_>,
        from: &str,
        to: &str,
        message: &[u8],
    ) -> Result<(), SendError> {
        let service = self.ses.service();
        let stream = http::connect(&service.dialer, &service.limits)
            .await
            .map_err(|error| match error {
                HttpError::Connect(error) => SendError::Io(Step::Greeting, error.kind()),
                _ => SendError::Timeout(Step::Greeting),
            })?;
        let tls = |stream| async move {
            let made = service.tls.connect(&service.host, stream).await;
            made.map_err(|error| match error {
                HandshakeError::Broken(kind) => kind.into(),
                HandshakeError::Refused(reason) => io::Error::other(reason),
            })
        };
        smtp::send(stream, tls, session, from, to, message).await
    }

    async fn by_sendgrid(&self, request: &Request) -> Result<(), SendError> {
        match self.sendgrid.status(request).await {
            Ok(status) => sendgrid::check_status(status),
            Err(HttpError::Connect(error)) => Err(SendError::Io(Step::Http, error.kind())),
            Err(HttpError::Tls(_)) => Err(SendError::Tls),
            Err(error) if error.may_have_arrived() => Err(SendError::Uncertain),
            Err(_) => Err(SendError::Timeout(Step::Http)),
        }
    }
}
