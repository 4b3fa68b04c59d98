//! A sender of this machine: `letsesign` with a folder of its own.

use crate::Programs;
use crate::links::SIGNER_PAGE;
use crate::stack::Parts;
use anyhow::{Context, Result, ensure};
use letsesign_testbed::{customer, kms, pdf, smtp, twilio};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The domain that the sender has.
pub const DOMAIN: &str = "example.com";

/// The sender.
#[derive(Debug, Clone)]
pub struct Sender {
    client: PathBuf,
    /// Its folder: `letsesign --home DIR` is this sender.
    pub home: PathBuf,
}

impl Sender {
    /// Registers the sender at the service, as an operator does it for a customer.
    ///
    /// # Errors
    /// When a program fails; the error has its message.
    pub async fn start(programs: &Programs, parts: &Parts) -> Result<Self> {
        let added = run(Command::new(&programs.host)
            .arg("--config")
            .arg(parts.configuration())
            .args(["accounts", "add", DOMAIN]))
        .await?;
        let folder = parts.folder.path();
        let key = folder.join("kms-key.pem");
        std::fs::write(&key, customer::public_key_pem()).context("cannot write the KMS key")?;
        let sender = Self {
            client: programs.client.clone(),
            home: folder.join("sender"),
        };
        run(sender
            .command()
            .arg("init")
            .args(["--service", &format!("http://{}", parts.service)])
            .args(["--domain", DOMAIN, "--signer-page", SIGNER_PAGE])
            .args(["--kms-key-arn", kms::KEY_ARN])
            .arg("--kms-public-key")
            .arg(&key)
            .args(["--ses-username", smtp::USER.0])
            .args(["--twilio-service", twilio::SERVICE])
            .arg("--measurements")
            .arg(parts.measurements())
            .arg("--test-root")
            .arg(parts.testbed.folder().join("attestation-root.pem"))
            .env("LETSESIGN_API_KEY", added.trim())
            .env("LETSESIGN_SES_PASSWORD", smtp::USER.1)
            .env("LETSESIGN_TWILIO_SID", twilio::API_KEY.0)
            .env("LETSESIGN_TWILIO_SECRET", twilio::API_KEY.1))
        .await?;
        Ok(sender)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.client);
        command.arg("--home").arg(&self.home);
        command
    }

    /// Starts the sender's page. The program ends when the value is dropped.
    ///
    /// # Errors
    /// When the program does not start, or prints no address.
    pub async fn page(&self) -> Result<(Child, String)> {
        let mut child = self
            .command()
            .arg("ui")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", self.client.display()))?;
        let out = child.stdout.take().context("no output of letsesign ui")?;
        let first = BufReader::new(out).lines().next_line().await?;
        let url = first.context("letsesign ui has ended")?;
        Ok((child, url))
    }

    /// Sends a contract of one page to two people in order; the second one gets a PIN.
    ///
    /// # Errors
    /// When it is not sent; the error has the reason.
    pub async fn send_sample(&self) -> Result<String> {
        let path = self.home.join("contract.pdf");
        std::fs::write(&path, pdf::document(1, 0)).context("cannot write the contract")?;
        let sent = run(self
            .command()
            .arg("--json")
            .arg("send")
            .arg(&path)
            .args(["--signer", "Ada Lovelace <ada@example.com>"])
            .args(["--signer", "王小明 <ming@example.com>"])
            .args(["--field", "ada@example.com:signature@1,72,500"])
            .args(["--field", "ada@example.com:date@1,300,520"])
            .args(["--field", "ming@example.com:signature@1,72,600"])
            .args(["--field", "ming@example.com:date@1,300,620"])
            .args(["--phone", "ming@example.com=+14155550123"])
            .args(["--locale", "ming@example.com=zh-TW"])
            .args(["--in-order", "--message", "Please sign our contract."]))
        .await?;
        let sent: Value = serde_json::from_str(&sent)?;
        let task = sent.get("task").and_then(Value::as_str);
        Ok(task.context("letsesign send names no task")?.to_owned())
    }

    /// All tasks of the folder: what `letsesign list` prints, with the state of each.
    ///
    /// # Errors
    /// When the program fails.
    pub async fn tasks(&self) -> Result<Value> {
        let list: Value =
            serde_json::from_str(&run(self.command().args(["--json", "list"])).await?)?;
        let mut tasks = Vec::new();
        for one in list.as_array().into_iter().flatten() {
            let Some(task) = one.get("task").and_then(Value::as_str) else {
                continue;
            };
            let status = run(self.command().args(["--json", "status", task])).await?;
            let status: Value = serde_json::from_str(&status)?;
            tasks.extend(status.as_array().into_iter().flatten().cloned());
        }
        Ok(tasks.into())
    }

    /// Fetches and verifies a signed document into the sender's folder; gives the two files.
    ///
    /// # Errors
    /// When it is not there yet, or does not verify.
    pub async fn get(&self, task: &str) -> Result<Vec<PathBuf>> {
        ensure!(
            task.len() == 64 && task.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "not the name of a task"
        );
        let folder = self.home.join("signed").join(task);
        let got = run(self
            .command()
            .args(["--json", "get", task, "--force", "--output"])
            .arg(&folder))
        .await?;
        let got: Value = serde_json::from_str(&got)?;
        let files = got.get("files").and_then(Value::as_array);
        let files = files.context("letsesign get names no files")?;
        Ok(files
            .iter()
            .filter_map(|file| Some(Path::new(file.as_str()?).to_owned()))
            .collect())
    }
}

/// Runs a program to its end and gives what it prints.
async fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("a program of this machine cannot be run")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("it prints no text")
}
