//! The rules of a task: what follows from what has happened.
//!
//! Pure functions: they read no clock, no random numbers and no store, so that tests drive them
//! through any order of events.

use super::task::{Answer, Asked, Outcome, Place, Sent, Signer, Step, Task};
use crate::queue::Millis;
use crate::service::records::Event;
use letsesign_protocol2::Statement;

/// How long a document may take.
pub(crate) const DOCUMENT: Millis = 24 * HOUR;
pub(crate) const HOUR: Millis = 3_600_000;
/// The most statements of a task that the host keeps.
pub(crate) const STATEMENTS: usize = 1000;
/// Answers of one request within an hour.
pub(crate) const ANSWERS: usize = 20;

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The task has ended.
    Ended,
    /// The request is not the signer's current one, or was answered.
    NotOpen,
    /// An answer of this request is being worked.
    Working,
    /// Too many answers, or too many statements.
    TooMany,
    /// The signer is not asked, or a reminder is on its way.
    NotAsked,
}

/// Events of a change.
pub(crate) type Events = Vec<Event>;

pub(crate) fn event(key: String, at: Millis, word: &str, signer: Option<usize>) -> Event {
    Event {
        key,
        at,
        word: word.to_owned(),
        signer: signer.and_then(|signer| u16::try_from(signer).ok()),
        detail: String::new(),
    }
}

impl Task {
    /// Takes a statement. `false`: it is there already.
    pub(crate) fn state(
        &mut self,
        text: Vec<u8>,
        mac: Vec<u8>,
        statement: &Statement,
        now: Millis,
        events: &mut Events,
    ) -> Result<bool, Refused> {
        if self.statements.iter().any(|sent| sent.text == text) {
            return Ok(false);
        }
        if self.outcome.is_some() || self.is_voided() {
            return Err(Refused::Ended);
        }
        if self.statements.len() >= STATEMENTS {
            return Err(Refused::TooMany);
        }
        let number = self.statements.len();
        let key = format!("statement/{}/{number}", self.generation);
        self.statements.push(Sent {
            text,
            mac,
            accepted: false,
        });
        match statement {
            Statement::Void { .. } => events.push(event(key, now, "voidRequested", None)),
            Statement::NewRound { signer, round, .. } => {
                events.push(event(key, now, "newRound", Some(usize::from(*signer))));
                self.new_round(usize::from(*signer), *round);
            }
        }
        Ok(true)
    }

    fn new_round(&mut self, signer: usize, round: u32) {
        let in_order = self.in_order;
        self.attach = None;
        self.problem = None;
        for (number, one) in self.signers.iter_mut().enumerate() {
            if number == signer && round > one.round {
                one.ask_anew(round);
            } else if in_order && number > signer && one.was_asked() {
                // Their requests name a confirmation that counts no more.
                one.ask_anew(one.round);
            }
        }
    }

    /// Takes the refusal of statements: those that were not accepted before are dropped, and what
    /// followed from them.
    pub(crate) fn drop_refused(&mut self, now: Millis, events: &mut Events) -> bool {
        let before = self.statements.len();
        self.statements.retain(|sent| sent.accepted);
        if self.statements.len() == before {
            return false;
        }
        self.generation += 1;
        let key = format!("statementRefused/{}", self.generation);
        events.push(event(key, now, "statementRefused", None));
        self.void = None;
        let rounds: Vec<(usize, u32)> = self
            .statements
            .iter()
            .filter_map(|sent| match Statement::parse(&sent.text) {
                Ok(Statement::NewRound { signer, round, .. }) => Some((usize::from(signer), round)),
                _ => None,
            })
            .collect();
        for (number, one) in self.signers.iter_mut().enumerate() {
            let stated = rounds.iter().filter(|(signer, _)| *signer == number);
            let round = stated.map(|(_, round)| *round).max().unwrap_or(1);
            if one.round != round {
                one.ask_anew(round);
            }
        }
        true
    }

    /// Takes an answer to the request with this hash.
    pub(crate) fn answer(
        &mut self,
        signer: usize,
        mut answer: Answer,
        now: Millis,
    ) -> Result<(), Refused> {
        if self.outcome.is_some() || self.is_voided() {
            return Err(Refused::Ended);
        }
        let step = Step::new(
            self,
            format!("{}/{signer}/{}", answer.function.name(), answer.hash),
            now,
        );
        let one = self.signers.get_mut(signer).ok_or(Refused::NotOpen)?;
        if one.poi.is_some() || one.por.is_none() {
            return Err(Refused::NotOpen);
        }
        // The same answer again is the one that was given.
        if one.worked.iter().any(|worked| worked.hash == answer.hash) {
            return Ok(());
        }
        if one
            .answer
            .as_ref()
            .is_some_and(|old| old.hash == answer.hash)
        {
            return Ok(());
        }
        if one.answer.is_some() {
            return Err(Refused::Working);
        }
        one.answered.retain(|at| now - *at < HOUR);
        if one.answered.len() >= ANSWERS {
            return Err(Refused::TooMany);
        }
        one.answered.push_back(now);
        answer.step = step;
        one.answer = Some(answer);
        Ok(())
    }

    /// The sender asks for a reminder.
    pub(crate) fn remind(
        &mut self,
        signer: usize,
        now: Millis,
        events: &mut Events,
    ) -> Result<(), Refused> {
        let Some(one) = self.signers.get(signer) else {
            return Err(Refused::NotAsked);
        };
        let waits = self.outcome.is_none() && !self.is_voided() && one.is_open();
        if !waits || one.remind.is_some() {
            return Err(Refused::NotAsked);
        }
        self.add_reminder(signer, now, events);
        Ok(())
    }

    fn add_reminder(&mut self, signer: usize, now: Millis, events: &mut Events) {
        let Some(one) = self.signers.get(signer) else {
            return;
        };
        let name = format!(
            "remind/{signer}/{}/{}/{}",
            one.round, one.asked, one.reminders
        );
        events.push(event(name.clone(), now, "reminding", Some(signer)));
        let step = Step::new(self, name, now);
        if let Some(one) = self.signers.get_mut(signer) {
            one.reminders += 1;
            one.remind = Some(step);
        }
    }

    /// Adds the steps that follow from the state and the time.
    pub(crate) fn advance(&mut self, now: Millis, events: &mut Events) {
        if self.outcome.is_some() {
            return;
        }
        if !self.document {
            if now >= self.created + DOCUMENT {
                self.end(Outcome::Abandoned, now, events);
            }
            return;
        }
        if self.is_voided() {
            self.add_void(now);
            return;
        }
        let answering = self.signers.iter().any(|one| one.answer.is_some());
        let all = self.signers.iter().all(|one| one.poi.is_some());
        if !all && now > self.expiry && !answering {
            self.end(Outcome::Expired, now, events);
            return;
        }
        if all {
            if self.attach.is_none() && self.problem.is_none() {
                // Rounds tell one confirmation of all from another.
                let rounds: Vec<String> = self
                    .signers
                    .iter()
                    .map(|one| format!("{}.{}", one.round, one.asked))
                    .collect();
                let name = format!("attachEsig/{}", rounds.join("/"));
                self.attach = Some(Step::new(self, name, now));
            }
            return;
        }
        for number in 0..self.signers.len() {
            self.advance_signer(number, now, events);
        }
    }

    fn advance_signer(&mut self, number: usize, now: Millis, events: &mut Events) {
        let is_turn = !self.in_order
            || number == 0
            || self
                .signers
                .get(number - 1)
                .is_some_and(|before| before.poi.is_some());
        let Some(one) = self.signers.get(number) else {
            return;
        };
        if is_turn && !one.was_asked() {
            let name = format!("sendReq/{number}/{}/{}", one.round, one.asked);
            let step = Step::new(self, name, now);
            if let Some(one) = self.signers.get_mut(number) {
                one.request = Some(step);
            }
        } else if one.is_open()
            && one.remind.is_none()
            && self.reminder_at(number).is_some_and(|at| at <= now)
        {
            self.add_reminder(number, now, events);
        }
    }

    /// When the next reminder of a signer is due.
    fn reminder_at(&self, signer: usize) -> Option<Millis> {
        let reminders = self.reminders?;
        let one = self.signers.get(signer)?;
        let asked = one.por.as_ref()?.at;
        let last = one.reminded_at.unwrap_or(asked);
        (one.reminders < reminders.times && one.poi.is_none())
            .then(|| last + Millis::from(reminders.after_hours) * HOUR)
    }

    fn add_void(&mut self, now: Millis) {
        // Steps that are on their way stay: the enclave may yet refuse the statement. Nothing else
        // is submitted meanwhile.
        if self.void.is_none() && self.problem.is_none() {
            let name = format!("voidTask/{}", self.statements.len());
            self.void = Some(Step::new(self, name, now));
        }
    }

    /// Ends the task: nothing of it is asked of an enclave any more.
    pub(crate) fn end(&mut self, outcome: Outcome, now: Millis, events: &mut Events) {
        let word = match outcome {
            Outcome::Completed => "completed",
            Outcome::Declined => "declined",
            Outcome::Void => "void",
            Outcome::Expired => "expired",
            Outcome::Abandoned => "failed",
        };
        events.push(event(format!("end/{word}"), now, word, None));
        self.outcome = Some(outcome);
        self.ended_at = Some(now);
        self.void = None;
        self.attach = None;
        for one in &mut self.signers {
            one.request = None;
            one.remind = None;
            one.answer = None;
        }
    }

    /// When something has to be done even if nothing happens.
    /// Ended tasks are kept for `keep` milliseconds.
    pub(crate) fn due(&self, now: Millis, keep: Millis) -> Millis {
        if let Some(at) = self.ended_at {
            return if self.cleared { at + keep } else { now };
        }
        if !self.document {
            return self.created + DOCUMENT;
        }
        let mut due = self.expiry + 1;
        for place in self.steps() {
            if let Some(step) = self.step(place) {
                // A look at what another host may have got.
                let look = if step.unknown { 60_000 } else { 2_000 };
                due = due.min(step.at.max(now + look));
            }
        }
        for signer in 0..self.signers.len() {
            let idle = self
                .signers
                .get(signer)
                .is_some_and(|one| one.is_open() && one.remind.is_none());
            if idle && let Some(at) = self.reminder_at(signer) {
                due = due.min(at.max(now + 1_000));
            }
        }
        due
    }
}

impl Signer {
    /// Whether a request is on its way, was made, or failed.
    fn was_asked(&self) -> bool {
        self.request.is_some() || self.por.is_some() || self.problem.is_some()
    }

    /// Whether the signer can answer.
    pub(crate) fn is_open(&self) -> bool {
        self.por.is_some() && self.poi.is_none() && !self.declined
    }

    /// The request that counts.
    pub(crate) fn current(&self) -> Option<&Asked> {
        self.por.as_ref()
    }
}

/// Where the step of a job is, if the task still waits for it.
pub(crate) fn place_of(task: &Task, job: &crate::queue::JobId) -> Option<Place> {
    task.steps()
        .into_iter()
        .find(|place| task.step(*place).is_some_and(|step| step.job(task) == *job))
}
