//! Faults that a test asks a service to show.

use crate::answer::Answer;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The defect of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongCertificate {
    /// It is for another name.
    Name,
    /// Another authority signed it.
    Authority,
    /// It ended yesterday.
    Expired,
    /// It begins tomorrow.
    Future,
}

/// A place in an SMTP session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the greeting.
    Greeting,
    /// EHLO, before TLS.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// EHLO inside TLS.
    TlsEhlo,
    /// AUTH, and what follows it.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, before the mail.
    Data,
    /// The dot that ends the mail. The mail was taken, unless the fault is a reply.
    Dot,
    /// QUIT.
    Quit,
}

/// A fault. Faults of connections happen before the first byte; faults of answers replace an answer
/// or damage it.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection is accepted, and nothing is ever said.
    Hang,
    /// The connection is reset at once.
    Reset,
    /// Bytes that are not TLS (nor a greeting, nor HTTP), then silence.
    Garbage(Vec<u8>),
    /// A wrong certificate; with SMTP at STARTTLS.
    Certificate(WrongCertificate),
    /// The request is read, and nothing is answered. It has no effect.
    HangAtRequest,
    /// The request has its effect, the answer ends after its head.
    HangAfterHead,
    /// The request has its effect, and the right answer comes so much later.
    Delay(Duration),
    /// The request has its effect, and the connection is reset after so many bytes of the answer.
    ResetAfter(usize),
    /// The request has its effect, and the connection is closed after so many bytes of the answer.
    CloseAfter(usize),
    /// The request has its effect, and the answer comes byte by byte, with these pauses.
    Trickle(Duration),
    /// This answer instead; the request has no effect.
    Answer(Answer),
    /// These very bytes instead, and whether the connection is closed behind them; the request has
    /// no effect.
    Raw(Vec<u8>, bool),
    /// An answer with a body of so many spaces, by `Content-Length` or in chunks; the request has
    /// no effect.
    Oversize {
        /// Bytes of the body.
        bytes: u64,
        /// In chunks of 64 KiB.
        chunked: bool,
    },
    /// SMTP: STARTTLS is not offered, and refused.
    NoStartTls,
    /// SMTP: STARTTLS is taken, and then nothing is said.
    HangAtTls,
    /// SMTP: this reply (a line, or lines, without the last line break) instead of the right one.
    Reply(Step, String),
    /// SMTP: silence.
    HangAt(Step),
    /// SMTP: the connection is closed instead of a reply.
    CloseAt(Step),
    /// SMTP: the connection is reset instead of a reply.
    ResetAt(Step),
    /// SMTP: the right reply, so much later.
    DelayAt(Step, Duration),
    /// SMTP: the right reply byte by byte, with these pauses.
    TrickleAt(Step, Duration),
    /// SMTP: a reply that never ends: so many bytes without a line break.
    EndlessAt(Step, usize),
}

impl Fault {
    pub(crate) fn is_of_connections(&self) -> bool {
        matches!(
            self,
            Self::Hang
                | Self::Reset
                | Self::Garbage(_)
                | Self::Certificate(_)
                | Self::NoStartTls
                | Self::HangAtTls
        )
    }

    /// The step of an SMTP session that it belongs to.
    pub(crate) fn step(&self) -> Option<Step> {
        match self {
            Self::Reply(step, _)
            | Self::HangAt(step)
            | Self::CloseAt(step)
            | Self::ResetAt(step)
            | Self::DelayAt(step, _)
            | Self::TrickleAt(step, _)
            | Self::EndlessAt(step, _) => Some(*step),
            _ => None,
        }
    }

    pub(crate) fn is_of_answers(&self) -> bool {
        !self.is_of_connections() && self.step().is_none()
    }
}

/// The faults that are to happen, in order; they can be changed at any time.
#[derive(Debug)]
pub struct Faults<F = Fault> {
    /// Remaining occasions (`None`: always), and the fault.
    queue: Mutex<VecDeque<(Option<u64>, F)>>,
    struck: AtomicU64,
}

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self {
            queue: Mutex::default(),
            struck: AtomicU64::new(0),
        }
    }
}

impl<F: Clone> Faults<F> {
    fn push(&self, times: Option<u64>, fault: F) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back((times, fault));
    }

    /// At the next occasion, once.
    pub fn next(&self, fault: F) {
        self.first(1, fault);
    }

    /// At the next n occasions.
    pub fn first(&self, times: u64, fault: F) {
        if times > 0 {
            self.push(Some(times), fault);
        }
    }

    /// At every occasion, until [`Self::clear`].
    pub fn always(&self, fault: F) {
        self.push(None, fault);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// How many have happened.
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::SeqCst)
    }

    /// How many are still to happen; those that always happen do not count.
    pub fn waiting(&self) -> u64 {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.iter().filter_map(|(times, _)| *times).sum()
    }

    /// The first one that suits this occasion.
    pub(crate) fn take(&self, suits: impl Fn(&F) -> bool) -> Option<F> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let at = queue.iter().position(|(_, fault)| suits(fault))?;
        self.struck.fetch_add(1, Ordering::SeqCst);
        let (times, fault) = queue.get_mut(at)?;
        let fault = fault.clone();
        if let Some(times) = times {
            *times -= 1;
            if *times == 0 {
                queue.remove(at);
            }
        }
        Some(fault)
    }
}

/// Counts of what a service has seen.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) served: AtomicU64,
    answered: Mutex<Option<Instant>>,
}

impl Counters {
    /// Notes that an answer is about to be written.
    pub(crate) fn answer(&self) {
        if let Ok(mut answered) = self.answered.lock() {
            *answered = Some(Instant::now());
        }
    }

    /// When the last answer to a request over HTTP was written.
    pub fn last_answer(&self) -> Option<Instant> {
        self.answered.lock().ok().and_then(|answered| *answered)
    }

    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// TLS handshakes completed.
    pub fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::SeqCst)
    }

    /// Requests read (SMTP: commands).
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Requests that had their effect: keys decrypted, mails taken, SMS sent and PINs checked, jobs
    /// handed out.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_and_as_often_as_said() {
        let faults = Faults::<u8>::default();
        faults.first(2, 1);
        faults.always(2);
        let any = |_: &u8| true;
        assert_eq!(faults.take(|fault| *fault == 3), None);
        assert_eq!(
            [0; 4].map(|_| faults.take(any)),
            [Some(1), Some(1), Some(2), Some(2)]
        );
        assert_eq!((faults.struck(), faults.waiting()), (4, 0));
        faults.clear();
        assert_eq!(faults.take(any), None);
    }
}
