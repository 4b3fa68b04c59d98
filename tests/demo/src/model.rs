//! What happened, ready to be shown.

use serde::Serialize;

/// Who takes part, in the order of the columns of a diagram.
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

/// What keeps a message from whoever carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Guard {
    /// Nothing.
    Clear,
    /// Envelopes: AES-256 under data keys that KMS alone can open; the rest of the message is in clear.
    Sealed,
    /// TLS between enclave and service.
    Tls,
    /// Attested: readable, and nobody can change or forge it.
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

/// A message from one party to another. What passes the host's column, the host carries.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Crossing {
    pub(crate) from: Party,
    pub(crate) to: Party,
    pub(crate) what: String,
    pub(crate) bytes: u64,
    pub(crate) guard: Guard,
    /// What the host could make of it.
    pub(crate) host: String,
    /// The start of what it saw, as it saw it.
    pub(crate) sample: Option<String>,
}

impl Crossing {
    /// Whether the host carries it.
    pub(crate) fn by_host(&self) -> bool {
        (self.from == Party::Enclave) != (self.to == Party::Enclave)
    }
}

/// A mail as it came.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) file: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) html: String,
    /// Names, types and sizes.
    pub(crate) attachments: Vec<(String, u64)>,
}

impl Letter {
    /// Whether it has a button, and needs room for it.
    pub(crate) fn tall(&self) -> bool {
        self.html.contains("action=submitIntent")
    }
}

/// An SMS as it came.
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

/// A text to unfold.
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
    /// A job's name and its code.
    pub(crate) job: Option<(&'static str, u16)>,
    pub(crate) millis: Option<f64>,
    pub(crate) crossings: Vec<Crossing>,
    pub(crate) parts: Vec<Part>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) sms: Option<Text>,
    pub(crate) details: Vec<Detail>,
}

/// An attempt to cheat.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Attempt {
    pub(crate) who: &'static str,
    pub(crate) what: String,
    pub(crate) job: &'static str,
    pub(crate) expected: u16,
    pub(crate) code: u64,
    pub(crate) why: &'static str,
}

/// Something that was looked for in all that the host saw.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Needle {
    pub(crate) what: String,
    pub(crate) found: bool,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) steps: Vec<Step>,
    pub(crate) attempts: Vec<Attempt>,
    /// What must not be found.
    pub(crate) hidden: Vec<Needle>,
    /// What the host is meant to see: found, or the search is worth nothing.
    pub(crate) plain: Vec<Needle>,
    /// Bytes that the host saw altogether.
    pub(crate) host_bytes: u64,
    /// The server's log.
    pub(crate) log: String,
    /// The document that was sent.
    pub(crate) sent: Vec<u8>,
    /// The preview that the first signer got.
    pub(crate) preview: Vec<u8>,
    /// The signed PDF's name and bytes.
    pub(crate) pdf: (String, Vec<u8>),
    /// The proof's name and bytes.
    pub(crate) spf: (String, Vec<u8>),
    /// Proofs of request and of intent, decoded, by signer.
    pub(crate) proofs: Vec<(String, Detail, Detail)>,
    pub(crate) binding_data_hash: String,
    pub(crate) password: String,
    /// Whether attached files are encrypted with it.
    pub(crate) enhanced: bool,
    pub(crate) pcrs: [[u8; 48]; 3],
    pub(crate) root: Vec<u8>,
    pub(crate) signers: Vec<String>,
    /// Pages on which somebody signs, from 1.
    pub(crate) signed_pages: Vec<i64>,
}
