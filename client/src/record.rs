//! The sender's record of a task: enough to open what comes back, and to find out whether the
//! host has withheld something.

use letsesign_proof::Hash;
use letsesign_protocol2::{
    Account, Configuration, DataKey, Purpose, Root, SecretBytes, SentHeader, SentStatement,
};
use serde::{Deserialize, Serialize};

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Its name: 64 hexadecimal digits.
    pub task: String,
    /// Its binding.
    pub binding: Hash,
    /// The header's exact text.
    pub header: String,
    /// The task's data key. It stays here: so nobody, the sender included, needs the right to
    /// decrypt in KMS without an enclave.
    pub key: SecretBytes,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// Whether the service has taken it with its document.
    pub sent: bool,
    /// The configuration that was sealed.
    pub configuration: Configuration,
    /// Statements that were made.
    pub statements: Vec<Stated>,
}

/// A statement, as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// Its JSON.
    pub text: String,
    /// Its code, in hexadecimal.
    pub mac: String,
    /// Whether the service has taken it. One that it may have taken is sent again, word for word.
    pub sent: bool,
}

impl Record {
    /// The root of the task.
    ///
    /// # Errors
    /// When the record is damaged, or of another account.
    pub fn root(&self, account: &Account) -> letsesign_protocol2::Result<Root> {
        let header = SentHeader::parse(self.header.clone().into_bytes())?;
        let key = DataKey::from_bytes(Purpose::Task, *self.key.as_bytes());
        Root::new(account, &key, &header)
    }

    /// The statements that the service has taken, as jobs carry them.
    pub fn taken_statements(&self) -> Vec<SentStatement> {
        let taken = self.statements.iter().filter(|stated| stated.sent);
        taken.filter_map(carried).collect()
    }

    /// All statements, as jobs carry them.
    pub fn sent_statements(&self) -> Vec<SentStatement> {
        self.statements.iter().filter_map(carried).collect()
    }
}

fn carried(stated: &Stated) -> Option<SentStatement> {
    let mut mac = [0; 32];
    hex::decode_to_slice(&stated.mac, &mut mac).ok()?;
    Some(SentStatement {
        text: stated.text.clone().into_bytes(),
        mac,
    })
}
