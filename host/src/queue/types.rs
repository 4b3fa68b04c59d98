//! The types of the queue's interface.

use super::error::Error;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::fmt;

/// The time, in milliseconds since 1970 (UTC).
pub type Millis = i64;

/// 128 random bits as 32 lower-case hexadecimal digits.
pub(crate) fn random_hex() -> String {
    let mut bytes = [0u8; 16];
    fill(&mut bytes);
    hex::encode(bytes)
}

/// Fills `bytes` from the system's generator. A system without one cannot run this program.
#[expect(
    clippy::expect_used,
    reason = "getrandom(2) cannot fail on the systems we run on"
)]
pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's random generator answers");
}

fn is_hex_128(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) String);

        impl $name {
            /// A new random one.
            #[expect(clippy::new_without_default, reason = "each is another one")]
            pub fn new() -> Self {
                Self(random_hex())
            }

            /// Reads one: 32 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Option<Self> {
                is_hex_128(text).then(|| Self(text.to_owned()))
            }

            /// The 32 digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names a job: 128 random bits.
    JobId
}

id! {
    /// Names one start of one enclave: 128 random bits.
    StartId
}

impl JobId {
    /// The one that follows from a hash: its first 128 bits. Whoever submits the same job again
    /// after a crash finds it by the same id.
    pub fn derived(hash: [u8; 32]) -> Self {
        let [digits @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
        Self(hex::encode(digits))
    }
}

/// An enclave that asks for a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The start that asks.
    pub start: StartId,
    /// The sequence of its release. Tasks never move to a lower one.
    pub release: i64,
    /// Its PCR0, in lower-case hexadecimal.
    pub pcr0: String,
    /// It gets repeats of its own sessions, but nothing new.
    pub draining: bool,
}

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Whose job it is: 1 to 256 characters. Fairness and quotas are per sender.
    pub sender: String,
    /// The task that it belongs to, if any: 1 to 256 characters.
    pub task: Option<String>,
    /// `jobName` of the job protocol: 1 to 256 characters.
    pub name: String,
    /// The PCR0s (96 lower-case hexadecimal digits each, at most 64) that may work it; empty: any.
    pub accepts: Vec<String>,
}

/// A job for an enclave.
pub struct Offer {
    /// The job.
    pub job: JobId,
    /// The session under which this enclave works it.
    pub session: String,
    /// `jobName`.
    pub name: String,
    /// Length of the payload in bytes.
    pub bytes: u64,
    /// `jobData`, a JSON object. An error in the middle means that the stored bytes are not the
    /// ones that were submitted, or that the store does not answer.
    pub payload: BodyStream,
}

/// A stored body, decrypted piece by piece.
pub type BodyStream = BoxStream<'static, Result<Bytes, Error>>;

/// Where a job is on its way (docs/host-queue.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for an enclave.
    Queued = 0,
    /// Was handed to an enclave that has not said that it begins.
    Offered = 1,
    /// May have mailed or texted somebody.
    Begun = 2,
    /// Has its result, with code 0.
    Done = 3,
    /// Has a result with another code, or was given up.
    Failed = 4,
    /// Had begun, and its result is lost: a person decides.
    Unknown = 5,
}

impl State {
    /// All states.
    pub const ALL: [State; 6] = [
        State::Queued,
        State::Offered,
        State::Begun,
        State::Done,
        State::Failed,
        State::Unknown,
    ];

    /// The word for it in logs, metrics and the command line.
    pub fn word(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Offered => "offered",
            State::Begun => "begun",
            State::Done => "done",
            State::Failed => "failed",
            State::Unknown => "unknown",
        }
    }

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether the job will go on by itself: queued, offered or begun.
    pub fn is_unfinished(self) -> bool {
        matches!(self, State::Queued | State::Offered | State::Begun)
    }

    /// Whether nothing more happens to it: done or failed.
    pub fn has_ended(self) -> bool {
        matches!(self, State::Done | State::Failed)
    }

    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    pub(crate) fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A job as a person sees it. It holds no secret: neither session nor payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub sender: String,
    /// Its task.
    pub task: Option<String>,
    /// `jobName`.
    pub name: String,
    /// The PCR0s that may work it; empty: any.
    pub accepts: Vec<String>,
    /// Where it is.
    pub state: State,
    /// The start that it was handed to last.
    pub start: Option<StartId>,
    /// How many sessions it has had.
    pub fence: i64,
    /// How often its current session was offered again.
    pub repeats: i64,
    /// The code of its result.
    pub code: Option<u16>,
    /// Length of its payload in bytes.
    pub bytes: u64,
    /// When it was submitted.
    pub created: Millis,
    /// When it was handed out last.
    pub offered: Option<Millis>,
    /// When it began.
    pub begun: Option<Millis>,
    /// When it ended.
    pub ended: Option<Millis>,
}

/// One line of a job's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When.
    pub at: Millis,
    /// The event: `submitted`, `offered`, `begun`, `done` and so on.
    pub event: String,
    /// More about it, without secrets.
    pub detail: String,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this sender.
    pub sender: Option<String>,
    /// Only of this task.
    pub task: Option<String>,
    /// Only in this state.
    pub state: Option<State>,
    /// At most so many, the newest first; 0 means 100.
    pub limit: u32,
}

/// A person's decision about an unknown job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It had no effect, or a second mail is acceptable: queue it again.
    Retry,
    /// Give it up.
    Fail,
}

/// The fate of a result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Finished {
    /// It is stored.
    Taken {
        /// The job.
        job: JobId,
        /// Its code.
        code: u16,
    },
    /// The job has its result already, from the same session; nothing was changed.
    Repeated {
        /// The job.
        job: JobId,
    },
    /// It is not of a current session; nothing was stored. The enclave is answered 2xx, so that it
    /// stops offering it.
    Discarded,
}

/// The fate of the jobs of a start that has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ended {
    /// They had not begun, and are queued again.
    pub requeued: u64,
    /// They had begun, and a person has to decide.
    pub unknown: u64,
}

/// A start with unfinished jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStart {
    /// The start.
    pub start: StartId,
    /// The host that started it.
    pub host: String,
    /// How many offered and begun jobs it has.
    pub jobs: u64,
}

/// Numbers for metrics and `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Jobs in each state, in the order of [`State::ALL`].
    pub by_state: [u64; 6],
    /// How long the oldest queued job has waited.
    pub oldest_queued_ms: Option<u64>,
    /// Payload bytes of unfinished jobs.
    pub bytes: u64,
}

impl Stats {
    /// Jobs in one state.
    pub fn count(&self, state: State) -> u64 {
        let at = usize::try_from(state.number()).unwrap_or(usize::MAX);
        self.by_state.get(at).copied().unwrap_or(0)
    }
}
