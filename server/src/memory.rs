//! How the C library's allocator is to behave, and how much memory jobs may take.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Documents and what is made of them are larger than this; they are mapped one by one, and go back to the system when they are freed.
const LARGE: libc::c_int = 128 << 10;

/// Pools of small memory. glibc makes eight for each processor, and keeps what each of them once had.
const POOLS: libc::c_int = 2;

/// Keeps the memory of the process close to what is in use. Without this, glibc learns from the first large document that documents are small, and
/// keeps the memory of the largest crowd of them.
#[allow(unsafe_code)]
pub(crate) fn settle() {
    // SAFETY: called once, before there are other threads; both take two numbers. A refusal (0) costs memory and nothing else.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, POOLS);
    }
}

/// Bytes of one permit.
const UNIT: usize = 1 << 10;

/// The memory for jobs, shared by all workers (docs/job-protocol.md, "Memory").
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    permits: Arc<Semaphore>,
    full: u32,
}

/// What a job takes at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobMemory {
    /// Whatever its size.
    pub(crate) fixed: usize,
    /// For each byte of it.
    pub(crate) factor: usize,
    /// The largest job.
    pub(crate) job_bytes: usize,
}

impl JobMemory {
    /// For a job of so many bytes.
    pub(crate) fn of(&self, bytes: usize) -> usize {
        self.factor
            .saturating_mul(bytes.min(self.job_bytes))
            .saturating_add(self.fixed)
    }

    fn full(&self) -> usize {
        self.of(self.job_bytes)
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

impl Budget {
    /// So many bytes, but at least enough for one job of full size: an enclave that is too small shall still try.
    pub(crate) fn new(bytes: usize, job: JobMemory) -> Self {
        let full = permits(job.full());
        let all = permits(bytes).max(full);
        Self {
            permits: Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(usize::MAX))),
            full,
        }
    }

    /// Waits for the share of a job of full size. First come, first served.
    pub(crate) async fn full(&self) -> Share {
        let permits = Arc::clone(&self.permits);
        // Never closed, so never an error.
        Share(Mutex::new(permits.acquire_many_owned(self.full).await.ok()))
    }
}

/// Memory that a job may take; given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Mutex<Option<OwnedSemaphorePermit>>);

impl Share {
    /// Gives back what is more than so many bytes.
    pub(crate) fn shrink(&self, bytes: usize) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            let keep = usize::try_from(permits(bytes)).unwrap_or(usize::MAX);
            drop(held.split(held.num_permits().saturating_sub(keep)));
        }
    }
}

/// Bytes that jobs may take together: what is available now, without the reserve for everything else. `None` when the
/// kernel does not say.
pub(crate) fn available(reserve: usize) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    parse(&text).map(|bytes| bytes.saturating_sub(reserve))
}

fn parse(meminfo: &str) -> Option<usize> {
    let rest = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib = rest.trim().strip_suffix(" kB")?.parse::<usize>().ok()?;
    kib.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_is_available() {
        let text = "MemTotal:  100 kB\nMemAvailable:     81 kB\nBuffers: 1 kB\n";
        assert_eq!(parse(text), Some(81 << 10));
        for bad in [
            "",
            "MemAvailable: kB",
            "MemAvailable: 1 MB",
            "MemAvailable: -1 kB",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(available(0).is_some_and(|bytes| bytes > 1 << 20));
    }

    #[tokio::test]
    async fn a_share_is_waited_for_and_given_back() {
        let job = JobMemory {
            fixed: 1 << 20,
            factor: 4,
            job_bytes: 1 << 20,
        };
        let budget = Budget::new(7 << 20, job);
        let first = budget.full().await;
        let mut second = Box::pin(budget.full());
        assert!(futures_util::poll!(&mut second).is_pending());
        first.shrink(job.of(1 << 18));
        let second = second.await;
        // A larger wish later changes nothing.
        second.shrink(usize::MAX);
        let mut third = Box::pin(budget.full());
        assert!(futures_util::poll!(&mut third).is_pending());
        drop((first, second));
        drop(third.await);
        assert_eq!(budget.permits.available_permits(), 7 << 10);
        // Too small for one job: one job at a time.
        let small = Budget::new(0, job);
        let one = small.full().await;
        assert!(futures_util::poll!(Box::pin(small.full())).is_pending());
        drop(one);
    }
}
