use super::*;
use letsesign_pcr::Pcr;
use letsesign_testbed::{Options, Testbed};

fn measurements(fill: [u8; 3]) -> Measurements {
    let pcr = |fill: u8| Pcr::parse(&hex::encode([fill; 48])).unwrap();
    Measurements::new(pcr(fill[0]), pcr(fill[1]), pcr(fill[2])).unwrap()
}

fn root() -> Verification {
    Verification::test_root(&letsesign_test_authority::root().to_der()).unwrap()
}

/// The answer of the testbed's enclave to this nonce.
async fn answer(nonce: &[u8], user_data: &[u8]) -> Value {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let document = testbed.nsm.attest(Some(user_data), |document| {
        document.nonce = Some(nonce.to_vec());
    });
    json!({"code": 0, "attestDocument": BASE64_STANDARD.encode(document)})
}

#[tokio::test]
async fn a_self_test_of_this_image_and_nonce_is_accepted() {
    let nonce = vec![7; NONCE];
    let good = answer(&nonce, USER_DATA).await;
    let ours = measurements([0x11, 0x22, 0x33]);
    for verification in [root(), Verification::Registers] {
        check(&good, nonce.clone(), &ours, &verification).unwrap();
        for other in [[0x12, 0x22, 0x33], [0x11, 0x23, 0x33], [0x11, 0x22, 0x34]] {
            check(&good, nonce.clone(), &measurements(other), &verification).unwrap_err();
        }
        check(&good, vec![8; NONCE], &ours, &verification).unwrap_err();
        let other = answer(&nonce, br#"{"fnName":"sendReq","hashList":[]}"#).await;
        check(&other, nonce.clone(), &ours, &verification).unwrap_err();
    }
    // The testbed's root is not AWS's.
    check(&good, nonce, &ours, &Verification::aws()).unwrap_err();
}

#[tokio::test]
async fn answers_that_are_no_self_test_are_refused() {
    let ours = measurements([0x11, 0x22, 0x33]);
    let nonce = vec![7; NONCE];
    for answer in [
        json!({"code": 2999}),
        json!({"code": 0}),
        json!({"code": "0", "attestDocument": "AAAA"}),
        json!({"code": 0, "attestDocument": "no base64!"}),
        json!({"code": 0, "attestDocument": "AAAA"}),
        json!([]),
    ] {
        for verification in [root(), Verification::Registers] {
            check(&answer, nonce.clone(), &ours, &verification).unwrap_err();
        }
    }
    let error = check(&json!({"code": 2999}), nonce, &ours, &root()).unwrap_err();
    assert_eq!(error.to_string(), "the self-test ended with code 2999");
}
