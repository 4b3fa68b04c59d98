//! Symbolic terms (Dolev and Yao, "On the Security of Public Key Protocols", 1983).
//!
//! Cryptography is perfect: a box opens with its secret alone, two terms are equal exactly if they
//! were made alike, and a secret cannot be guessed. A term knows its hash, so that sets of terms
//! compare and hash quickly.

use crate::message::{Account, Answer, Configuration, Decline, Document, Header, Poi, Por};
use crate::message::{Part, Statement, Tag, Void};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A term, shared.
#[derive(Clone)]
pub struct Term {
    hash: u64,
    node: Arc<Node>,
}

/// All that a term is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A public name with a number.
    Constant(&'static str, u8),
    /// A random secret with a number.
    Secret(&'static str, u8),
    /// A random secret that belongs to a term: the PIN of a verification.
    Fresh(&'static str, Term),
    /// Terms in a row. Who has the list has them, and the reverse.
    List(Vec<Term>),
    /// SHA-256.
    Hash(Term),
    /// A key or authentication code: HKDF or HMAC of a key and an input.
    Derived(Term, Term),
    /// The public key of a private one.
    PublicKey(Term),
    /// A data key under a sender's KMS key. Everybody can make one; the enclave alone opens it.
    Wrapped(Tag, Term),
    /// A box: secret, part, task, context and text.
    Sealed(Sealed),
    /// A ciphertext of AES-GCM that opens to two texts under two keys. It carries the commitment to
    /// the key of the first.
    Double(Term, Term),
    /// An answer, encrypted to a public key, with associated data.
    Encrypted {
        /// The public key.
        to: Term,
        /// The associated data: the hash of a PoR.
        about: Term,
        /// The signature and the answer.
        text: Term,
    },
    /// A signature: private key and text. It does not show the text.
    Signed(Term, Term),
    /// An attestation document.
    Attested(Document),
    /// The header of a task.
    Header(Header),
    /// An account.
    Account(Account),
    /// A configuration.
    Configuration(Configuration),
    /// A proof of request.
    Por(Por),
    /// A proof of intent.
    Poi(Poi),
    /// A proof that a signer declined.
    Decline(Decline),
    /// A proof that a task is void.
    Void(Void),
    /// All that a signer wants.
    Answer(Answer),
    /// A statement of a sender, with its authentication code.
    Statement(Statement),
    /// The SID of a verification, with its authentication code.
    Verification {
        /// The SID.
        sid: Term,
        /// The authentication code.
        mac: Term,
    },
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sealed {
    /// The secret that its key follows from.
    pub secret: Term,
    /// The part.
    pub part: Part,
    /// The task's name in the key.
    pub task: Term,
    /// The hash of the header, or the binding, in the associated data.
    pub context: Term,
    /// The text.
    pub text: Term,
}

impl From<Node> for Term {
    fn from(node: Node) -> Self {
        // Constant keys: equal terms have equal hashes in all threads and runs.
        let hash = ahash::RandomState::with_seeds(1, 2, 3, 4).hash_one(&node);
        Self {
            hash,
            node: Arc::new(node),
        }
    }
}

impl Term {
    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// A public name.
    pub fn constant(name: &'static str, number: u8) -> Self {
        Node::Constant(name, number).into()
    }

    /// A random secret.
    pub fn secret(name: &'static str, number: u8) -> Self {
        Node::Secret(name, number).into()
    }

    /// A list.
    pub fn list(items: &[&Self]) -> Self {
        Node::List(items.iter().map(|&item| item.clone()).collect()).into()
    }

    /// The hash of this term.
    #[must_use]
    pub fn digest(&self) -> Self {
        Node::Hash(self.clone()).into()
    }

    /// The public key of this private one.
    #[must_use]
    pub fn public_key(&self) -> Self {
        Node::PublicKey(self.clone()).into()
    }

    /// A key or code that follows from this key.
    #[must_use]
    pub fn derive(&self, label: &'static str, values: &[&Self]) -> Self {
        let label = Self::constant(label, 0);
        let mut input = vec![&label];
        input.extend_from_slice(values);
        Node::Derived(self.clone(), Self::list(&input)).into()
    }
}

// Terms are compared by their hashes, as stateright compares states: two among a million differ and
// have the same with a probability of 2^-25.
impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Term {}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.hash.cmp(&other.hash)
    }
}

impl Hash for Term {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl std::fmt::Debug for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node() {
            Node::Constant(name, number) | Node::Secret(name, number) => {
                write!(f, "{name} {number}")
            }
            Node::Hash(term) => write!(f, "hash {:04x} of {term:?}", self.hash >> 48),
            node => node.fmt(f),
        }
    }
}
