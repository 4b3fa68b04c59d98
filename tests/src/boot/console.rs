use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A line of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Time from power-on to the end of the line, by the host's clock.
    pub at: Duration,
    /// Text without the end of line; invalid UTF-8 is replaced.
    pub text: String,
}

/// Called with each line as it arrives, in a thread of its own.
pub type Sink = Box<dyn FnMut(&Line) + Send>;

/// The longest line in bytes. A longer one is divided, so that a guest cannot fill our memory with
/// an endless line.
const LINE_MAX: usize = 16 << 10;
/// The most lines to keep; the oldest are dropped.
const LINES_MAX: usize = 50_000;

/// Collects the enclave's output on its serial port.
#[derive(Debug, Clone, Default)]
pub(super) struct Console(Arc<(Mutex<Vec<Line>>, Condvar)>);

impl Console {
    /// Reads to the end of the output; to be run in a thread of its own.
    pub(super) fn collect(&self, mut source: impl Read, power_on: Instant, mut sink: Option<Sink>) {
        let mut pending = Vec::new();
        let mut buffer = [0_u8; 4096];
        loop {
            let count = source.read(&mut buffer).unwrap_or(0);
            for byte in buffer.iter().take(count) {
                if *byte == b'\n' || pending.len() == LINE_MAX {
                    self.push(&mut pending, power_on, &mut sink);
                }
                if *byte != b'\n' {
                    pending.push(*byte);
                }
            }
            if count == 0 {
                break;
            }
        }
        if !pending.is_empty() {
            self.push(&mut pending, power_on, &mut sink);
        }
    }

    fn push(&self, pending: &mut Vec<u8>, power_on: Instant, sink: &mut Option<Sink>) {
        let line = Line {
            at: power_on.elapsed(),
            text: String::from_utf8_lossy(pending)
                .trim_end_matches('\r')
                .to_owned(),
        };
        pending.clear();
        if let Some(sink) = sink {
            sink(&line);
        }
        let mut lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.remove(0);
        }
        lines.push(line);
        self.0.1.notify_all();
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.0
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The last lines as one text.
    pub(super) fn tail(&self, count: usize) -> String {
        let lines = self.lines();
        let texts: Vec<&str> = lines
            .iter()
            .skip(lines.len().saturating_sub(count))
            .map(|line| line.text.as_str())
            .collect();
        texts.join("\n")
    }

    pub(super) fn find(&self, text: &str) -> Option<Line> {
        let lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| line.text.contains(text)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let console = Console::default();
        console.collect(bytes, Instant::now(), None);
        console.lines().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_end_with_newline_or_the_stream() {
        assert_eq!(lines(b"one\r\ntwo\n\nlast"), ["one", "two", "", "last"]);
        assert_eq!(lines(b"\xff\n"), ["\u{fffd}"]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn an_endless_line_is_cut() {
        let long = vec![b'x'; LINE_MAX * 2 + 1];
        let found = lines(&long);
        assert_eq!(
            found.iter().map(String::len).collect::<Vec<_>>(),
            [LINE_MAX, LINE_MAX, 1]
        );
    }

    #[test]
    fn the_sink_sees_every_line_and_the_tail_the_last() {
        let console = Console::default();
        let (sender, receiver) = std::sync::mpsc::channel();
        let sink: Sink = Box::new(move |line: &Line| sender.send(line.text.clone()).unwrap());
        console.collect(&b"a\nb\nc\n"[..], Instant::now(), Some(sink));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(console.tail(2), "b\nc");
        assert!(console.find("b").is_some() && console.find("d").is_none());
    }
}
