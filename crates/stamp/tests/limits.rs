//! Work is bounded, and stops on request.

#![cfg(test)]

mod common;

use common::compare::{both, page_with};
use common::{Form, MAGIC, fonts};
use letsesign_stamp::{Error, Limits, Template};
use memchr::memmem::find;
use std::cell::Cell;
use std::fmt::Write as _;

#[test]
fn work_is_bounded_and_stops_on_request() {
    let document = common::one_page("", "0 0 10 10 re f");
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        true
    };
    let limits = Limits {
        stop: Some(&stop),
        ..Limits::default()
    };
    assert_eq!(
        Template::open_within(&document, limits).err(),
        Some(Error::Stopped)
    );
    assert!(asked.get() > 0);
    let limits = Limits {
        work: 100,
        ..Limits::default()
    };
    assert_eq!(
        Template::open_within(&document, limits).err(),
        Some(Error::Budget)
    );
    // All entries point into one run of white space.
    let mut long = b"%PDF-1.7\n".to_vec();
    long.extend(b" ".repeat(1_000_000));
    long.extend(b"1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj\n");
    let start = long.len();
    long.extend(b"xref\n0 20000\n");
    long.extend(b"0000000009 00000 n \n".repeat(20_000));
    long.extend(format!("trailer<</Root 1 0 R/Size 20000>>\nstartxref\n{start}\n%%EOF").bytes());
    let _ = Template::open(&long).map(|template| template.check(fonts(), &[]));
    // The same, without a number after it: this once took a minute for each 5 MiB.
    let mut long = b"%PDF-1.7\n".to_vec();
    long.extend(b" ".repeat(2_000_000));
    let start = long.len();
    long.extend(b"xref\n0 200000\n");
    long.extend(b"0000000009 00000 n \n".repeat(200_000));
    long.extend(format!("trailer<</Root 1 0 R>>\nstartxref\n{start}\n%%EOF").bytes());
    let result = Template::open(&long).map(|_| ());
    assert_eq!(result, Err(Error::Budget));
    // As many taken names as fit.
    let mut names = String::new();
    for count in 2..200_000 {
        write!(names, "/Stamp{count} 4 0 R").unwrap();
    }
    let taken = page_with(
        &format!("/Resources<</XObject<</Stamp 4 0 R{names}>>>>"),
        &[],
        Form::Table,
        "",
    );
    let out = both(&taken).unwrap();
    assert!(
        out.iter()
            .all(|out| find(out, b"/Stamp200000 Do").is_some())
    );
    assert!(
        find(&out[1], MAGIC.get(..8).unwrap().as_bytes()).is_none(),
        "shown by glyphs alone"
    );
}
