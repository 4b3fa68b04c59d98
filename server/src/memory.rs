//! Settings of the C library's allocator, and the memory budget of jobs.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Allocations above this many bytes, such as large documents, get their own mapping, which `free`
/// returns to the system at once. Each page of a mapping costs a fault, so that buffers of ordinary
/// documents are a fifth of a job's time if they are mapped one by one.
const LARGE: libc::c_int = 4 << 20;

/// Free bytes at the end of a pool that `free` leaves there for the next job.
const KEPT: libc::c_int = 8 << 20;

/// Number of malloc arenas. By default glibc makes up to eight per processor, and each keeps its
/// peak size.
const POOLS: libc::c_int = 2;

/// Keeps the memory of the process close to what is in use. Without this, glibc raises its
/// mmap threshold when the first large document is freed, and then keeps the peak memory of all
/// concurrent documents.
#[allow(unsafe_code)]
pub(crate) fn settle() {
    // SAFETY: called once, before there are other threads; both take two numbers. A refusal (0)
    // costs memory and nothing else.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_ARENA_MAX, POOLS);
    }
}

/// Returns free pages of all pools to the system, also those between blocks in use, which `free`
/// keeps. Called every second, so that the jobs of a moment do not take memory from later ones.
#[allow(unsafe_code)]
pub(crate) fn give_back() {
    // SAFETY: takes a number, locks what it works on, and changes no block in use.
    unsafe {
        libc::malloc_trim(0);
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

/// Upper limits of a job's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobMemory {
    /// Bytes for a job of any size.
    pub(crate) fixed: usize,
    /// Additional bytes for each byte of the job.
    pub(crate) factor: usize,
    /// Bytes of the largest job.
    pub(crate) job_bytes: usize,
}

impl JobMemory {
    /// The memory limit of a job of this many bytes.
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
    /// A budget of `bytes`, but at least one job of full size: an enclave with too little memory
    /// still tries to run one job at a time.
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
        // The semaphore is never closed, so this does not fail.
        Share(Mutex::new(permits.acquire_many_owned(self.full).await.ok()))
    }
}

/// Memory that a job may take; given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Mutex<Option<OwnedSemaphorePermit>>);

impl Share {
    /// Returns everything above this many bytes to the budget.
    pub(crate) fn shrink(&self, bytes: usize) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            let keep = usize::try_from(permits(bytes)).unwrap_or(usize::MAX);
            drop(held.split(held.num_permits().saturating_sub(keep)));
        }
    }
}

/// Bytes that jobs may take together: what is available now, without the reserve for everything
/// else. `None` when the kernel does not say.
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
