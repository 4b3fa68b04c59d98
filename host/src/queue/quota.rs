//! The quotas of senders, and which sender is next.

use super::error::Quota;
use super::types::Millis;
use std::collections::{BTreeMap, HashMap};

/// The share and quotas of one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The sender's share while several wait: 2 gets twice the jobs of 1. At least 1.
    pub weight: u32,
    /// Unfinished jobs at a time.
    pub jobs: u64,
    /// Payload bytes of unfinished jobs.
    pub bytes: u64,
    /// Milliseconds of enclave time, from an offer to the end of its job, within a day.
    pub enclave_ms: u64,
}

impl Default for Allowance {
    /// 10,000 jobs, 2 GiB, 16 enclave workers' hours.
    fn default() -> Self {
        Self {
            weight: 1,
            jobs: 10_000,
            bytes: 2 << 30,
            enclave_ms: 16 * 3_600_000,
        }
    }
}

/// The allowances of all senders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Of senders that are not named.
    pub default: Allowance,
    /// Of named senders.
    pub senders: HashMap<String, Allowance>,
}

impl Allowances {
    /// The allowance of one sender.
    pub fn of(&self, sender: &str) -> Allowance {
        self.senders.get(sender).copied().unwrap_or(self.default)
    }
}

/// One hour of [`Millis`]; enclave time is counted in such steps.
pub(crate) const HOUR: i64 = 3_600_000;
/// The window of enclave time.
pub(crate) const HOURS: i64 = 24;

/// The use that a sender has made of its quotas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Usage {
    pub(crate) jobs: u64,
    pub(crate) bytes: u64,
    /// Enclave time by the hour in which a job ended.
    pub(crate) spent: BTreeMap<i64, u64>,
}

impl Usage {
    /// The quota that one more job of `bytes` exceeds: which, its limit and until when.
    pub(crate) fn exceeds(
        &self,
        allowance: &Allowance,
        bytes: u64,
        now: Millis,
    ) -> Option<(Quota, u64, Option<Millis>)> {
        if self.jobs >= allowance.jobs {
            return Some((Quota::Jobs, allowance.jobs, None));
        }
        if self.bytes.saturating_add(bytes) > allowance.bytes {
            return Some((Quota::Bytes, allowance.bytes, None));
        }
        let first = now / HOUR - HOURS + 1;
        let window = || self.spent.range(first..);
        let mut spent: u64 = window().fold(0, |sum, (_, ms)| sum.saturating_add(*ms));
        if spent < allowance.enclave_ms {
            return None;
        }
        let mut until = None;
        for (hour, ms) in window() {
            spent = spent.saturating_sub(*ms);
            if spent < allowance.enclave_ms {
                until = Some((hour + HOURS) * HOUR);
                break;
            }
        }
        Some((Quota::EnclaveTime, allowance.enclave_ms, until))
    }
}

/// Weighted round robin between senders by stride scheduling (Waldspurger and Weihl, 1995): each
/// sender has a position that advances by a stride with each job; the least is next. It shapes
/// order alone, so it lives in memory, for each host.
#[derive(Debug, Default)]
pub(crate) struct Strides {
    positions: HashMap<String, u64>,
    /// Where a sender starts that has not waited: not behind those that have.
    floor: u64,
}

/// The stride of weight 1.
const STRIDE: u64 = 1 << 20;
/// Positions that are remembered; more are forgotten together, which costs fairness for a moment.
const REMEMBERED: usize = 100_000;

impl Strides {
    /// Sorts senders that wait: the next one first.
    pub(crate) fn sort(&self, senders: &mut [String]) {
        senders.sort_by_cached_key(|sender| (self.position(sender), sender.clone()));
    }

    fn position(&self, sender: &str) -> u64 {
        self.positions
            .get(sender)
            .copied()
            .unwrap_or(0)
            .max(self.floor)
    }

    /// A job of `sender` was handed out.
    pub(crate) fn advance(&mut self, sender: &str, weight: u32) {
        if self.positions.len() >= REMEMBERED && !self.positions.contains_key(sender) {
            self.positions.clear();
        }
        let at = self.position(sender);
        self.floor = self.floor.max(at.saturating_sub(STRIDE));
        let next = at.saturating_add(STRIDE / u64::from(weight.max(1)));
        self.positions.insert(sender.to_owned(), next);
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, HOUR, Strides, Usage};
    use crate::queue::Quota;

    #[test]
    fn weights_share_the_jobs() {
        let mut strides = Strides::default();
        let mut counts = [0u32; 3];
        let names = ["a", "b", "c"];
        for _ in 0..700 {
            let mut senders: Vec<String> = names.map(String::from).to_vec();
            strides.sort(&mut senders);
            let at = names.iter().position(|name| *name == senders[0]).unwrap();
            counts[at] += 1;
            strides.advance(&senders[0], [1, 2, 4][at]);
        }
        assert_eq!(counts, [100, 200, 400]);
    }

    #[test]
    fn who_comes_late_does_not_catch_up() {
        let mut strides = Strides::default();
        for _ in 0..1000 {
            strides.advance("early", 1);
        }
        let mut late = 0;
        for _ in 0..100 {
            let mut senders = vec!["early".to_owned(), "late".to_owned()];
            strides.sort(&mut senders);
            late += u32::from(senders[0] == "late");
            strides.advance(&senders[0], 1);
        }
        assert!((49..=52).contains(&late), "{late}");
    }

    #[test]
    fn enclave_time_comes_back_when_its_hour_leaves_the_day() {
        let allowance = Allowance {
            enclave_ms: 100,
            ..Allowance::default()
        };
        let usage = Usage {
            spent: [(10, 60), (12, 50)].into(),
            ..Usage::default()
        };
        let exceeds = |hour: i64| usage.exceeds(&allowance, 1, hour * HOUR);
        assert_eq!(
            exceeds(13),
            Some((Quota::EnclaveTime, 100, Some(34 * HOUR)))
        );
        assert_eq!(
            exceeds(33),
            Some((Quota::EnclaveTime, 100, Some(34 * HOUR)))
        );
        assert_eq!(exceeds(34), None);
    }
}
