//! The story, from the sealed task to the signed document.

use crate::args::DemoArgs;
use crate::model::{Detail, Letter, Needle, Step, Story};
use crate::play::{self, Stage};
use crate::{attempts, detail, search, setting, show};
use anyhow::{Context, Result};
use letsesign_testbed::{Attested, Json, Link, Sealed, Signer, Task};
use std::path::Path;
use std::time::Instant;

/// The part of the story that has been played.
struct Teller<'a> {
    stage: Stage,
    sealed: Sealed,
    progress: &'a dyn Fn(&str),
    steps: Vec<Step>,
    pois: Vec<Attested>,
    proofs: Vec<(String, Detail, Detail)>,
    /// Secrets of links, searched for before they were used.
    links: Vec<Needle>,
    /// The first signer's preview.
    preview: Vec<u8>,
}

/// Name and bytes of a file.
type File = (String, Vec<u8>);

/// Plays the story and calls `progress` before each step.
pub(crate) async fn run(
    arguments: &DemoArgs,
    server: &Path,
    progress: &dyn Fn(&str),
) -> Result<Story> {
    progress("the sender seals the task");
    let task = setting::task(arguments)?;
    let start = Instant::now();
    let sealed = task.seal();
    let millis = start.elapsed().as_secs_f64() * 1000.0;
    let mut teller = Teller {
        stage: Stage::start(server, sealed.clone()).await?,
        steps: vec![detail::sealing(&task, &sealed, millis)],
        sealed,
        progress,
        pois: Vec::new(),
        proofs: Vec::new(),
        links: Vec::new(),
        preview: Vec::new(),
    };
    for (number, signer) in task.signers.iter().enumerate() {
        let (por, link) = teller.ask(number, signer).await?;
        teller.confirm(number, signer, &por, &link).await?;
    }
    let (pdf, spf) = teller.attach(&task).await?;
    teller.end(task, pdf, spf).await
}

impl Teller<'_> {
    /// `sendReq`: the signer gets a mail with a link.
    async fn ask(&mut self, number: usize, signer: &Signer) -> Result<(Attested, Link)> {
        (self.progress)(&format!("{} is asked", signer.name));
        let job = self.sealed.send_req(number);
        let ran = self.stage.expect("sendReq", &job, 0).await?;
        let notice = if number == 0 {
            format!(
                "; {} is notified that the task has begun",
                setting::NOTIFICANT
            )
        } else {
            String::new()
        };
        self.steps.push(Step {
            title: format!("{} is asked to sign", signer.name),
            text: format!(
                "sendReq: inside the enclave the parts are decrypted with keys that KMS gives to this very program alone, compared with the \
                 sender's hashes, and tried on the document. Then {} gets a mail with a preview and a link, whose secret nobody else knows{notice}.",
                signer.name
            ),
            ..ran.step
        });
        let mail = self.stage.invitation(&signer.email)?;
        if self.preview.is_empty()
            && let Some(file) = mail.attachments.first()
        {
            self.preview.clone_from(&file.bytes);
        }
        let link = Link::of(&mail);
        self.links.push(Needle {
            what: format!(
                "the secret in the link to {}, before it was used",
                signer.name
            ),
            found: search::holds(&self.stage.seen, link.secret().as_bytes()),
        });
        self.steps.push(detail::opening(signer, &link));
        Ok((Attested::of(&ran.result), link))
    }

    /// `confirmIntent`, run twice if a phone is checked.
    async fn confirm(
        &mut self,
        number: usize,
        signer: &Signer,
        por: &Attested,
        link: &Link,
    ) -> Result<()> {
        let mut job = self.sealed.confirm_intent(link.secret(), por);
        job.set("ipAddress", format!("192.0.2.{}", 10 + number));
        if let Some(phone) = &signer.phone {
            self.pin(signer, phone, &mut job).await?;
        }
        (self.progress)(&format!("{} confirms", signer.name));
        let ran = self.stage.expect("confirmIntent", &job, 0).await?;
        let poi = Attested::of(&ran.result);
        self.steps.push(Step {
            title: format!("{} confirms", signer.name),
            text: "confirmIntent: the enclave checks its own earlier attestation and that the secret is the mailed one, and attests a proof of \
                   intent: who (by number), from which address, for which task. It keeps nothing; the proof goes back to the sender."
                .to_owned(),
            ..ran.step
        });
        self.proofs
            .push((signer.name.clone(), detail::por(por)?, detail::poi(&poi)?));
        self.pois.push(poi);
        Ok(())
    }

    /// Requests an SMS and puts its PIN into the job.
    async fn pin(&mut self, signer: &Signer, phone: &str, job: &mut Json) -> Result<()> {
        (self.progress)(&format!("{} gets a PIN by SMS", signer.name));
        let ran = self.stage.expect("confirmIntent", job, 2203).await?;
        let sid =
            play::text(&ran.result, "twilioVerificationSID").context("no SID in the result")?;
        let sms = ran.step.sms.as_ref().context("no SMS came")?;
        job.add("twilioVerificationSID", sid);
        job.add("twilioVerificationPIN", &sms.pin);
        self.steps.push(Step {
            title: format!("A PIN goes to the phone of {}", signer.name),
            text: format!(
                "confirmIntent finds that {phone} is to be checked. The enclave asks Twilio for an SMS, over TLS that ends in the enclave; \
                 the host never learns the number. The code 2203 means: come again with the PIN."
            ),
            ..ran.step
        });
        Ok(())
    }

    /// `attachEsig`: the sender decrypts the result, the signed PDF and its proof.
    async fn attach(&mut self, task: &Task) -> Result<(File, File)> {
        (self.progress)("the document is signed");
        let job = self.sealed.attach_esig(&self.pois);
        let ran = self.stage.expect("attachEsig", &job, 0).await?;
        let zip = if task.enhanced_privacy {
            " in a zip that is encrypted with the task's password"
        } else {
            ""
        };
        self.steps.push(Step {
            title: "The document is signed".to_owned(),
            text: format!(
                "attachEsig: with a proof of intent of each signer the enclave stamps names, dates and a fresh magic number on the pages, attests the \
                 hashes of PDF and summary, and mails both{zip}. The sender gets them under its access key."
            ),
            ..ran.step
        });
        let (mut pdf, mut spf) = (None, None);
        for (name, bytes) in self.sealed.open(&ran.result) {
            // The enclave cleans the names it sends, but even otherwise a file must not leave the
            // folder.
            let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
            let is_proof = Path::new(name).extension().is_some_and(|end| end == "spf");
            let place = if is_proof { &mut spf } else { &mut pdf };
            *place = Some((name.to_owned(), bytes));
        }
        let pdf = pdf.context("no PDF in the result")?;
        let spf = spf.context("no proof in the result")?;
        self.steps.push(Step {
            title: "The sender opens the result".to_owned(),
            text: format!(
                "The zip decrypts with the access key, which is SHA-256 over the bearer secret and the binding data's hash and never left the sender in \
                 clear. In it: {} ({}) and its proof {} ({}).",
                pdf.0,
                show::size(pdf.1.len() as u64),
                spf.0,
                show::size(spf.1.len() as u64)
            ),
            ..Step::default()
        });
        Ok((pdf, spf))
    }

    /// Searches what the host saw, and runs the attacks.
    async fn end(mut self, task: Task, pdf: File, spf: File) -> Result<Story> {
        // The search covers the story up to here; attacks come afterwards.
        let mut secrets = setting::secrets(&task);
        let half = pdf.1.len() / 2;
        if let Some(bytes) = pdf.1.get(half..half + 40) {
            let what = format!("the signed document, 40 bytes at {half}");
            secrets.push((what, bytes.to_vec()));
        }
        let key = self.sealed.access_key.to_vec();
        secrets.push(("the key of the result".to_owned(), key));
        let mut hidden = self.look(secrets);
        hidden.append(&mut self.links);
        let plain = self.look(setting::plain(&task));
        let host_bytes = self.stage.seen.iter().map(|bytes| bytes.len() as u64).sum();
        let (log, pcrs) = (self.stage.log(), self.stage.testbed.nsm.pcrs());

        (self.progress)("others try to cheat");
        let attempts = attempts::run(&mut self.stage, &self.pois).await?;
        let letters = self.steps.iter_mut().flat_map(|step| &mut step.letters);
        for (number, letter) in (1..).zip(letters) {
            letter.file = format!("mails/mail-{number}.html");
        }
        let fields = task.signers.iter().flat_map(|signer| &signer.fields);
        let mut signed_pages: Vec<i64> = fields.map(|field| field.page).collect();
        signed_pages.sort_unstable();
        signed_pages.dedup();
        let root = self.stage.testbed.folder().join("attestation-root.pem");
        let root = std::fs::read(root).context("cannot read the test root")?;
        self.stage.end().await?;
        Ok(Story {
            steps: self.steps,
            attempts,
            hidden,
            plain,
            host_bytes,
            log,
            preview: self.preview,
            pdf,
            spf,
            proofs: self.proofs,
            binding_data_hash: self.sealed.binding_data_hash,
            enhanced: task.enhanced_privacy,
            pcrs,
            root,
            signers: task.signers.into_iter().map(|signer| signer.name).collect(),
            signed_pages,
            sent: task.pdf,
            password: task.password,
        })
    }

    /// Searches everything that the host has seen.
    fn look(&self, texts: Vec<(String, Vec<u8>)>) -> Vec<Needle> {
        let long = texts
            .into_iter()
            .filter(|(_, text)| text.len() >= search::SHORTEST);
        long.map(|(what, text)| Needle {
            what,
            found: search::holds(&self.stage.seen, &text),
        })
        .collect()
    }
}

/// The mails of a story, in order.
pub(crate) fn letters(story: &Story) -> impl Iterator<Item = &Letter> {
    story.steps.iter().flat_map(|step| &step.letters)
}
