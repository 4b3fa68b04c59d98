//! Requests byte by byte, and every class of answers.

use letsesign_sms::{Config, Error, Request, answer, request};
use proptest::prelude::*;
use zeroize::Zeroizing;

const PHONE: &str = "+886912345678";

fn config(service: &str) -> Config {
    Config {
        api_sid: Zeroizing::new("SK0123".to_owned()),
        api_secret: Zeroizing::new("s3cret".to_owned()),
        service_sid: service.to_owned(),
    }
}

fn text(request: &Request) -> String {
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.as_str()))
        .collect();
    let body = String::from_utf8_lossy(&request.body);
    format!(
        "{} {}\n{}{body}",
        request.method,
        request.path,
        headers.concat()
    )
}

#[test]
fn requests_are_the_golden_ones() {
    let config = config("VA00000000000000000000000000000000");
    assert_eq!(
        text(&request::service(&config).unwrap()),
        "GET /v2/Services/VA00000000000000000000000000000000\nhost: verify.twilio.com\naccept: application/json\n\
         authorization: Basic U0swMTIzOnMzY3JldA==\n"
    );
    assert_eq!(
        text(&request::send(&config, PHONE).unwrap()),
        "POST /v2/Services/VA00000000000000000000000000000000/Verifications\nhost: verify.twilio.com\naccept: application/json\n\
         authorization: Basic U0swMTIzOnMzY3JldA==\ncontent-type: application/x-www-form-urlencoded\nTo=%2B886912345678&Channel=sms"
    );
    assert_eq!(
        text(&request::check(&config, "VE12", "012 345&Code=1").unwrap()),
        "POST /v2/Services/VA00000000000000000000000000000000/VerificationCheck\nhost: verify.twilio.com\naccept: application/json\n\
         authorization: Basic U0swMTIzOnMzY3JldA==\ncontent-type: application/x-www-form-urlencoded\n\
         VerificationSid=VE12&Code=012+345%26Code%3D1"
    );
}

#[test]
fn a_service_sid_stays_one_segment() {
    for (sid, path) in [
        ("VA1/../../Accounts", "VA1%2F..%2F..%2FAccounts"),
        ("a?b#c", "a%3Fb%23c"),
        ("a b\r\nX: y", "a%20b%0D%0AX%3A%20y"),
        ("名", "%E5%90%8D"),
        ("...", "..."),
        ("%2e", "%252e"),
    ] {
        let request = request::service(&config(sid)).unwrap();
        assert_eq!(request.path, format!("/v2/Services/{path}"));
    }
    for sid in ["", ".", ".."] {
        assert_eq!(request::service(&config(sid)).err(), Some(Error::Setting));
    }
}

#[test]
fn credentials_that_basic_cannot_carry() {
    for (sid, secret) in [("", "x"), ("a:b", "x"), ("a\n", "x"), ("a", "x\0")] {
        let config = Config {
            api_sid: Zeroizing::new(sid.to_owned()),
            api_secret: Zeroizing::new(secret.to_owned()),
            service_sid: "VA".to_owned(),
        };
        assert_eq!(
            request::send(&config, PHONE).err(),
            Some(Error::Credentials)
        );
    }
}

#[test]
fn services() {
    let service = |status, body: &str| answer::service(status, body.as_bytes());
    let good =
        r#"{"sid":"VA1","friendly_name":"Let's eSign","code_length":6,"lookup_enabled":false}"#;
    assert_eq!(service(200, good), Ok(()));
    for (status, body, error) in [
        (
            200,
            r#"{"friendly_name":"Other","code_length":6}"#,
            Error::Setting,
        ),
        (
            200,
            r#"{"friendly_name":"let's esign","code_length":6}"#,
            Error::Setting,
        ),
        (
            200,
            r#"{"friendly_name":"Let's eSign","code_length":4}"#,
            Error::Setting,
        ),
        (
            200,
            r#"{"friendly_name":"Let's eSign","code_length":"6"}"#,
            Error::Answer,
        ),
        (200, r#"{"friendly_name":"Let's eSign"}"#, Error::Answer),
        (
            200,
            r#"{"friendly_name":"x","friendly_name":"Let's eSign","code_length":6}"#,
            Error::Answer,
        ),
        (200, "", Error::Answer),
        (200, "<html>", Error::Answer),
        (200, "[]", Error::Answer),
        (401, "", Error::Credentials),
        (403, "", Error::Credentials),
        (404, "{}", Error::Credentials),
        (429, "", Error::Temporary(429)),
        (503, "", Error::Temporary(503)),
        (400, "", Error::Failed(400)),
        (302, "", Error::Answer),
        (204, "", Error::Answer),
    ] {
        assert_eq!(service(status, body), Err(error), "{status} {body}");
    }
    let large = format!("{good}{}", " ".repeat(answer::ANSWER_MAX));
    assert_eq!(service(200, &large), Err(Error::Answer));
    let deep = format!(
        r#"{{"friendly_name":"Let's eSign","code_length":6,"x":{}}}"#,
        "[".repeat(9000)
    );
    assert_eq!(service(200, &deep), Err(Error::Answer));
}

#[test]
fn messages_sent() {
    let sent = |status, body: &str| answer::sent(status, body.as_bytes());
    assert_eq!(
        sent(201, r#"{"sid":"VE1","status":"pending"}"#),
        Ok("VE1".to_owned())
    );
    assert_eq!(sent(200, r#"{"sid":"VE1"}"#), Ok("VE1".to_owned()));
    for (status, body, error) in [
        (201, r#"{"sid":""}"#.to_owned(), Error::Answer),
        (201, r#"{"sid":"a\nb"}"#.to_owned(), Error::Answer),
        (
            201,
            format!(r#"{{"sid":"{}"}}"#, "x".repeat(257)),
            Error::Answer,
        ),
        (201, r#"{"sid":1}"#.to_owned(), Error::Answer),
        (401, String::new(), Error::Credentials),
        (403, String::new(), Error::Failed(403)),
        (400, r#"{"code":60200}"#.to_owned(), Error::Failed(400)),
        (404, String::new(), Error::Credentials),
        (429, String::new(), Error::Temporary(429)),
        (500, String::new(), Error::Temporary(500)),
    ] {
        assert_eq!(sent(status, &body), Err(error), "{status} {body}");
    }
}

#[test]
fn pins_checked() {
    let checked = |status, body: &str| answer::checked(status, body.as_bytes(), PHONE);
    let good = r#"{"status":"approved","channel":"sms","to":"+886912345678","valid":true}"#;
    assert_eq!(checked(200, good), Ok(()));
    assert_eq!(checked(201, good), Ok(()));
    for (status, body, error) in [
        (
            200,
            r#"{"status":"pending","channel":"sms","to":"+886912345678"}"#,
            Error::NotApproved,
        ),
        (
            200,
            r#"{"status":"approved","channel":"call","to":"+886912345678"}"#,
            Error::NotApproved,
        ),
        (
            200,
            r#"{"status":"approved","channel":"sms","to":"+886912345679"}"#,
            Error::NotApproved,
        ),
        (
            200,
            r#"{"status":"approved","channel":"sms"}"#,
            Error::Answer,
        ),
        (
            200,
            r#"{"status":"denied","status":"approved","channel":"sms","to":"+886912345678"}"#,
            Error::Answer,
        ),
        (404, "", Error::NotApproved),
        (429, r#"{"code":60202}"#, Error::NotApproved),
        (429, r#"{"code":20429}"#, Error::Temporary(429)),
        (429, "", Error::Temporary(429)),
        (401, "", Error::Credentials),
        (403, "", Error::Failed(403)),
        (500, "", Error::Temporary(500)),
    ] {
        assert_eq!(checked(status, body), Err(error), "{status} {body}");
    }
}

proptest! {
    #[test]
    fn forms_keep_what_they_are_given(pin in "(?s).{0,40}") {
        let request = request::check(&config("VA"), "VE", &pin).unwrap();
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let value = body.strip_prefix("VerificationSid=VE&Code=").unwrap();
        prop_assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._+%".contains(&byte)));
        let mut bytes = Vec::new();
        let mut rest = value.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        prop_assert_eq!(bytes, pin.as_bytes());
    }

    #[test]
    fn any_answer_gets_one(status in 0_u16..700, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = answer::service(status, &body);
        let _ = answer::sent(status, &body);
        prop_assert!(answer::checked(status, &body, PHONE).is_err());
    }
}
