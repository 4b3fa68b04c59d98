//! Times for people: always UTC, and marked as such.

use anyhow::{Context, Result};
use std::time::{SystemTime, UNIX_EPOCH};

/// The current time of this machine, in seconds since 1970.
pub(crate) fn now() -> Result<u64> {
    Ok(SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("this machine's clock is before 1970")?
        .as_secs())
}

/// `2022-10-13 05:06:07 UTC` for seconds since 1970, by the proleptic Gregorian calendar.
pub(crate) fn utc(seconds: u64) -> String {
    let utc = letsesign_utc::Utc::of(seconds);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second
    )
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_653_465_600, "2022-05-25 08:00:00 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
        // The largest time does not overflow.
        assert!(utc(u64::MAX).ends_with("UTC"));
    }
}
