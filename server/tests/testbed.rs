//! The server as a program in the testbed (docs/testbed.md).

#![cfg(test)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_attestation::{Expected, Live, Measurements, Nonce, Root, Verifier};
use letsesign_testbed::{Json, Options, Server, Testbed};

#[tokio::test]
async fn a_self_test_gives_a_document_that_verifies() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let program = env!("CARGO_BIN_EXE_letsesign-server").as_ref();
    let server = Server::start(program, &testbed, &[("workers-max", "1"), ("poll-ms", "5")]);
    let nonce = [7; 16];
    let data = Json::object([("nonce", BASE64_STANDARD.encode(nonce).into())]);
    let result = testbed.run("selfTest", &data).await;
    assert_eq!(result["code"], 0, "{result}\n{}", server.log());

    let document = BASE64_STANDARD
        .decode(result["attestDocument"].as_str().unwrap())
        .unwrap();
    let root = Root::for_tests(&letsesign_test_authority::root().to_der()).unwrap();
    let [pcr0, pcr1, pcr2] = testbed.nsm.pcrs();
    let expected = Expected::current(Measurements::new(pcr0, pcr1, pcr2).unwrap());
    let live = Live {
        now: testbed.nsm.clock().now(),
        max_age: 60_000,
        ahead: 0,
        nonce: Some(Nonce::new(nonce.to_vec()).unwrap()),
    };
    let running = Verifier::new(root)
        .running(&document, &expected, live)
        .unwrap();
    assert_eq!(
        running.document.user_data.as_deref(),
        Some(br#"{"fnName":"selfTest","hashList":[]}"#.as_slice())
    );

    let (code, log) = server.terminate().await;
    assert_eq!(code, Some(0), "{log}");
}
