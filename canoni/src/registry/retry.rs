//! Waiting before a request is tried again.

use super::RegistryOptions;
use crate::error::Result;
use crate::progress::Event;
use std::time::{Duration, Instant, SystemTime};
use ureq::http::HeaderMap;

/// How often a request is tried.
pub(super) const ATTEMPTS: u32 = 6;
/// The first wait; each one doubles it.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait, whatever a server asks for.
const LONGEST: Duration = Duration::from_mins(1);

/// Whether a status says that the same request may do later.
pub(super) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Whether a request that brought no answer may bring one later.
pub(super) fn is_transient_error(error: &ureq::Error) -> bool {
    match error {
        // rustls's errors come as InvalidData.
        ureq::Error::Io(error) => error.kind() != std::io::ErrorKind::InvalidData,
        ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_) => true,
        _ => false,
    }
}

/// How long to wait after attempt `number`, the first being 0: what the server asks for in
/// `Retry-After`, up to a minute, else a time that doubles, between half and all of it.
pub(super) fn delay(number: u32, headers: Option<&HeaderMap>) -> Duration {
    if let Some(asked) = headers.and_then(|headers| asked(headers, SystemTime::now())) {
        return asked.min(LONGEST);
    }
    let full = FIRST.saturating_mul(1 << number.min(8)).min(LONGEST);
    // Without randomness all clients come back at one time, which is a nuisance and no danger.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    full / 2 + (full / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// The wait that `Retry-After` asks for, in seconds or until a date (RFC 9110, section 10.2.3).
fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let value = text("retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    // By the server's own clock, where it says what that shows: ours may be wrong.
    let date = text("date").and_then(|date| httpdate::parse_http_date(date).ok());
    Some(
        until
            .duration_since(date.unwrap_or(now))
            .unwrap_or_default(),
    )
}

/// Waits, and says so.
pub(super) fn wait(time: Duration, options: &RegistryOptions) -> Result<()> {
    let end = Instant::now() + time;
    options.progress.send(Event::Begin {
        what: "retrying",
        bytes: 0,
    })?;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::sleep(left.min(Duration::from_millis(100)));
        options.progress.send(Event::Advance(0))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_bounded() {
        for number in 0..20 {
            let full = FIRST.saturating_mul(1 << number.min(8)).min(LONGEST);
            let time = delay(number, None);
            assert!(time >= full / 2 && time <= full, "{number}: {time:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "2".parse().unwrap());
        assert_eq!(delay(5, Some(&headers)), Duration::from_secs(2));
        headers.insert("retry-after", "999999".parse().unwrap());
        assert_eq!(delay(0, Some(&headers)), LONGEST);
    }
    #[test]
    fn a_date_says_when_to_come_back() {
        let now = httpdate::parse_http_date("Fri, 01 Jan 2027 00:00:00 GMT").unwrap();
        let with = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let name = ureq::http::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            });
            asked(&pairs.collect(), now).map(|time| time.as_secs())
        };
        for (value, seconds) in [
            ("Fri, 01 Jan 2027 00:00:07 GMT", Some(7)),
            ("Friday, 01-Jan-27 00:00:07 GMT", Some(7)),
            ("Fri Jan  1 00:00:07 2027", Some(7)),
            // Past: at once.
            ("Thu, 31 Dec 2026 23:59:59 GMT", Some(0)),
            (" 3 ", Some(3)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(with(&[("retry-after", value)]), seconds, "{value}");
        }
        // The server's clock is an hour ahead of ours.
        let (date, until) = (
            "Fri, 01 Jan 2027 01:00:00 GMT",
            "Fri, 01 Jan 2027 01:00:05 GMT",
        );
        assert_eq!(with(&[("date", date), ("retry-after", until)]), Some(5));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_hours(1));
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", soon.parse().unwrap());
        assert_eq!(delay(0, Some(&headers)), LONGEST);
    }
}
