use crate::support::{Response, connect, exchange};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_testbed::twilio::{API_KEY, HOST, PIN, SERVICE};
use letsesign_testbed::{Options, Testbed};

async fn call(testbed: &Testbed, secret: &str, method: &str, path: &str, form: &str) -> Response {
    let mut stream = connect(testbed.twilio.address(), HOST).await.unwrap();
    let basic = format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{}:{secret}", API_KEY.0))
    );
    let headers = [
        ("host", HOST),
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let target = format!("/v2/Services/{path}");
    exchange(&mut stream, method, &target, &headers, form.as_bytes())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_phone_is_verified() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let secret = API_KEY.1;
    let service = call(&testbed, secret, "GET", SERVICE, "").await.json();
    assert_eq!(
        (&service["friendly_name"], &service["code_length"]),
        (&"Let's eSign".into(), &6.into())
    );
    let sent = call(
        &testbed,
        secret,
        "POST",
        &format!("{SERVICE}/Verifications"),
        "To=%2B886912345678&Channel=sms",
    )
    .await;
    assert_eq!(
        (sent.status, &sent.json()["status"]),
        (201, &"pending".into())
    );
    let sent = sent.json();
    let sid = sent["sid"].as_str().unwrap();
    assert_eq!(testbed.twilio.sms()[0].to, "+886912345678");
    let check = |code: &'static str| {
        let form = format!("VerificationSid={sid}&Code={code}");
        let testbed = &testbed;
        async move {
            call(
                testbed,
                secret,
                "POST",
                &format!("{SERVICE}/VerificationCheck"),
                &form,
            )
            .await
        }
    };
    let wrong = check("000000").await;
    assert_eq!(
        (wrong.status, &wrong.json()["status"]),
        (200, &"pending".into())
    );
    let right = check(PIN).await.json();
    assert_eq!(
        (&right["status"], &right["channel"], &right["to"]),
        (&"approved".into(), &"sms".into(), &"+886912345678".into())
    );
    // Approved once, and then gone.
    assert_eq!(check(PIN).await.status, 404);
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let secret = API_KEY.1;
    assert_eq!(
        call(&testbed, "wrong", "GET", SERVICE, "").await.json()["code"],
        20003
    );
    assert_eq!(
        call(&testbed, secret, "GET", "VAother", "").await.json()["code"],
        20404
    );
    let verifications = format!("{SERVICE}/Verifications");
    let check = format!("{SERVICE}/VerificationCheck");
    assert_eq!(
        call(
            &testbed,
            secret,
            "POST",
            &verifications,
            "To=0912&Channel=sms"
        )
        .await
        .json()["code"],
        60200
    );
    assert_eq!(
        call(
            &testbed,
            secret,
            "POST",
            &check,
            "VerificationSid=VE0&Code=1"
        )
        .await
        .status,
        404
    );
    let to = "To=%2B886912345678&Channel=sms";
    testbed
        .twilio
        .change(|account| account.pin = "654321".to_owned());
    let sid = call(&testbed, secret, "POST", &verifications, to)
        .await
        .json()["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("VerificationSid={sid}&Code=1");
    for _ in 0..5 {
        assert_eq!(
            call(&testbed, secret, "POST", &check, &form).await.status,
            200
        );
    }
    assert_eq!(
        call(&testbed, secret, "POST", &check, &form).await.status,
        429
    );
    testbed.twilio.expire(&sid);
    assert_eq!(
        call(&testbed, secret, "POST", &check, &form).await.status,
        404
    );
    assert_eq!(testbed.twilio.sms()[0].pin, "654321");
}
