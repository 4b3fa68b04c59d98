//! Bytes in both directions between two connections.
//!
//! A direction reads into a buffer that the whole thread shares and writes at once. Only what the
//! receiver does not take is copied into a buffer of the direction's own. So an idle connection
//! holds no buffer, and a fast one is read in large pieces.

use crate::transport::Connection;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;
/// As many are read at once while the connections hold as much as they may.
pub const SMALL_PIECE: usize = 4 << 10;
/// Pieces that a connection moves before others have their turn.
const TURN: usize = 8;

thread_local! {
    /// Every thread polls one connection at a time, so one buffer is enough for all of them.
    static PIECE_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE]);
}

/// Bytes that all directions hold together.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    most: usize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            most,
        }
    }

    /// How much may be read at once. Directions on several threads may go beyond the limit by a
    /// piece each.
    fn piece(&self) -> usize {
        let room = self.most.saturating_sub(self.held());
        room.clamp(SMALL_PIECE, PIECE)
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// Bytes that a receiver has not taken yet.
struct Held<'a> {
    bytes: Box<[u8]>,
    start: usize,
    budget: &'a Budget,
}

impl<'a> Held<'a> {
    fn new(bytes: &[u8], budget: &'a Budget) -> Self {
        budget.held.fetch_add(bytes.len(), Ordering::Relaxed);
        Self {
            bytes: bytes.into(),
            start: 0,
            budget,
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget
            .held
            .fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// How a connection ended, other than by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides have ended their direction.
    Closed,
    /// No byte came in either direction for too long.
    Idle,
}

/// Bytes of each direction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// From the enclave to the service.
    pub(super) sent: u64,
    /// From the service to the enclave.
    pub(super) received: u64,
}

enum State<'a> {
    Open(Option<Held<'a>>),
    Ending,
    Ended,
}

struct Direction<'a> {
    state: State<'a>,
    budget: &'a Budget,
    /// Called for every piece that was written.
    count: &'a (dyn Fn(u64) + Sync),
    moved: u64,
}

impl<'a> Direction<'a> {
    fn new(budget: &'a Budget, count: &'a (dyn Fn(u64) + Sync)) -> Self {
        Self {
            state: State::Open(None),
            budget,
            count,
            moved: 0,
        }
    }

    fn wrote(&mut self, count: usize) {
        self.moved += count as u64;
        (self.count)(count as u64);
    }

    /// Moves what can be moved now.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Connection,
        to: &mut Connection,
    ) -> Poll<io::Result<()>> {
        for _ in 0..TURN {
            match &mut self.state {
                State::Open(held @ Some(_)) => {
                    ready!(write_held(context, held, to, |count| {
                        self.moved += count as u64;
                        (self.count)(count as u64);
                    }))?;
                }
                State::Open(None) => {
                    if ready!(self.poll_piece(context, from, to))? == 0 {
                        self.state = State::Ending;
                    }
                }
                State::Ending => {
                    match ready!(Pin::new(&mut *to).poll_shutdown(context)) {
                        // The receiver has gone already: nothing to end.
                        Err(error) if error.kind() != io::ErrorKind::NotConnected => {
                            return Poll::Ready(Err(error));
                        }
                        _ => self.state = State::Ended,
                    }
                }
                State::Ended => return Poll::Ready(Ok(())),
            }
        }
        // Others first; this connection is woken again at once.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads one piece and writes what the receiver takes. Yields the number of bytes read.
    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Connection,
        to: &mut Connection,
    ) -> Poll<io::Result<usize>> {
        PIECE_BUFFER.with_borrow_mut(|buffer| {
            let piece = self.budget.piece().min(buffer.len());
            let mut read = ReadBuf::new(buffer.get_mut(..piece).unwrap_or_default());
            ready!(Pin::new(from).poll_read(context, &mut read))?;
            let bytes = read.filled();
            let mut rest = bytes;
            while !rest.is_empty() {
                match Pin::new(&mut *to).poll_write(context, rest) {
                    Poll::Ready(count) => {
                        let count = nonzero(count?)?;
                        self.wrote(count);
                        rest = rest.get(count..).unwrap_or_default();
                    }
                    Poll::Pending => {
                        self.state = State::Open(Some(Held::new(rest, self.budget)));
                        break;
                    }
                }
            }
            Poll::Ready(Ok(bytes.len()))
        })
    }
}

/// Writes what is held, and forgets it when all is written.
fn write_held(
    context: &mut Context<'_>,
    held: &mut Option<Held<'_>>,
    to: &mut Connection,
    mut wrote: impl FnMut(usize),
) -> Poll<io::Result<()>> {
    while let Some(bytes) = held {
        let rest = bytes.bytes.get(bytes.start..).unwrap_or_default();
        if rest.is_empty() {
            *held = None;
            break;
        }
        let count = nonzero(ready!(Pin::new(&mut *to).poll_write(context, rest))?)?;
        bytes.start += count;
        wrote(count);
    }
    Poll::Ready(Ok(()))
}

fn nonzero(count: usize) -> io::Result<usize> {
    match count {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// Called with the bytes of each piece, for metrics.
pub(super) struct Count<'a> {
    pub(super) sent: &'a (dyn Fn(u64) + Sync),
    pub(super) received: &'a (dyn Fn(u64) + Sync),
}

/// Forwards both directions until both have ended, nothing moves for the time `idle`, or one of
/// the connections fails. The end of one direction is passed on and does not end the other.
pub(super) async fn forward(
    enclave: &mut Connection,
    service: &mut Connection,
    idle: Duration,
    budget: &Budget,
    count: &Count<'_>,
) -> (Counts, io::Result<End>) {
    let mut sent = Direction::new(budget, count.sent);
    let mut received = Direction::new(budget, count.received);
    let mut sleep: Pin<Box<Sleep>> = Box::pin(tokio::time::sleep(idle));
    let (mut last, mut moved) = (Instant::now(), 0);
    let end = poll_fn(|context| {
        let one = sent.poll(context, enclave, service)?;
        let other = received.poll(context, service, enclave)?;
        if one.is_ready() && other.is_ready() {
            return Poll::Ready(Ok(End::Closed));
        }
        let now_moved = sent.moved + received.moved;
        if now_moved != moved {
            // The timer is not touched for every piece: it looks at this when it fires.
            (last, moved) = (Instant::now(), now_moved);
        }
        while sleep.as_mut().poll(context).is_ready() {
            let due = last + idle;
            if Instant::now() >= due {
                return Poll::Ready(Ok(End::Idle));
            }
            sleep.as_mut().reset(due);
        }
        Poll::Pending
    })
    .await;
    let counts = Counts {
        sent: sent.moved,
        received: received.moved,
    };
    (counts, end)
}

#[cfg(test)]
mod tests;
