//! Cost of a step: wall-clock time, and processor time of all processes that it ran.

use std::fmt;
use std::fs;
use std::time::Instant;

/// Measures from its start to whenever it is displayed.
pub(super) struct Stopwatch {
    clock: Instant,
    processor: Option<f64>,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self {
            clock: Instant::now(),
            processor: processor_seconds(),
        }
    }
}

impl fmt::Display for Stopwatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} s", self.clock.elapsed().as_secs_f64())?;
        if let (Some(start), Some(now)) = (self.processor, processor_seconds()) {
            write!(formatter, " (processor {:.1} s)", now - start)?;
        }
        Ok(())
    }
}

/// Seconds of processor time that this process and its ended descendants used, where the system
/// reports it. It lacks the work of daemons (Docker's, for one). Of steps that run at the same time
/// each includes the other's.
fn processor_seconds() -> Option<f64> {
    let ticks = ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
    // Programs see 100 ticks a second on every Linux that Rust supports (USER_HZ).
    #[allow(clippy::cast_precision_loss, reason = "2^52 ticks are a million years")]
    Some(ticks as f64 / 100.0)
}

/// utime, stime, cutime and cstime of a line of /proc/PID/stat (proc_pid_stat(5)): fields 14 to 17.
fn ticks(stat: &str) -> Option<u64> {
    // Field 2, the program's name, is in parentheses and may hold blanks and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let times: Vec<u64> = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(4)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    (times.len() == 4).then(|| times.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_fields_14_to_17_whatever_the_program_is_called() {
        let line = "1 (a) b (c) S 2 3 4 5 6 7 8 9 10 11 100 20 3000 4 20 0 1 0 9\n";
        assert_eq!(ticks(line), Some(3124));
        assert_eq!(ticks("1 (a) S 2 3 4 5 6 7 8 9 10 11 100 20"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn ended_children_count() {
        let before = processor_seconds().unwrap();
        let status = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"])
            .status()
            .unwrap();
        assert!(status.success());
        assert!(processor_seconds().unwrap() > before);
    }
}
