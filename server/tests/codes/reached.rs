//! No code is without a test.

use letsesign_job_protocol::Code;

#[test]
fn every_code_has_a_test_that_reaches_it() {
    let mut text = String::new();
    for folder in ["codes", "protocol2"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(folder);
        for entry in std::fs::read_dir(folder).unwrap() {
            text += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
        }
    }
    for code in Code::ALL.iter().filter(|code| **code != Code::Success) {
        let number = code.number().to_string();
        let asserted = text.contains(&number);
        assert!(asserted, "nothing reaches {number}");
    }
}

/// An unforeseen failure: an NSM that answers at the start and then no more.
#[tokio::test]
async fn an_nsm_that_fails_is_2999() {
    let rig = crate::Rig::start().await;
    let sealed = crate::task().seal();
    let proof = rig.confirmed(&sealed, 0).await;
    rig.testbed
        .nsm
        .faults()
        .always(letsesign_testbed::NsmFault::Refuse(
            letsesign_testbed::nsm::Refusal::Internal,
        ));
    assert_eq!(
        rig.code("attachEsig", &sealed.attach_esig(&[proof])).await,
        2999
    );
    let (_, log) = rig.server.terminate().await;
    assert!(log.contains("2999"), "{log}");
}
