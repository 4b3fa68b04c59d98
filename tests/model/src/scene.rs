//! All that is sealed before a run starts, and what payloads it gives the host to choose from.

use crate::enclave::{DocumentPart, Enclave, Opened, Payload};
use crate::keys::{account_id, seal, seal_part};
use crate::message::{Account, Configuration, Header, Part, Person, Shown, Tag};
use crate::setting::{Conspiracy, Setting};
use crate::term::Node;
use crate::{Check, Checks, Knowledge, Term};

/// The number of the host as a sender, and the first of its mailboxes.
const HOST: u8 = 9;

/// A setting with its terms.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) setting: Setting,
    pub(crate) checks: Checks,
    /// All that the host knows at the start.
    pub(crate) known: Knowledge,
    /// All that the payloads that the enclave accepts open to, whoever made their parts.
    pub(crate) openings: Vec<Opened>,
    /// The tasks that senders sealed and do not give away, by number of the task.
    pub(crate) sealed: Vec<(u8, Shown)>,
    /// The identities of the accounts of honest senders.
    pub(crate) accounts: Vec<Term>,
    /// All that the host must never know.
    pub(crate) secrets: Vec<Term>,
    /// The root of each task, for statements.
    pub(crate) roots: Vec<(u8, Term, Term)>,
}

/// Collects what exists.
struct Builder {
    checks: Checks,
    known: Knowledge,
    headers: Vec<Header>,
    boxes: Vec<Term>,
    keys: Vec<Term>,
}

impl Builder {
    fn give_key(&mut self, tag: Tag, key: &Term) {
        let wrapped = Term::from(Node::Wrapped(tag, key.clone()));
        self.known.learn(wrapped.clone());
        self.keys.push(wrapped);
        // Protocol 1 is taken to be broken: the host gets each data key that opens under it.
        if tag == Tag::Protocol1 || !self.checks.on(Check::Protocol1Length) {
            self.known.learn(key.clone());
        }
    }

    fn give_box(&mut self, sealed: Term) {
        self.known.learn(sealed.clone());
        self.boxes.push(sealed);
    }

    fn give_account(&mut self, key: &Term, account: &Account) {
        let nothing = Term::constant("nothing", 0);
        let text = Node::Account(account.clone()).into();
        self.give_box(seal(key, Part::Account, &nothing, &nothing, &text));
    }
}

impl Scene {
    /// Seals accounts and tasks of a setting.
    pub(crate) fn new(setting: Setting, checks: Checks) -> Self {
        let mut builder = Builder {
            checks,
            known: Knowledge::default(),
            headers: Vec::new(),
            boxes: Vec::new(),
            keys: Vec::new(),
        };
        let mut scene = Self {
            setting,
            checks,
            known: Knowledge::default(),
            openings: Vec::new(),
            sealed: Vec::new(),
            accounts: Vec::new(),
            secrets: Vec::new(),
            roots: Vec::new(),
        };
        let senders = if setting.one_sender { 1 } else { setting.tasks };
        for sender in 0..senders {
            scene.add_account(&mut builder, sender);
        }
        for task in 0..setting.tasks {
            scene.add_task(&mut builder, task);
        }
        scene.add_host(&mut builder);
        scene.openings = openings(&mut builder);
        scene.known = builder.known;
        scene
    }

    /// Whether the sender of a task gives everything to the host.
    pub(crate) fn conspires(&self, task: u8) -> bool {
        self.setting.conspiracy.is_some() && (task == 0 || self.setting.one_sender)
    }

    fn account(sender: u8, provider: u8) -> Account {
        Account {
            secret: Term::secret("account secret", sender),
            domain: sender,
            provider,
        }
    }

    fn add_account(&mut self, builder: &mut Builder, sender: u8) {
        let account = Self::account(sender, 0);
        let key = Term::secret("account key", sender);
        builder.give_key(Tag::Account, &key);
        builder.give_key(Tag::Protocol1, &Term::secret("protocol 1 key", sender));
        builder.give_account(&key, &account);
        if self.setting.new_provider {
            builder.give_account(&key, &Self::account(sender, 1));
        }
        if self.conspires(sender) {
            builder.known.learn(account.secret.clone());
            builder.known.learn(key);
        } else {
            self.accounts.push(account_id(&account.secret));
            self.secrets.push(account.secret);
        }
    }

    fn add_task(&mut self, builder: &mut Builder, task: u8) {
        let conspiracy = self.setting.conspiracy.filter(|_| self.conspires(task));
        let account = Self::account(if self.setting.one_sender { 0 } else { task }, 0);
        let header = Header {
            task: Term::constant("task", task),
            account: account_id(&account.secret),
            in_order: task == 0 && self.setting.in_order,
        };
        let false_domain = conspiracy == Some(Conspiracy::FalseDomain);
        let configuration = Configuration {
            content: Term::secret("configuration", task),
            domain: if false_domain { HOST } else { account.domain },
            provider: account.provider,
            signers: [0, 1]
                .map(|mailbox| Person {
                    mailbox,
                    phone: self.setting.phones.then_some(mailbox),
                })
                .to_vec(),
        };
        let document = Term::secret("document", task);
        let key = Term::secret("task key", task);
        let root = builder.checks.root(&account.secret, &key);
        let text = Term::from(Node::Configuration(configuration.clone()));
        let seal = |root: &Term, part, text: &Term| seal_part(root, part, &header, text);
        let mut boxes = vec![
            seal(&root, Part::Configuration, &text),
            seal(&root, Part::Document, &document),
        ];
        let other_key = Term::secret("other key", task);
        let other_document = Term::secret("other document", task);
        match conspiracy {
            Some(Conspiracy::Doubles) => {
                let other_root = builder.checks.root(&account.secret, &other_key);
                let others = [
                    seal(&other_root, Part::Configuration, &text),
                    seal(&other_root, Part::Document, &other_document),
                ];
                boxes = boxes
                    .into_iter()
                    .zip(others)
                    .map(|(one, other)| Node::Double(one, other).into())
                    .collect();
                builder.give_key(Tag::Task, &other_key);
            }
            Some(Conspiracy::TwoDocuments) => {
                boxes.push(seal(&root, Part::Document, &other_document));
            }
            Some(Conspiracy::TwoConfigurations) => {
                let other = Configuration {
                    content: Term::secret("other configuration", task),
                    ..configuration.clone()
                };
                let text = Node::Configuration(other).into();
                boxes.push(seal(&root, Part::Configuration, &text));
            }
            _ => {}
        }
        if let [configuration_box, document_box, ..] = boxes.as_slice() {
            let binding = builder.checks.binding(
                &Node::Header(header.clone()).into(),
                configuration_box,
                &document_box.digest(),
            );
            self.roots.push((task, root.clone(), binding.clone()));
            self.sealed.push((
                task,
                Shown {
                    header: header.clone(),
                    configuration: configuration.clone(),
                    document: document.clone(),
                    binding,
                },
            ));
        }
        builder.headers.push(header);
        for sealed in boxes {
            builder.give_box(sealed);
        }
        builder.give_key(Tag::Task, &key);
        if conspiracy.is_some() {
            builder.known.learn(key);
            builder.known.learn(other_key);
        } else {
            self.secrets.push(configuration.content);
            // Whoever reads a mail reads the document.
            if self.setting.read_mailboxes.is_empty() {
                self.secrets.push(document);
            }
        }
    }

    /// The host is a sender, too, and makes headers.
    fn add_host(&self, builder: &mut Builder) {
        let account = Self::account(HOST, 0);
        let key = Term::secret("account key", HOST);
        let task_key = Term::secret("task key", HOST);
        for term in [&account.secret, &key, &task_key, &host_key()] {
            builder.known.learn(term.clone());
        }
        builder.give_key(Tag::Account, &key);
        builder.give_key(Tag::Task, &task_key);
        builder.give_account(&key, &account);
        let flipped: Vec<Header> = builder
            .headers
            .iter()
            .map(|header| Header {
                in_order: !header.in_order,
                ..header.clone()
            })
            .collect();
        builder.headers.extend(flipped);
        let ids = self.accounts.iter().cloned();
        for account in ids.chain([account_id(&account.secret)]) {
            builder.headers.push(Header {
                task: Term::constant("task", HOST),
                account,
                in_order: false,
            });
        }
    }

    /// Whether the host reads a mailbox.
    pub(crate) fn reads_mailbox(&self, mailbox: u8) -> bool {
        mailbox >= HOST || self.setting.read_mailboxes.contains(&mailbox)
    }

    /// Whether the host reads a phone.
    pub(crate) fn reads_phone(&self, phone: u8) -> bool {
        self.setting.read_phones.contains(&phone)
    }
}

/// The host's own signature key.
pub(crate) fn host_key() -> Term {
    Term::secret("host key", HOST)
}

/// All that the enclave opens of any mix of headers, keys and boxes, those that the host can make
/// included.
fn openings(builder: &mut Builder) -> Vec<Opened> {
    let checks = builder.checks;
    let enclave = Enclave {
        checks,
        launch: 0,
        time: 0,
    };
    let person = Person {
        mailbox: HOST,
        phone: None,
    };
    let mut forged = Vec::new();
    let accounts: Vec<Account> = builder
        .boxes
        .iter()
        .flat_map(|sealed| checks.ciphertexts(sealed))
        .filter_map(|sealed| match sealed.text.node() {
            Node::Account(account) => Some(account.clone()),
            _ => None,
        })
        .collect();
    for account in &accounts {
        let configuration = Configuration {
            content: Term::constant("configuration", HOST),
            domain: account.domain,
            provider: account.provider,
            signers: vec![person, person],
        };
        for wrapped in &builder.keys {
            let Node::Wrapped(_, key) = wrapped.node() else {
                continue;
            };
            let root = checks.root(&account.secret, key);
            // All that a conspiring sender seals is the setting's.
            let conspires = account.domain != HOST && builder.known.can(&account.secret);
            if conspires || !builder.known.can(&root) {
                continue;
            }
            for header in &builder.headers {
                let text = Node::Configuration(configuration.clone()).into();
                let document = Term::constant("document", HOST);
                forged.push(seal_part(&root, Part::Configuration, header, &text));
                forged.push(seal_part(&root, Part::Document, header, &document));
            }
        }
    }
    for sealed in forged {
        builder.give_box(sealed);
    }
    let mut found: Vec<Opened> = Vec::new();
    for payload in payloads(builder) {
        for opened in enclave.open(&payload) {
            if !found.contains(&opened) {
                found.push(opened);
            }
        }
    }
    found
}

/// The payloads that can be made. Those that fail at one key or box alone are left out early.
fn payloads(builder: &Builder) -> Vec<Payload> {
    let checks = builder.checks;
    let opens = |sealed: &&Term, key: &Term| {
        let any = |one: &crate::term::Sealed| one.secret == *key;
        checks.ciphertexts(sealed).iter().any(any)
    };
    let key_of = |wrapped: &Term| match wrapped.node() {
        Node::Wrapped(_, key) => Some(key.clone()),
        _ => None,
    };
    let mut payloads = Vec::new();
    for account_key in &builder.keys {
        let Some(key) = key_of(account_key) else {
            continue;
        };
        for account in builder.boxes.iter().filter(|sealed| opens(sealed, &key)) {
            let Some(Node::Account(content)) = checks
                .ciphertexts(account)
                .first()
                .map(|sealed| sealed.text.node().clone())
            else {
                continue;
            };
            for task_key in &builder.keys {
                let Some(key) = key_of(task_key) else {
                    continue;
                };
                let root = checks.root(&content.secret, &key);
                let boxes: Vec<&Term> = builder
                    .boxes
                    .iter()
                    .filter(|sealed| opens(sealed, &root))
                    .collect();
                let documents = boxes
                    .iter()
                    .map(|&sealed| DocumentPart::Box(sealed.clone()))
                    .chain([DocumentPart::Hash(Term::constant("hash", HOST))]);
                let documents: Vec<DocumentPart> = documents.collect();
                for header in &builder.headers {
                    for configuration in &boxes {
                        payloads.extend(documents.iter().map(|document| Payload {
                            header: header.clone(),
                            account_key: account_key.clone(),
                            account: account.clone(),
                            task_key: task_key.clone(),
                            configuration: (*configuration).clone(),
                            document: document.clone(),
                        }));
                    }
                }
            }
        }
    }
    payloads
}
