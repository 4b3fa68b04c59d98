use super::*;
use crate::samples::{account, bad_texts, changed, configuration, header};
use serde_json::{Value, json};

/// A change of parts that belong together.
type Change = fn(&mut Header, &mut Account, &mut Configuration);

fn fits(change: impl Fn(&mut Header, &mut Account, &mut Configuration)) -> Result<()> {
    let (mut header, mut account, mut configuration) = (header(), account(), configuration());
    change(&mut header, &mut account, &mut configuration);
    configuration.fits(&header, &account)
}

#[test]
fn reading_is_the_inverse_of_writing() {
    let json = configuration().to_json().unwrap();
    assert_eq!(Configuration::parse(&json).unwrap(), configuration());
    let mut least = configuration();
    (least.notificant, least.password) = (None, None);
    let json = least.to_json().unwrap();
    assert_eq!(Configuration::parse(&json).unwrap(), least);
}

#[test]
fn another_form_is_refused() {
    let optional = ["notificant", "password"];
    let mut texts = bad_texts(&configuration(), &optional);
    // The objects within, in their places.
    for (place, optional) in [
        ("/notificant", &[][..]),
        ("/signers/0", &["phone"][..]),
        ("/signers/1", &["phone"][..]),
        ("/signers/0/fields/0", &[][..]),
    ] {
        let json = serde_json::to_value(configuration()).unwrap();
        let inner = json.pointer(place).unwrap();
        for (note, text) in bad_texts(inner, optional) {
            let whole = serde_json::to_string(&json).unwrap();
            let inner = serde_json::to_string(inner).unwrap();
            let text = String::from_utf8(text).unwrap();
            texts.push((
                format!("{place}: {note}"),
                whole.replacen(&inner, &text, 1).into(),
            ));
        }
    }
    for (note, text) in texts {
        let found = Configuration::parse(&text);
        assert!(matches!(found, Err(Error::Format(_))), "{note}");
    }
}

/// Values of a member: those that are read, and those that are not.
type Rule = (&'static str, Vec<Value>, Vec<Value>);

fn texts() -> Vec<Rule> {
    let text = |length: usize| json!("王".repeat(length));
    let breaks = [
        "\n", "\r", "\t", "\0", "\u{7f}", "\u{85}", "\u{2028}", "\u{2029}",
    ];
    let line = |name| {
        let bad = breaks.map(|character| json!(format!("a{character}b")));
        let good = vec![text(1), text(256), json!("a\u{200d}b")];
        (
            name,
            good,
            [vec![text(0), text(257)], bad.to_vec()].concat(),
        )
    };
    let address = |name| {
        let good = ["a@example.com", "a.b+c@xn--bcher-kva.de"];
        let bad = [
            "",
            "a",
            "a@localhost",
            "a b@example.com",
            "a@example.com\n",
            "ü@example.com",
        ];
        let long = format!("a@{}.com", "d.".repeat(126));
        let bad = bad.iter().map(|text| json!(text)).chain([json!(long)]);
        (name, good.map(|text| json!(text)).to_vec(), bad.collect())
    };
    let phones = [
        "886912345678",
        "+0912345678",
        "+1",
        "+1234567890123456",
        "+1 2",
        "",
    ];
    vec![
        (
            "/message",
            vec![text(0), text(2048), json!("\n")],
            vec![text(2049)],
        ),
        (
            "/password",
            vec![text(1), text(256)],
            vec![text(0), text(257)],
        ),
        (
            "/lowestProtocol",
            vec![json!(2), json!(3)],
            vec![json!(1), json!(2.0), json!("2")],
        ),
        (
            "/emailProvider",
            vec![json!("ses"), json!("sendgrid")],
            vec![
                json!("sg"),
                json!("SES"),
                json!("sendGrid"),
                json!(""),
                json!(0),
                json!({ "ses": null }),
            ],
        ),
        line("/fileName"),
        line("/signers/0/name"),
        line("/signers/1/locale"),
        line("/notificant/locale"),
        address("/signers/1/email"),
        address("/notificant/email"),
        (
            "/signers/1/phone",
            vec![json!("+12"), json!("+123456789012345")],
            phones.map(|text| json!(text)).to_vec(),
        ),
    ]
}

fn places() -> Vec<Rule> {
    let place = |name| {
        let good = vec![json!(0), json!(0.5), json!(9999)];
        (
            name,
            good,
            vec![json!(-1), json!(-0.001), json!(9999.001), json!("1")],
        )
    };
    vec![
        place("/signers/0/fields/0/x"),
        place("/signers/0/fields/0/y"),
        (
            "/signers/0/fields/0/height",
            vec![json!(2), json!(2.5), json!(9999)],
            vec![json!(1.999), json!(9999.001), json!(0), json!(null)],
        ),
        (
            "/signers/0/fields/0/page",
            vec![json!(1), json!(9999)],
            vec![json!(0), json!(10_000), json!(1.0), json!(-1)],
        ),
        (
            "/signers/0/fields/0/type",
            vec![json!("signature"), json!("date")],
            vec![
                json!("text"),
                json!("Date"),
                json!({ "date": null }),
                json!(0),
            ],
        ),
        ("/signers/0/fields", vec![], vec![json!([]), json!({})]),
    ]
}

#[test]
fn limits_are_those_of_the_page() {
    for (place, good, bad) in texts().into_iter().chain(places()) {
        let read = |value: &Value| {
            Configuration::parse(&changed(&configuration(), |json| {
                *json.pointer_mut(place).unwrap() = value.clone();
            }))
        };
        for value in good {
            assert!(read(&value).is_ok(), "{place}: {value}");
        }
        for value in bad {
            assert!(
                matches!(read(&value), Err(Error::Format(_))),
                "{place}: {value}"
            );
        }
    }
}

#[test]
fn all_signers_together_have_at_most_10000_fields() {
    let with = |first: usize, second: usize| {
        let mut many = configuration();
        for (signer, number) in many.signers.iter_mut().zip([first, second]) {
            signer.0.fields = vec![Object(crate::samples::field()); number];
        }
        many.to_json()
    };
    assert!(Configuration::parse(&with(9999, 1).unwrap()).is_ok());
    assert!(matches!(with(9999, 2), Err(Error::Format(_))));
}

#[test]
fn a_configuration_has_at_most_4_mib() {
    let mut text = configuration().to_json().unwrap().to_vec();
    text.resize(CONFIGURATION_BYTES_MAX, b' ');
    assert_eq!(Configuration::parse(&text).unwrap(), configuration());
    text.push(b' ');
    assert!(matches!(Configuration::parse(&text), Err(Error::Format(_))));
}

fn sendgrid(account: &mut Account) {
    account.email = Object(crate::EmailAccount::Sendgrid {
        key: crate::SecretText::new("key"),
    });
}

/// The mail service was that of the last job's account: a host that replayed an older account box
/// had the summary name a service through which nothing was mailed.
#[test]
fn regression_the_account_of_another_mail_service_does_not_fit() {
    assert_eq!(
        fits(|_, account, _| sendgrid(account)),
        Err(Error::Mismatch("the account has another mail service"))
    );
}

#[test]
fn header_account_and_configuration_belong_together() {
    assert_eq!(fits(|_, _, _| {}), Ok(()));
    let without_phone = fits(|_, account, configuration| {
        account.sms = None;
        configuration.signers[1].0.phone = None;
    });
    assert_eq!(without_phone, Ok(()));
    let by_sendgrid = fits(|_, account, configuration| {
        sendgrid(account);
        configuration.email_provider = EmailProvider::Sendgrid;
    });
    assert_eq!(by_sendgrid, Ok(()));
    let changes: [(&str, Change); 12] = [
        ("another account", |header, _, _| header.account.0[0] ^= 1),
        ("another secret", |_, account, _| {
            account.account_secret = crate::SecretBytes::new([9; 32]);
        }),
        ("another KMS key", |header, _, _| {
            header.kms_key_arn.push('1');
        }),
        ("a later account", |_, account, _| {
            account.lowest_protocol = 3;
        }),
        ("a later task", |_, _, it| it.lowest_protocol = 3),
        ("another domain", |_, _, it| {
            it.domain = "example.org".to_owned();
        }),
        ("another mail service", |_, _, it| {
            it.email_provider = EmailProvider::Sendgrid;
        }),
        ("an account with another mail service", |_, account, _| {
            sendgrid(account);
        }),
        ("another page", |_, _, it| it.signer_page.push('a')),
        ("a signer fewer", |header, _, _| header.signers = 1),
        ("a signer more", |header, _, _| header.signers = 3),
        ("a phone without SMS", |_, account, _| account.sms = None),
    ];
    for (note, change) in changes {
        assert!(matches!(fits(change), Err(Error::Mismatch(_))), "{note}");
    }
}

#[test]
fn errors_show_no_value() {
    let mut text = configuration();
    text.file_name = "secret\n".to_owned();
    assert!(!text.check().unwrap_err().to_string().contains("secret"));
}
