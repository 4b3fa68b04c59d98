//! Keys, boxes and the binding (docs/protocol-2.md, "Boxes" to "Keys of a request").

use crate::message::{Claim, Header, Part};
use crate::term::{Node, Sealed};
use crate::{Check, Checks, Term};

/// The identity of an account.
pub(crate) fn account_id(secret: &Term) -> Term {
    secret.derive("account id", &[])
}

/// A number as a term.
pub(crate) fn number(value: u8) -> Term {
    Term::constant("number", value)
}

impl Checks {
    /// The root of a task.
    pub(crate) fn root(self, account_secret: &Term, key: &Term) -> Term {
        let salt = self.value(Check::RootAccountSecret, account_secret);
        Term::list(&[&salt, key]).derive("root", &[])
    }

    /// The texts to which a box of a task opens: one, and a second where nothing commits.
    pub(crate) fn open(
        self,
        sealed: &Term,
        secret: &Term,
        part: Part,
        header: &Header,
    ) -> Vec<Term> {
        let hash = Term::from(Node::Header(header.clone())).digest();
        self.ciphertexts(sealed)
            .into_iter()
            .filter(|sealed| {
                sealed.secret == *secret
                    && self.holds(Check::BoxPart, sealed.part == part)
                    && self.holds(Check::BoxTask, sealed.task == header.task)
                    && self.holds(Check::BoxHeader, sealed.context == hash)
            })
            .map(|sealed| sealed.text)
            .collect()
    }

    /// The ciphertexts that a box may be.
    pub(crate) fn ciphertexts(self, sealed: &Term) -> Vec<Sealed> {
        let one = |term: &Term| match term.node() {
            Node::Sealed(sealed) => Some(sealed.clone()),
            _ => None,
        };
        match sealed.node() {
            Node::Double(first, second) => {
                let second = (!self.on(Check::Commitment)).then(|| one(second)).flatten();
                one(first).into_iter().chain(second).collect()
            }
            _ => one(sealed).into_iter().collect(),
        }
    }

    /// The binding of a task. `document` is the hash of the document box.
    pub(crate) fn binding(self, header: &Term, configuration: &Term, document: &Term) -> Term {
        let header = self.value(Check::BindingHeader, &header.digest());
        let configuration = self.value(Check::BindingConfiguration, &configuration.digest());
        let document = self.value(Check::BindingDocument, document);
        Term::list(&[&header, &configuration, &document]).digest()
    }

    /// The private answer key of a request.
    pub(crate) fn answer_key(self, root: &Term, binding: &Term, signer: u8, round: u8) -> Term {
        let request = Term::list(&[binding, &number(signer), &number(round)]);
        root.derive("answer key", &[&self.value(Check::AnswerKey, &request)])
    }

    /// The private link key of a request.
    pub(crate) fn link_key(
        self,
        launch: u8,
        root: &Term,
        binding: &Term,
        signer: u8,
        round: u8,
    ) -> Term {
        let launch = self.value(Check::LinkLaunch, &Term::secret("launch", launch));
        let binding = self.value(Check::LinkBinding, binding);
        let signer = self.value(Check::LinkSigner, &number(signer));
        let round = self.value(Check::LinkRound, &number(round));
        Term::list(&[&launch, root]).derive("link key", &[&binding, &signer, &round])
    }

    /// The text that a link key signs.
    pub(crate) fn signed(self, por: &Term, answer: &Term) -> Term {
        let por = self.value(Check::SignaturePor, por);
        Term::list(&[&por, &self.value(Check::SignatureText, answer)])
    }

    /// The authentication code of a statement.
    pub(crate) fn statement_code(self, root: &Term, binding: &Term, claim: Claim) -> Term {
        let binding = self.value(Check::StatementBinding, binding);
        let text = match claim {
            Claim::Void => Term::constant("void", 0),
            Claim::NewRound { signer, round } => Term::list(&[&number(signer), &number(round)]),
        };
        root.derive("statement key", &[&binding])
            .derive("statement", &[&text])
    }

    /// The authentication code of a verification.
    pub(crate) fn verification_code(self, root: &Term, por: &Term, sid: &Term) -> Term {
        let por = self.value(Check::VerificationPor, por);
        root.derive("verification key", &[&por])
            .derive("verification", &[sid])
    }
}

/// A configuration or document box.
pub(crate) fn seal_part(root: &Term, part: Part, header: &Header, text: &Term) -> Term {
    let hash = Term::from(Node::Header(header.clone())).digest();
    seal(root, part, &header.task, &hash, text)
}

/// A box.
pub(crate) fn seal(secret: &Term, part: Part, task: &Term, context: &Term, text: &Term) -> Term {
    Node::Sealed(Sealed {
        secret: secret.clone(),
        part,
        task: task.clone(),
        context: context.clone(),
        text: text.clone(),
    })
    .into()
}
