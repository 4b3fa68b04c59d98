//! The enclave: functions of a job and of the secret of its start, without memory
//! (docs/protocol-2.md, "Order of checks").

use crate::keys::account_id;
use crate::message::{
    Account, Claim, Configuration, Document, Function, Header, Part, Poi, Shown, Statement, Tag,
};
use crate::term::Node;
use crate::{Check, Checks, Term};

/// All that an enclave knows besides the job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enclave {
    pub(crate) checks: Checks,
    /// The start: its number is its secret.
    pub(crate) launch: u8,
    /// The clock.
    pub(crate) time: u8,
}

/// The parts of a `taskPayload`.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) header: Header,
    pub(crate) account_key: Term,
    pub(crate) account: Term,
    pub(crate) task_key: Term,
    pub(crate) configuration: Term,
    pub(crate) document: DocumentPart,
}

/// A document, or its hash.
#[derive(Debug, Clone)]
pub(crate) enum DocumentPart {
    Box(Term),
    Hash(Term),
}

/// A task that has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) header: Header,
    pub(crate) account: Account,
    pub(crate) root: Term,
    pub(crate) configuration: Configuration,
    pub(crate) document: Option<Term>,
    pub(crate) binding: Term,
}

/// A proof with its attestation document.
pub(crate) type Attested<T> = (T, Document);

/// All that `confirmIntent` answers.
pub(crate) enum Confirmed {
    /// A PIN was sent; the host keeps this.
    PinSent { phone: u8, sid: Term, mac: Term },
    /// The signer confirmed.
    Poi(Attested<Poi>),
}

impl Opened {
    pub(crate) fn shown(&self) -> Option<Shown> {
        Some(Shown {
            header: self.header.clone(),
            configuration: self.configuration.clone(),
            document: self.document.clone()?,
            binding: self.binding.clone(),
        })
    }
}

impl Enclave {
    /// Steps 2 to 5: all that a payload opens to. More than one only if nothing commits.
    pub(crate) fn open(&self, payload: &Payload) -> Vec<Opened> {
        let checks = self.checks;
        let unwrap = |wrapped: &Term, expected, check| match wrapped.node() {
            Node::Wrapped(tag, key) if checks.holds(check, *tag == expected) => Some(key.clone()),
            _ => None,
        };
        let header = &payload.header;
        let Some(account_key) = unwrap(&payload.account_key, Tag::Account, Check::AccountTag)
        else {
            return Vec::new();
        };
        let Some(task_key) = unwrap(&payload.task_key, Tag::Task, Check::TaskTag) else {
            return Vec::new();
        };
        let Some(account) = self.account(&payload.account, &account_key) else {
            return Vec::new();
        };
        if !checks.holds(
            Check::AccountIdentity,
            header.account == account_id(&account.secret),
        ) {
            return Vec::new();
        }
        let root = checks.root(&account.secret, &task_key);
        let documents: Vec<Option<Term>> = match &payload.document {
            DocumentPart::Hash(_) => vec![None],
            DocumentPart::Box(sealed) => checks
                .open(sealed, &root, Part::Document, header)
                .into_iter()
                .map(Some)
                .collect(),
        };
        let hash = match &payload.document {
            DocumentPart::Hash(hash) => hash.clone(),
            DocumentPart::Box(sealed) => sealed.digest(),
        };
        let binding = checks.binding(
            &Node::Header(header.clone()).into(),
            &payload.configuration,
            &hash,
        );
        let texts = checks.open(&payload.configuration, &root, Part::Configuration, header);
        let mut opened = Vec::new();
        for text in &texts {
            let Node::Configuration(configuration) = text.node() else {
                continue;
            };
            if !checks.holds(Check::Domain, configuration.domain == account.domain)
                || !checks.holds(Check::Provider, configuration.provider == account.provider)
            {
                continue;
            }
            opened.extend(documents.iter().map(|document| Opened {
                header: header.clone(),
                account: account.clone(),
                root: root.clone(),
                configuration: configuration.clone(),
                document: document.clone(),
                binding: binding.clone(),
            }));
        }
        opened
    }

    fn account(&self, sealed: &Term, key: &Term) -> Option<Account> {
        self.checks.ciphertexts(sealed).iter().find_map(|sealed| {
            let fits = sealed.secret == *key
                && self
                    .checks
                    .holds(Check::BoxPart, sealed.part == Part::Account);
            match sealed.text.node() {
                Node::Account(account) if fits => Some(account.clone()),
                _ => None,
            }
        })
    }

    /// Whether a statement is the sender's.
    pub(crate) fn is_genuine(&self, task: &Opened, statement: &Statement) -> bool {
        let code = self
            .checks
            .statement_code(&task.root, &task.binding, statement.claim);
        self.checks
            .holds(Check::StatementCode, statement.mac == code)
    }

    pub(crate) fn is_not_void(&self, claims: &[Claim]) -> bool {
        self.checks
            .holds(Check::VoidRefused, !claims.contains(&Claim::Void))
    }

    /// Whether an attestation document proves something about a task.
    pub(crate) fn proves(
        &self,
        document: &Document,
        function: Function,
        binding: &Term,
        proof: &Term,
    ) -> bool {
        let checks = self.checks;
        checks.holds(Check::AttestedImage, document.listed)
            && checks.holds(Check::AttestedProtocol, document.protocol == 2)
            && checks.holds(Check::AttestedFunction, document.function == function)
            && checks.holds(
                Check::AttestedBinding,
                document.binding.as_ref() == Some(binding),
            )
            && document.hashes.contains(&proof.digest())
    }

    pub(crate) fn attest(&self, function: Function, task: &Opened, proof: &Term) -> Document {
        Document {
            listed: true,
            protocol: 2,
            function,
            binding: Some(task.binding.clone()),
            hashes: vec![proof.digest()],
            time: self.time,
        }
    }

    pub(crate) fn link_key(&self, task: &Opened, signer: u8, round: u8) -> Term {
        self.checks
            .link_key(self.launch, &task.root, &task.binding, signer, round)
    }
}

/// The round of a signer that counts.
pub(crate) fn current(claims: &[Claim], of: u8) -> u8 {
    let stated = claims.iter().filter_map(|claim| match claim {
        Claim::NewRound { signer, round } if *signer == of => Some(*round),
        _ => None,
    });
    stated.max().unwrap_or(1)
}
