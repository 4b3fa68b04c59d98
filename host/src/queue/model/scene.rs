//! The actions of the model.

use super::{Budget, Enclave, Late, Work, World, job_id, start_id, submitted};
use crate::queue::core::{Op, Outcome, Rule};
use crate::queue::memory::Memory;
use crate::queue::store::{Body, Job, Place};
use crate::queue::types::{Asker, Decision, JobId, State as JobState};
use stateright::{Model, Property};
use std::collections::{BTreeMap, BTreeSet};

/// The bounds of an exploration.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) jobs: u8,
    pub(super) enclaves: u8,
    pub(super) budget: Budget,
    /// The rule that is switched off.
    pub(super) without: Option<Rule>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// The enclave of a slot asks for a job; the answer may be lost.
    Offer {
        slot: usize,
        is_lost: bool,
    },
    /// A job asks whether it may begin; the answer may be lost. If it may, it mails.
    Begin {
        slot: usize,
        session: String,
        is_lost: bool,
    },
    /// A job that has not mailed fails.
    Fail {
        slot: usize,
        session: String,
    },
    /// A job that has mailed succeeds, or runs out of time.
    End {
        slot: usize,
        session: String,
        code: u16,
    },
    /// A result is delivered; the answer may be lost.
    Deliver {
        slot: usize,
        session: String,
        is_lost: bool,
    },
    /// The enclave forgets a result.
    Forget {
        slot: usize,
        session: String,
    },
    Die(usize),
    Restart(usize),
    /// A host reports that a start has ended; a false report is of one that lives.
    Report(u8),
    Arrive(Late),
    Tick,
    Decide(JobId, Decision),
    Backup,
    Restore,
}

impl Scene {
    pub(super) fn asker(world: &World, slot: usize) -> Asker {
        let start = start_id(world.enclaves[slot].start);
        Asker {
            start,
            release: 1,
            pcr0: String::new(),
            draining: false,
        }
    }

    /// An enclave asks, and gets the answer unless it is lost.
    pub(super) fn offer(&self, world: &mut World, slot: usize, is_lost: bool) {
        let fences: i64 = world.db.jobs.values().map(|job| job.fence).sum();
        let nonce = format!("{:032x}", fences + 1000 * i64::from(world.is_restored));
        let op = Op::Offer {
            asker: Self::asker(world, slot),
            nonce,
        };
        let outcome = world.run(&op, self.without);
        if let (Outcome::Offered(job), false) = (outcome, is_lost) {
            let works = &mut world.enclaves[slot].works;
            let work = works.entry(job.session.unwrap()).or_insert(Work::New);
            *work = match *work {
                Work::Kept(code) => Work::Ready(code),
                Work::Gone => Work::TellsGone,
                other => other,
            };
        }
    }

    pub(super) fn begin(&self, world: &mut World, slot: usize, session: &str, is_lost: bool) {
        let start = start_id(world.enclaves[slot].start);
        let op = Op::Begin {
            start,
            session: session.into(),
        };
        let begun = world.run(&op, self.without) == Outcome::Begun(true);
        if is_lost {
            return;
        }
        let work = if begun {
            Work::Mailed
        } else {
            Work::Ready(2999)
        };
        world.enclaves[slot].works.insert(session.into(), work);
        if begun {
            let job = super::job_of_session(session).unwrap();
            world.mailed.entry(job).or_default().insert(session.into());
        }
    }

    pub(super) fn deliver(&self, world: &mut World, slot: usize, session: &str, is_lost: bool) {
        let work = world.enclaves[slot].works[session];
        let (code, next) = match work {
            Work::Ready(code) => (code, Work::Kept(code)),
            Work::TellsGone => (2001, Work::Gone),
            _ => return,
        };
        world.deliver(session, code, self.without);
        if !is_lost {
            world.enclaves[slot].works.insert(session.into(), next);
        }
    }

    fn works(world: &World, slot: usize, actions: &mut Vec<Action>) {
        let can_lose = world.left.losses > 0;
        for (session, work) in &world.enclaves[slot].works {
            let session = session.clone();
            match work {
                Work::New => {
                    actions.push(Action::Fail {
                        slot,
                        session: session.clone(),
                    });
                    if can_lose {
                        let session = session.clone();
                        actions.push(Action::Begin {
                            slot,
                            session,
                            is_lost: true,
                        });
                    }
                    actions.push(Action::Begin {
                        slot,
                        session,
                        is_lost: false,
                    });
                }
                Work::Mailed => {
                    actions.push(Action::End {
                        slot,
                        session: session.clone(),
                        code: 0,
                    });
                    actions.push(Action::End {
                        slot,
                        session,
                        code: 2999,
                    });
                }
                Work::Ready(_) | Work::TellsGone => {
                    if can_lose {
                        let session = session.clone();
                        actions.push(Action::Deliver {
                            slot,
                            session,
                            is_lost: true,
                        });
                    }
                    if world.left.forgets > 0 && *work != Work::TellsGone {
                        let session = session.clone();
                        actions.push(Action::Forget { slot, session });
                    }
                    actions.push(Action::Deliver {
                        slot,
                        session,
                        is_lost: false,
                    });
                }
                Work::Kept(_) | Work::Gone => {}
            }
        }
    }
}

impl Model for Scene {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut world = World {
            db: Memory::default(),
            enclaves: Vec::new(),
            late: BTreeSet::new(),
            unreported: BTreeSet::new(),
            starts: self.enclaves,
            now: 0,
            backup: None,
            is_restored: false,
            mailed: BTreeMap::new(),
            retries: BTreeMap::new(),
            taken: BTreeSet::new(),
            wrong: BTreeSet::new(),
            left: self.budget,
        };
        for start in 0..self.enclaves {
            world.enclaves.push(Enclave {
                start,
                is_alive: true,
                works: BTreeMap::new(),
            });
        }
        for number in 0..self.jobs {
            let body = Body {
                bytes: 0,
                place: Place::Inline(Vec::new()),
            };
            let op = Op::Submit {
                job: Box::new(Job::queued(job_id(number), submitted(), 0)),
                body,
            };
            assert_eq!(world.run(&op, None), Outcome::Submitted);
        }
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        // Enclaves are alike: it is always the first one that dies.
        for (slot, enclave) in world.enclaves.iter().enumerate() {
            if enclave.is_alive {
                actions.push(Action::Offer {
                    slot,
                    is_lost: false,
                });
                if left.losses > 0 {
                    actions.push(Action::Offer {
                        slot,
                        is_lost: true,
                    });
                }
                Self::works(world, slot, actions);
                if left.deaths > 0 && slot == 0 {
                    actions.push(Action::Die(slot));
                }
                if left.false_reports > 0 && slot == 0 {
                    actions.push(Action::Report(enclave.start));
                }
            } else {
                actions.push(Action::Restart(slot));
            }
        }
        actions.extend(world.unreported.iter().copied().map(Action::Report));
        actions.extend(world.late.iter().cloned().map(Action::Arrive));
        if left.ticks > 0 {
            actions.push(Action::Tick);
        }
        for (id, job) in &world.db.jobs {
            if job.state == JobState::Unknown && left.decisions > 0 {
                actions.push(Action::Decide(id.clone(), Decision::Retry));
                actions.push(Action::Decide(id.clone(), Decision::Fail));
            }
        }
        if left.backups > 0 {
            actions.push(Action::Backup);
        }
        if left.restores > 0 && world.backup.is_some() {
            actions.push(Action::Restore);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        let lose = |world: &mut World, is_lost: bool| world.left.losses -= u8::from(is_lost);
        match action {
            Action::Offer { slot, is_lost } => {
                lose(&mut world, is_lost);
                self.offer(&mut world, slot, is_lost);
            }
            Action::Begin {
                slot,
                session,
                is_lost,
            } => {
                lose(&mut world, is_lost);
                self.begin(&mut world, slot, &session, is_lost);
            }
            Action::Fail { slot, session } => {
                world.enclaves[slot]
                    .works
                    .insert(session, Work::Ready(2002));
            }
            Action::End {
                slot,
                session,
                code,
            } => {
                world.enclaves[slot]
                    .works
                    .insert(session, Work::Ready(code));
            }
            Action::Deliver {
                slot,
                session,
                is_lost,
            } => {
                lose(&mut world, is_lost);
                self.deliver(&mut world, slot, &session, is_lost);
            }
            Action::Forget { slot, session } => {
                world.left.forgets -= 1;
                world.enclaves[slot].works.insert(session, Work::Gone);
            }
            Action::Die(slot) => world.die(slot),
            Action::Restart(slot) => {
                world.restart(slot);
            }
            Action::Report(start) => {
                if !world.unreported.remove(&start) {
                    world.left.false_reports -= 1;
                }
                world.run(&Op::StartEnded(start_id(start)), self.without);
            }
            Action::Arrive(late) => {
                world.late.remove(&late);
                match late {
                    Late::Begin(start, session) => {
                        let op = Op::Begin {
                            start: start_id(start),
                            session,
                        };
                        world.run(&op, self.without);
                    }
                    Late::Result(session, code) => world.deliver(&session, code, self.without),
                }
            }
            Action::Tick => {
                world.left.ticks -= 1;
                world.now += 1_000_000;
            }
            Action::Decide(job, decision) => {
                world.left.decisions -= 1;
                world.decide(&job, decision, self.without);
            }
            Action::Backup => {
                world.left.backups -= 1;
                world.backup = Some(world.db.clone());
            }
            Action::Restore => {
                world.left.restores -= 1;
                world.is_restored = true;
                world.db = world.backup.take()?;
                world.taken.clear();
                world.run(&Op::Restored, self.without);
            }
        }
        Some(world).filter(|world| world != last)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no job mails twice by itself", |_, world: &World| {
                !world.mails_twice()
            }),
            Property::always("results and decisions stay", |_, world: &World| {
                world.wrong.is_empty()
            }),
            Property::always("no job is stuck", |scene: &Scene, world: &World| {
                !scene.is_stuck(world)
            }),
            Property::sometimes("a job is done", |_, world: &World| {
                world
                    .db
                    .jobs
                    .values()
                    .any(|job| job.state == JobState::Done)
            }),
        ]
    }
}
