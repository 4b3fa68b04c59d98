//! The rules of a task under any order of events.

use super::advance::{Events, HOUR};
use super::outcome::{Ended, JobResult, Named};
use super::task::{Answer, Function, Outcome, Place, Reminders, Step, Task};
use super::view::State;
use crate::queue::Millis;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::Hash;
use letsesign_protocol2::Statement;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

const START: Millis = 1_790_000_000_000;

fn task(signers: u16, in_order: bool) -> Task {
    Task {
        sender: "example.com".into(),
        name: "5e".repeat(32),
        binding: Hash::of(b"binding"),
        header: Vec::new(),
        in_order,
        expiry: START + 30 * 24 * HOUR,
        wrapped_key: Vec::new(),
        configuration_hash: Hash::of(b"configuration"),
        document_hash: Hash::of(b"document"),
        accepts: Vec::new(),
        reminders: Some(Reminders {
            after_hours: 24,
            times: 3,
        }),
        created: START,
        document: false,
        statements: Vec::new(),
        generation: 0,
        signers: Task::signers(signers),
        void: None,
        attach: None,
        problem: None,
        outcome: None,
        ended_at: None,
        cleared: false,
        proofs: Vec::new(),
        encrypted_reason: None,
        result: None,
    }
}

/// Something that happens to a task. Numbers choose among what is possible.
#[derive(Debug, Clone)]
enum Happens {
    Document,
    /// A job ends with this code, having begun or not.
    Ends(usize, u16, bool),
    /// A person gives a job up.
    GivenUp(usize),
    Answers(usize, Function, u8),
    NewRound(usize),
    Void,
    Reminder(usize),
    /// So many hours pass.
    Hours(u16),
}

fn happens() -> impl Strategy<Value = Happens> {
    let code = prop_oneof![
        6 => Just(0u16),
        2 => Just(2203),
        1 => prop_oneof![Just(2002), Just(2009), Just(2404), Just(2407), Just(2408), Just(2999)],
    ];
    let function = prop_oneof![4 => Just(Function::Confirm), 1 => Just(Function::Decline)];
    prop_oneof![
        2 => Just(Happens::Document),
        12 => (any::<usize>(), code, any::<bool>())
            .prop_map(|(which, code, begun)| Happens::Ends(which, code, begun)),
        1 => any::<usize>().prop_map(Happens::GivenUp),
        8 => (any::<usize>(), function, any::<u8>())
            .prop_map(|(signer, function, seed)| Happens::Answers(signer, function, seed)),
        1 => any::<usize>().prop_map(Happens::NewRound),
        1 => Just(Happens::Void),
        1 => any::<usize>().prop_map(Happens::Reminder),
        3 => (0u16..400).prop_map(Happens::Hours),
    ]
}

/// The result of a job that succeeds.
fn result(task: &Task, place: Place, number: usize) -> JobResult {
    let proof = |name: &str| Named {
        name: name.into(),
        data: BASE64_STANDARD.encode(format!("{name} {number}")),
    };
    let name = match place {
        Place::Void => "void",
        Place::Request(_) => "por",
        Place::Attach | Place::Remind(_) => "none",
        Place::Answer(signer) => match task.signers[signer].answer.as_ref().unwrap().function {
            Function::Confirm => "poi",
            Function::Decline => "decline",
        },
    };
    JobResult {
        results: vec![proof(name)],
        attest_document: BASE64_STANDARD.encode(format!("document {number}")),
        verification: Some(format!("verification {number}")),
        ..JobResult::default()
    }
}

/// A task, the time, and what was seen of it.
struct Story {
    task: Task,
    now: Millis,
    /// Jobs that were seen, with the name of their step.
    jobs: BTreeMap<String, String>,
    events: HashSet<String>,
    ended: Option<Outcome>,
    number: usize,
}

impl Story {
    fn happen(&mut self, what: &Happens) {
        let mut events = Events::new();
        let (task, now) = (&mut self.task, self.now);
        self.number += 1;
        match what {
            Happens::Document => task.document |= task.outcome.is_none(),
            Happens::Ends(which, code, begun) => {
                let places = task.steps();
                if let Some(place) = places.get(which % places.len().max(1)) {
                    let has_result = *code == 0 || *code == 2203;
                    let ended = Ended {
                        code: Some(*code),
                        begun: *begun,
                        result: has_result.then(|| result(task, *place, self.number)),
                    };
                    task.ended(*place, &ended, now, &mut events);
                }
            }
            Happens::GivenUp(which) => {
                let places = task.steps();
                if let Some(place) = places.get(which % places.len().max(1)) {
                    task.ended(*place, &Ended::default(), now, &mut events);
                }
            }
            Happens::Answers(signer, function, seed) => {
                let signer = signer % task.signers.len();
                let answer = Answer {
                    hash: Hash::of(&[*seed]),
                    function: *function,
                    bytes: vec![*seed],
                    address: "192.0.2.1".into(),
                    step: Step::new(task, String::new(), now),
                };
                let was_open = task.signers[signer].is_open();
                let taken = task.answer(signer, answer, now);
                // Only a request that waits for it takes an answer.
                assert!(taken.is_err() || was_open);
            }
            Happens::NewRound(signer) => {
                let signer = signer % task.signers.len();
                let statement = Statement::NewRound {
                    at: self.number as u64,
                    signer: u16::try_from(signer).unwrap(),
                    round: task.signers[signer].round + 1,
                };
                self.state(&statement, &mut events);
            }
            Happens::Void => {
                let statement = Statement::Void {
                    at: self.number as u64,
                    reason: None,
                };
                self.state(&statement, &mut events);
            }
            Happens::Reminder(signer) => {
                let _ = task.remind(signer % task.signers.len(), now, &mut events);
            }
            Happens::Hours(hours) => self.now += Millis::from(*hours) * HOUR,
        }
        self.task.advance(self.now, &mut events);
        for event in events {
            // A key names one event: the store would drop a second one.
            assert!(
                self.events.insert(event.key.clone()),
                "{event:?} comes twice"
            );
        }
        self.check();
    }

    fn state(&mut self, statement: &Statement, events: &mut Events) {
        let text = serde_json::to_vec(statement).unwrap();
        let _ = self
            .task
            .state(text, vec![0; 32], statement, self.now, events);
    }

    fn check(&mut self) {
        let task = &self.task;
        // A task that has ended stays so, and asks nothing of an enclave.
        if self.ended.is_some() {
            assert_eq!(self.ended, task.outcome);
        }
        self.ended = task.outcome;
        if task.outcome.is_some() || !task.document {
            assert!(task.steps().is_empty());
        }
        for place in task.steps() {
            let step = task.step(place).unwrap();
            // A job is of one step: nothing is done twice under another name.
            let job = step.job(task).as_str().to_owned();
            let known = self.jobs.entry(job).or_insert_with(|| step.name.clone());
            assert_eq!(*known, step.name);
            assert!((1..=5).contains(&step.attempt));
        }
        let jobs: HashSet<String> = task
            .steps()
            .iter()
            .map(|place| task.step(*place).unwrap().job(task).as_str().to_owned())
            .collect();
        assert_eq!(jobs.len(), task.steps().len(), "two steps have one job");
        for (number, signer) in task.signers.iter().enumerate() {
            if signer.request.is_some() || signer.por.is_some() {
                let before = number.checked_sub(1).and_then(|at| task.signers.get(at));
                let is_turn = !task.in_order || before.is_none_or(|one| one.poi.is_some());
                assert!(is_turn, "signer {number} is asked too early");
            }
            assert!(signer.request.is_none() || signer.por.is_none());
            assert!(signer.answer.is_none() || signer.por.is_some());
            assert!(signer.poi.is_none() || signer.por.is_some());
            assert!(signer.reminders <= 3 || signer.por.is_some());
        }
        let all = task.signers.iter().all(|signer| signer.poi.is_some());
        assert!(task.attach.is_none() || all);
        if task.outcome == Some(Outcome::Completed) {
            assert!(all && task.result.is_some());
        }
        // Somebody always knows what comes next: a step, a signer, the sender or a time.
        let due = task.due(self.now, HOUR);
        assert!(
            due >= self.now
                || task.outcome.is_some()
                || task.state_of() == State::Failed
                || due >= task.created
        );
        // A task is read as it was stored.
        let text = serde_json::to_vec(task).unwrap();
        assert_eq!(*task, serde_json::from_slice::<Task>(&text).unwrap());
        assert!(task.summary().is_object());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn rules_hold_in_any_order_of_events(
        signers in 1u16..4,
        in_order in any::<bool>(),
        story in proptest::collection::vec(happens(), 1..60),
    ) {
        let mut it = Story {
            task: task(signers, in_order),
            now: START,
            jobs: BTreeMap::new(),
            events: HashSet::new(),
            ended: None,
            number: 0,
        };
        for what in &story {
            it.happen(what);
        }
    }
}

/// Drives a task on, ending every job well.
fn go_on(task: &mut Task, now: Millis) {
    for number in 0..100 {
        let places = task.steps();
        let Some(place) = places.first() else {
            return;
        };
        let ended = Ended {
            code: Some(0),
            begun: true,
            result: Some(result(task, *place, number)),
        };
        task.ended(*place, &ended, now, &mut Events::new());
        task.advance(now, &mut Events::new());
    }
    panic!("it does not come to rest: {task:?}");
}

fn confirm(task: &mut Task, signer: usize, seed: u8) {
    let answer = Answer {
        hash: Hash::of(&[seed]),
        function: Function::Confirm,
        bytes: vec![seed],
        address: "192.0.2.1".into(),
        step: Step::new(task, String::new(), START),
    };
    task.answer(signer, answer, START).unwrap();
}

#[test]
fn after_a_new_round_later_signers_in_order_are_asked_again() {
    let mut task = task(3, true);
    task.document = true;
    task.advance(START, &mut Events::new());
    for signer in 0..2 {
        go_on(&mut task, START);
        confirm(&mut task, signer, u8::try_from(signer).unwrap());
    }
    go_on(&mut task, START);
    assert!(task.signers[2].por.is_some());
    let statement = Statement::NewRound {
        at: 1,
        signer: 1,
        round: 2,
    };
    let text = serde_json::to_vec(&statement).unwrap();
    task.state(text, vec![0; 32], &statement, START, &mut Events::new())
        .unwrap();
    // The first one's confirmation stays; the third one's request named one that counts no more.
    assert!(task.signers[0].poi.is_some());
    assert!(task.signers[1].poi.is_none() && task.signers[2].por.is_none());
    assert_eq!((task.signers[1].round, task.signers[2].round), (2, 1));
    task.advance(START, &mut Events::new());
    go_on(&mut task, START);
    for signer in 1..3 {
        confirm(&mut task, signer, 10 + u8::try_from(signer).unwrap());
        go_on(&mut task, START);
    }
    assert_eq!(task.outcome, Some(Outcome::Completed));
}

#[test]
fn work_that_may_have_mailed_is_not_repeated() {
    for (code, begun, attempts) in [(2009, true, 1), (2009, false, 5), (2105, false, 1)] {
        let mut task = task(1, false);
        task.document = true;
        let mut now = START;
        task.advance(now, &mut Events::new());
        let mut jobs = HashSet::new();
        while let Some(step) = task.step(Place::Request(0)) {
            jobs.insert(step.job(&task).as_str().to_owned());
            now = now.max(step.at);
            let ended = Ended {
                code: Some(code),
                begun,
                result: None,
            };
            task.ended(Place::Request(0), &ended, now, &mut Events::new());
            task.advance(now, &mut Events::new());
        }
        assert_eq!(jobs.len(), attempts, "{code} {begun}");
        assert_eq!(task.state_of(), State::Failed);
    }
}
