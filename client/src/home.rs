//! The sender's folder: who the sender is, and which tasks there are.
//!
//! ```text
//! config.toml        service, API key, accepted releases
//! account.json       the account with its secret and credentials
//! kms-key.der        the public half of the KMS key
//! tasks/NAME.json    one file for each task
//! templates/         documents with roles, for tasks that are sent again and again
//! ```
//!
//! The folder is the sender's alone (0700, files 0600): whoever reads it reads the documents.

use crate::key::PublicKey;
use crate::record::Record;
use anyhow::{Context, Result, bail};
use letsesign_protocol2::Account;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The host's address, `https://HOST`.
    pub service: String,
    /// The API key.
    pub api_key: String,
    /// A folder of measurements, in the place of the releases that are built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurements: Option<PathBuf>,
    /// FOR TESTS: a root certificate in the place of AWS's. It proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_root: Option<PathBuf>,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// This folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder of the user: `LETSESIGN_HOME`, else `letsesign` in `XDG_CONFIG_HOME` or in
    /// `~/.config`.
    ///
    /// # Errors
    /// When none of the variables is set.
    pub fn of_user() -> Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(folder) = variable("LETSESIGN_HOME") {
            return Ok(Self(folder.into()));
        }
        if let Some(folder) = variable("XDG_CONFIG_HOME") {
            return Ok(Self(Path::new(&folder).join("letsesign")));
        }
        let home = variable("HOME").context("neither LETSESIGN_HOME nor HOME is set")?;
        Ok(Self(Path::new(&home).join(".config/letsesign")))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder of a new sender.
    ///
    /// # Errors
    /// When there is a sender already, or a file cannot be written.
    pub fn create(&self, settings: &Settings, account: &Account, key: &[u8]) -> Result<()> {
        PublicKey::parse(key)?;
        self.check_new()?;
        self.make("tasks")?;
        fs::set_permissions(&self.0, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot close {} to others", self.0.display()))?;
        self.write("kms-key.der", key)?;
        self.write("config.toml", toml::to_string(settings)?.as_bytes())?;
        let account = Zeroizing::new(serde_json::to_vec_pretty(account)?);
        // The last one: with it the sender is complete.
        self.write("account.json", &account)
    }

    /// Refuses a folder that has a sender.
    ///
    /// # Errors
    /// When it has one.
    pub fn check_new(&self) -> Result<()> {
        if self.0.join("account.json").exists() {
            bail!(
                "{} has an account already; another sender needs another folder (--home)",
                self.0.display()
            );
        }
        Ok(())
    }

    /// Makes a folder in this one, for the sender alone.
    pub(crate) fn make(&self, name: &str) -> Result<()> {
        let path = self.0.join(name);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))
    }

    /// Removes a file; one that is not there is as good.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.0.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Writes a file as a whole: a crash leaves the older one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(name);
        let folder = path.parent().context("a file without a folder")?;
        let write = || {
            // Files of tempfile have the mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Zeroizing::new(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "{} is missing: `letsesign init` makes a sender",
                path.display()
            ),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// `config.toml`.
    ///
    /// # Errors
    /// When it is missing, or not in the format.
    pub fn settings(&self) -> Result<Settings> {
        let text = String::from_utf8(self.read("config.toml")?.to_vec())
            .ok()
            .context("config.toml is not UTF-8")?;
        toml::from_str(&text).with_context(|| format!("{}", self.0.join("config.toml").display()))
    }

    /// Replaces `config.toml`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store_settings(&self, settings: &Settings) -> Result<()> {
        self.write("config.toml", toml::to_string(settings)?.as_bytes())
    }

    /// Keeps a registration that waits for its DNS record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_registration(&self, id: &str) -> Result<()> {
        self.write("registration", id.as_bytes())
    }

    /// The registration that waits.
    ///
    /// # Errors
    /// When there is none.
    pub fn registration(&self) -> Result<String> {
        let text = String::from_utf8(self.read("registration")?.to_vec())?;
        Ok(text.trim().to_owned())
    }

    /// The account.
    ///
    /// # Errors
    /// When it is missing, or not in the format.
    pub fn account(&self) -> Result<Account> {
        let text = self.read("account.json")?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{}", self.0.join("account.json").display()))
    }

    /// Replaces the account: other credentials of mail or SMS. Its secret must stay.
    ///
    /// # Errors
    /// When the secret is another one, or the file cannot be written.
    pub fn replace_account(&self, account: &Account) -> Result<()> {
        if self.account()?.id() != account.id() {
            bail!("the account's secret must stay: tasks could not be read any more");
        }
        let text = Zeroizing::new(serde_json::to_vec_pretty(account)?);
        self.write("account.json", &text)
    }

    /// The public half of the KMS key.
    ///
    /// # Errors
    /// When it is missing, or not a key.
    pub fn key(&self) -> Result<PublicKey> {
        PublicKey::parse(&self.read("kms-key.der")?)
    }

    /// Stores what is known about a task.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, record: &Record) -> Result<()> {
        let text = Zeroizing::new(serde_json::to_vec_pretty(record)?);
        self.write(&format!("tasks/{}.json", record.task), &text)
    }

    /// Removes a task that was never sent.
    pub(crate) fn forget(&self, record: &Record) {
        // A file that stays is of a task that the service does not know: harmless.
        let _ = self.remove(&format!("tasks/{}.json", record.task));
    }

    /// The task whose name begins with these hexadecimal digits.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn task(&self, begins: &str) -> Result<Record> {
        let mut found = Vec::new();
        for name in self.stems("tasks")? {
            if name.starts_with(begins) {
                found.push(name);
            }
        }
        match found.as_slice() {
            [name] => self.record(name),
            [] => bail!("no task's name begins with {begins:?}; `letsesign list` shows them"),
            several => bail!(
                "{} tasks begin with {begins:?}: give more digits of {}",
                several.len(),
                several.join(", ")
            ),
        }
    }

    fn record(&self, name: &str) -> Result<Record> {
        let text = self.read(&format!("tasks/{name}.json"))?;
        serde_json::from_slice(&text).with_context(|| format!("the record of task {name}"))
    }

    /// The names of the JSON files in a folder, without their ending.
    pub(crate) fn stems(&self, folder: &str) -> Result<Vec<String>> {
        let folder = self.0.join(folder);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", folder.display()));
            }
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(stem.map(str::to_owned));
        }
        Ok(names)
    }

    /// All tasks, the newest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn records(&self) -> Result<Vec<Record>> {
        let names = self.stems("tasks")?;
        let records = names.iter().map(|name| self.record(name));
        let mut records = records.collect::<Result<Vec<_>>>()?;
        records.sort_by_key(|record| std::cmp::Reverse(record.created));
        Ok(records)
    }
}
