//! Checks during the decryption of a task (docs/signing.md, "Decrypting").

use crate::{Rig, task};
use letsesign_testbed::{Json, Provider, Sealed};

/// A part that does not decrypt, whatever is wrong with it.
#[tokio::test]
async fn parts_that_do_not_decrypt_are_2002() {
    let rig = Rig::start().await;
    let good = || task().with_phone(0, "+886912345678").seal();
    for part in [
        "encryptedBindingData",
        "encryptedTaskConfig",
        "encryptedTemplateData",
        "encryptedEmailConfig",
        "encryptedTwilioConfig",
    ] {
        let mut sealed = good();
        sealed.corrupt(part);
        assert_eq!(rig.send(&sealed).await, 2002, "{part}");
        for (member, value) in [
            ("encryptedDataKey", "AAAA"),
            ("encryptedDataKey", "not base64"),
            ("dataIV", "AAAA"),
            ("dataIV", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("encryptedData", "AA=="),
            ("encryptedData", "\u{e9}"),
        ] {
            let mut sealed = good();
            let path = format!("privateTaskInfo.{part}.{member}");
            sealed.payload.set(&path, value);
            assert_eq!(rig.send(&sealed).await, 2002, "{part} {member} {value}");
        }
    }
    // Invalid JSON and failed decryption must be indistinguishable: the difference would be an
    // oracle (hostile.rs).
    let deep = format!("{{\"taskConfig\":{}1{}}}", "[".repeat(70), "]".repeat(70));
    for part in [
        "encryptedBindingData",
        "encryptedTaskConfig",
        "encryptedEmailConfig",
    ] {
        for bytes in [
            &b""[..],
            b"{",
            b"\xff\xfe",
            b"{\"a\":01}",
            b"{\"taskConfig\":NaN}",
            b"{\"taskConfig\":-Infinity}",
            b"{\"taskConfig\":\"\\ud800\"}",
            b"{\"bindingData\":1,\"bindingData\":1}",
            deep.as_bytes(),
        ] {
            let mut sealed = good();
            sealed.replace(part, bytes);
            assert_eq!(rig.send(&sealed).await, 2002, "{part} {bytes:?}");
        }
    }
}

#[tokio::test]
async fn kms_decides_who_decrypts() {
    let rig = Rig::start().await;
    let mut wrong = task();
    wrong.access_key.1 = "another secret".into();
    assert_eq!(rig.send(&wrong.seal()).await, 2002);
    let mut wrong = task();
    wrong.access_key.0 = "AKIAUNKNOWN".into();
    assert_eq!(rig.send(&wrong.seal()).await, 2002);
    let mut wrong = task();
    wrong.key_arn = "arn:aws:kms:us-east-1:111122223333:key/other".into();
    assert_eq!(rig.send(&wrong.seal()).await, 2002);
    rig.testbed
        .kms
        .change_policy(|policy| policy.images.clear());
    assert_eq!(rig.send(&task().seal()).await, 2002);
}

/// Strict JSON that violates the schema.
#[tokio::test]
async fn parts_that_do_not_fit_their_schema_are_2001() {
    let rig = Rig::start().await;
    let good = || task().with_phone(0, "+886912345678").seal();
    for (part, text) in [
        ("encryptedBindingData", "{}"),
        ("encryptedBindingData", "{\"bindingData\":{\"inOrder\":0}}"),
        ("encryptedTaskConfig", "[]"),
        ("encryptedEmailConfig", "{\"emailConfig\":{}}"),
        ("encryptedEmailConfig", "null"),
        (
            "encryptedTwilioConfig",
            "{\"twilioConfig\":{\"apiSID\":\"\"}}",
        ),
    ] {
        let mut sealed = good();
        sealed.replace(part, text.as_bytes());
        assert_eq!(rig.send(&sealed).await, 2001, "{part} {text}");
    }
}

/// Changes one member of the task configuration before it is bound.
fn with_config(path: &str, value: Json) -> Sealed {
    let mut parts = task().with_signers(2).parts();
    parts.task_config.set(&format!("taskConfig.{path}"), value);
    parts.bind().seal()
}

#[tokio::test]
async fn members_of_the_task_configuration_are_checked() {
    let rig = Rig::start().await;
    let long = |count: usize| Json::from("x".repeat(count).as_str());
    for (path, value) in [
        ("fileName", Json::from("")),
        ("fileName", long(257)),
        ("fileName", Json::from("a\nb.pdf")),
        ("fileName", Json::raw("null")),
        ("senderMsg", long(2049)),
        ("notificantEmail", Json::from("no address")),
        ("notificantEmail", Json::from("a@example.com\n")),
        ("notificantLocale", Json::from("")),
        ("signerInfoList", Json::raw("[]")),
        ("signerInfoList.1.name", Json::from("")),
        ("signerInfoList.1.name", Json::from("two\r\nlines")),
        ("signerInfoList.1.name", Json::from("two\u{2028}lines")),
        ("signerInfoList.1.emailAddr", Json::from("@example.com")),
        ("signerInfoList.1.emailAddr", Json::from("a b@example.com")),
        ("signerInfoList.1.locale", Json::raw("7")),
    ] {
        assert_eq!(rig.send(&with_config(path, value)).await, 2001, "{path}");
    }
    let mut parts = task().parts();
    parts
        .task_config
        .add("taskConfig.signerInfoList.0.phoneNumber", "0912345678");
    assert_eq!(rig.send(&parts.bind().seal()).await, 2001);
    // Long top level domains are real, and so is a number that is empty.
    let mut parts = task().parts();
    let signer = "taskConfig.signerInfoList.0";
    parts
        .task_config
        .set(&format!("{signer}.emailAddr"), "a.b+c@mail.example.museum");
    parts.task_config.add(&format!("{signer}.phoneNumber"), "");
    assert_eq!(rig.send(&parts.bind().seal()).await, 0);
}

/// Numbers as their senders spell them, and texts in any language: hashes are over what was
/// written.
#[tokio::test]
async fn hashes_are_over_the_senders_text() {
    let rig = Rig::start().await;
    for literal in [
        "1e-7",
        "0.000001",
        "-0",
        "1.0",
        "100000000000000000000",
        "1E+2",
    ] {
        let mut parts = task().parts();
        parts.public.add("templateInfo.unknown", Json::raw(literal));
        parts
            .task_config
            .add("taskConfig.unknown", Json::raw(literal));
        assert_eq!(rig.send(&parts.bind().seal()).await, 0, "{literal}");
    }
    let mut parts = task().parts();
    parts
        .task_config
        .add("taskConfig.\u{540d}", "\u{1f600} \u{e9} \" \\ \u{7f} /");
    assert_eq!(rig.send(&parts.bind().seal()).await, 0);
}

#[tokio::test]
async fn what_is_bound_must_be_what_is_there() {
    let rig = Rig::start().await;
    let bound = || task().with_phone(0, "+886912345678").parts().bind();

    let mut changed = bound();
    changed.parts.public.set("inOrder", true);
    assert_eq!(rig.send(&changed.seal()).await, 2003);

    let mut changed = bound();
    let path = "templateInfo.signerList.0.fieldList.0.x";
    changed.parts.public.set(path, Json::raw("73"));
    assert_eq!(rig.send(&changed.seal()).await, 2005);

    let mut changed = bound();
    let path = "taskConfig.senderMsg";
    changed
        .parts
        .task_config
        .set(path, "Please sign this instead.");
    assert_eq!(rig.send(&changed.seal()).await, 2004);

    let mut changed = bound();
    changed.parts.template.push(b'\n');
    assert_eq!(rig.send(&changed.seal()).await, 2006);

    let mut changed = bound();
    changed.parts.email_config.set("bearerSecret", "another");
    assert_eq!(rig.send(&changed.seal()).await, 2007);

    let mut changed = bound();
    let twilio = changed.parts.twilio_config.as_mut().unwrap();
    twilio.set("bearerSecret", "another");
    assert_eq!(rig.send(&changed.seal()).await, 2007);

    let mut changed = bound();
    let domain = "domainSetting.emailServiceDomain";
    changed.parts.public.set(domain, "example.org");
    assert_eq!(rig.send(&changed.seal()).await, 2008);

    let mut changed = bound();
    let provider = "domainSetting.emailServiceProvider";
    changed.parts.public.set(provider, "sg");
    assert_eq!(rig.send(&changed.seal()).await, 2008);

    // A digest in upper case is another text.
    let mut changed = bound();
    let hash = changed
        .binding
        .text_at("bindingData.templateDataHash")
        .to_uppercase();
    changed.binding.set("bindingData.templateDataHash", hash);
    assert_eq!(rig.send(&changed.seal()).await, 2006);
}

/// With every part wrong, the first check decides; once it is repaired, the next one does.
#[tokio::test]
async fn the_first_thing_that_is_wrong_decides() {
    let rig = Rig::start().await;
    let mut base = task();
    base.provider = Provider::SendGrid;
    let mut codes = Vec::new();
    for mended in 0..9 {
        let mut bound = base.clone().with_phone(0, "+886912345678").parts().bind();
        let parts = &mut bound.parts;
        if mended < 2 {
            parts.public.set("inOrder", true);
        }
        if mended < 3 {
            parts
                .public
                .set("templateInfo.signerList.0.signerEmail", "x");
        }
        if mended < 4 {
            parts.task_config.set("taskConfig.senderMsg", "changed");
        }
        if mended < 5 {
            parts.template.push(b' ');
        }
        if mended < 6 {
            parts
                .public
                .set("domainSetting.emailServiceDomain", "example.org");
        }
        if mended < 7 {
            parts.email_config.set("bearerSecret", "another");
        }
        let twilio = parts.twilio_config.as_mut().unwrap();
        if mended < 8 {
            twilio.set("bearerSecret", "another");
        }
        let mut sealed = bound.seal();
        if mended < 1 {
            sealed.corrupt("encryptedBindingData");
        }
        let mut job = sealed.send_req(0);
        job.set("signerIdx", Json::raw("7"));
        codes.push(rig.code("sendReq", &job).await);
    }
    assert_eq!(
        codes,
        [2002, 2003, 2005, 2004, 2006, 2008, 2007, 2007, 2102]
    );
}
