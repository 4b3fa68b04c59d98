//! Whole mails, byte by byte, as a message and as a request to SendGrid. `UPDATE=1` writes
//! them again; review the difference before a commit.

#![cfg(test)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use letsesign_mail::{
    Confirm, Error, Failed, Intent, Locale, Mail, Origin, Person, Reason, Received, Scheme,
    SendError, Signature, Signers, Task, sendgrid, sign_link,
};
use serde_json::{Value, json};
use std::path::Path;

const NAMES: [&str; 2] = ["Jane \"JD\" Doe", "王小明"];
const PDF: &[u8] = b"%PDF-1.7\n%%EOF\n";

fn task(locale: Locale) -> Task<'static> {
    Task {
        domain: "mail.example.com",
        task_id: "f3a1c2d4-5b6e-4f70-8a91-b2c3d4e5f607",
        file_name: "合約 <1>.pdf",
        locale,
    }
}

fn confirm() -> Mail {
    let intent = Intent {
        version: "1",
        tid: "task",
        sid: "subtask",
        index: 1,
        secret: "c2VjcmV0",
        aux: "",
        locale: "zh-TW",
        sms: true,
    };
    let link = sign_link("https://sign.example.com/", &intent, Scheme::Https).unwrap();
    Confirm {
        task: task(Locale::ZhTw),
        signer: Person {
            name: NAMES[1],
            address: "ming@example.com",
        },
        sender: "example.com",
        message: "您好：\n請簽署 <附件>。",
        link: &link,
        phone: Some("+886912345678"),
        protected: false,
        document: Bytes::from_static(PDF),
    }
    .compose()
    .unwrap()
}

fn received() -> Mail {
    let signers = NAMES.map(|name| Signature { name, time: None });
    Received {
        task: task(Locale::EnUs),
        notificant: "office@example.com",
        signers: Signers::Many(&signers),
    }
    .compose()
    .unwrap()
}

#[test]
fn messages_are_the_golden_ones() {
    let origin = Origin {
        time: 1_795_594_107,
        random: *b"0123456789abcdef",
    };
    for (name, mail) in [("confirm.zh-TW", confirm()), ("received.en-US", received())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.eml"));
        let message = mail.to_mime(&origin);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &message).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == message, "{name} differs");
    }
}

#[test]
fn sendgrid_gets_the_same_mail() {
    let mail = confirm();
    let request = sendgrid::request(&mail, "SG.secret").unwrap();
    assert_eq!(request.path, "/v3/mail/send");
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("host", "api.sendgrid.com"),
            ("content-type", "application/json"),
            ("authorization", "Bearer SG.secret"),
        ]
    );
    let off = json!({ "enable": false });
    let expected = json!({
        "personalizations": [{ "to": [{ "email": "ming@example.com", "name": "王小明" }] }],
        "from": { "email": "do-not-reply@mail.example.com", "name": "Let's eSign" },
        "subject": "請簽署文件：合約 <1>.pdf [b2c3d4e5f607]",
        "content": [
            { "type": "text/plain", "value": mail.text() },
            { "type": "text/html", "value": mail.html() },
        ],
        "headers": { "Auto-Submitted": "auto-generated" },
        "tracking_settings": {
            "click_tracking": { "enable": false, "enable_text": false },
            "open_tracking": off,
            "subscription_tracking": off,
            "ganalytics": off,
        },
        "attachments": [{
            "type": "application/pdf",
            "filename": "合約 _1_.pdf",
            "disposition": "attachment",
            "content": STANDARD.encode(PDF),
        }],
    });
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, expected);
    // Without a name and a file, these members are missing.
    let body = sendgrid::request(&received(), "x").unwrap().body;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body.get("attachments").is_none());
    assert_eq!(
        body.pointer("/personalizations/0/to"),
        Some(&json!([{ "email": "office@example.com" }]))
    );
}

#[test]
fn a_secret_stays_in_its_header() {
    for secret in ["", "a b", "a\r\nX: y", "é"] {
        let request = sendgrid::request(&received(), secret);
        assert_eq!(request.err(), Some(SendError::Credentials), "{secret:?}");
    }
}

#[test]
fn addresses_and_domains_are_checked() {
    let compose = |domain, notificant| {
        Received {
            task: Task {
                domain,
                ..task(Locale::EnUs)
            },
            notificant,
            signers: Signers::One("x"),
        }
        .compose()
        .err()
    };
    assert_eq!(compose("example.com", "a@b.co"), None);
    assert_eq!(
        compose("example.com>\r\nBcc: x", "a@b.co"),
        Some(Error::Domain)
    );
    assert_eq!(compose("localhost", "a@b.co"), Some(Error::Domain));
    assert_eq!(
        compose("example.com", "a@b.co\r\nBcc: x@y.co"),
        Some(Error::Address)
    );
    assert_eq!(compose("example.com", ""), Some(Error::Address));
}

#[test]
fn an_error_reads_like_one_and_says_why() {
    for locale in Locale::ALL {
        let mut seen = Vec::new();
        for reason in Reason::ALL {
            let mail = Failed {
                task: task(locale),
                notificant: "office@example.com",
                signers: Signers::One("jane@example.com"),
                reason,
            }
            .compose()
            .unwrap();
            let words = match locale {
                Locale::EnUs => ["ERROR", "failed", "What went wrong"],
                Locale::ZhTw => ["【錯誤】", "失敗", "錯誤原因"],
            };
            assert!(mail.subject().contains(words[0]) && mail.subject().contains(words[1]));
            assert!(mail.html().contains(words[2]) && mail.text().contains(words[2]));
            assert!(mail.text().contains("jane@example.com"));
            assert!(!seen.contains(&mail.text().to_owned()), "{reason:?}");
            seen.push(mail.text().to_owned());
        }
    }
}
