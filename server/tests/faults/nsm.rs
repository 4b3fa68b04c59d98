//! Faults of the NSM, and debug mode.

use crate::stage::{IMPATIENT, Stage, code, task, until};
use letsesign_testbed::nsm::Refusal;
use letsesign_testbed::{NsmFault, Options, Testbed};
use std::time::Duration;

fn faults() -> Vec<NsmFault> {
    vec![
        NsmFault::Close,
        NsmFault::Garbage,
        NsmFault::Announce(16),
        NsmFault::Announce(u32::MAX),
        NsmFault::Refuse(Refusal::Internal),
        NsmFault::Refuse(Refusal::InputTooLarge),
        NsmFault::Refuse(Refusal::InvalidOperation),
        NsmFault::OtherAnswer,
        NsmFault::Document(b"garbage".to_vec()),
        NsmFault::Document(Vec::new()),
    ]
}

/// The document for KMS is a job's first request to the NSM, the one for its result the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_decrypting_it_is_2002_and_afterwards_2999() {
    let mut stage = Stage::start(&[("kms-document-ms", "1")]).await;
    let sealed = task().seal();
    stage.works(&"the start").await;
    for fault in faults() {
        stage.testbed.nsm.faults().next(fault.clone());
        let outcome = stage.ask(&sealed).await;
        assert_eq!((outcome.code, outcome.mails), (2002, 0), "{fault:?}");
        stage.works(&fault).await;
    }
    stage.end().await;

    let mut stage = Stage::start(&[]).await;
    // Its document for KMS is good for a minute.
    let (por, secret) = stage.asked(&sealed, 0).await;
    for fault in faults() {
        stage.testbed.nsm.faults().next(fault.clone());
        let outcome = stage.ask(&sealed).await;
        // The signer must not get a useless link.
        assert_eq!(
            (outcome.code, outcome.mail.connections, outcome.mails),
            (2999, 0, 0),
            "{fault:?}"
        );
        stage.testbed.nsm.faults().next(fault.clone());
        let job = sealed.confirm_intent(&secret, &por);
        let result = stage.testbed.run("confirmIntent", &job).await;
        assert_eq!(code(&result), 2999, "{fault:?}");
        stage.works(&fault).await;
    }
    stage.end().await;
}

/// A request that is given up still has its turn at the device: what follows waits, and goes on
/// when the device does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_nsm_costs_the_jobs_that_waited() {
    let mut stage = Stage::start(&[&IMPATIENT[..], &[("nsm-ms", "400")]].concat()).await;
    stage.works(&"the start").await;
    let late = NsmFault::Delay(Duration::from_millis(1500));
    stage.testbed.nsm.faults().next(late.clone());
    let requests = stage.testbed.nsm.requests();
    let sealed = task().seal();
    let jobs = [0; 3].map(|_| stage.testbed.submit("sendReq", &sealed.send_req(0)));
    for job in jobs {
        assert_eq!(code(&job.result().await), 2999);
    }
    assert_eq!(stage.testbed.nsm.requests(), requests + 1);
    // Now it answers.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stage.works(&late).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_nsm_that_hangs_does_not_keep_the_server_from_ending() {
    let stage = Stage::start(&[("nsm-ms", "400")]).await;
    let sealed = task().seal();
    assert_eq!(stage.ask(&sealed).await.code, 0);
    stage.testbed.nsm.faults().always(NsmFault::Hang);
    assert_eq!(stage.ask(&sealed).await.code, 2999);
    stage.end().await;
}

/// In debug mode KMS gives nothing. If it did, no proof would be accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debug_enclave_signs_nothing() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let measured = testbed.nsm.pcrs();
    testbed.nsm.set_pcrs([[0; 48]; 3]);
    let stage = Stage::in_testbed(testbed, &[("kms-document-ms", "1")]);
    until("the start", || stage.server.log().contains("ready")).await;
    assert!(
        stage.server.writes("no proof will be accepted"),
        "{}",
        stage.server.log()
    );
    let sealed = task().seal();
    let outcome = stage.ask(&sealed).await;
    assert_eq!(
        (outcome.code, outcome.kms.served, outcome.mails),
        (2002, 0, 0)
    );
    // An NSM whose registers are right afterwards.
    stage.testbed.nsm.set_pcrs(measured);
    let (por, secret) = stage.asked(&sealed, 0).await;
    let result = stage
        .testbed
        .run("confirmIntent", &sealed.confirm_intent(&secret, &por))
        .await;
    assert_eq!(code(&result), 2201);
    stage.end().await;
}
