//! A task: root key, boxes and binding (docs/protocol-2.md, "The task").

use crate::error::{Error, Result};
use crate::kdf::{Secret, expand, extract};
use crate::list::list;
use crate::sealed_box::Slot;
use crate::{Account, Configuration, DataKey, Part, Purpose, SentHeader};
use letsesign_proof::Hash;
use zeroize::Zeroizing;

/// The identity of a task: SHA-256 over header, configuration box and document box, of which
/// `document` is the SHA-256. Everything that a person sees and every address follows from what it
/// covers.
///
/// It hashes boxes, not texts: a hash of a text would let the host test guesses of the text.
pub fn binding(header: &SentHeader, configuration: &[u8], document: Hash) -> Hash {
    let configuration = Hash::of(configuration);
    let parts: [&[u8]; 3] = [&header.hash().0, &configuration.0, &document.0];
    Hash::of(&list("binding", &parts))
}

/// The root key of a task. It follows from the task's data key and the account's secret together:
/// a host can wrap a data key of its own and replay an account box, but it cannot make a task that
/// opens beside that account.
#[derive(Clone)]
pub struct Root {
    key: Secret,
    task: [u8; 32],
    header: [u8; 32],
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root").finish_non_exhaustive()
    }
}

impl Root {
    /// Derives the root of the task that a header names.
    ///
    /// # Errors
    /// [`Error::DataKey`] for the key of an account.
    pub fn new(account: &Account, key: &DataKey, header: &SentHeader) -> Result<Self> {
        if key.purpose() != Purpose::Task {
            return Err(Error::DataKey);
        }
        Ok(Self {
            key: extract(account.account_secret.as_bytes(), key.secret()),
            task: header.header().task.0,
            header: header.hash().0,
        })
    }

    fn slot<'a>(&'a self, part: Part, context: &'a [u8; 32]) -> Slot<'a> {
        Slot {
            part,
            secret: &self.key,
            task: &self.task,
            context,
        }
    }

    /// A key for one purpose.
    pub(crate) fn derive(&self, label: &str, values: &[&[u8]]) -> Secret {
        expand(&self.key, &list(label, values))
    }

    pub(crate) fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Seals a configuration.
    ///
    /// # Errors
    /// [`Error::Format`] for a member outside its limits, [`Error::Random`].
    pub fn seal_configuration(&self, configuration: &Configuration) -> Result<Vec<u8>> {
        self.slot(Part::Configuration, &self.header)
            .seal(&configuration.to_json()?)
    }

    /// Opens a configuration and checks its own limits. [`Configuration::fits`] checks the rest.
    ///
    /// # Errors
    /// [`Error::Box`] or [`Error::Format`].
    pub fn open_configuration(&self, sealed: Vec<u8>) -> Result<Configuration> {
        let text = self.slot(Part::Configuration, &self.header).open(sealed)?;
        Configuration::parse(&text)
    }

    /// Seals the PDF.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn seal_document(&self, pdf: &[u8]) -> Result<Vec<u8>> {
        self.slot(Part::Document, &self.header).seal(pdf)
    }

    /// Opens the PDF, in place.
    ///
    /// # Errors
    /// [`Error::Box`].
    pub fn open_document(&self, sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>> {
        self.slot(Part::Document, &self.header).open(sealed)
    }

    /// Seals something for the sender: [`Part::Result`] or [`Part::Decline`].
    ///
    /// # Errors
    /// [`Error::Random`], and [`Error::Box`] for another part.
    pub fn seal_for_sender(&self, part: Part, binding: Hash, text: &[u8]) -> Result<Vec<u8>> {
        for_sender(part)?;
        self.slot(part, &binding.0).seal(text)
    }

    /// Opens what the enclave sealed for the sender.
    ///
    /// # Errors
    /// [`Error::Box`].
    pub fn open_from_enclave(
        &self,
        part: Part,
        binding: Hash,
        sealed: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>> {
        for_sender(part)?;
        self.slot(part, &binding.0).open(sealed)
    }

    /// Seals with given random bytes, which must never be used again: for vectors.
    pub fn seal_with(&self, part: Part, binding: Hash, random: &[u8; 32], text: &[u8]) -> Vec<u8> {
        let context = match part {
            Part::Result | Part::Decline => &binding.0,
            Part::Account | Part::Configuration | Part::Document => &self.header,
        };
        self.slot(part, context).seal_with(random, text)
    }
}

fn for_sender(part: Part) -> Result<()> {
    match part {
        Part::Result | Part::Decline => Ok(()),
        Part::Account | Part::Configuration | Part::Document => Err(Error::Box),
    }
}

/// A task that a sender has sealed. The two data keys, wrapped under the KMS key, complete it.
#[derive(Debug, Clone)]
pub struct SealedTask {
    /// The header.
    pub header: SentHeader,
    /// The configuration box.
    pub configuration: Vec<u8>,
    /// The document box.
    pub document: Vec<u8>,
    /// The task's identity.
    pub binding: Hash,
}

impl SealedTask {
    /// Seals a task.
    ///
    /// # Errors
    /// What an enclave would refuse: [`Error::Format`], [`Error::Mismatch`], [`Error::DataKey`];
    /// also [`Error::Random`].
    pub fn seal(
        account: &Account,
        key: &DataKey,
        header: SentHeader,
        configuration: &Configuration,
        pdf: &[u8],
    ) -> Result<Self> {
        configuration.fits(header.header(), account)?;
        let root = Root::new(account, key, &header)?;
        let configuration = root.seal_configuration(configuration)?;
        let document = root.seal_document(pdf)?;
        let binding = binding(&header, &configuration, Hash::of(&document));
        Ok(Self {
            header,
            configuration,
            document,
            binding,
        })
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
