//! The messages of docs/protocol-2.md, without what the model leaves out: sizes, spellings, fields,
//! texts and addresses beyond names.

use crate::Term;

/// The tag of a wrapped data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// The key of an account.
    Account,
    /// The key of a task.
    Task,
    /// A key of protocol 1: no tag.
    Protocol1,
}

/// The part that a box is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// An account.
    Account,
    /// A configuration.
    Configuration,
    /// A document.
    Document,
    /// A result.
    Result,
    /// The reason of a decline.
    Decline,
}

/// The public part of a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Header {
    /// The task's name.
    pub task: Term,
    /// The identity of the account.
    pub account: Term,
    /// Whether the signers sign in their order.
    pub in_order: bool,
}

/// The text of an account box.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The account secret.
    pub secret: Term,
    /// The domain that the mail provider lets this account send from.
    pub domain: u8,
    /// The mail provider.
    pub provider: u8,
}

/// One signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// The number of the mailbox.
    pub mailbox: u8,
    /// The number of the phone.
    pub phone: Option<u8>,
}

/// The text of a configuration box.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Configuration {
    /// All that is secret in it.
    pub content: Term,
    /// The sender's domain, as people see it.
    pub domain: u8,
    /// The mail provider, that of the account.
    pub provider: u8,
    /// The signers.
    pub signers: Vec<Person>,
}

/// The functions that attest something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// `sendReq`.
    SendReq,
    /// `confirmIntent`.
    ConfirmIntent,
    /// `decline`.
    Decline,
    /// `voidTask`.
    VoidTask,
    /// `attachEsig`.
    AttachEsig,
}

/// An attestation document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Document {
    /// Whether a listed image made it. The host starts images of its own, and they attest anything.
    pub listed: bool,
    /// The protocol.
    pub protocol: u8,
    /// The function.
    pub function: Function,
    /// The binding; none in protocol 1.
    pub binding: Option<Term>,
    /// The hash list.
    pub hashes: Vec<Term>,
    /// The time.
    pub time: u8,
}

/// A proof of request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Por {
    /// The task.
    pub binding: Term,
    /// The signer.
    pub signer: u8,
    /// The round.
    pub round: u8,
    /// The public link key.
    pub link_key: Term,
    /// The public answer key.
    pub answer_key: Term,
    /// In order: the hash of the PoI of the signer before.
    pub previous: Option<Term>,
}

/// A proof of intent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Poi {
    /// The task.
    pub binding: Term,
    /// The signer.
    pub signer: u8,
    /// The round.
    pub round: u8,
    /// The hash of the PoR.
    pub por: Term,
    /// The time of the PoR's attestation.
    pub por_time: u8,
    /// The hash of the signed answer.
    pub answer: Term,
    /// As in the PoR.
    pub previous: Option<Term>,
}

/// A proof that a signer declined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decline {
    /// The task.
    pub binding: Term,
    /// The signer.
    pub signer: u8,
    /// The hash of the PoR.
    pub por: Term,
}

/// A proof that a task is void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Void {
    /// The task.
    pub binding: Term,
}

/// All that a signer can want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// `requestPin`.
    RequestPin,
    /// `confirm`.
    Confirm,
    /// `decline`.
    Decline,
}

/// The text of an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer {
    /// The action.
    pub wish: Wish,
    /// The PIN, or the reason.
    pub detail: Option<Term>,
}

/// All that a sender can state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// The task is void.
    Void,
    /// A signer is asked anew, in this round.
    NewRound {
        /// The signer.
        signer: u8,
        /// The round.
        round: u8,
    },
}

/// A statement of a sender.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement {
    /// The text.
    pub claim: Claim,
    /// The authentication code.
    pub mac: Term,
}

/// A link in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mail {
    /// The mailbox.
    pub mailbox: u8,
    /// The domain and the provider that it came from.
    pub sent_by: (u8, u8),
    /// The header, the configuration and the document: what the person sees, and their binding.
    pub task: Shown,
    /// The PoR.
    pub por: Por,
    /// Its hash.
    pub por_hash: Term,
    /// The private key of the link.
    pub key: Term,
    /// The time of the PoR's attestation.
    pub time: u8,
}

/// All that a person sees of a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown {
    /// The header.
    pub header: Header,
    /// The configuration.
    pub configuration: Configuration,
    /// The document.
    pub document: Term,
    /// The binding.
    pub binding: Term,
}

/// The use of a link by the mailbox's reader.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Use {
    /// The mail.
    pub mail: Mail,
    /// The action.
    pub wish: Wish,
    /// The time.
    pub time: u8,
    /// The rounds in which the signer before had confirmed by then.
    pub before: Vec<u8>,
}

/// A final summary, attested.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Summary {
    /// The task with the document that was signed.
    pub task: Shown,
    /// The mail provider.
    pub provider: u8,
    /// The statements that the enclave was shown.
    pub claims: Vec<Claim>,
    /// For each signer the round and the time of the PoR.
    pub signers: Vec<(u8, u8)>,
}
