//! The steps of a run: what the host does to honest people, and what they do.

use crate::enclave::{Attested, Enclave};
use crate::host::{asked, before, claim_sets, confirmed, saturate};
use crate::message::{Answer, Claim, Mail, Por, Statement, Summary, Use, Wish};
use crate::scene::Scene;
use crate::term::Node;
use crate::{Checks, Knowledge, Setting, Term, property};
use stateright::Property;
use std::collections::BTreeSet;

/// The protocol in one setting, with some checks off.
#[derive(Debug)]
pub struct Model(pub(crate) Scene);

/// A state: what the host knows, and what happened to honest people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The enclave's clock.
    pub time: u8,
    /// The start of the enclave.
    pub launch: u8,
    /// All that the host knows.
    pub known: Knowledge,
    /// All links in mailboxes.
    pub mails: BTreeSet<Mail>,
    /// All that honest people did with links.
    pub uses: BTreeSet<Use>,
    /// The PINs on honest phones: phone and SID.
    pub pins: BTreeSet<(u8, Term)>,
    /// All that honest senders stated, with the number of the task.
    pub stated: BTreeSet<(u8, Claim)>,
    /// The hashes of the PoRs whose links came to the host.
    pub leaked: BTreeSet<Term>,
    /// All summaries that the enclave attested.
    pub summaries: BTreeSet<Summary>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The host has a link mailed, or mailed again.
    Mail(Box<(Attested<Por>, Mail)>),
    /// A signer answers.
    Use(Box<Mail>, Wish, Option<Term>),
    /// A sender states something.
    State(u8, Claim),
    /// An old link comes to the host.
    Leak(Box<Mail>),
    /// The clock moves.
    Tick,
    /// The enclave restarts, with a new launch secret.
    Restart,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |mail: &Mail| {
            format!(
                "the link of task {:?}, signer {}, round {}, made at time {}",
                mail.task.header.task, mail.por.signer, mail.por.round, mail.time
            )
        };
        match self {
            Self::Mail(sent) => write!(f, "host: mails {}", of(&sent.1)),
            Self::Use(mail, wish, _) => write!(f, "signer: {wish:?} with {}", of(mail)),
            Self::State(task, claim) => write!(f, "sender of task {task}: states {claim:?}"),
            Self::Leak(mail) => write!(f, "host: finds {}", of(mail)),
            Self::Tick => f.write_str("the clock moves"),
            Self::Restart => f.write_str("host: restarts the enclave"),
        }
    }
}

impl State {
    pub(crate) fn enclave(&self, checks: Checks) -> Enclave {
        Enclave {
            checks,
            launch: self.launch,
            time: self.time,
        }
    }

    /// A mail goes out; the host gets PoR and document, and the mail in a mailbox that it reads.
    pub(crate) fn mail(&mut self, scene: &Scene, (por, document): Attested<Por>, mail: Mail) {
        self.known.learn(Node::Por(por));
        self.known.learn(Node::Attested(document));
        if scene.reads_mailbox(mail.mailbox) {
            self.known.learn(mail.key.clone());
            self.known.learn(mail.task.document.clone());
        }
        self.mails.insert(mail);
    }

    /// A PIN goes out.
    pub(crate) fn send_pin(&mut self, scene: &Scene, phone: u8, sid: &Term) {
        if scene.reads_phone(phone) {
            self.known.learn(Node::Fresh("pin", sid.clone()));
        } else {
            self.pins.insert((phone, sid.clone()));
        }
    }

    /// The rounds in which a signer of a task has confirmed, as far as the enclave attested it.
    pub(crate) fn rounds(&self, binding: &Term, signer: u8) -> Vec<u8> {
        let mut rounds: Vec<u8> = self
            .known
            .terms()
            .filter_map(|term| match term.node() {
                Node::Poi(poi) if poi.binding == *binding && poi.signer == signer => {
                    Some(poi.round)
                }
                _ => None,
            })
            .collect();
        rounds.sort_unstable();
        rounds.dedup();
        rounds
    }
}

impl Model {
    /// A model of a setting in which some checks are off.
    pub fn new(setting: Setting, off: &[crate::Check]) -> Self {
        Self(Scene::new(setting, Checks::without(off)))
    }

    /// Calls that put a mail into an honest mailbox.
    fn mails(&self, state: &State, steps: &mut Vec<Step>) {
        let scene = &self.0;
        let enclave = state.enclave(scene.checks);
        let mut add = |asked: Attested<Por>, mail: Mail| {
            let same = |one: &&Mail| {
                one.por.binding == mail.por.binding
                    && one.por.round == mail.por.round
                    && one.mailbox == mail.mailbox
            };
            if !scene.reads_mailbox(mail.mailbox)
                && (!state.mails.contains(&mail) || !state.known.can_show(&asked))
                && state.mails.iter().filter(same).count() < scene.setting.mails
            {
                steps.push(Step::Mail(Box::new((asked, mail))));
            }
        };
        for task in scene.openings.iter().filter(|task| task.document.is_some()) {
            let proofs = confirmed(scene, state, task);
            let requests = [(0, 1), (0, 2), (1, 1), (1, 2)];
            for claims in claim_sets(scene, state, task) {
                for request in requests {
                    for before in before(&proofs) {
                        let sent = enclave.send_request(task, &claims, request, before);
                        if let Some((asked, mail)) = sent {
                            add(asked, mail);
                        }
                    }
                }
                for asked in asked(scene, state, task) {
                    if let Some(mail) = enclave.remind(task, &claims, &asked) {
                        add(asked, mail);
                    }
                }
            }
        }
    }

    /// All that honest signers may do with their mails.
    fn uses(&self, state: &State, steps: &mut Vec<Step>) {
        for mail in &state.mails {
            if self.0.reads_mailbox(mail.mailbox) {
                continue;
            }
            let by_same = |one: &&Use| {
                one.mail.mailbox == mail.mailbox && one.mail.por.binding == mail.por.binding
            };
            let asks = |one: &&Use| by_same(one) && one.wish == Wish::RequestPin;
            let uses = state.uses.iter().filter(by_same).count();
            let requests = state.uses.iter().filter(asks).count();
            let mut add = |wish, detail| {
                steps.push(Step::Use(Box::new(mail.clone()), wish, detail));
            };
            let signer = usize::from(mail.por.signer);
            let phone = mail
                .task
                .configuration
                .signers
                .get(signer)
                .and_then(|person| person.phone);
            if phone.is_some() && requests == 0 {
                add(Wish::RequestPin, None);
            }
            if uses - requests >= self.0.setting.uses {
                continue;
            }
            let reason = Node::Fresh("reason", mail.por_hash.clone()).into();
            add(Wish::Decline, Some(reason));
            let Some(phone) = phone else {
                add(Wish::Confirm, None);
                continue;
            };
            // A person types any PIN that is on the phone.
            for (_, sid) in state.pins.iter().filter(|(on, _)| *on == phone) {
                add(Wish::Confirm, Some(Node::Fresh("pin", sid.clone()).into()));
            }
        }
    }

    /// The page signs and encrypts an answer, and the host gets it.
    fn answer(&self, state: &mut State, mail: &Mail, wish: Wish, detail: Option<Term>) {
        let hash = mail.por_hash.clone();
        let text = Term::from(Node::Answer(Answer { wish, detail }));
        let signed = self.0.checks.signed(&hash, &text);
        let signature = Term::from(Node::Signed(mail.key.clone(), signed));
        let encrypted = Node::Encrypted {
            to: mail.por.answer_key.clone(),
            about: hash,
            text: Term::list(&[&signature, &text]),
        };
        let before = match mail.por.signer.checked_sub(1) {
            Some(signer) => state.rounds(&mail.por.binding, signer),
            None => Vec::new(),
        };
        state.uses.insert(Use {
            mail: mail.clone(),
            wish,
            time: state.time,
            before,
        });
        state.known.learn(encrypted);
    }
}

impl Knowledge {
    fn can_show(&self, (por, document): &Attested<Por>) -> bool {
        self.can(&Node::Por(por.clone()).into())
            && self.can(&Node::Attested(document.clone()).into())
    }
}

impl stateright::Model for Model {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let mut state = State {
            time: 0,
            launch: 0,
            known: self.0.known.clone(),
            mails: BTreeSet::new(),
            uses: BTreeSet::new(),
            pins: BTreeSet::new(),
            stated: BTreeSet::new(),
            leaked: BTreeSet::new(),
            summaries: BTreeSet::new(),
        };
        saturate(&self.0, &mut state);
        vec![state]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let setting = &self.0.setting;
        self.mails(state, steps);
        self.uses(state, steps);
        for &(task, claim) in setting.claims {
            if !state.stated.contains(&(task, claim)) {
                steps.push(Step::State(task, claim));
            }
        }
        if setting.leaks {
            let old = |mail: &&Mail| {
                setting.claims.iter().any(|&(task, claim)| {
                    let Claim::NewRound { signer, round } = claim else {
                        return false;
                    };
                    state.stated.contains(&(task, claim))
                        && mail.task.header.task == Term::constant("task", task)
                        && mail.por.signer == signer
                        && mail.por.round < round
                        && !state.leaked.contains(&mail.por_hash)
                })
            };
            let leaks = state.mails.iter().filter(old);
            steps.extend(leaks.map(|mail| Step::Leak(Box::new(mail.clone()))));
        }
        if state.time < setting.ticks {
            steps.push(Step::Tick);
        }
        if state.launch < setting.restarts {
            steps.push(Step::Restart);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Mail(sent) => {
                let (asked, mail) = *sent;
                state.mail(&self.0, asked, mail);
            }
            Step::Use(mail, wish, detail) => self.answer(&mut state, &mail, wish, detail),
            Step::State(task, claim) => {
                for (_, root, binding) in self.0.roots.iter().filter(|root| root.0 == task) {
                    let mac = self.0.checks.statement_code(root, binding, claim);
                    state.known.learn(Node::Statement(Statement { claim, mac }));
                }
                state.stated.insert((task, claim));
            }
            Step::Leak(mail) => {
                state.known.learn(mail.key);
                state.leaked.insert(mail.por_hash);
            }
            Step::Tick => state.time += 1,
            Step::Restart => state.launch += 1,
        }
        saturate(&self.0, &mut state);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}
