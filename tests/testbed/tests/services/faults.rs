//! Each fault, as a client of HTTPS meets it.

use crate::support::{Response, connect, exchange};
use letsesign_testbed::twilio::HOST;
use letsesign_testbed::{Answer, Fault, Options, Testbed, WrongCertificate};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

async fn call(testbed: &Testbed) -> io::Result<Response> {
    let mut stream = connect(testbed.twilio.address(), HOST).await?;
    exchange(&mut stream, "GET", "/", &[], b"").await
}

#[tokio::test]
async fn connections_break() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let faults = testbed.twilio.faults();
    faults.next(Fault::Reset);
    faults.next(Fault::Garbage(b"no TLS at all\r\n".to_vec()));
    for words in [&["reset", "eof", "pipe"][..], &["corrupt"]] {
        let error = call(&testbed).await.unwrap_err().to_string().to_lowercase();
        assert!(words.iter().any(|word| error.contains(word)), "{error}");
    }
    faults.next(Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_millis(300), call(&testbed)).await;
    assert!(hung.is_err());
    for (wrong, words) in [
        (WrongCertificate::Name, "not valid for name"),
        (WrongCertificate::Authority, "UnknownIssuer"),
        (WrongCertificate::Expired, "expired"),
        (WrongCertificate::Future, "not valid yet"),
    ] {
        faults.next(Fault::Certificate(wrong));
        let error = call(&testbed).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(call(&testbed).await.unwrap().status, 401);
    assert_eq!((faults.struck(), faults.waiting()), (7, 0));
}

#[tokio::test]
async fn answers_break() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let faults = testbed.twilio.faults();
    faults.next(Fault::Answer(Answer::json(503, "{}")));
    assert_eq!(call(&testbed).await.unwrap().status, 503);
    for fault in [
        Fault::CloseAfter(0),
        Fault::CloseAfter(100),
        Fault::ResetAfter(0),
        Fault::ResetAfter(100),
        Fault::Raw(b"HTTP/1.1 200 -\r\n".to_vec(), true),
    ] {
        faults.next(fault);
        call(&testbed).await.unwrap_err();
    }
    for fault in [Fault::HangAtRequest, Fault::HangAfterHead] {
        faults.next(fault);
        let hung = tokio::time::timeout(Duration::from_millis(300), call(&testbed)).await;
        assert!(hung.is_err());
    }
    for fault in [
        Fault::Delay(Duration::from_millis(100)),
        Fault::Trickle(Duration::from_micros(200)),
    ] {
        faults.next(fault);
        let start = Instant::now();
        assert_eq!(call(&testbed).await.unwrap().status, 401);
        assert!(start.elapsed() >= Duration::from_millis(30));
    }
    for chunked in [false, true] {
        let bytes = (1 << 20) + 1;
        faults.next(Fault::Oversize { bytes, chunked });
        let mut stream = connect(testbed.twilio.address(), HOST).await.unwrap();
        let response = exchange(&mut stream, "GET", "/", &[], b"").await.unwrap();
        if chunked {
            let mut rest = Vec::new();
            while !rest.ends_with(b"0\r\n\r\n") {
                stream.read_buf(&mut rest).await.unwrap();
            }
            let spaces: u64 = rest.iter().map(|byte| u64::from(*byte == b' ')).sum();
            assert_eq!(spaces, bytes);
        } else {
            assert_eq!(response.body.len() as u64, bytes);
        }
    }
    assert_eq!(faults.struck(), 12);
}
