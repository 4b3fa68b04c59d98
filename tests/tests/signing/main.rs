//! A document is signed in the enclave: the test variant of the image boots in QEMU's emulated
//! Nitro Enclave and reaches emulated services over vsock. docs/emulator.md, "The test variant".
#![cfg(test)]

mod protocol2;

use letsesign_nsm::document::Unverified;
use letsesign_proof::{Function, Hash, Spf, UserData};
use letsesign_testbed::{Options as TestbedOptions, Task, Testbed, client, pdf, tls};
use letsesign_tests::boot::{BootError, Fixture, Image, Machine, Options, test_variant};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Far longer than any boot on a busy machine; a guard against hanging, not a measurement.
const LIMIT: Duration = Duration::from_mins(3);

/// The most boots, in case the emulator fails.
const BOOTS: usize = 3;

/// Bytes of the largest job (limits.toml, job-bytes).
const JOB: usize = 50 << 20;

/// A job of full size that repeats a single piece.
fn filled(session: &str, start: &str, piece: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = format!(r#"{{"session":"{session}","jobName":"sendReq","jobData":{start}"#);
    body.reserve(JOB);
    for number in 0.. {
        let next = piece(number);
        if body.len() + next.len() + end.len() > JOB {
            break;
        }
        body.push_str(&next);
    }
    body + end
}

/// Eight jobs of full size that once took 0.7 GB each, all at once, with an honest one among them.
/// The enclave has memory for one at a time, so it must take them one at a time.
async fn hostile(testbed: &Testbed) {
    let mut pending = Vec::new();
    for number in 0..8 {
        let session = format!("hostile-{number}");
        let body = match number % 4 {
            0 => filled(&session, "{", |n| format!("\"{n:x}\":0,"), "\"z\":0}}"),
            1 => filled(&session, "{\"l\":[", |_| "0,".into(), "0]}}"),
            2 => filled(&session, "{\"l\":[", |_| "{\"a\":[]},".into(), "0]}}"),
            _ => filled(&session, "{\"taskID\":\"", |_| "\\/".into(), "\"}}"),
        };
        pending.push(testbed.jobs.submit_raw(&session, body));
    }
    let honest = Task::new(pdf::document(2, 0)).seal();
    let honest = testbed.submit("sendReq", &honest.send_req(0));
    // A guard against hanging: 400 MiB through an emulated processor are slow.
    let patience = std::time::Duration::from_mins(10);
    for (mut pending, code) in pending
        .into_iter()
        .map(|pending| (pending, 2001))
        .chain([(honest, 0)])
    {
        let session = pending.session().to_owned();
        let result = pending.within(patience).await;
        let result = result.unwrap_or_else(|| panic!("no result of {session}"));
        assert_eq!(result["code"], code, "{session}");
    }
}

/// Boots once and signs one task. Returns `false`, without any assertion, when the emulator's own
/// NSM stops (`Machine::nsm_stopped`).
fn signs(fixture: &Fixture, eif: &Path, pcrs: &[[u8; 48]; 3]) -> bool {
    // The key policy lists this image only; the parent forwards ports and serves the job API.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let testbed = runtime
        .block_on(Testbed::start(TestbedOptions {
            pcrs: *pcrs,
            ..TestbedOptions::default()
        }))
        .unwrap();
    testbed.kms.change_policy(|policy| policy.unsigned = true);
    let options = Options {
        // The memory that the README recommends: hostile jobs of full size must fit, one after the
        // other.
        memory: 512,
        jobs: false,
        forward: vec![
            (9001, testbed.jobs.address()),
            (9002, testbed.ses.address()),
            (9003, testbed.kms.address()),
            (9004, testbed.twilio.address()),
            (9005, testbed.sendgrid.address()),
        ],
        ..Options::default()
    };
    let image = Image::Eif(eif.to_owned());
    let mut machine = Machine::boot(&fixture.emulator, &image, options).unwrap();
    for line in ["TEST VARIANT", "ready"] {
        match machine.wait_console(line, LIMIT) {
            Err(BootError::Nsm(_)) => return false,
            other => other.unwrap(),
        };
    }

    let mut task = Task::new(pdf::document(2, 0))
        .with_signers(2)
        .with_phone(1, "+886912345678");
    task.notificant = "office@example.com".into();
    task.signers[1].name = "\u{738b}\u{5c0f}\u{660e}".into();
    let sealed = task.seal();
    let signing = || runtime.block_on(client::sign(&testbed, &sealed));
    let signed = match catch_unwind(AssertUnwindSafe(signing)) {
        Err(_) if machine.nsm_stopped() => return false,
        Err(panic) => resume_unwind(panic),
        Ok(signed) => signed,
    };

    let (pdf, spf) = (&signed.files[0].1, Spf::parse(&signed.files[1].1).unwrap());
    assert!(pdf.ends_with(b"letsesign=true\n"));
    assert_eq!(spf.summary.signers[1].name, "\u{738b}\u{5c0f}\u{660e}");
    let document = Unverified::parse(&spf.attestation).unwrap();
    for (number, pcr) in (0..).zip(pcrs) {
        assert_eq!(document.pcrs[&number], pcr, "PCR{number}");
    }
    UserData::parse(document.user_data.unwrap())
        .unwrap()
        .expect(
            Function::AttachEsig,
            &[("esigPDF", Hash::of(pdf)), ("summary", spf.summary.hash())],
        )
        .unwrap();
    // Received, two requests, two reported confirmations, and the three final mails.
    assert_eq!(testbed.mailbox.count(), 8);

    match catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(protocol2::play(&testbed));
    })) {
        Err(_) if machine.nsm_stopped() => return false,
        Err(panic) => resume_unwind(panic),
        Ok(()) => {}
    }

    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(hostile(&testbed)))) {
        Err(_) if machine.nsm_stopped() => return false,
        Err(panic) => resume_unwind(panic),
        Ok(()) => {}
    }

    // Another image gets no key, even with an honest server.
    testbed.kms.change_policy(|policy| policy.images.clear());
    let refused = runtime.block_on(testbed.run("sendReq", &task.seal().send_req(0)));
    assert_eq!(refused["code"], 2002, "{refused}");
    true
}

#[test]
fn a_document_is_signed_in_the_enclave() {
    let (Some(artifacts), Some(fixture)) = (letsesign_tests::artifacts(), Fixture::get()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = artifacts.join("bin/letsesign-server-test-variant");
    let anchors = tls::pem(tls::authority_der());
    let eif = test_variant(&fixture, &server, folder.path(), &anchors, &[]).unwrap();
    let (_, built) = eif::Image::open(&eif, Arc::new(eif::Silent)).unwrap();
    let pcrs = [&built.pcrs.pcr0, &built.pcrs.pcr1, &built.pcrs.pcr2]
        .map(|pcr| <[u8; 48]>::try_from(hex::decode(pcr.to_string()).unwrap()).unwrap());
    let signed = (0..BOOTS).any(|_| signs(&fixture, &eif, &pcrs));
    assert!(signed, "the emulated NSM stopped in each of {BOOTS} boots");
}
