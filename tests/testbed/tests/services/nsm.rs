use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use letsesign_attestation::{Live, Nonce, Root, Verifier};
use letsesign_nsm::Nsm;
use letsesign_nsm::emulation::{read_message, write_message};
use letsesign_testbed::nsm::Refusal;
use letsesign_testbed::{NsmFault, Options, Testbed};
use serde_bytes::ByteBuf;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The blocking client of the server, off the testbed's threads.
async fn ask<T: Send + 'static>(
    testbed: &Testbed,
    question: impl FnOnce(Nsm) -> T + Send + 'static,
) -> T {
    let nsm = Nsm::emulated(testbed.nsm.socket());
    tokio::task::spawn_blocking(|| question(nsm)).await.unwrap()
}

fn raw(socket: &Path, request: &Request) -> Response {
    let mut stream = UnixStream::connect(socket).unwrap();
    write_message(&mut stream, &serde_cbor::to_vec(request).unwrap()).unwrap();
    serde_cbor::from_slice(&read_message(&mut stream, 1 << 16).unwrap()).unwrap()
}

#[tokio::test]
async fn documents_verify_at_their_time() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let verifier =
        Verifier::new(Root::for_tests(&letsesign_test_authority::root().to_der()).unwrap());
    for offset in [0, -86_400_000, 3_600_000, 7_200_000, 0] {
        testbed.nsm.clock().set_offset(offset);
        let document = ask(&testbed, |nsm| {
            nsm.attest(Some(b"data"), Some(&[3; 16]), Some(&[4; 294]))
                .unwrap()
        })
        .await;
        let live = Live {
            now: testbed.nsm.clock().now(),
            max_age: 10_000,
            ahead: 0,
            nonce: Some(Nonce::new(vec![3; 16]).unwrap()),
        };
        let document = verifier.inspect_running(&document, live).unwrap().document;
        assert_eq!(document.user_data.as_deref(), Some(&b"data"[..]));
        assert_eq!(document.public_key, Some(vec![4; 294]));
        assert_eq!(document.pcrs.get(2), Some(&[0x33; 48].into()));
    }
    assert_eq!(testbed.nsm.documents(), 5);
}

#[tokio::test]
async fn debug_mode_is_zeros() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    testbed.nsm.set_pcrs([[0; 48]; 3]);
    let document = ask(&testbed, |nsm| nsm.attest(None, None, None).unwrap()).await;
    let verifier =
        Verifier::new(Root::for_tests(&letsesign_test_authority::root().to_der()).unwrap());
    let error = verifier.inspect_recorded(&document).unwrap_err();
    assert_eq!(error.kind(), "debug");
}

#[tokio::test]
async fn it_describes_itself_and_gives_random_bytes() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let (description, one, two) = ask(&testbed, |nsm| {
        (
            nsm.describe().unwrap(),
            nsm.random().unwrap(),
            nsm.random().unwrap(),
        )
    })
    .await;
    assert_eq!(
        (description.max_pcrs, description.module_id.as_str()),
        (32, "i-0000-enc0000")
    );
    assert_eq!(one.len(), 256);
    assert_ne!(one, two);
    let socket = testbed.nsm.socket().to_owned();
    tokio::task::spawn_blocking(move || {
        let Response::DescribePCR { lock: true, data } =
            raw(&socket, &Request::DescribePCR { index: 1 })
        else {
            panic!("no register");
        };
        assert_eq!(data, [0x22; 48]);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn limits_are_those_of_aws() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let socket = testbed.nsm.socket().to_owned();
    tokio::task::spawn_blocking(move || {
        let bytes = |count: usize| (count > 0).then(|| ByteBuf::from(vec![1; count]));
        for (user_data, nonce, public_key, fits) in [
            (512, 512, 1024, true),
            (513, 0, 0, false),
            (0, 513, 0, false),
            (0, 0, 1025, false),
        ] {
            let request = Request::Attestation {
                user_data: bytes(user_data),
                nonce: bytes(nonce),
                public_key: bytes(public_key),
            };
            match raw(&socket, &request) {
                Response::Attestation { .. } => assert!(fits),
                Response::Error(ErrorCode::InputTooLarge) => assert!(!fits),
                other => panic!("{other:?}"),
            }
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn it_fails_on_demand() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    for (fault, words) in [
        (NsmFault::Refuse(Refusal::Internal), "InternalError"),
        (NsmFault::Close, "did not answer"),
        (NsmFault::Garbage, "did not answer"),
        (NsmFault::Announce(1 << 20), "is announced"),
        (NsmFault::OtherAnswer, "does not belong"),
    ] {
        testbed.nsm.faults().next(fault);
        let error = ask(&testbed, |nsm| nsm.random().unwrap_err().to_string()).await;
        assert!(error.contains(words), "{error}");
    }
    testbed.nsm.faults().next(NsmFault::Document(vec![1, 2]));
    let document = ask(&testbed, |nsm| nsm.attest(None, None, None).unwrap()).await;
    assert_eq!(document, [1, 2]);
    assert_eq!(testbed.nsm.faults().struck(), 6);
}
