//! Calendar dates in UTC. One conversion does not justify a calendar library in a measured program,
//! and three places print dates.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
/// 9999-12-31 23:59:59: the last second with a year of four digits.
const MAX: u64 = 253_402_300_799;

/// A second by the proleptic Gregorian calendar, UTC, without leap seconds (POSIX time).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    /// 1970 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Days since Sunday: 0 to 6.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Utc {
    /// Converts seconds since 1970. Times after the year 9999 become its last second.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each is within its range, whatever the time"
    )]
    pub fn of(unix: u64) -> Self {
        let unix = unix.min(MAX);
        let (days, in_day) = (unix / 86_400, unix % 86_400);
        // Years that begin in March, in eras of 400 years: leap days are then at the end of a year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: (era * 400 + year_of_era + u64::from(month <= 2)) as u16,
            month: month as u8,
            day: (day_of_year - (153 * from_march + 2) / 5 + 1) as u8,
            weekday: ((days + 4) % 7) as u8,
            hour: (in_day / 3_600) as u8,
            minute: (in_day / 60 % 60) as u8,
            second: (in_day % 60) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Utc;

    fn shown(unix: u64) -> String {
        let utc = Utc::of(unix);
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}",
            utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.weekday
        )
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, text) in [
            (0, "1970-01-01 00:00:00 4"),
            (951_782_400, "2000-02-29 00:00:00 2"),
            (1_653_465_600, "2022-05-25 08:00:00 3"),
            (4_107_542_399, "2100-02-28 23:59:59 0"),
            (4_107_542_400, "2100-03-01 00:00:00 1"),
            (u64::MAX, "9999-12-31 23:59:59 5"),
        ] {
            assert_eq!(shown(unix), text);
        }
    }

    #[test]
    fn days_follow_one_another() {
        let mut before = Utc::of(0);
        for day in 1..200_000_u64 {
            let utc = Utc::of(day * 86_400);
            assert_eq!(utc.weekday, (before.weekday + 1) % 7);
            let next_day = utc.day == before.day + 1 && utc.month == before.month;
            let next_month = utc.day == 1 && utc.month == before.month % 12 + 1 && before.day >= 28;
            assert!(next_day || next_month, "{utc:?}");
            before = utc;
        }
    }
}
