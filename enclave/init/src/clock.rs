//! The wall clock. The NSM's time is the trusted one: it is the time in attestation documents.
//! Monotonic time is never touched.

use crate::console::log;
use letsesign_nsm::Nsm;
use letsesign_nsm::document::Unverified;
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};
use std::error::Error;
use std::time::Duration;

/// A clock further off than this at start means that the machine below is not what it claims to be:
/// on Nitro the hypervisor sets the clock of an enclave from the same source.
const START_BOUND_MS: u64 = 120_000;

/// A difference up to this is the time that asking takes, and is left alone.
const TOLERANCE_MS: u64 = 500;

/// An enclave drifts some 6 s a week (evervault/enclaves 195), that is 6 ms in this time.
const INTERVAL: Duration = Duration::from_mins(10);

/// Compares the clock with the NSM's once, refuses beyond the bound, and sets it.
pub(crate) fn set_at_start(nsm: &Nsm) -> Result<(), Box<dyn Error>> {
    let difference = compare(nsm)?;
    if difference.unsigned_abs() > START_BOUND_MS {
        return Err(format!(
            "the clock differs from the NSM's by {difference} ms; at most {START_BOUND_MS} ms are accepted at start"
        )
        .into());
    }
    log!("clock differs from the NSM's by {difference} ms");
    correct(difference)?;
    Ok(())
}

/// Keeps comparing and correcting for as long as the enclave runs.
pub(crate) fn keep(nsm: Nsm) -> Result<(), Box<dyn Error>> {
    std::thread::Builder::new()
        .name("clock".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(INTERVAL);
                match compare(&nsm) {
                    Ok(difference) if difference.unsigned_abs() > TOLERANCE_MS => {
                        log!("clock drifted from the NSM's by {difference} ms");
                        if let Err(error) = correct(difference) {
                            log!("cannot set the clock: {error}");
                        }
                    }
                    Ok(_) => {}
                    Err(error) => log!("cannot compare the clock: {error}"),
                }
            }
        })?;
    Ok(())
}

/// The wall clock minus the NSM's time, in milliseconds.
fn compare(nsm: &Nsm) -> Result<i64, Box<dyn Error>> {
    let document = nsm.attest(None, None, None)?;
    let trusted = Unverified::parse(&document)?.timestamp;
    difference(clock_gettime(ClockId::Realtime), trusted)
        .ok_or_else(|| "the NSM's time is beyond all calendars".into())
}

fn difference(now: Timespec, trusted_ms: u64) -> Option<i64> {
    milliseconds(now)?.checked_sub(i64::try_from(trusted_ms).ok()?)
}

fn milliseconds(time: Timespec) -> Option<i64> {
    time.tv_sec
        .checked_mul(1000)?
        .checked_add(time.tv_nsec / 1_000_000)
}

/// Corrects the clock by a difference that is larger than the time that asking takes.
fn correct(difference: i64) -> Result<(), Box<dyn Error>> {
    if difference.unsigned_abs() <= TOLERANCE_MS {
        return Ok(());
    }
    let corrected = milliseconds(clock_gettime(ClockId::Realtime))
        .and_then(|now| now.checked_sub(difference))
        .ok_or("the clock is beyond all calendars")?;
    clock_settime(
        ClockId::Realtime,
        Timespec {
            tv_sec: corrected.div_euclid(1000),
            tv_nsec: corrected.rem_euclid(1000) * 1_000_000,
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_do_not_overflow() {
        let now = Timespec {
            tv_sec: 100,
            tv_nsec: 250_000_000,
        };
        assert_eq!(difference(now, 100_000), Some(250));
        assert_eq!(difference(now, 100_500), Some(-250));
        assert_eq!(difference(now, u64::MAX), None);
        assert_eq!(
            difference(
                Timespec {
                    tv_sec: i64::MAX,
                    tv_nsec: 0
                },
                0
            ),
            None
        );
    }
}
