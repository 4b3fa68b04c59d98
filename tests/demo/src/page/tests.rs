//! Text that people typed stays text.

use super::*;
use crate::model::{Detail, Guard, Letter};

#[test]
fn markup_in_names_is_text_in_pages_and_diagrams() {
    let evil = "<script>alert(1)</script>\"'&<img src=x>";
    let crossing = Crossing {
        from: Party::Enclave,
        to: Party::Mail,
        what: evil.to_owned(),
        bytes: 1,
        guard: Guard::Tls,
        host: evil.to_owned(),
        sample: Some(evil.to_owned()),
    };
    let svg = diagram::sequence(std::slice::from_ref(&crossing));
    assert!(!svg.contains("<script") && !svg.contains("<img"), "{svg}");
    let step = Step {
        title: evil.to_owned(),
        text: evil.to_owned(),
        crossings: vec![crossing],
        letters: vec![Letter {
            file: "mails/mail-1.html".to_owned(),
            from: evil.to_owned(),
            to: evil.to_owned(),
            subject: evil.to_owned(),
            html: evil.to_owned(),
            attachments: vec![(evil.to_owned(), 1)],
        }],
        details: vec![Detail {
            title: evil.to_owned(),
            text: evil.to_owned(),
        }],
        ..Step::default()
    };
    let shown = Shown {
        number: 1,
        step: &step,
        time: String::new(),
        code: None,
        diagram: svg,
    };
    let html = StepTemplate { shown: &shown }.render().unwrap();
    assert!(
        !html.contains("<script") && !html.contains("<img src=x"),
        "{html}"
    );
    assert!(html.contains("&#60;script") || html.contains("&lt;script"));
}
