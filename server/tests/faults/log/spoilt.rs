//! Jobs and tasks that violate the schema.

use super::Run;
use super::needles::MARK;
use letsesign_testbed::client::PARTS;
use letsesign_testbed::{Json, Task};

/// Every member of a job as something that it must not be.
pub async fn members(run: &mut Run, name: &str, job: &Json) {
    for path in [
        "taskID",
        "subTaskID",
        "signerIdx",
        "taskPassword",
        "secret",
        "ipAddress",
        "por",
        "porAttestDocument",
        "proofList",
        "proofList.0.poi",
        "proofList.0.poiAttestDocument",
        "extraData",
        "extraData.kmsKeyID",
        "extraData.kmsKeySecret",
        "extraData.apiVersion",
        "taskPayload",
        "taskPayload.publicTaskInfo.inOrder",
        "taskPayload.publicTaskInfo.domainSetting.signerAppURL",
        "taskPayload.publicTaskInfo.domainSetting.kmsConfig.kmsKeyARN",
        "taskPayload.publicTaskInfo.domainSetting.emailServiceProvider",
        "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.x",
        "taskPayload.privateTaskInfo.encryptedBindingData.dataIV",
        "taskPayload.privateTaskInfo.encryptedEmailConfig.encryptedDataKey",
        "taskPayload.privateTaskInfo.encryptedTemplateData.encryptedData",
    ] {
        if job.at(path).is_none() {
            continue;
        }
        for value in [
            Json::object([(MARK, MARK.into())]),
            MARK.repeat(2000).as_str().into(),
        ] {
            let mut job = job.clone();
            job.set(path, value);
            run.fails(name, &job).await;
        }
    }
    for secret in ["secret", "extraData.kmsKeySecret"] {
        if job.at(secret).is_some() {
            let mut job = job.clone();
            job.set(secret, format!("{MARK} wrong").as_str());
            run.fails(name, &job).await;
        }
    }
    run.fails(MARK, job).await;
}

/// Parts that do not decrypt, or decrypt to something else.
pub async fn parts(run: &mut Run, task: &Task, jobs: &[(&str, Json); 3]) {
    let sealed = task.seal();
    for part in PARTS.into_iter().chain(["encryptedTwilioConfig"]) {
        let mut corrupt = sealed.clone();
        corrupt.corrupt(part);
        run.fails("sendReq", &corrupt.send_req(0)).await;
        for bytes in [
            format!("{MARK}: no JSON"),
            format!("{{\"{MARK}\":1,\"{MARK}\":2}}"),
            format!("{{\"{MARK}\":NaN}}"),
            format!("{{\"taskConfig\":{{\"{MARK}\":\"{MARK}\"}},\"bindingData\":\"{MARK}\"}}"),
            format!("{{\"emailConfig\":{{\"serviceProvider\":\"{MARK}\"}},\"twilioConfig\":{{}}}}"),
            String::new(),
        ] {
            let mut other = sealed.clone();
            other.replace(part, bytes.as_bytes());
            run.fails("sendReq", &other.send_req(0)).await;
        }
    }
    for (path, value) in [
        ("fileName", format!("{MARK}\n.pdf")),
        ("notificantEmail", MARK.to_owned()),
        ("signerInfoList.0.emailAddr", format!("{MARK}@")),
        ("signerInfoList.0.name", format!("{MARK}\u{2028}")),
    ] {
        let mut parts = task.parts();
        parts
            .task_config
            .set(&format!("taskConfig.{path}"), value.as_str());
        run.fails("sendReq", &parts.bind().seal().send_req(0)).await;
    }
    // Parts that belong to another task, and changes after binding.
    let mut other = task.clone();
    other.bearer_secret.push('x');
    let other = other.seal();
    for part in PARTS {
        let mut mixed = sealed.clone();
        let path = format!("privateTaskInfo.{part}");
        mixed
            .payload
            .set(&path, other.payload.at(&path).unwrap().clone());
        run.job("sendReq", &mixed.send_req(0)).await;
    }
    for (name, job) in jobs {
        let mut job = job.clone();
        job.set(
            "taskPayload.publicTaskInfo.templateInfo.signerList.0.fieldList.0.x",
            1_usize,
        );
        run.fails(name, &job).await;
    }
}
