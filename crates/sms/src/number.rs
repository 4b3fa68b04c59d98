//! Phone numbers: their form, and whether a country has such numbers.

use crate::pattern::Number;

/// A country's or region's numbering plan.
pub(crate) struct Plan {
    /// The pattern that every national number of it matches.
    pub(crate) general: &'static str,
    /// Kinds of numbers: fixed, mobile, toll-free...
    pub(crate) kinds: &'static [Kind],
}

/// Numbers of one kind.
pub(crate) struct Kind {
    /// Bit n: a national number may have n digits. 0: the pattern alone says it.
    pub(crate) lengths: u32,
    /// The pattern that they match.
    pub(crate) digits: &'static str,
}

/// All plans by country calling code (ITU-T E.164), ascending; written by build.rs.
pub(crate) static PLANS: &[(u16, &[Plan])] = include!(concat!(env!("OUT_DIR"), "/plans.rs"));

/// Whether `text` has the form of E.164: `^\+[1-9]\d{1,14}$`, ASCII digits alone. This is the form
/// a task's `phoneNumber` must have, if it is not empty.
pub fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else {
        return false;
    };
    (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` is a number that may exist: [`is_e164`], and the numbering plan of its country
/// has such numbers (code 2104).
///
/// It is `isValidNumber` of libphonenumber for numbers in E.164 form, but a national prefix after
/// the country code (`+44 (0)20...`) is not taken away: Twilio would answer with another number
/// than the one that was asked about.
pub fn is_valid(text: &str) -> bool {
    if !is_e164(text) {
        return false;
    }
    let digits = text.get(1..).unwrap_or_default();
    // No calling code is the beginning of another one.
    (1..=3).any(|length| {
        let Some((code, national)) = digits.split_at_checked(length) else {
            return false;
        };
        let plans = code
            .parse()
            .ok()
            .and_then(|code: u16| PLANS.binary_search_by_key(&code, |&(code, _)| code).ok())
            .and_then(|index| PLANS.get(index));
        match (plans, Number::new(national)) {
            (Some((_, plans)), Some(number)) => plans.iter().any(|plan| plan.has(&number)),
            _ => false,
        }
    })
}

impl Plan {
    fn has(&self, number: &Number) -> bool {
        number.matches(self.general) && self.kinds.iter().any(|kind| kind.has(number))
    }
}

impl Kind {
    fn has(&self, number: &Number) -> bool {
        (self.lengths == 0 || self.lengths & (1 << number.len()) != 0)
            && number.matches(self.digits)
    }
}
