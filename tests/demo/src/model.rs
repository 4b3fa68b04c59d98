//! The events of a demo, ready for display.

use serde::Serialize;

/// The parties, in the order of a diagram's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Party {
    Enclave,
    Host,
    Sender,
    Kms,
    Mail,
    Twilio,
    Signer,
}

impl Party {
    pub(crate) const ALL: [Self; 7] = [
        Self::Enclave,
        Self::Host,
        Self::Sender,
        Self::Kms,
        Self::Mail,
        Self::Twilio,
        Self::Signer,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Enclave => "Enclave",
            Self::Host => "Host",
            Self::Sender => "Sender",
            Self::Kms => "AWS KMS",
            Self::Mail => "Mail provider",
            Self::Twilio => "Twilio",
            Self::Signer => "People",
        }
    }
}

/// The protection of a message against whoever carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Guard {
    /// None: the message is in clear text.
    Clear,
    /// Envelopes: AES-256 under data keys that only KMS can decrypt. The rest of the message is in
    /// clear text.
    Sealed,
    /// TLS between the enclave and a service.
    Tls,
    /// Attested: readable, but nobody can change or forge it.
    Attested,
}

impl Guard {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clear => "in clear",
            Self::Sealed => "sealed",
            Self::Tls => "TLS",
            Self::Attested => "attested",
        }
    }
}

/// A message from one party to another. The host carries every message that crosses its column.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Crossing {
    pub(crate) from: Party,
    pub(crate) to: Party,
    pub(crate) what: String,
    pub(crate) bytes: u64,
    pub(crate) guard: Guard,
    /// The host's knowledge of the message.
    pub(crate) host: String,
    /// The first bytes as the host saw them.
    pub(crate) sample: Option<String>,
}

impl Crossing {
    /// Whether the host carries it.
    pub(crate) fn by_host(&self) -> bool {
        (self.from == Party::Enclave) != (self.to == Party::Enclave)
    }
}

/// A delivered mail.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) file: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) html: String,
    /// Name, type and size of each attachment.
    pub(crate) attachments: Vec<(String, u64)>,
}

impl Letter {
    /// Whether it has a button, which needs room.
    pub(crate) fn tall(&self) -> bool {
        self.html.contains("action=submitIntent")
    }
}

/// A delivered SMS.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) to: String,
    pub(crate) pin: String,
}

/// An encrypted part of the task.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) holds: String,
    pub(crate) clear: String,
    pub(crate) cipher: String,
    pub(crate) bytes: u64,
}

/// A text that the page folds.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// A step of the story.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) text: String,
    /// Name of a job, and its result code.
    pub(crate) job: Option<(&'static str, u16)>,
    pub(crate) millis: Option<f64>,
    pub(crate) crossings: Vec<Crossing>,
    pub(crate) parts: Vec<Part>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) sms: Option<Text>,
    pub(crate) details: Vec<Detail>,
}

/// An attack and its outcome.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Attempt {
    pub(crate) who: &'static str,
    pub(crate) what: String,
    pub(crate) job: &'static str,
    pub(crate) expected: u16,
    pub(crate) code: u64,
    pub(crate) why: &'static str,
}

/// A text that was searched for in everything the host saw.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Needle {
    pub(crate) what: String,
    pub(crate) found: bool,
}

/// The complete story.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) steps: Vec<Step>,
    pub(crate) attempts: Vec<Attempt>,
    /// Texts that the host must not have seen.
    pub(crate) hidden: Vec<Needle>,
    /// Texts that the host may see. The search must find them, or it proves nothing.
    pub(crate) plain: Vec<Needle>,
    /// Number of bytes that the host saw in all.
    pub(crate) host_bytes: u64,
    /// The log of the server.
    pub(crate) log: String,
    /// The document that was sent.
    pub(crate) sent: Vec<u8>,
    /// The first signer's preview.
    pub(crate) preview: Vec<u8>,
    /// Name and bytes of the signed PDF.
    pub(crate) pdf: (String, Vec<u8>),
    /// Name and bytes of the proof.
    pub(crate) spf: (String, Vec<u8>),
    /// Decoded proofs of request and of intent, by signer.
    pub(crate) proofs: Vec<(String, Detail, Detail)>,
    pub(crate) binding_data_hash: String,
    pub(crate) password: String,
    /// Whether attached files are encrypted with the password.
    pub(crate) enhanced: bool,
    pub(crate) pcrs: [[u8; 48]; 3],
    pub(crate) root: Vec<u8>,
    pub(crate) signers: Vec<String>,
    /// Pages with signatures, from 1.
    pub(crate) signed_pages: Vec<i64>,
}
