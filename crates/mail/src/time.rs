//! Times as mails have them.

use letsesign_utc::Utc;
use std::fmt::Write;

/// `2026/11/25 08:08:27 UTC`, as mails show times.
pub(crate) fn shown(unix: u64) -> String {
    let time = Utc::of(unix);
    let mut text = String::new();
    let _ = write!(
        text,
        "{:04}/{:02}/{:02} {:02}:{:02}:{:02} UTC",
        time.year, time.month, time.day, time.hour, time.minute, time.second
    );
    text
}

/// `Wed, 25 Nov 2026 08:08:27 +0000` (RFC 5322, section 3.3).
pub(crate) fn date_header(unix: u64) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let time = Utc::of(unix);
    let name = |names: &[&'static str], index: u8| {
        names.get(usize::from(index)).copied().unwrap_or_default()
    };
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
        name(&DAYS, time.weekday),
        time.day,
        name(&MONTHS, time.month - 1),
        time.year,
        time.hour,
        time.minute,
        time.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, text, header) in [
            (
                0,
                "1970/01/01 00:00:00 UTC",
                "Thu, 01 Jan 1970 00:00:00 +0000",
            ),
            (
                951_782_399,
                "2000/02/28 23:59:59 UTC",
                "Mon, 28 Feb 2000 23:59:59 +0000",
            ),
            (
                951_782_400,
                "2000/02/29 00:00:00 UTC",
                "Tue, 29 Feb 2000 00:00:00 +0000",
            ),
            (
                951_868_800,
                "2000/03/01 00:00:00 UTC",
                "Wed, 01 Mar 2000 00:00:00 +0000",
            ),
            (
                1_653_465_600,
                "2022/05/25 08:00:00 UTC",
                "Wed, 25 May 2022 08:00:00 +0000",
            ),
            (
                1_795_594_107,
                "2026/11/25 08:08:27 UTC",
                "Wed, 25 Nov 2026 08:08:27 +0000",
            ),
            (
                4_107_542_400,
                "2100/03/01 00:00:00 UTC",
                "Mon, 01 Mar 2100 00:00:00 +0000",
            ),
            (
                u64::MAX,
                "9999/12/31 23:59:59 UTC",
                "Fri, 31 Dec 9999 23:59:59 +0000",
            ),
        ] {
            assert_eq!(shown(unix), text);
            assert_eq!(date_header(unix), header);
        }
    }
}
