//! The knowledge of the host: a set of terms, closed under taking apart. `Knowledge::can` decides
//! on demand which others the host can make of them.

use crate::Term;
use crate::term::Node;
use std::collections::BTreeSet;

/// The terms that the host has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Knowledge(BTreeSet<Term>);

impl Knowledge {
    /// All terms.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.0.iter()
    }

    /// The number of terms.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a term and all that follows from it.
    pub fn learn(&mut self, term: impl Into<Term>) {
        if !self.add(&term.into()) {
            return;
        }
        // A new key opens what waited for it, and that may hold keys.
        loop {
            let opened: Vec<Term> = self
                .0
                .iter()
                .filter_map(|term| self.content(term))
                .filter(|text| !is_public(text) && !self.0.contains(text))
                .collect();
            if opened.is_empty() {
                return;
            }
            for text in &opened {
                self.add(text);
            }
        }
    }

    /// Adds a term and its readable parts; whether it was new.
    fn add(&mut self, term: &Term) -> bool {
        if is_public(term) || !self.0.insert(term.clone()) {
            return false;
        }
        match term.node() {
            Node::List(items) => items.iter().for_each(|item| {
                self.add(item);
            }),
            Node::Double(first, second) => {
                self.add(first);
                self.add(second);
            }
            Node::Account(account) => {
                self.add(&account.secret);
            }
            Node::Configuration(configuration) => {
                self.add(&configuration.content);
            }
            Node::Por(por) => {
                self.add(&por.link_key);
                self.add(&por.answer_key);
            }
            Node::Answer(answer) => {
                if let Some(detail) = &answer.detail {
                    self.add(detail);
                }
            }
            _ => {}
        }
        true
    }

    /// The text of a ciphertext that the host can decrypt.
    fn content(&self, term: &Term) -> Option<Term> {
        match term.node() {
            Node::Sealed(sealed) => self.can(&sealed.secret).then(|| sealed.text.clone()),
            Node::Encrypted { to, text, .. } => match to.node() {
                Node::PublicKey(private) => self.can(private).then(|| text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the host has a term or can make it.
    pub fn can(&self, term: &Term) -> bool {
        if self.0.contains(term) {
            return true;
        }
        match term.node() {
            Node::Constant(..) | Node::Header(_) | Node::Void(_) => true,
            Node::List(items) => items.iter().all(|item| self.can(item)),
            Node::Hash(inner) | Node::PublicKey(inner) | Node::Wrapped(_, inner) => self.can(inner),
            Node::Derived(key, input) => self.can(key) && self.can(input),
            Node::Double(first, second) => self.can(first) && self.can(second),
            Node::Signed(key, text) => self.can(key) && self.can(text),
            Node::Sealed(sealed) => self.can(&sealed.secret) && self.can(&sealed.text),
            Node::Encrypted { to, text, .. } => self.can(to) && self.can(text),
            // Never made by the host where somebody asks for it.
            Node::Secret(..)
            | Node::Fresh(..)
            | Node::Attested(_)
            | Node::Account(_)
            | Node::Configuration(_)
            | Node::Por(_)
            | Node::Poi(_)
            | Node::Decline(_)
            | Node::Answer(_)
            | Node::Statement(_)
            | Node::Verification { .. } => false,
        }
    }
}

fn is_public(term: &Term) -> bool {
    matches!(term.node(), Node::Constant(..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::seal;
    use crate::message::Part;

    #[test]
    fn a_key_opens_what_came_before_it_and_the_keys_in_that() {
        let nothing = Term::constant("nothing", 0);
        let [first, second, text] = [1, 2, 3].map(|number| Term::secret("test", number));
        let mut known = Knowledge::default();
        known.learn(seal(&second, Part::Result, &nothing, &nothing, &text));
        known.learn(seal(&first, Part::Result, &nothing, &nothing, &second));
        assert!(!known.can(&text) && !known.can(&second));
        known.learn(first);
        assert!(known.can(&text) && known.can(&second.derive("x", &[&text])));
    }

    #[test]
    fn a_hash_a_public_key_and_a_signature_show_nothing() {
        let secret = Term::secret("test", 1);
        let text = Term::secret("test", 2);
        let mut known = Knowledge::default();
        known.learn(secret.digest());
        known.learn(secret.public_key());
        known.learn(Node::Signed(secret.clone(), text.clone()));
        assert!(!known.can(&secret) && !known.can(&text));
        assert!(!known.can(&secret.derive("x", &[])));
    }
}
