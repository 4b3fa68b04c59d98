use crate::support::{Response, connect, exchange};
use letsesign_testbed::sendgrid::{HOST, SECRET};
use letsesign_testbed::{Options, Testbed};
use serde_json::{Value, json};

fn mail() -> Value {
    json!({
        "personalizations": [{"to": [{"email": "signer0@example.com", "name": "A"}]}],
        "from": {"email": "do-not-reply@example.com", "name": "Let's eSign"},
        "subject": "確認",
        "content": [{"type": "text/plain", "value": "text"}, {"type": "text/html", "value": "<p>html</p>"}],
        "attachments": [{"content": "JVBERg==", "type": "application/pdf", "filename": "契約.pdf", "disposition": "attachment"}],
    })
}

async fn post(testbed: &Testbed, secret: &str, mail: &Value) -> Response {
    let mut stream = connect(testbed.sendgrid.address(), HOST).await.unwrap();
    let bearer = format!("Bearer {secret}");
    let headers = [
        ("host", HOST),
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    exchange(
        &mut stream,
        "POST",
        "/v3/mail/send",
        &headers,
        mail.to_string().as_bytes(),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn a_mail_is_taken_and_read() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let response = post(&testbed, SECRET, &mail()).await;
    assert_eq!((response.status, response.body.len()), (202, 0));
    assert!(response.head.contains("x-message-id"));
    let mail = testbed.mailbox.wait_for("signer0@example.com").await;
    assert_eq!(mail.json()["subject"], "確認");
    let mail = mail.parsed();
    assert_eq!(
        (
            mail.subject.as_str(),
            mail.text.as_deref(),
            mail.html.as_deref()
        ),
        ("確認", Some("text"), Some("<p>html</p>"))
    );
    assert_eq!(
        (
            mail.attachments[0].name.as_str(),
            &mail.attachments[0].bytes[..]
        ),
        ("契約.pdf", &b"%PDF"[..])
    );
    assert_eq!(mail.from.name, "Let's eSign");
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    assert_eq!(post(&testbed, "SG.other", &mail()).await.status, 401);
    for (pointer, value, field) in [
        (
            "/personalizations/0/to/0/email",
            json!("nobody"),
            "personalizations.0.to",
        ),
        ("/from/email", json!(""), "from.email"),
        ("/subject", json!(""), "subject"),
        ("/content", json!([]), "content"),
        ("/content/0/value", json!(""), "content"),
        ("/content/1/type", json!("text/plain"), "content"),
        ("/attachments/0/content", json!("%"), "attachments.content"),
        (
            "/attachments/0/filename",
            json!("a\r\nb"),
            "attachments.filename",
        ),
    ] {
        let mut mail = mail();
        *mail.pointer_mut(pointer).unwrap() = value;
        let response = post(&testbed, SECRET, &mail).await;
        assert_eq!(
            (response.status, &response.json()["errors"][0]["field"]),
            (400, &json!(field)),
            "{pointer}"
        );
    }
    assert_eq!(testbed.mailbox.count(), 0);
}
