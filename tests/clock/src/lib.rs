//! Moves the wall clock of a process some years ahead, when it is named in `LD_PRELOAD`.
//! `cargo xtask rebuild` builds the enclave under it.
//!
//! libfaketime would do, but for rustc: its allocator asks for the time while libfaketime
//! initialises itself with that very allocator, and both wait for each other. These functions have
//! nothing to initialise.

#![allow(
    unsafe_code,
    reason = "the functions have the C interface of those they replace"
)]

use libc::{
    CLOCK_REALTIME, CLOCK_REALTIME_COARSE, SYS_clock_gettime, c_int, c_void, clockid_t, time_t,
    timespec, timeval,
};

/// 1,500 days.
const AHEAD: time_t = 1500 * 86_400;

/// Asks the kernel; the libc's own function is the one that is replaced.
fn moved(clock: clockid_t) -> Result<timespec, c_int> {
    let mut time = timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec to a place that is one.
    let result = unsafe { libc::syscall(SYS_clock_gettime, clock, &raw mut time) };
    if result != 0 {
        return Err(-1);
    }
    if clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE {
        time.tv_sec += AHEAD;
    }
    Ok(time)
}

/// clock_gettime(3).
///
/// # Safety
/// `time` points to a timespec, as the original demands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    match moved(clock) {
        Ok(now) => {
            // SAFETY: the caller's promise.
            unsafe { time.write(now) };
            0
        }
        Err(error) => error,
    }
}

/// gettimeofday(3).
///
/// # Safety
/// `time` points to a timeval or is null, as the original demands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut timeval, _zone: *mut c_void) -> c_int {
    match moved(CLOCK_REALTIME) {
        Ok(now) if !time.is_null() => {
            // SAFETY: the caller's promise.
            unsafe {
                time.write(timeval {
                    tv_sec: now.tv_sec,
                    tv_usec: now.tv_nsec / 1000,
                });
            };
            0
        }
        Ok(_) => 0,
        Err(error) => error,
    }
}

/// time(2).
///
/// # Safety
/// `time` points to a time_t or is null, as the original demands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(time: *mut time_t) -> time_t {
    let seconds = moved(CLOCK_REALTIME).map_or(-1, |now| now.tv_sec);
    if !time.is_null() {
        // SAFETY: the caller's promise.
        unsafe { time.write(seconds) };
    }
    seconds
}
