//! Names and other texts: drawing, text extraction, refusals.

#![cfg(test)]

mod common;

use common::{DATE, MAGIC, SIGNED, date, fonts, one_page, run, signature, stamp};
use letsesign_stamp::{Error, FontError, Fonts, Language, Mark, Output, Signer, Template};

const NAMES: &[&str] = &[
    "Jane Doe",
    "Zo\u{eb} Nu\u{f1}ez-O'Brien",
    // The same letters, decomposed.
    "Zoe\u{308} Nun\u{303}ez",
    "\u{738b}\u{5c0f}\u{660e}",
    "\u{738b}\u{5c0f}\u{660e} Ming Wang",
    "Ming \u{738b}\u{ff08}\u{5c0f}\u{660e}\u{ff09}",
    // A variation selector, which has no glyph in any face.
    "\u{845b}\u{e0100}\u{57ce}",
    "\u{5c71}\u{7530} \u{306f}\u{306a}\u{3053} \u{30b5}\u{30e4}\u{30ab}",
    "office affluent fjord Toot",
    "A\u{a0}B\u{3000}C",
    "John Smith (Legal) & Co. #1 <x> \\ 100%",
];

#[test]
fn text_extraction_gives_the_name() {
    if !common::has("pdftotext") || !common::has("mutool") {
        return;
    }
    for name in NAMES {
        let out = stamp(
            &one_page("", ""),
            name,
            &[signature(1, 5.0, 30.0, 30.0)],
            SIGNED,
        )
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = common::text(&out);
        // Extraction turns all kinds of spaces into ordinary ones, and omits characters without a
        // shape.
        let plain = |text: &str| {
            text.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .replace('\u{e0100}', "")
        };
        assert!(plain(&text).contains(&plain(name)), "{name}: {text}");
        assert!(text.contains(&format!("{} (01)", &MAGIC[..32])), "{text}");
        let file = common::file(&out);
        let ran = run(
            "mutool",
            &["draw", "-q", "-F", "txt", file.path.to_str().unwrap()],
        );
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let composed = |text: &str| {
            unicode_normalization::UnicodeNormalization::nfc(plain(text).as_str())
                .collect::<String>()
        };
        assert!(
            composed(&text).contains(&composed(name)),
            "mutool: {name}: {text}"
        );
    }
}

#[test]
fn names_without_glyphs_are_refused() {
    let fields = [signature(1, 5.0, 30.0, 30.0)];
    let position_of = |name: &str| match stamp(&one_page("", ""), name, &fields, SIGNED) {
        Err(Error::NoGlyph {
            signer: 1,
            position,
        }) => position,
        other => panic!("{name}: {:?}", other.map(|_| ())),
    };
    // Arabic, Devanagari, Hebrew, emoji, Thai, an unassigned character, private use.
    assert_eq!(position_of("Ab \u{645}\u{62d}\u{645}\u{62f}"), 4);
    assert_eq!(position_of("\u{915}\u{94d}\u{937}"), 1);
    assert_eq!(position_of("\u{5d3}\u{5d5}\u{5d3}"), 1);
    assert_eq!(position_of("Jane \u{1f600}"), 6);
    assert_eq!(position_of("\u{e2a}\u{e21}"), 1);
    assert_eq!(position_of("a\u{378}"), 2);
    assert_eq!(position_of("\u{e000}"), 1);
    for control in [
        '\n', '\r', '\t', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{200f}',
        '\u{2066}',
    ] {
        let name = format!("Jane{control}Doe");
        let result = stamp(&one_page("", ""), &name, &fields, SIGNED);
        assert_eq!(
            result.err(),
            Some(Error::Control {
                signer: 1,
                position: 5
            }),
            "{control:?}"
        );
    }
    let long = "a".repeat(1025);
    assert_eq!(
        stamp(&one_page("", ""), &long, &fields, SIGNED).err(),
        Some(Error::TooLong { signer: 1 })
    );
    // A hint does not draw the name.
    assert!(
        stamp(
            &one_page("", ""),
            "\u{1f600}",
            &fields,
            Mark::Hint(Language::English)
        )
        .is_ok()
    );
}

#[test]
fn errors_do_not_quote_the_document() {
    let error = stamp(
        &one_page("", ""),
        "Secret \u{1f600}",
        &[signature(1, 5.0, 30.0, 30.0)],
        SIGNED,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "signer 1: no glyph for character 8 of the name"
    );
}

#[test]
fn numbers_and_dates() {
    if !common::has("pdftotext") {
        return;
    }
    let fields = [signature(1, 5.0, 30.0, 30.0), date(1, 5.0, 100.0, 12.0)];
    for (number, shown) in [(1, "(01)"), (42, "(42)"), (100, "(100)"), (1000, "(1000)")] {
        let pdf = one_page("", "");
        let signers = [Signer {
            number,
            name: "Jane",
            fields: &fields,
            what: SIGNED,
        }];
        let out = Template::open(&pdf)
            .unwrap()
            .stamp(fonts(), &signers, Output::Plain)
            .unwrap();
        let text = common::text(&out);
        assert!(
            text.contains(&format!("{} {shown}", &MAGIC[..32])),
            "{text}"
        );
        assert!(!text.contains(&MAGIC[32..]), "{text}");
        assert!(text.contains(DATE), "{text}");
    }
}

#[test]
fn previews_have_no_magic_number_and_no_date() {
    if !common::has("pdftotext") {
        return;
    }
    let fields = [
        signature(1, 5.0, 30.0, 30.0),
        date(1, 5.0, 100.0, 12.0),
        signature(1, 5.0, 200.0, 30.0),
    ];
    let text = |what| common::text(&stamp(&one_page("", ""), "Jane Doe", &fields, what).unwrap());
    let pending = text(Mark::Pending);
    assert_eq!(pending.matches("Jane Doe").count(), 2);
    assert_eq!(pending.matches("pending (01)").count(), 2);
    let english = text(Mark::Hint(Language::English));
    assert_eq!(
        english
            .matches("Your signature will\nbe placed here")
            .count(),
        2,
        "{english}"
    );
    let chinese = text(Mark::Hint(Language::Chinese));
    assert_eq!(
        chinese.matches("您的簽名將放置於此").count(),
        2,
        "{chinese}"
    );
    for text in [pending, english, chinese] {
        assert!(
            !text.contains("2026") && !text.contains(&MAGIC[..8]),
            "{text}"
        );
    }
}

#[test]
fn all_signers_of_a_document() {
    if !common::has("pdftotext") || !common::has("qpdf") {
        return;
    }
    let names: Vec<String> = (1..=120).map(|number| format!("Signer {number}")).collect();
    let fields: Vec<_> = (0..120_u32)
        .map(|number| {
            [signature(
                1,
                f64::from(number % 4) * 98.0,
                f64::from(number / 4) * 9.5,
                9.0,
            )]
        })
        .collect();
    let signers: Vec<_> = (1..)
        .zip(names.iter().zip(&fields))
        .map(|(number, (name, fields))| Signer {
            number,
            name,
            fields,
            what: SIGNED,
        })
        .collect();
    let pdf = one_page("", "");
    let out = Template::open(&pdf)
        .unwrap()
        .stamp(fonts(), &signers, Output::Signed)
        .unwrap();
    // Fonts and seal occur once.
    assert!(out.len() < 40_000, "{}", out.len());
    assert_eq!(common::qpdf_check(&common::file(&out).path, "").0, 0);
    let text = common::text(&out);
    assert!(names.iter().all(|name| text.contains(name)));
}

#[test]
fn malformed_texts_are_refused() {
    let fields = [signature(1, 5.0, 30.0, 30.0)];
    for (magic_number, date, what) in [
        ("", DATE, "magic number"),
        (&MAGIC[1..], DATE, "magic number"),
        (&MAGIC.replace('0', "g"), DATE, "magic number"),
        (&"\u{e9}".repeat(32), DATE, "magic number"),
        (MAGIC, "25 November", "date"),
        (MAGIC, &"1".repeat(100), "date"),
    ] {
        let result = stamp(
            &one_page("", ""),
            "Jane",
            &fields,
            Mark::Signed { magic_number, date },
        );
        assert_eq!(result.err(), Some(Error::Malformed { signer: 1, what }));
    }
}

#[test]
fn files_other_than_fonts_are_refused() {
    assert_eq!(
        Fonts::new(Vec::new(), Vec::new(), Vec::new()).err(),
        Some(FontError::Read("DancingScript-Regular"))
    );
}
