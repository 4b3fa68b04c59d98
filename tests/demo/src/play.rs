//! Plays the parts of sender, host and signers around the real server.

use crate::model::{Crossing, Detail, Guard, Letter, Party, Step, Text};
use crate::relay::Relay;
use crate::show;
use anyhow::{Context, Result, bail};
use letsesign_job_protocol::Code;
use letsesign_testbed::mail::{Mail, Parsed, Way};
use letsesign_testbed::{Json, Options, Pcrs, Sealed, Server, Testbed};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The running programs and services.
pub(crate) struct Stage {
    pub(crate) testbed: Testbed,
    pub(crate) sealed: Sealed,
    server: Server,
    program: PathBuf,
    relays: [Relay; 4],
    /// All bytes that the host has seen.
    pub(crate) seen: Vec<Vec<u8>>,
    mails: u64,
    documents: u64,
    decryptions: u64,
    sms: usize,
}

/// A finished job, and the messages that were sent in the meantime.
pub(crate) struct Ran {
    pub(crate) result: Value,
    pub(crate) step: Step,
}

impl Stage {
    /// Starts the testbed, the relays of the host, and the server behind them.
    pub(crate) async fn start(program: &Path, sealed: Sealed) -> Result<Self> {
        // KMS performs real decryption with the private key; the demo has time for it.
        let options = Options {
            shortcut: false,
            ..Options::default()
        };
        let testbed = Testbed::start(options)
            .await
            .context("cannot listen on loopback")?;
        let relay = |service, target| async move {
            let relay = Relay::start(service, target).await;
            relay.context("cannot listen on loopback")
        };
        let relays = [
            relay("kms.us-east-1.amazonaws.com:443", testbed.kms.address()).await?,
            relay(
                "email-smtp.us-east-1.amazonaws.com:587",
                testbed.ses.address(),
            )
            .await?,
            relay("api.sendgrid.com:443", testbed.sendgrid.address()).await?,
            relay("verify.twilio.com:443", testbed.twilio.address()).await?,
        ];
        let server = launch(program, &testbed, &relays);
        Ok(Self {
            program: program.to_owned(),
            testbed,
            sealed,
            server,
            relays,
            seen: Vec::new(),
            mails: 0,
            documents: 0,
            decryptions: 0,
            sms: 0,
        })
    }

    /// The log of the server so far.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    /// Restarts the server as another image.
    pub(crate) async fn restart(&mut self, pcrs: Pcrs) -> Result<()> {
        self.testbed.nsm.set_pcrs(pcrs);
        let other = launch(&self.program, &self.testbed, &self.relays);
        let first = std::mem::replace(&mut self.server, other);
        end(first).await
    }

    /// Stops the server like the host would, and waits for it.
    pub(crate) async fn end(self) -> Result<()> {
        end(self.server).await
    }

    /// Runs a job, expects a result code, and returns the messages in between.
    pub(crate) async fn expect(
        &mut self,
        name: &'static str,
        job: &Json,
        code: u16,
    ) -> Result<Ran> {
        let ran = self.run(name, job).await?;
        let got = u64::from(self::code(&ran.result));
        if got != u64::from(code) {
            let log = self.log();
            let said = if got == 0 { "not refused" } else { "refused" };
            bail!(
                "{name} was {said}, code {got}: {}\nthe server's log:\n{}",
                meaning(got),
                log.trim_end()
            );
        }
        Ok(ran)
    }

    /// Runs a job and returns the messages in between.
    pub(crate) async fn run(&mut self, name: &'static str, job: &Json) -> Result<Ran> {
        let data = job.to_text();
        let start = Instant::now();
        let pending = self.testbed.jobs.submit(name, &data);
        let limit = std::time::Duration::from_mins(1);
        let result = tokio::time::timeout(limit, pending.result())
            .await
            .ok()
            .with_context(|| {
                format!(
                    "{name} has no result after a minute; the server's log:\n{}",
                    self.log()
                )
            })?;
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        let answer = result.to_string();
        let mut step = Step {
            millis: Some(millis),
            job: Some((name, code(&result))),
            ..Step::default()
        };
        step.crossings.push(Crossing {
            from: Party::Sender,
            to: Party::Enclave,
            what: name.to_owned(),
            bytes: data.len() as u64,
            guard: Guard::Sealed,
            host: "IDs, addresses and places of fields; the rest is ciphertext".to_owned(),
            sample: sample_of_part(job),
        });
        self.seen.push(data.into_bytes());
        self.services(&mut step);
        step.crossings.push(Crossing {
            from: Party::Enclave,
            to: Party::Sender,
            what: format!("result, code {}", code(&result)),
            bytes: answer.len() as u64,
            guard: match name {
                _ if result.get("encryptedResult").is_some() => Guard::Sealed,
                _ if result.get("attestDocument").is_some() => Guard::Attested,
                _ => Guard::Clear,
            },
            host: match name {
                _ if result.get("encryptedResult").is_some() => {
                    "ciphertext under the sender's access key"
                }
                _ if result.get("attestDocument").is_some() => {
                    "hashes, numbers and times; it can read but not change them"
                }
                _ => "the code",
            }
            .to_owned(),
            sample: text(&result, "encryptedResult")
                .or(text(&result, "attestDocument"))
                .map(|text| text.chars().take(64).collect()),
        });
        self.seen.push(answer.into_bytes());
        Ok(Ran { result, step })
    }

    /// Adds the messages between the enclave and the services, and what the services delivered.
    fn services(&mut self, step: &mut Step) {
        let now = (
            self.testbed.kms.counters().served(),
            self.testbed.nsm.documents(),
        );
        let (decrypted, attested) = (now.0 - self.decryptions, now.1 - self.documents);
        (self.decryptions, self.documents) = now;
        let mails = self.testbed.mailbox.since(self.mails);
        self.mails = self.testbed.mailbox.count();
        let all_sms = self.testbed.twilio.sms();
        let sms = all_sms.get(self.sms..).unwrap_or_default().to_vec();
        self.sms = all_sms.len();
        let parties = [Party::Kms, Party::Mail, Party::Mail, Party::Twilio];
        for (relay, party) in self.relays.iter().zip(parties) {
            let flow = relay.take();
            if flow.bytes() == 0 {
                continue;
            }
            let what = match party {
                Party::Kms => show::count(decrypted, "data key decrypted", "data keys decrypted"),
                Party::Mail => show::count(mails.len() as u64, "mail", "mails"),
                _ if sms.is_empty() => "checks the PIN".to_owned(),
                _ => "asks for an SMS".to_owned(),
            };
            step.crossings.push(Crossing {
                from: Party::Enclave,
                to: party,
                what,
                bytes: flow.bytes(),
                guard: Guard::Tls,
                host: format!(
                    "{} with {}: sizes and times",
                    if flow.ciphertext().is_some() {
                        "TLS"
                    } else {
                        "a connection"
                    },
                    relay.service.split(':').next().unwrap_or_default()
                ),
                sample: flow.ciphertext().map(show::hex_groups),
            });
            self.seen.extend([flow.up, flow.down]);
        }
        if attested > 0 {
            step.details.push(Detail {
                title: show::count(attested, "attestation document", "attestation documents"),
                text: "Made by the Nitro Security Module inside the enclave; nothing of that passes the host.".to_owned(),
            });
        }
        for mail in &mails {
            step.crossings.push(Crossing {
                from: Party::Mail,
                to: Party::Signer,
                what: format!("to {}", short(&mail.recipients.join(", "))),
                bytes: mail.raw.len() as u64,
                guard: Guard::Clear,
                host: String::new(),
                sample: None,
            });
            step.letters.push(letter(mail));
        }
        for sms in &sms {
            step.crossings.push(Crossing {
                from: Party::Twilio,
                to: Party::Signer,
                what: "SMS".to_owned(),
                bytes: sms.pin.len() as u64,
                guard: Guard::Clear,
                host: String::new(),
                sample: None,
            });
            step.sms = Some(Text {
                to: sms.to.clone(),
                pin: sms.pin.clone(),
            });
        }
    }

    /// The latest mail with a link to an address.
    pub(crate) fn invitation(&self, address: &str) -> Result<Parsed> {
        let mails = self.testbed.mailbox.mails();
        let mut parsed = mails
            .iter()
            .rev()
            .filter(|mail| mail.recipients == [address]);
        let parsed = parsed
            .find_map(|mail| Some(mail.parsed()).filter(has_link))
            .with_context(|| format!("no mail with a link came to {address}"))?;
        Ok(parsed)
    }
}

/// Starts the server, with the relays between it and the services.
fn launch(program: &Path, testbed: &Testbed, relays: &[Relay; 4]) -> Server {
    let overrides = relays.each_ref().map(Relay::override_entry).join(",");
    let variables = [("LETSESIGN_HOST_OVERRIDES", overrides.as_str())];
    Server::with(program, testbed, &[("poll-ms", "5")], &variables)
}

async fn end(server: Server) -> Result<()> {
    let (code, log) = server.terminate().await;
    if code != Some(0) {
        bail!("the server ended with {code:?}; its log:\n{log}");
    }
    Ok(())
}

fn has_link(mail: &Parsed) -> bool {
    let html = mail.html.as_deref().unwrap_or_default();
    html.contains("action=submitIntent")
}

fn letter(mail: &Mail) -> Letter {
    let parsed = mail.parsed();
    let way = match mail.way {
        Way::Ses => "SES",
        Way::SendGrid => "SendGrid",
    };
    Letter {
        file: String::new(),
        from: format!("{} <{}> by {way}", parsed.from.name, parsed.from.address),
        to: mail.recipients.join(", "),
        subject: parsed.subject,
        html: parsed.html.unwrap_or_default(),
        attachments: parsed
            .attachments
            .iter()
            .map(|file| (file.name.clone(), file.bytes.len() as u64))
            .collect(),
    }
}

/// An address without its domain.
fn short(address: &str) -> &str {
    address.split('@').next().unwrap_or_default()
}

/// A text member of a result.
pub(crate) fn text<'a>(result: &'a Value, name: &str) -> Option<&'a str> {
    result.get(name)?.as_str()
}

/// The code of a result.
pub(crate) fn code(result: &Value) -> u16 {
    let code = result.get("code").and_then(Value::as_u64);
    code.and_then(|code| code.try_into().ok())
        .unwrap_or(u16::MAX)
}

/// The start of the encrypted document in a job.
fn sample_of_part(job: &Json) -> Option<String> {
    let path = "taskPayload.privateTaskInfo.encryptedTemplateData.encryptedData";
    match job.at(path) {
        Some(Json::Text(text)) => Some(text.chars().take(64).collect()),
        _ => None,
    }
}

/// Explains a result code.
pub(crate) fn meaning(code: u64) -> &'static str {
    let code = Code::ALL
        .iter()
        .find(|known| u64::from(known.number()) == code);
    match code {
        Some(Code::Success) => "success",
        Some(Code::InvalidParameter) => "a part of the job is not as it should be",
        Some(Code::DecryptFailed) => "KMS gives no key, or a part does not decrypt",
        Some(Code::TemplateInfoHash) => "places of fields are not those the sender bound",
        Some(Code::TemplateDataHash) => "the document is not the one the sender bound",
        Some(Code::AlreadySigned) => "the PDF is signed already",
        Some(Code::PdfNotModifiable) => {
            "the PDF cannot be stamped: it is encrypted, protected against changes, damaged, or a name has no glyphs"
        }
        Some(Code::PorContent) => "the secret is not that of the mailed link",
        Some(Code::WaitingForPin) => "waiting for the PIN",
        Some(Code::PoiInvalid) => "the proof of intent is not from this enclave",
        Some(_) => "docs/job-protocol.md lists the codes",
        None => "no known code",
    }
}
