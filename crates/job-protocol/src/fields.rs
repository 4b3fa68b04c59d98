//! Typed members of job data, taken out of its text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// A member is missing or violates the schema. Holds the member's name from the schema, nothing of
/// its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("member {member} {problem}")]
pub struct FieldError {
    /// The member.
    pub member: &'static str,
    /// The problem, as the end of a sentence about the member.
    pub problem: &'static str,
}

/// Most elements of a list: signers, their fields, proofs.
pub const LIST_MAX: usize = 1000;

/// Longest name of a member that any schema has, in bytes. Others are unknown, and not held.
const NAME_MAX: usize = 64;

/// The members of a JSON object, each as its text.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A string, not copied where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Collects members.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), value)) = map.next_entry()? {
            if name.len() <= NAME_MAX {
                members.push((name, value));
            }
        }
        Ok(members)
    }
}

/// Collects elements: at most one more than the limit, which is enough to detect an excess.
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() <= LIST_MAX
            && let Some(element) = list.next_element()?
        {
            elements.push(element);
        }
        // The rest is passed over.
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(elements)
    }
}

impl<'a> Fields<'a> {
    /// Splits an object. The text must have passed [`strict_json::check`], as everything in a
    /// [`Job`](crate::Job) has.
    pub fn of(object: &'a RawValue) -> Result<Self, FieldError> {
        serde_json::Deserializer::from_str(object.get())
            .deserialize_map(Members)
            .map(Self)
            .map_err(|_| FieldError {
                member: "(object)",
                problem: "is not an object",
            })
    }

    fn find(&self, member: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(name, _)| name == member);
        found.map(|(_, value)| *value)
    }

    /// The text of a member, which must be there.
    pub fn raw(&self, member: &'static str) -> Result<&'a RawValue, FieldError> {
        self.find(member).ok_or(FieldError {
            member,
            problem: "is missing",
        })
    }

    /// Whether a member is there, whatever it is.
    pub fn has(&self, member: &str) -> bool {
        self.find(member).is_some()
    }

    /// The members of a member that is an object.
    pub fn object(&self, member: &'static str) -> Result<Fields<'a>, FieldError> {
        Self::of(self.raw(member)?).map_err(|error| FieldError { member, ..error })
    }

    /// The elements of an array with at least one, and at most [`LIST_MAX`].
    pub fn list(&self, member: &'static str) -> Result<Vec<&'a RawValue>, FieldError> {
        let list = serde_json::Deserializer::from_str(self.raw(member)?.get())
            .deserialize_seq(Elements)
            .map_err(|_| FieldError {
                member,
                problem: "is not an array",
            })?;
        if list.len() > LIST_MAX {
            return Err(FieldError {
                member,
                problem: "has too many elements",
            });
        }
        if list.is_empty() {
            return Err(FieldError {
                member,
                problem: "is empty",
            });
        }
        Ok(list)
    }

    /// A number in a range.
    pub fn number(
        &self,
        member: &'static str,
        range: RangeInclusive<f64>,
    ) -> Result<f64, FieldError> {
        let text = self.raw(member)?.get();
        // Rust's own reader takes words such as "inf"; JSON's numbers begin like this.
        let number = text
            .parse::<f64>()
            .ok()
            .filter(|_| text.starts_with(|first: char| first == '-' || first.is_ascii_digit()));
        let number = number.ok_or(FieldError {
            member,
            problem: "is not a number",
        })?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(FieldError {
                member,
                problem: "is out of range",
            })
        }
    }

    /// A string with a number of characters in the range.
    pub fn text(
        &self,
        member: &'static str,
        length: RangeInclusive<usize>,
    ) -> Result<String, FieldError> {
        self.long_text(member, length).map(Cow::into_owned)
    }

    /// As [`Self::text`], not copied where it has no escapes. For members of many megabytes.
    pub fn long_text(
        &self,
        member: &'static str,
        length: RangeInclusive<usize>,
    ) -> Result<Cow<'a, str>, FieldError> {
        let text = text(self.raw(member)?).ok_or(FieldError {
            member,
            problem: "is not a string",
        })?;
        // No text has more characters than bytes: only what is longer need be counted to its end.
        let many = text.len() >= *length.end() && text.chars().nth(*length.end()).is_some();
        if !many && text.chars().take(*length.start()).count() == *length.start() {
            Ok(text)
        } else {
            Err(FieldError {
                member,
                problem: "has the wrong length",
            })
        }
    }

    /// Strict base64 (standard alphabet, padded, no junk) of so many bytes.
    pub fn base64(
        &self,
        member: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Vec<u8>, FieldError> {
        let text = self.text(member, 0..=bytes.end().div_ceil(3).saturating_mul(4))?;
        let decoded = BASE64_STANDARD.decode(text).map_err(|_| FieldError {
            member,
            problem: "is not base64",
        })?;
        if bytes.contains(&decoded.len()) {
            Ok(decoded)
        } else {
            Err(FieldError {
                member,
                problem: "has the wrong length",
            })
        }
    }

    /// An integer in a range. `1.0`, `1e2` and `-0` are integers too: the value
    /// decides, not its spelling.
    pub fn integer(
        &self,
        member: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<i64, FieldError> {
        let number = integer(self.raw(member)?.get()).ok_or(FieldError {
            member,
            problem: "is not an integer",
        })?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(FieldError {
                member,
                problem: "is out of range",
            })
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, member: &'static str) -> Result<bool, FieldError> {
        match self.raw(member)?.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(FieldError {
                member,
                problem: "is neither true nor false",
            }),
        }
    }
}

/// The value of a JSON string. Without an escape it is what is between the quotes; reading it again
/// byte by byte would take longer than looking for a backslash.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    let Text(text) = serde_json::from_str(raw.get()).ok()?;
    Some(text)
}

/// The value of a JSON number that is whole, exactly; `None` for all else.
fn integer(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    // Digits without leading and trailing zeros, and the power of ten of the last one.
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = i32::try_from(digits.len() - significant.len()).ok()?;
    let power = exponent
        .checked_sub(i32::try_from(fraction.len()).ok()?)?
        .checked_add(zeros)?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let scale = 10_i64.checked_pow(u32::try_from(power).ok()?)?;
    let value: i64 = significant.parse().ok()?;
    let value = value.checked_mul(scale)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_by_value() {
        for (text, value) in [
            ("1", Some(1)),
            ("1.0", Some(1)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("1e2", Some(100)),
            ("120E-1", Some(12)),
            ("1.50e1", Some(15)),
            ("-3.0", Some(-3)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1e-7", None),
            ("1.5", None),
            ("1e19", None),
            ("1e999999999999", None),
            ("0e999999999", Some(0)),
            ("\"1\"", None),
            ("null", None),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
    }

    #[test]
    fn texts_are_those_of_serde_json() {
        for json in [
            r#""""#,
            r#""a""#,
            r#""\\""#,
            r#""\"""#,
            r#""a\"b""#,
            r#""\u00e9é""#,
            r#""é\ud83d\ude00 ""#,
            "7",
            "null",
            "true",
            "[]",
            "[\"a\"]",
            r#"{"a":"b"}"#,
        ] {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            let expected = serde_json::from_str::<String>(json).ok();
            assert_eq!(text(&raw).map(Cow::into_owned), expected, "{json}");
        }
    }

    /// Unknown members are passed over, however many; lists have an end.
    #[test]
    fn what_is_held_is_bounded() {
        let name = "n".repeat(NAME_MAX + 1);
        let text = format!(
            r#"{{"{name}":1,"\u0061":2,"l":[{}0],"m":[{}0]}}"#,
            "0,".repeat(LIST_MAX - 1),
            "0,".repeat(LIST_MAX)
        );
        let raw: Box<RawValue> = serde_json::from_str(&text).unwrap();
        let fields = Fields::of(&raw).unwrap();
        assert!(!fields.has(&name) && fields.has("a"));
        assert_eq!(fields.list("l").unwrap().len(), LIST_MAX);
        let error = fields.list("m").unwrap_err();
        assert_eq!(error.problem, "has too many elements");
    }

    #[test]
    fn members_are_typed_and_bounded() {
        let raw: Box<RawValue> = serde_json::from_str(
            r#"{"s":"é","b":"AAE=","n":1.0,"t":true,"nul":null,"junk":"AA E="}"#,
        )
        .unwrap();
        let fields = Fields::of(&raw).unwrap();
        assert_eq!(fields.text("s", 1..=1).unwrap(), "é");
        assert_eq!(fields.text("s", 0..=usize::MAX).unwrap(), "é");
        assert!(fields.text("s", 0..=0).is_err());
        assert!((fields.number("n", 0.0..=1.0).unwrap() - 1.0).abs() < f64::EPSILON);
        assert!(fields.number("n", 2.0..=3.0).is_err());
        assert!(fields.number("s", 0.0..=1.0).is_err());
        assert!(fields.number("t", 0.0..=1.0).is_err());
        assert!(fields.list("n").is_err() && fields.object("n").is_err());
        assert!(fields.has("nul") && !fields.has("none"));
        assert_eq!(fields.base64("b", 2..=2).unwrap(), [0, 1]);
        assert_eq!(fields.integer("n", 0..=1).unwrap(), 1);
        assert!(fields.boolean("t").unwrap());
        for error in [
            fields.text("s", 2..=3).unwrap_err(),
            fields.text("none", 0..=1).unwrap_err(),
            fields.text("nul", 0..=1).unwrap_err(),
            fields.base64("b", 3..=9).unwrap_err(),
            fields.base64("junk", 0..=9).unwrap_err(),
            fields.integer("n", 2..=3).unwrap_err(),
            fields.integer("s", 0..=1).unwrap_err(),
            fields.boolean("n").unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("member "), "{error}");
        }
    }
}
