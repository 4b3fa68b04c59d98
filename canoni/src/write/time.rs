//! Seconds since 1970 as RFC 3339 text.

/// Largest time that a ustar header holds: 2242-03-16T12:56:31Z.
pub(super) const MAX: u64 = 0o777_7777_7777;

/// `YYYY-MM-DDTHH:MM:SSZ`, proleptic Gregorian calendar.
pub(super) fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March end with the leap day; 719,468 days lie between 0000-03-01 and
    // 1970-01-01.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let (month, carry) = if shifted < 10 {
        (shifted + 3, 0)
    } else {
        (shifted - 9, 1)
    };
    let year = era * 400 + year + carry;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Seconds since 1970 of a text that [`rfc3339`] writes; none for any other spelling.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // The same calendar as above: years that begin in March.
    let shifted_year = year.checked_sub(u64::from(month <= 2))?;
    let shifted_month = (month + 9) % 12;
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day.checked_sub(1)?;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second;
    // Anything else than a date in this spelling comes out as another text.
    (rfc3339(seconds) == text).then_some(seconds)
}

/// A time of an archive, which may lie before 1970.
pub(crate) fn words(seconds: i64) -> String {
    u64::try_from(seconds).map_or_else(|_| format!("{seconds} s"), rfc3339)
}

#[cfg(test)]
mod tests {
    use super::{MAX, parse, rfc3339};

    #[test]
    fn known_times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_653_465_600, "2022-05-25T08:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (MAX, "2242-03-16T12:56:31Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert_eq!(parse(text), Some(seconds));
        }
    }

    #[test]
    fn other_spellings_are_none() {
        for text in [
            "",
            "2022-05-25T08:00:00.0Z",
            "2022-02-30T00:00:00Z",
            "2022-05-25 08:00:00Z",
            "1969-12-31T23:59:59Z",
            "2022-13-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
