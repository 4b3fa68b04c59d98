//! A signer sees what is signed: numbers of new objects are above all numbers that a hostile
//! sender's document refers to, in the preview and in the signed document.

#![cfg(test)]

mod common;

use common::compare::{assert_same_outside_stamps, both, page_with};
use common::{Form, vector};
use letsesign_stamp::Error;

/// Numbers of the objects that the update adds or replaces, except for fonts and seals.
fn numbers(original: &[u8], stamped: &[u8]) -> Vec<u32> {
    let update = String::from_utf8_lossy(stamped.get(original.len()..).unwrap()).into_owned();
    let mut numbers: Vec<u32> = update
        .lines()
        .filter_map(|line| line.strip_suffix(" 0 obj")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_dangling_reference_does_not_come_alive() {
    for (name, highest) in [("painted-over.pdf", 16), ("dangling.pdf", 25)] {
        let pdf = vector(name);
        let [preview, signed] = both(&pdf).unwrap();
        for out in [&preview, &signed] {
            let new = numbers(&pdf, out).into_iter().filter(|number| *number > 7);
            assert!(new.min().unwrap() > highest, "{name}");
        }
        assert_same_outside_stamps(&pdf, name);
    }
}

#[test]
fn references_are_found_wherever_they_hide() {
    for number in [9_u32, 40, 70, 75, 80, 500_000] {
        for form in [Form::Table, Form::Stream, Form::Hybrid] {
            for place in 0..5 {
                let reference = format!("{number} 0 R");
                let entry = format!("/Resources<</XObject<</Z {reference}>>>>");
                let document = match place {
                    0 => page_with(&entry, &[], form, ""),
                    // Through another object, of another generation, with a comment in it.
                    1 => page_with(
                        "/Resources<</XObject 5 0 R>>",
                        &[&format!("<</Z {number} % comment\n 7 % comment\n R>>")],
                        form,
                        "",
                    ),
                    2 => page_with("", &[], form, &format!("/AdditionalStreams[{reference}]")),
                    // Only in a revision that a later one replaces.
                    3 => {
                        let mut old = page_with(&entry, &[], form, "");
                        let at = old.len();
                        old.extend(b"3 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\n");
                        let start = old.len();
                        let last = memchr::memmem::rfind(&old, b"startxref").unwrap();
                        let before = String::from_utf8_lossy(old.get(last + 9..).unwrap());
                        let before = before.split_whitespace().next().unwrap().to_owned();
                        old.extend(
                            format!(
                                "xref\n3 1\n{at:010} 00000 n \ntrailer\n<</Size 5/Root 1 0 R/Prev {before}>>\nstartxref\n{start}\n%%EOF\n"
                            )
                            .bytes(),
                        );
                        old
                    }
                    _ => page_with("", &[&format!("[[<</A[{reference}]>>]]")], form, ""),
                };
                let [preview, signed] = both(&document).unwrap();
                let of = |out: &[u8]| {
                    let mut all = numbers(&document, out);
                    all.retain(|number| *number > 7);
                    all
                };
                for out in [&preview, &signed] {
                    assert!(*of(out).first().unwrap() > number, "{form:?} {place}");
                }
                // From the shared resources on, after the numbers reserved for fonts and seals.
                let room = of(&preview).first().unwrap() + 64;
                let tail = |out: &[u8]| -> Vec<u32> {
                    of(out)
                        .into_iter()
                        .filter(|number| *number >= room - 10)
                        .collect()
                };
                assert_eq!(tail(&preview), tail(&signed), "{form:?} {place}");
            }
        }
    }
}

#[test]
fn numbers_without_room_are_refused_but_text_is_not_a_reference() {
    for number in ["8388607", "8388608", "4294967295"] {
        let entry = format!("/Resources<</XObject<</Z {number} 0 R>>>>");
        let document = page_with(&entry, &[], Form::Table, "");
        assert!(matches!(both(&document), Err(Error::Limit(_))), "{number}");
        let text = page_with("", &[&format!("({number} 0 R)")], Form::Table, "");
        assert!(both(&text).is_ok(), "{number}");
    }
}
