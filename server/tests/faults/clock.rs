//! The NSM's clock jumps. The machine's wall clock plays no role: it stays as it is, and what KMS
//! and the NSM agree on is right.

use crate::stage::{Stage, code, task};
use letsesign_testbed::Attested;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Every job asks the NSM for the document that goes to KMS, and so learns its time.
const LIMITS: [(&str, &str); 1] = [("kms-document-ms", "1")];

fn everywhere(stage: &Stage, offset: i64) {
    stage.testbed.nsm.clock().set_offset(offset);
    stage.testbed.kms.clock().set_offset(offset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_signed_at_the_time_of_the_nsm() {
    let mut stage = Stage::start(&LIMITS).await;
    stage.works(&"the start").await;
    let sealed = task().seal();
    for offset in [2 * HOUR, -2 * HOUR, 20 * DAY, -20 * HOUR] {
        // The NSM alone jumps: KMS refuses such a time, and the server does not retry.
        stage.testbed.nsm.clock().set_offset(offset);
        let outcome = stage.ask(&sealed).await;
        assert_eq!(
            (outcome.code, outcome.kms.requests, outcome.mails),
            (2002, 4, 0),
            "{offset}"
        );
        stage.testbed.nsm.clock().set_offset(0);
        stage.works(&offset).await;
        // Both jump: the server takes their time, whatever the machine's clock says.
        everywhere(&stage, offset);
        stage.works(&offset).await;
        everywhere(&stage, 0);
        stage.works(&offset).await;
    }
    stage.end().await;
}

/// Certificates are checked against it, too, where no session is resumed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_checked_at_the_time_of_the_nsm() {
    for offset in [-2 * DAY, 301 * DAY] {
        let mut stage = Stage::start(&LIMITS).await;
        everywhere(&stage, offset);
        let outcome = stage.ask(&task().seal()).await;
        assert_eq!(
            (outcome.code, outcome.kms.requests, outcome.mails),
            (2002, 0, 0),
            "{offset}"
        );
        everywhere(&stage, 0);
        stage.works(&offset).await;
        stage.end().await;
    }
}

/// The server sets its clock without jobs, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_set_without_jobs() {
    let mut stage = Stage::start(&[("clock-ms", "20")]).await;
    stage.works(&"the start").await;
    for offset in [3 * HOUR, 0] {
        everywhere(&stage, offset);
        let documents = stage.testbed.nsm.documents();
        crate::stage::until("two documents", || {
            stage.testbed.nsm.documents() >= documents + 2
        })
        .await;
    }
    let news = || {
        let log = stage.server.log();
        log.matches("the clock is set by the NSM's time").count()
    };
    // A line may be on its way through the pipe.
    crate::stage::until("two lines", || news() >= 2).await;
    let news = news();
    assert_eq!(news, 2, "{}", stage.server.log());
    stage.works(&"a jump").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_of_other_times() {
    let mut stage = Stage::start(&LIMITS).await;
    let sealed = task().seal();
    let (por, secret) = stage.asked(&sealed, 0).await;
    let confirm = async |stage: &Stage, por: &Attested, secret: &str| {
        let result = stage
            .testbed
            .run("confirmIntent", &sealed.confirm_intent(secret, por))
            .await;
        (code(&result), result)
    };
    assert_eq!(confirm(&stage, &por, &secret).await.0, 0);
    // Valid for 180 days.
    everywhere(&stage, 179 * DAY);
    assert_eq!(confirm(&stage, &por, &secret).await.0, 0);
    everywhere(&stage, 181 * DAY);
    assert_eq!(confirm(&stage, &por, &secret).await.0, 2201);
    assert!(stage.server.writes("the request has expired"));
    everywhere(&stage, 0);
    let (code, confirmed) = confirm(&stage, &por, &secret).await;
    assert_eq!(code, 0);
    // Made in the future: two NSMs may differ by less than a minute.
    everywhere(&stage, 30_000);
    let (near, near_secret) = stage.asked(&sealed, 0).await;
    everywhere(&stage, HOUR);
    let (far, far_secret) = stage.asked(&sealed, 0).await;
    let (_, far_confirmed) = confirm(&stage, &far, &far_secret).await;
    everywhere(&stage, 0);
    assert_eq!(confirm(&stage, &near, &near_secret).await.0, 0);
    assert_eq!(confirm(&stage, &far, &far_secret).await.0, 2201);
    assert!(stage.server.writes("the document is from the future"));
    for (poi, code) in [(confirmed, 0), (far_confirmed, 2302)] {
        let job = sealed.attach_esig(&[Attested::of(&poi)]);
        assert_eq!(
            crate::stage::code(&stage.testbed.run("attachEsig", &job).await),
            code
        );
    }
    stage.works(&"other times").await;
    stage.end().await;
}
