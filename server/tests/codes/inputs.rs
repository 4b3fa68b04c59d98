//! The schema of jobs: what is not as docs/signing.md says is 2001, before anything is decrypted.

use crate::{Rig, task};
use letsesign_testbed::Json;

fn changes() -> Vec<(&'static str, Json)> {
    let long = |count: usize| Json::from("x".repeat(count).as_str());
    let public = |path: &'static str, value| (path, value);
    vec![
        ("taskID", Json::from("")),
        ("taskID", long(257)),
        ("taskID", Json::raw("7")),
        ("subTaskID", Json::raw("null")),
        ("signerIdx", Json::raw("-1")),
        ("signerIdx", Json::raw("1000")),
        ("signerIdx", Json::raw("0.5")),
        ("signerIdx", Json::from("0")),
        ("taskPassword", Json::from("")),
        ("taskPassword", long(257)),
        ("extraData", Json::raw("[]")),
        ("extraData.kmsKeyID", Json::from("")),
        ("extraData.kmsKeySecret", long(257)),
        ("extraData.apiVersion", long(1025)),
        ("extraData.auxData", long(1025)),
        ("taskPayload", Json::from("{}")),
        public("taskPayload.publicTaskInfo.inOrder", Json::raw("1")),
        public(
            "taskPayload.publicTaskInfo.domainSetting.rootDomain",
            Json::from(""),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.signerAppURL",
            long(1025),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.signerAppURL",
            Json::from("http://sign.example.com/"),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.signerAppURL",
            Json::from("https://sign.example.com/\"onclick="),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.enhancedPrivacy",
            Json::from("true"),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.kmsConfig.kmsKeyARN",
            Json::from("arn:aws:kms:eu-west-1:1:key/x"),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.emailServiceProvider",
            Json::from("smtp"),
        ),
        public(
            "taskPayload.publicTaskInfo.domainSetting.emailServiceDomain",
            Json::from(""),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList",
            Json::raw("[]"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList",
            Json::raw("[]"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.x",
            Json::raw("-1"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.y",
            Json::raw("10000"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.height",
            Json::from("1"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.pageNo",
            Json::raw("true"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.type",
            Json::raw("100"),
        ),
        public(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.signerEmail",
            Json::raw("null"),
        ),
        public(
            "taskPayload.privateTaskInfo.encryptedBindingData.dataIV",
            Json::from(""),
        ),
        public(
            "taskPayload.privateTaskInfo.encryptedBindingData.encryptedDataKey",
            long(1025),
        ),
        public(
            "taskPayload.privateTaskInfo.encryptedEmailConfig",
            Json::raw("null"),
        ),
    ]
}

#[tokio::test]
async fn send_req_is_checked_member_by_member() {
    let rig = Rig::start().await;
    let sealed = task().seal();
    for (path, value) in changes() {
        let mut job = sealed.send_req(0);
        job.set(path, value.clone());
        assert_eq!(rig.code("sendReq", &job).await, 2001, "{path}: {value:?}");
    }
    for path in [
        "taskID",
        "subTaskID",
        "signerIdx",
        "taskPassword",
        "extraData",
        "extraData.kmsKeyID",
        "extraData.kmsKeySecret",
        "extraData.apiVersion",
        "extraData.auxData",
        "taskPayload",
        "taskPayload.publicTaskInfo",
        "taskPayload.privateTaskInfo",
        "taskPayload.publicTaskInfo.inOrder",
        "taskPayload.publicTaskInfo.domainSetting.kmsConfig",
        "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.pageNo",
        "taskPayload.privateTaskInfo.encryptedTaskConfig",
        "taskPayload.privateTaskInfo.encryptedTemplateData.encryptedData",
    ] {
        let mut job = sealed.send_req(0);
        job.remove(path);
        assert_eq!(rig.code("sendReq", &job).await, 2001, "without {path}");
    }
    // Nothing of it reached a service.
    assert_eq!(rig.testbed.kms.counters().requests(), 0);
    // Unknown members are allowed, 1.0 is 1, and an address may be empty.
    let mut job = sealed.send_req(0);
    job.add("unknown", Json::raw("{\"a\":[1,2,3]}"));
    job.set("signerIdx", Json::raw("0.0"));
    assert_eq!(rig.code("sendReq", &job).await, 0);
}

#[tokio::test]
async fn confirm_intent_and_attach_esig_are_checked_too() {
    let rig = Rig::start().await;
    let sealed = task().seal();
    let (por, secret) = rig.asked(&sealed, 0).await;
    let long = |count: usize| Json::from("x".repeat(count).as_str());
    for (path, value) in [
        ("secret", Json::from("")),
        ("secret", long(1025)),
        ("ipAddress", Json::from("256.0.0.1")),
        ("ipAddress", Json::from("01.2.3.4")),
        ("ipAddress", Json::from("::1")),
        ("por", Json::from("")),
        ("por", long(1025)),
        ("porAttestDocument", long(10241)),
        ("extraData", Json::raw("{}")),
        ("taskPayload.publicTaskInfo.inOrder", Json::raw("null")),
    ] {
        let mut job = sealed.confirm_intent(&secret, &por);
        job.set(path, value);
        assert_eq!(rig.code("confirmIntent", &job).await, 2001, "{path}");
    }
    for (path, value) in [
        ("twilioVerificationSID", Json::from("")),
        ("twilioVerificationPIN", Json::raw("123456")),
        ("twilioVerificationPIN", long(257)),
    ] {
        let mut job = sealed.confirm_intent(&secret, &por);
        job.add(path, value);
        assert_eq!(rig.code("confirmIntent", &job).await, 2001, "{path}");
    }
    let poi = rig.confirmed(&sealed, 0).await;
    for (path, value) in [
        ("proofList", Json::raw("[]")),
        ("proofList", Json::raw("{}")),
        ("proofList.0.poi", Json::from("")),
        ("proofList.0.poiAttestDocument", long(10241)),
        ("taskPassword", Json::from("")),
        ("extraData.auxData", Json::raw("null")),
    ] {
        let mut job = sealed.attach_esig(std::slice::from_ref(&poi));
        job.set(path, value);
        assert_eq!(rig.code("attachEsig", &job).await, 2001, "{path}");
    }
    // Another name is another function, to the letter.
    for name in ["sendreq", "SendReq", "sendReq ", "attachESig"] {
        assert_eq!(rig.code(name, &sealed.send_req(0)).await, 2001, "{name}");
    }
}
