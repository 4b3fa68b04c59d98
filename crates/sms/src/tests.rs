//! Patterns and numbers, against the regular expressions and the library they come from.

use crate::number::PLANS;
use crate::pattern::Number;
use crate::{is_e164, is_valid};
use proptest::prelude::*;
use regex::Regex;
use std::sync::LazyLock;

static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    PLANS
        .iter()
        .flat_map(|(_, plans)| plans.iter())
        .flat_map(|plan| {
            plan.kinds
                .iter()
                .map(|kind| kind.digits)
                .chain([plan.general])
        })
        .map(|text| (text, Regex::new(&format!("^(?:{text})$")).unwrap()))
        .collect()
});

#[test]
fn the_form_is_e164() {
    for number in ["+12", "+886912345678", "+123456789012345"] {
        assert!(is_e164(number), "{number}");
    }
    for number in [
        "",
        "+",
        "+1",
        "+0123456",
        "886912345678",
        "+1234567890123456",
        "+1 2",
        "+12\n",
        "+12a",
        "+１２３",
        "++12",
        "+-12",
    ] {
        assert!(!is_e164(number), "{number:?}");
    }
}

#[test]
fn countries_have_their_numbers() {
    for number in [
        "+886912345678",
        "+886223456789",
        "+12025550123",
        "+442071838750",
        "+447400123456",
        "+33612345678",
        "+4915123456789",
        "+390236618300",
        "+8613800138000",
        "+81312345678",
        "+6591234567",
        "+80012345678",
        "+979123456789",
        "+64211234567",
    ] {
        assert!(is_valid(number), "{number}");
    }
    for number in [
        "+1234",
        "+10000000000",
        "+11234567890",
        "+886123",
        "+8860912345678",
        "+88691234567",
        "+8869123456789",
        "+999123456789",
        "+210123456789",
        "+4400000000",
        "+12",
        "",
        "+886912345678\n",
    ] {
        assert!(!is_valid(number), "{number}");
    }
}

#[test]
fn examples_of_every_plan_are_valid() {
    let mut count = 0;
    let database = &*phonenumber::metadata::DATABASE;
    for region in (1..1000)
        .filter_map(|code: u16| database.by_code(&code))
        .flatten()
    {
        let all = region.descriptors();
        let kinds = [all.fixed_line(), all.mobile(), all.toll_free(), all.voip()];
        for example in kinds
            .into_iter()
            .flatten()
            .filter_map(|kind| kind.example())
        {
            let number = format!("+{}{example}", region.country_code());
            assert!(is_valid(&number), "{number} of {}", region.id());
            count += 1;
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn other_patterns_match_nothing() {
    let number = Number::new("12").unwrap();
    assert!(number.matches("12") && number.matches("1[0-2]") && number.matches(r"\d{2}"));
    for pattern in [
        "", "1", "123", "(12)", "(?:12", "12)", "1*2", "1{", "1{2", "1{,2}", "[1-", "[2-1]2",
        r"\w\w", "1{1,99}2", "..", "^12$",
    ] {
        assert!(!number.matches(pattern), "{pattern}");
    }
    let deep = "(?:".repeat(10_000);
    assert!(!number.matches(&deep));
    assert!(
        Number::new("").is_none()
            && Number::new("1a").is_none()
            && Number::new(&"1".repeat(16)).is_none()
    );
}

/// Whether the library finds the number valid; `None` when it does not parse the number, or when
/// it parses another one. Its parser cuts the prefix for calls inside a country from an
/// international number: of `+7 811 212 34 56` in Pskov it keeps `112123456`, which no plan has.
fn library_says(text: &str) -> Option<bool> {
    let number = phonenumber::parse(None, text).ok()?;
    let parsed = number.format().mode(phonenumber::Mode::E164).to_string();
    (parsed == text).then(|| phonenumber::is_valid(&number))
}

#[test]
fn a_number_that_starts_like_a_national_prefix_is_valid() {
    assert!(is_valid("+78112123456"));
    assert_eq!(library_says("+78112123456"), None, "the library is mended");
    assert_eq!(library_says("+886912345678"), Some(true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The matcher is a regular expression's.
    #[test]
    fn the_matcher_agrees_with_regex(digits in "[0-9]{1,15}") {
        let number = Number::new(&digits).unwrap();
        for (pattern, regex) in PATTERNS.iter() {
            prop_assert_eq!(number.matches(pattern), regex.is_match(&digits), "{} {}", pattern, digits);
        }
    }

    #[test]
    fn valid_here_is_valid_in_the_library(text in r"\+[1-9][0-9]{6,13}") {
        let theirs = library_says(&text);
        prop_assume!(theirs.is_some() || !is_valid(&text));
        prop_assert!(!is_valid(&text) || theirs == Some(true), "{}", text);
    }

    /// Near numbers that exist: one digit changed, added or taken away.
    #[test]
    fn neighbours_of_mobile_numbers(
        text in r"\+(8869[0-9]{8}|1[2-9][0-9]{9}|447[0-9]{9}|491[5-7][0-9]{8,9}|8190[0-9]{8}|861[3-9][0-9]{9}|336[0-9]{8}|659[0-9]{7})[0-9]?"
    ) {
        let theirs = library_says(&text);
        prop_assume!(theirs.is_some() || !is_valid(&text));
        prop_assert_eq!(is_valid(&text), theirs == Some(true), "{}", text);
    }

    #[test]
    fn any_text_gets_an_answer(text in "(?s)\\+?.{0,20}") {
        prop_assert!(!is_valid(&text) || is_e164(&text));
    }
}
