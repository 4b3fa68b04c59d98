//! A model of the queue with enclaves that die and forget, answers that are lost, requests that
//! come late or twice, hosts that crash, clocks that jump and a backup that is restored. It runs
//! the rules themselves ([`apply`]) over [`Memory`], and is explored exhaustively.
//!
//! A host is its transactions: what happens between two of them, a crash included, is that an
//! answer is lost. Two hosts are two that take turns.

mod scene;
mod settle;
mod tests;

use super::core::{Context, Op, Outcome, Rule, Timing, Working, apply, job_of_session};
use super::memory::Memory;
use super::quota::{Allowances, Strides};
use super::store::{Body, Place};
use super::types::{Decision, Finished, JobId, NewJob, StartId, State as JobState};
use std::collections::{BTreeMap, BTreeSet};

/// How far an enclave is with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Work {
    /// It works, and has not had an effect.
    New,
    /// Its mail is sent.
    Mailed,
    /// It is offering a result with this code.
    Ready(u16),
    /// The result was taken, and is kept.
    Kept(u16),
    /// It was worked, and the result is gone.
    Gone,
    /// It is gone, and the enclave answers so: 2001.
    TellsGone,
}

/// One slot for an enclave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Enclave {
    /// The number of its start.
    pub(super) start: u8,
    pub(super) is_alive: bool,
    pub(super) works: BTreeMap<String, Work>,
}

/// A request that is on its way while who sent it is dead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Late {
    Begin(u8, String),
    Result(String, u16),
}

/// An event that a property forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Wrong {
    /// A job went on from "unknown" without a decision or its result.
    Undecided,
    /// One session's result was taken twice.
    TakenTwice,
    /// A success was acknowledged and is not stored.
    ResultLost,
    /// A job that has ended changed.
    EndChanged,
}

/// A state of everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) db: Memory,
    pub(super) enclaves: Vec<Enclave>,
    pub(super) late: BTreeSet<Late>,
    /// Starts that have ended, before a host reports it.
    pub(super) unreported: BTreeSet<u8>,
    pub(super) starts: u8,
    pub(super) now: i64,
    pub(super) backup: Option<Memory>,
    pub(super) is_restored: bool,
    /// Sessions under which each job mailed.
    pub(super) mailed: BTreeMap<JobId, BTreeSet<String>>,
    /// How often persons had a job retried.
    pub(super) retries: BTreeMap<JobId, u8>,
    pub(super) taken: BTreeSet<String>,
    pub(super) wrong: BTreeSet<Wrong>,
    pub(super) left: Budget,
}

/// How often each thing may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) ticks: u8,
    pub(super) deaths: u8,
    pub(super) false_reports: u8,
    pub(super) losses: u8,
    pub(super) forgets: u8,
    pub(super) decisions: u8,
    pub(super) backups: u8,
    pub(super) restores: u8,
}

pub(super) fn start_id(number: u8) -> StartId {
    StartId(format!("{number:032x}"))
}

pub(super) fn job_id(number: u8) -> JobId {
    JobId(format!("{:032x}", u64::from(number) + 0xa0))
}

/// A job as a sender submits it.
fn submitted() -> NewJob {
    NewJob {
        sender: "s".into(),
        task: None,
        name: "sendReq".into(),
        accepts: Vec::new(),
    }
}

/// The bytes of a result.
fn bytes_of(session: &str, code: u16) -> Vec<u8> {
    format!("{session}:{code}").into_bytes()
}

impl World {
    /// A new start in the place of an enclave.
    pub(super) fn restart(&mut self, slot: usize) {
        self.enclaves[slot] = Enclave {
            start: self.starts,
            is_alive: true,
            works: BTreeMap::new(),
        };
        self.starts += 1;
    }

    /// Carries out a transaction, and notes what must not happen.
    pub(super) fn run(&mut self, op: &Op, without: Option<Rule>) -> Outcome {
        let before = self.db.jobs.clone();
        let allowances = Allowances::default();
        let context = Context {
            now: self.now,
            host: "host",
            timing: Timing::default(),
            allowances: &allowances,
            group: 8,
            without,
        };
        let mut working = Working::new(&mut self.db);
        let outcome = apply(op, &mut working, &mut Strides::default(), &context).unwrap();
        working.flush().unwrap();
        let is_decision = matches!(op, Op::Decide { .. });
        let is_result = matches!(op, Op::Finish { .. });
        for (id, job) in &before {
            let after = self.db.jobs.get(id).map_or(job.state, |job| job.state);
            if job.state == JobState::Unknown && after != job.state && !is_decision && !is_result {
                self.wrong.insert(Wrong::Undecided);
            }
            if job.state.has_ended() && after != job.state {
                self.wrong.insert(Wrong::EndChanged);
            }
        }
        outcome
    }

    /// Delivers a result, and notes it when the answer is wrong.
    pub(super) fn deliver(&mut self, session: &str, code: u16, without: Option<Rule>) {
        let bytes = bytes_of(session, code);
        let body = Body {
            bytes: 0,
            place: Place::Inline(bytes.clone()),
        };
        let outcome = self.run(
            &Op::Finish {
                session: session.into(),
                code,
                body,
            },
            without,
        );
        let Some(job) = job_of_session(session) else {
            return;
        };
        let has_mailed = self
            .mailed
            .get(&job)
            .is_some_and(|mailed| mailed.contains(session));
        let is_stored = self.db.results.get(&job) == Some(&bytes);
        match outcome {
            Outcome::Finished(Finished::Taken { .. }) => {
                if !self.taken.insert(session.to_owned()) {
                    self.wrong.insert(Wrong::TakenTwice);
                }
                if !is_stored {
                    self.wrong.insert(Wrong::ResultLost);
                }
            }
            // After a decision or a restored backup a result may come too late.
            Outcome::Finished(_) => {
                let is_excused = self.retries.contains_key(&job)
                    || self.is_restored
                    || self
                        .db
                        .jobs
                        .get(&job)
                        .is_none_or(|job| job.code.is_none() && job.state.has_ended());
                if has_mailed && code == 0 && !is_stored && !is_excused {
                    self.wrong.insert(Wrong::ResultLost);
                }
            }
            _ => {}
        }
    }

    /// Whether a job mailed more often than persons allowed.
    pub(super) fn mails_twice(&self) -> bool {
        self.mailed.iter().any(|(job, sessions)| {
            let allowed = 1 + usize::from(self.retries.get(job).copied().unwrap_or(0));
            sessions.len() > allowed
        })
    }

    pub(super) fn decide(&mut self, job: &JobId, decision: Decision, without: Option<Rule>) {
        let op = Op::Decide {
            job: job.clone(),
            decision,
            who: "op".into(),
        };
        if self.run(&op, without) == Outcome::Decided && decision == Decision::Retry {
            *self.retries.entry(job.clone()).or_default() += 1;
        }
    }

    /// An enclave ends; what it has sent may arrive later.
    pub(super) fn die(&mut self, slot: usize) {
        self.left.deaths -= 1;
        let enclave = &mut self.enclaves[slot];
        enclave.is_alive = false;
        for (session, work) in std::mem::take(&mut enclave.works) {
            match work {
                Work::New => self.late.insert(Late::Begin(enclave.start, session)),
                Work::Ready(code) => self.late.insert(Late::Result(session, code)),
                _ => false,
            };
        }
        self.unreported.insert(enclave.start);
    }
}
