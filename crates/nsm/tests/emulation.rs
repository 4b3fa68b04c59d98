//! The client of the emulated NSM, against one on a thread.
#![cfg(feature = "emulation")]
#![cfg(test)]

use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use letsesign_nsm::emulation::{read_message, write_message};
use letsesign_nsm::{Error, NONCE_MAX, Nsm};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::thread;

/// Serves one connection with what the closure makes of the request, and returns the client.
fn serve(answer: impl FnOnce(Request) -> Vec<u8> + Send + 'static) -> (Nsm, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nsm");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_message(&mut stream, 0x1000).unwrap();
        let bytes = answer(serde_cbor::from_slice(&request).unwrap());
        let _ = stream.write_all(&bytes);
    });
    (Nsm::emulated(path), directory)
}

fn framed(response: &Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_message(&mut bytes, &serde_cbor::to_vec(response).unwrap()).unwrap();
    bytes
}

#[test]
fn a_document_comes_back_for_the_given_nonce() {
    let (nsm, _directory) = serve(|request| {
        let Request::Attestation { nonce, .. } = request else {
            panic!("{request:?}")
        };
        framed(&Response::Attestation {
            document: nonce.unwrap().into_vec(),
        })
    });
    assert_eq!(
        nsm.attest(None, Some(b"0123456789abcdef"), None).unwrap(),
        b"0123456789abcdef"
    );
}

#[test]
fn a_refusal_names_the_request_and_the_code() {
    let (nsm, _directory) = serve(|_| framed(&Response::Error(ErrorCode::InvalidOperation)));
    assert_eq!(
        nsm.random().unwrap_err().to_string(),
        "the NSM refused GetRandom: InvalidOperation"
    );
}

#[test]
fn another_answer_than_asked_for_is_an_error() {
    let (nsm, _directory) = serve(|_| framed(&Response::LockPCR));
    assert!(matches!(
        nsm.describe().unwrap_err(),
        Error::WrongAnswer {
            request: "DescribeNSM"
        }
    ));
}

#[test]
fn an_announced_length_beyond_the_limit_is_refused_before_it_is_allocated() {
    let (nsm, _directory) = serve(|_| vec![0xff, 0xff, 0xff, 0xff]);
    let error = nsm.random().unwrap_err().to_string();
    assert!(error.contains("4294967295 bytes is announced"), "{error}");
}

#[test]
fn a_cut_answer_is_an_error() {
    let (nsm, _directory) = serve(|_| vec![0, 0, 0, 9, 1]);
    assert!(matches!(nsm.random().unwrap_err(), Error::Exchange { .. }));
}

#[test]
fn long_fields_are_refused_before_anything_is_sent() {
    let nsm = Nsm::emulated("/nonexistent");
    let error = nsm
        .attest(None, Some(&[0; NONCE_MAX + 1]), None)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "nonce is 513 bytes long; the NSM takes at most 512"
    );
    assert!(matches!(nsm.random().unwrap_err(), Error::Open { .. }));
}
